/* copyup.c: see copyup.h. */
#include "fsd/copyup.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/handle.h"
#include "fsd/overlay.h"

void work_name(struct fsd_session *s, char out[32])
{
	snprintf(out, 32, "c%llu", (unsigned long long)s->next_temp++);
}

static bool in_upper(const struct node *n)
{
	return !n->mount->has_upper || n->layer == 0 || n->where == NODE_INDEXED ||
	       n->where == NODE_HIDDEN;
}

int mark_impure(struct fsd_session *s, struct node *dir)
{
	int fd = dir_fd(s, dir, 0);

	return fd < 0 ? fd : plat_fxattr_set(fd, META_XATTR_IMPURE, "y", 1, 0);
}

/* Attributes other than the overlay's own go along as they are. */
static int copy_xattrs(int from, int to)
{
	char list[4096], value[65536];
	ssize_t n = plat_fxattr_list(from, list, sizeof(list));
	int r = 0;

	if (n == -LX_EOPNOTSUPP || n == -LX_EBADF)
		return 0;
	if (n < 0)
		return (int)n;
	for (char *name = list; name < list + n && r == 0; name += strlen(name) + 1) {
		ssize_t len;

		if (strncmp(name, "user.", 5) != 0 || strcmp(name, META_XATTR_OPAQUE) == 0 ||
		    strcmp(name, META_XATTR_REDIR) == 0 || strcmp(name, META_XATTR_STAT) == 0)
			continue;
		len = plat_fxattr_get(from, name, value, sizeof(value));
		r = len < 0 ? (int)len : plat_fxattr_set(to, name, value, (size_t)len, 0);
	}
	return r;
}

static int set_times(int fd, const struct stat *st)
{
	struct timespec t[2] = {st->st_atim, st->st_mtim};

	return futimens(fd, t) < 0 ? plat_errno(errno) : 0;
}

/* Runs for the directory alone; those above it are there. */
static int copy_up_one_dir(struct fsd_session *s, struct node *dir)
{
	struct dentry *d = list_first_entry(&dir->dentries, struct dentry, of_node);
	int from = dir_fd(s, dir, dir->layer), up = dir_fd(s, d->dir, 0), to = -1, r;
	int temp = dir->mount->work.temp;
	struct stat st, up_st;
	struct meta m;
	char work[32];

	if (from < 0 || up < 0)
		return from < 0 ? from : up;
	work_name(s, work);
	if (fstat(from, &st) < 0 || fstat(up, &up_st) < 0)
		return plat_errno(errno);
	r = meta_read_fd(from, dir->mount->layer[dir->layer].origin, &st, &m);
	if (r < 0)
		return r;
	if (mkdirat(temp, work, 0700) < 0)
		return plat_errno(errno);
	to = openat(temp, work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = to < 0 ? plat_errno(errno) : copy_xattrs(from, to);
	if (r == 0)
		r = meta_write_fd(to, &m);
	if (r == 0 && dir->redirect)
		r = plat_fxattr_set(to, META_XATTR_REDIR, dir->redirect, strlen(dir->redirect), 0);
	if (r == 0)
		r = set_times(to, &st);
	if (r == 0)
		r = plat_rename(temp, work, up, d->name, PLAT_RENAME_NOREPLACE);
	if (to >= 0)
		close(to);
	if (r < 0) {
		unlinkat(temp, work, AT_REMOVEDIR);
		return r;
	}
	d->upper = true;
	dir->layer = 0;
	layer_set_add(&dir->in, 0);
	return set_times(up, &up_st);
}

int copy_up_dir(struct fsd_session *s, struct node *dir)
{
	struct node *n = dir;

	if (dir->mount->readonly || !dir->mount->has_upper)
		return -LX_EROFS;
	if (dir->where == NODE_GONE)
		return -LX_ENOENT;
	/* From the topmost one that is missing down to dir; parents are short of it only together.
	 */
	while (!layer_set_has(&dir->in, 0)) {
		int r;

		for (n = dir;;) {
			struct node *up =
			    list_first_entry(&n->dentries, struct dentry, of_node)->dir;

			if (layer_set_has(&up->in, 0))
				break;
			n = up;
		}
		r = copy_up_one_dir(s, n);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Completes a copy: meta data, the inode number it had, how many names, times. */
static int finish_copy(struct node *n, int to, const struct stat *st, const struct meta *m)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n->ino);
	int r = meta_write_fd(to, m);

	if (r == 0)
		r = plat_fxattr_set(to, META_XATTR_ORIGIN, text, (size_t)len, 0);
	if (r == 0 && st->st_nlink > 1 && n->mount->work.links >= 0) {
		len = snprintf(text, sizeof(text), "%llu", (unsigned long long)st->st_nlink);
		r = plat_fxattr_set(to, META_XATTR_NLINK, text, (size_t)len, 0);
	}
	return r < 0 ? r : set_times(to, st);
}

/* A complete copy of a regular file (or placeholder) under a work name. */
static int copy_file(struct node *n, int from, const struct stat *st, bool with_data,
                     const char *work)
{
	struct meta m;
	int to, r = meta_read_fd(from, n->mount->layer[n->layer].origin, st, &m);

	if (r < 0)
		return r;
	to = openat(n->mount->work.temp, work, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            meta_host_mode(m.mode));
	if (to < 0)
		return plat_errno(errno);
	if (with_data)
		r = plat_copy_file(from, to, (uint64_t)st->st_size);
	if (r == 0)
		r = copy_xattrs(from, to);
	if (r == 0)
		r = finish_copy(n, to, st, &m);
	close(to);
	return r;
}

/* A link with several names becomes a placeholder, which can say so. */
static int copy_linked_symlink(struct node *n, const char *target, const struct stat *st,
                               const char *work)
{
	struct meta m = {.mode = S_IFLNK | 0777};
	size_t len = strlen(target);
	int to, r = 0;

	to = openat(n->mount->work.temp, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            0600);
	if (to < 0)
		return plat_errno(errno);
	if (write(to, target, len) != (ssize_t)len)
		r = -LX_ENOSPC;
	if (r == 0)
		r = finish_copy(n, to, st, &m);
	close(to);
	n->placeholder = true;
	return r;
}

static int copy_symlink(struct node *n, int dfd, const char *name, const struct stat *st,
                        const char *work)
{
	struct timespec t[2] = {st->st_atim, st->st_mtim};
	char target[4096];
	ssize_t len = readlinkat(dfd, name, target, sizeof(target) - 1);

	if (len < 0)
		return plat_errno(errno);
	target[len] = '\0';
	if (st->st_nlink > 1 && n->mount->work.links >= 0)
		return copy_linked_symlink(n, target, st, work);
	if (symlinkat(target, n->mount->work.temp, work) < 0 ||
	    utimensat(n->mount->work.temp, work, t, AT_SYMLINK_NOFOLLOW) < 0)
		return plat_errno(errno);
	return 0;
}

/* A fifo, socket or device of a host directory becomes a placeholder. */
static int copy_special(struct node *n, const struct stat *st, const char *work)
{
	struct meta m;
	int to, r;

	meta_default(META_FOREIGN, st, &m);
	to = openat(n->mount->work.temp, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            0600);
	if (to < 0)
		return plat_errno(errno);
	r = meta_write_fd(to, &m);
	close(to);
	n->placeholder = true;
	return r;
}

/* Puts the finished copy at its place; a lower hard link also enters the index. */
static int place_copy(struct fsd_session *s, struct node *n, struct dentry *d, const char *work,
                      bool index)
{
	struct mount *m = n->mount;
	int up = dir_fd(s, d->dir, 0), r;
	struct stat up_st;
	char name[32];

	if (up < 0)
		return up;
	if (fstat(up, &up_st) < 0)
		return plat_errno(errno);
	r = mark_impure(s, d->dir);
	if (r < 0)
		return r;
	if (index) {
		snprintf(name, sizeof(name), "%llu", (unsigned long long)n->ino);
		if (linkat(m->work.temp, work, m->work.links, name, 0) < 0)
			return plat_errno(errno);
		m->work.link_count++;
	}
	if (renameat(m->work.temp, work, up, d->name) < 0) {
		r = plat_errno(errno);
		if (index) {
			unlinkat(m->work.links, name, 0);
			m->work.link_count--;
		}
		return r;
	}
	d->upper = true;
	n->layer = 0;
	if (index)
		n->where = NODE_INDEXED;
	return set_times(up, &up_st);
}

int copy_up(struct fsd_session *s, struct node *n, bool with_data)
{
	struct dentry *d;
	char work[32], buf[32];
	const char *name;
	struct stat st;
	int dfd, r, from = -1;
	bool index;

	if (n->mount->readonly || !n->mount->has_upper)
		return -LX_EROFS;
	if (n->type == S_IFDIR)
		return copy_up_dir(s, n);
	if (in_upper(n))
		return 0;
	if (n->where == NODE_GONE || list_empty(&n->dentries))
		return -LX_ESTALE;
	d = list_first_entry(&n->dentries, struct dentry, of_node);
	r = copy_up_dir(s, d->dir);
	if (r == 0)
		r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return plat_errno(errno);
	work_name(s, work);
	index = (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) && st.st_nlink > 1 &&
	        n->mount->work.links >= 0;
	if (S_ISREG(st.st_mode)) {
		from = openat(dfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		r = from < 0 ? plat_errno(errno) : copy_file(n, from, &st, with_data, work);
	} else if (S_ISLNK(st.st_mode)) {
		r = copy_symlink(n, dfd, name, &st, work);
	} else {
		r = copy_special(n, &st, work);
	}
	if (from >= 0)
		close(from);
	if (r == 0)
		r = place_copy(s, n, d, work, index);
	if (r < 0)
		unlinkat(n->mount->work.temp, work, 0);
	else
		handles_follow_copy_up(s, n);
	return r;
}

int copy_up_name(struct fsd_session *s, struct dentry *d)
{
	struct node *n = d->node;
	const char *name;
	char buf[32];
	int r = copy_up(s, n, true), dir, up;

	if (r < 0 || d->upper || n->type == S_IFDIR)
		return r;
	/* Another name of a hard link that was copied up. */
	r = copy_up_dir(s, d->dir);
	if (r == 0)
		r = node_place(s, n, &dir, &name, buf);
	if (r < 0)
		return r;
	up = dir_fd(s, d->dir, 0);
	if (up < 0)
		return up;
	r = mark_impure(s, d->dir);
	if (r == 0 && linkat(dir, name, up, d->name, 0) < 0)
		r = plat_errno(errno);
	if (r == 0)
		d->upper = true;
	return r;
}

int symlink_to_placeholder(struct fsd_session *s, struct node *n, const struct meta *m)
{
	struct dentry *d;
	char target[4096], work[32];
	struct timespec t[2];
	struct stat st;
	ssize_t len;
	int up, fd, r = 0, temp = n->mount->work.temp;

	if (n->where != NODE_NAMED || temp < 0)
		return -LX_EPERM;
	d = list_first_entry(&n->dentries, struct dentry, of_node);
	up = dir_fd(s, d->dir, 0);
	if (up < 0)
		return up;
	len = readlinkat(up, d->name, target, sizeof(target));
	if (len < 0 || fstatat(up, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return plat_errno(errno);
	work_name(s, work);
	fd = openat(temp, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return plat_errno(errno);
	t[0] = st.st_atim;
	t[1] = st.st_mtim;
	if (write(fd, target, (size_t)len) != len)
		r = -LX_ENOSPC;
	if (r == 0)
		r = meta_write_fd(fd, m);
	if (r == 0 && futimens(fd, t) < 0)
		r = plat_errno(errno);
	close(fd);
	if (r == 0)
		r = mark_impure(s, d->dir);
	if (r == 0 && renameat(temp, work, up, d->name) < 0)
		r = plat_errno(errno);
	if (r < 0) {
		unlinkat(temp, work, 0);
		return r;
	}
	n->placeholder = true;
	return 0;
}
