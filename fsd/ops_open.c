/* ops_open.c: opening and making regular files: open, create, tmpfile, close. */
#include "fsd/ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/copyup.h"
#include "fsd/handle.h"
#include "fsd/overlay.h"

int spot_prepare(struct fsd_session *s, uint64_t dir, const struct ipc_bytes *name,
                 struct spot *spot)
{
	struct found f;
	int r = ops_name(name, spot->name);

	if (r == 0)
		r = node_get_dir(s, dir, &spot->dir);
	if (r < 0)
		return r;
	spot->mount = spot->dir->mount;
	r = overlay_find(s, spot->dir, spot->name, &f);
	free(f.redirect);
	if (r == 0)
		return -LX_EEXIST;
	if (r != -LX_ENOENT)
		return r;
	spot->whiteout = f.whiteout;
	r = copy_up_dir(s, spot->dir);
	if (r < 0)
		return r;
	spot->fd = dir_fd(s, spot->dir, 0);
	return spot->fd < 0 ? spot->fd : 0;
}

int spot_enter(struct fsd_session *s, struct spot *spot, const struct stat *st,
               const struct meta *m, struct node **out, struct ipc_attr *attr)
{
	/* What was just made has no origin in a lower layer. */
	uint64_t ino = overlay_ino(spot->mount, 0, -1, spot->name, st);
	struct dentry *stale = dentry_find(s, spot->dir, spot->name);
	struct node *n;
	int r;

	if (stale) { /* on a bind mount the host may have removed what we knew */
		n = stale->node;
		dentry_del(s, stale);
		if (list_empty(&n->dentries))
			node_set_gone(s, n);
		node_unuse(s, n);
	}
	n = node_new(s, spot->mount, ino, m->mode & S_IFMT);
	if (!n)
		return -LX_ENOMEM;
	n->placeholder = n->type != S_IFREG && S_ISREG(st->st_mode);
	if (n->type == S_IFDIR)
		layer_set_add(&n->in, 0);
	r = dentry_add(s, spot->dir, spot->name, n, true, NULL);
	if (r < 0) {
		node_unuse(s, n);
		return r;
	}
	n->known = true;
	overlay_fill(s, n, st, m, attr);
	*out = n;
	return 0;
}

/* Opens a node's host file.  A read-only open never yields more than a read-only descriptor. */
static int open_node(struct fsd_session *s, struct node *n, uint32_t flags)
{
	char buf[32];
	const char *name;
	int dfd, fd, r;

	if (n->mount->file) {
		fd = lx_flags_writable(flags) ? n->mount->file_write_fd : n->mount->layer[0].fd;
		fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -LX_EACCES : fd;
	}
	r = node_place(s, n, &dfd, &name, buf);
	if (r == -LX_ESTALE && !list_empty(&n->handles)) {
		struct handle *h = list_first_entry(&n->handles, struct handle, of_node);

		if ((h->flags & LX_O_ACCMODE) != (flags & LX_O_ACCMODE))
			return r;
		fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? plat_errno(errno) : fd;
	}
	if (r < 0)
		return r;
	fd = openat(dfd, name, handle_host_flags(flags));
	return fd < 0 ? plat_errno(errno) : fd;
}

/* O_TRUNC, also with an access mode that cannot write. */
static int truncate_open(struct fsd_session *s, struct node *n, int fd, uint32_t flags)
{
	int w = fd, r = 0;

	if (!lx_flags_writable(flags))
		w = open_node(s, n, LX_O_WRONLY);
	if (w < 0)
		return w;
	if (ftruncate(w, 0) < 0)
		r = plat_errno(errno);
	if (w != fd)
		close(w);
	return r;
}

static int64_t open_regular(struct fsd_session *s, struct node *n, uint32_t flags,
                            struct handle **h)
{
	bool change = lx_flags_writable(flags) || (flags & LX_O_TRUNC);
	int fd, r;

	if (n->type != S_IFREG)
		return -LX_ENXIO;
	if (change && n->mount->readonly)
		return -LX_EROFS;
	if (change && n->where != NODE_GONE) {
		r = copy_up(s, n, !(flags & LX_O_TRUNC));
		if (r < 0)
			return r;
	}
	fd = open_node(s, n, flags);
	if (fd < 0)
		return fd;
	if (flags & LX_O_TRUNC) {
		r = truncate_open(s, n, fd, flags);
		if (r < 0) {
			close(fd);
			return r;
		}
	}
	return handle_new(s, n, fd, flags, h);
}

int64_t fsd_do_open(struct fsd_session *s, const struct fsd_open_req *req, struct fsd_open_rep *rep,
                    struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	struct handle *h;
	int64_t r;

	(void)in;
	if (!n)
		return -LX_ESTALE;
	if (n->type == S_IFDIR) {
		int fd;

		if (lx_flags_writable(req->open_flags))
			return -LX_EISDIR;
		if (n->where == NODE_GONE)
			return -LX_ENOENT;
		fd = dir_fd(s, n, n->layer);
		if (fd >= 0)
			fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return plat_errno(errno);
		r = handle_new(s, n, fd, req->open_flags, &h);
	} else {
		r = open_regular(s, n, req->open_flags, &h);
	}
	if (r < 0)
		return r;
	r = overlay_attr(s, n, &rep->attr);
	if (r == 0)
		r = handle_donate(s, h, out);
	if (r < 0) {
		handle_close(s, h);
		return r;
	}
	rep->handle = h->id;
	return 0;
}

mode_t object_host_mode(const struct mount *m, uint32_t guest_mode)
{
	return m->bind ? guest_mode & 0777 : meta_host_mode(guest_mode);
}

/* The new file's descriptor, complete with its meta data and at its place. */
static int make_file(struct fsd_session *s, struct spot *spot, uint32_t flags, const struct meta *m)
{
	int host = handle_host_flags(flags) | O_CREAT | O_EXCL, dir = spot->fd, fd, r;
	char work[32];
	const char *name = spot->name;

	if (spot->whiteout) {
		work_name(s, work);
		dir = spot->mount->work.temp;
		name = work;
	}
	fd = openat(dir, name, host, object_host_mode(spot->mount, m->mode));
	if (fd < 0)
		return plat_errno(errno);
	r = object_set_meta(spot->mount, dir, name, fd, m);
	if (r == 0 && spot->whiteout && renameat(dir, work, spot->fd, spot->name) < 0)
		r = plat_errno(errno);
	if (r < 0) {
		unlinkat(dir, name, 0);
		close(fd);
		return r;
	}
	return fd;
}

int64_t fsd_do_create(struct fsd_session *s, const struct fsd_create_req *req,
                      struct fsd_create_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct meta m = {req->uid, req->gid, S_IFREG | (req->mode & 07777), 0};
	struct spot spot;
	struct handle *h;
	struct node *n;
	struct stat st;
	int64_t r;
	int fd;

	(void)in;
	r = spot_prepare(s, req->dir, &req->name, &spot);
	if (r == -LX_EEXIST && !(req->open_flags & LX_O_EXCL)) {
		r = overlay_lookup(s, spot.dir, spot.name, &n, NULL);
		if (r == 0)
			r = n->type == S_IFDIR ? -LX_EISDIR
			                       : open_regular(s, n, req->open_flags, &h);
		if (r == 0)
			r = overlay_attr(s, n, &rep->attr);
		if (r < 0)
			return r;
		n->known = true;
		goto donate;
	}
	if (r < 0)
		return r;
	fd = make_file(s, &spot, req->open_flags, &m);
	if (fd < 0)
		return fd;
	r = fstat(fd, &st) < 0 ? plat_errno(errno) : spot_enter(s, &spot, &st, &m, &n, &rep->attr);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = handle_new(s, n, fd, req->open_flags, &h);
	if (r < 0)
		return r;
donate:
	r = handle_donate(s, h, out);
	if (r < 0) {
		handle_close(s, h);
		return r;
	}
	rep->node = n->id;
	rep->handle = h->id;
	return 0;
}

int64_t fsd_do_tmpfile(struct fsd_session *s, const struct fsd_tmpfile_req *req,
                       struct fsd_tmpfile_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct meta m = {req->uid, req->gid, S_IFREG | (req->mode & 07777), 0};
	struct node *dir, *n;
	struct handle *h;
	struct stat st;
	char name[32], hidden[32];
	int64_t r;
	int fd;

	(void)in;
	r = node_get_dir(s, req->dir, &dir);
	if (r < 0)
		return r;
	if (dir->mount->readonly)
		return -LX_EROFS;
	if (dir->mount->work.temp < 0)
		return -LX_EOPNOTSUPP;
	work_name(s, name);
	fd = openat(dir->mount->work.temp, name,
	            handle_host_flags(req->open_flags) | O_CREAT | O_EXCL, meta_host_mode(m.mode));
	if (fd < 0)
		return plat_errno(errno);
	n = NULL;
	r = meta_write_fd(fd, &m);
	if (r == 0 && fstat(fd, &st) < 0)
		r = plat_errno(errno);
	if (r == 0)
		n = node_new(s, dir->mount, st.st_ino, S_IFREG);
	if (!n) {
		unlinkat(dir->mount->work.temp, name, 0);
		close(fd);
		return r < 0 ? r : -LX_ENOMEM;
	}
	snprintf(hidden, sizeof(hidden), "h%llu", (unsigned long long)n->id);
	if (renameat(dir->mount->work.temp, name, dir->mount->work.temp, hidden) < 0)
		r = plat_errno(errno);
	n->where = NODE_HIDDEN;
	n->known = true;
	overlay_fill(s, n, &st, &m, &rep->attr);
	if (r == 0)
		r = handle_new(s, n, fd, req->open_flags, &h);
	else
		close(fd);
	if (r == 0)
		r = handle_donate(s, h, out);
	if (r < 0) {
		n->known = false;
		node_unuse(s, n);
		return r;
	}
	rep->node = n->id;
	rep->handle = h->id;
	return 0;
}

int64_t fsd_do_close(struct fsd_session *s, const struct fsd_close_req *req,
                     struct fsd_close_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *h = handle_get(s, req->handle);

	(void)rep;
	(void)in;
	(void)out;
	if (!h)
		return -LX_EBADF;
	handle_close(s, h);
	return 0;
}
