/* ops_remove.c: taking names away: unlink, rmdir. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/copyup.h"
#include "fsd/handle.h"
#include "fsd/ops.h"
#include "fsd/overlay.h"
#include "fsd/path.h"

/* One name less in the index's count; 0 names: the entry goes (or is hidden while open). */
static int indexed_leaving(struct fsd_session *s, struct node *n)
{
	char name[32], hidden[32], text[24], *end;
	struct mount *m = n->mount;
	unsigned long count;
	ssize_t got;
	int len;

	(void)s;
	snprintf(name, sizeof(name), "%llu", (unsigned long long)n->ino);
	got = plat_xattr_get(m->work.links, name, META_XATTR_NLINK, text, sizeof(text) - 1);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	count = strtoul(text, &end, 10);
	if (count > 1) {
		len = snprintf(text, sizeof(text), "%lu", count - 1);
		return plat_xattr_set(m->work.links, name, META_XATTR_NLINK, text, (size_t)len, 0);
	}
	if (list_empty(&n->handles)) {
		if (unlinkat(m->work.links, name, 0) < 0)
			return plat_errno(errno);
	} else {
		snprintf(hidden, sizeof(hidden), "h%llu", (unsigned long long)n->id);
		if (renameat(m->work.links, name, m->work.temp, hidden) < 0)
			return plat_errno(errno);
		n->where = NODE_HIDDEN;
		n->unlinked = true;
	}
	m->work.link_count--;
	return 0;
}

int name_leaving(struct fsd_session *s, struct dentry *d, bool *moved)
{
	struct node *n = d->node;
	struct mount *m = n->mount;
	char hidden[32], buf[32];
	const char *name;
	struct stat st;
	int dfd, r;

	if (n->type == S_IFDIR || n->where == NODE_GONE)
		return 0;
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return m->shared && errno == ENOENT ? 0 : plat_errno(errno);
	/* The other names of a lower hard link must learn that there is one less. */
	if (m->work.links >= 0 && n->where == NODE_NAMED && n->layer > 0 && st.st_nlink > 1 &&
	    (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))) {
		r = copy_up(s, n, true);
		if (r < 0)
			return r;
	}
	if (n->where == NODE_INDEXED)
		return indexed_leaving(s, n);
	n->revivable = st.st_nlink > 1;
	if (n->revivable || list_empty(&n->handles) || m->work.temp < 0 || !d->upper)
		return 0;
	snprintf(hidden, sizeof(hidden), "h%llu", (unsigned long long)n->id);
	if (moved) {
		if (renameat(dfd, name, m->work.temp, hidden) < 0)
			return plat_errno(errno);
		*moved = true;
	} else if (linkat(dfd, name, m->work.temp, hidden, 0) < 0) {
		return plat_errno(errno);
	}
	n->where = NODE_HIDDEN;
	n->unlinked = true;
	return 0;
}

void name_left(struct fsd_session *s, struct dentry *d)
{
	struct node *n = d->node;

	dentry_del(s, d);
	if (list_empty(&n->dentries) && n->where != NODE_HIDDEN) {
		/* Of an indexed file other names may be left that nobody has asked for yet. */
		if (n->where == NODE_INDEXED) {
			char name[32];
			struct stat st;

			snprintf(name, sizeof(name), "%llu", (unsigned long long)n->ino);
			if (fstatat(n->mount->work.links, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
				return;
		}
		node_set_gone(s, n);
	}
	node_unuse(s, n);
}

/* Puts a whiteout where nothing, or a file, is in the upper. */
static int put_whiteout(struct fsd_session *s, struct mount *m, int up, const char *name, bool over)
{
	char work[32];
	int r;

	if (!over)
		return mkfifoat(up, name, 0600) < 0 ? plat_errno(errno) : 0;
	work_name(s, work);
	if (mkfifoat(m->work.temp, work, 0600) < 0)
		return plat_errno(errno);
	if (renameat(m->work.temp, work, up, name) == 0)
		return 0;
	r = plat_errno(errno);
	unlinkat(m->work.temp, work, 0);
	return r;
}

/* The name of a request, its node and dentry. */
static int find_victim(struct fsd_session *s, uint64_t dir_id, const struct ipc_bytes *field,
                       char name[256], struct node **dir, struct dentry **d)
{
	struct node *n;
	int r = ops_name(field, name);

	if (r == 0)
		r = node_get_dir(s, dir_id, dir);
	if (r == 0)
		r = overlay_lookup(s, *dir, name, &n, NULL);
	if (r < 0)
		return r;
	if ((*dir)->mount->readonly)
		return -LX_EROFS;
	*d = dentry_find(s, *dir, name);
	return *d ? 0 : -LX_EIO;
}

int64_t fsd_do_unlink(struct fsd_session *s, const struct fsd_unlink_req *req,
                      struct fsd_unlink_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *last = req->handle ? handle_get(s, req->handle) : NULL;
	char name[256];
	struct node *dir;
	struct dentry *d;
	bool moved = false;
	int r, lower, up;

	(void)rep;
	(void)in;
	(void)out;
	if (last)
		handle_close(s, last);
	r = find_victim(s, req->dir, &req->name, name, &dir, &d);
	if (r < 0)
		return r;
	if (d->node->type == S_IFDIR)
		return -LX_EISDIR;
	lower = overlay_lower_has(s, dir, name);
	if (lower < 0)
		return lower;
	r = copy_up_dir(s, dir);
	if (r == 0)
		r = name_leaving(s, d, lower ? NULL : &moved);
	if (r < 0)
		return r;
	up = dir_fd(s, dir, 0);
	if (up < 0)
		return up;
	if (lower)
		r = put_whiteout(s, dir->mount, up, name, d->upper);
	else if (!moved && unlinkat(up, name, 0) < 0)
		r = plat_errno(errno);
	if (r == 0)
		name_left(s, d);
	return r;
}

int remove_upper_dir(struct fsd_session *s, struct mount *m, int up, const char *name,
                     bool whiteout)
{
	char work[32];
	int r;

	work_name(s, work);
	if (whiteout) {
		if (mkfifoat(m->work.temp, work, 0600) < 0)
			return plat_errno(errno);
		r = plat_rename(m->work.temp, work, up, name, PLAT_RENAME_EXCHANGE);
		if (r == 0)
			return path_remove_tree(m->work.temp, work);
		unlinkat(m->work.temp, work, 0);
		if (r != -LX_EINVAL)
			return r;
	}
	if (renameat(up, name, m->work.temp, work) < 0)
		return plat_errno(errno);
	if (whiteout && mkfifoat(up, name, 0600) < 0)
		return plat_errno(errno);
	return path_remove_tree(m->work.temp, work);
}

/* 0 if the directory shows nothing. */
static int check_empty(struct fsd_session *s, struct node *n)
{
	struct listing *l;
	int r = listing_read(s, n, &l);

	if (r < 0)
		return r;
	r = l->count ? -LX_ENOTEMPTY : 0;
	listing_free(l);
	return r;
}

int64_t fsd_do_rmdir(struct fsd_session *s, const struct fsd_rmdir_req *req,
                     struct fsd_rmdir_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	char name[256];
	struct node *dir;
	struct dentry *d;
	int r = find_victim(s, req->dir, &req->name, name, &dir, &d), lower, up;

	(void)rep;
	(void)in;
	(void)out;
	if (r < 0)
		return r;
	if (d->node->type != S_IFDIR)
		return -LX_ENOTDIR;
	lower = overlay_lower_has(s, dir, name);
	if (lower < 0)
		return lower;
	r = copy_up_dir(s, dir);
	if (r < 0)
		return r;
	up = dir_fd(s, dir, 0);
	if (up < 0)
		return up;
	if (!lower && d->node->mount->layer_count == 1) {
		r = unlinkat(up, name, AT_REMOVEDIR) < 0 ? plat_errno(errno) : 0;
	} else {
		r = check_empty(s, d->node);
		if (r == 0 && d->upper)
			r = remove_upper_dir(s, dir->mount, up, name, lower);
		else if (r == 0)
			r = put_whiteout(s, dir->mount, up, name, false);
	}
	if (r == 0)
		name_left(s, d);
	return r == -LX_EEXIST ? -LX_ENOTEMPTY : r;
}
