/* ops_attr.c: setattr, and how an object's owner and mode are stored. */
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

enum {
	SET_MODE = 1,
	SET_UID = 2,
	SET_GID = 4,
	SET_SIZE = 8,
	SET_ATIME = 16,
	SET_MTIME = 32,
	SET_ATIME_NOW = 64,
	SET_MTIME_NOW = 128,
	SET_ALL = 255,
	SET_TIMES = SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW,
};

/* A host directory shares its files with the host: mode and owner go there as far as it lets us,
 * and only what differs then is kept in the attribute. */
static int set_meta_foreign(int dir, const char *name, const struct meta *m)
{
	struct meta shown;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return plat_errno(errno);
	if (geteuid() == 0 && (st.st_uid != m->uid || st.st_gid != m->gid) &&
	    fchownat(dir, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) == 0) {
		st.st_uid = m->uid;
		st.st_gid = m->gid;
	}
	if (!S_ISLNK(st.st_mode) && (st.st_mode & 0777) != (m->mode & 0777) &&
	    fchmodat(dir, name, m->mode & 0777, 0) == 0)
		st.st_mode = (st.st_mode & S_IFMT) | (m->mode & 0777);
	meta_default(META_FOREIGN, &st, &shown);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return shown.uid == m->uid && shown.gid == m->gid ? 0 : -LX_EPERM;
	if (shown.uid == m->uid && shown.gid == m->gid &&
	    (shown.mode & 07777) == (m->mode & 07777)) {
		int r = plat_xattr_remove(dir, name, META_XATTR_STAT);

		return r == -LX_ENODATA || r == -LX_EOPNOTSUPP || r == -LX_EACCES ? 0 : r;
	}
	return meta_write_at(dir, name, m);
}

int object_set_meta(struct mount *m, int dir, const char *name, int fd, const struct meta *meta)
{
	if (m->bind)
		return set_meta_foreign(dir, name, meta);
	return fd >= 0 ? meta_write_fd(fd, meta) : meta_write_at(dir, name, meta);
}

static int set_owner_mode(struct fsd_session *s, struct node *n, const struct fsd_setattr_req *req)
{
	struct meta m, old;
	struct stat st;
	char buf[32];
	const char *name;
	int dfd, r = overlay_stat(s, n, &st, &old);

	if (r < 0)
		return r;
	m = old;
	if ((req->mask & SET_MODE) && n->type != S_IFLNK)
		m.mode = (old.mode & S_IFMT) | (req->mode & 07777);
	if (req->mask & SET_UID)
		m.uid = req->uid;
	if (req->mask & SET_GID)
		m.gid = req->gid;
	if (n->mount->file)
		return m.uid == old.uid && m.gid == old.gid && m.mode == old.mode ? 0 : -LX_EPERM;
	if (S_ISLNK(st.st_mode) && !n->mount->bind)
		return meta_is_placeholder(&m) ? symlink_to_placeholder(s, n, &m) : 0;
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (!n->mount->bind && meta_host_mode(m.mode) != (st.st_mode & 0777) &&
	    fchmodat(dfd, name, meta_host_mode(m.mode), 0) < 0)
		return plat_errno(errno);
	return object_set_meta(n->mount, dfd, name, -1, &m);
}

/* Through an open handle where the object has no name left. */
static int gone_set(struct node *n, const struct fsd_setattr_req *req)
{
	struct handle *h;
	struct meta m;
	struct stat st;
	int r;

	if (list_empty(&n->handles))
		return -LX_ESTALE;
	h = list_first_entry(&n->handles, struct handle, of_node);
	if (fstat(h->fd, &st) < 0)
		return plat_errno(errno);
	r = meta_read_fd(h->fd, n->mount->layer[0].origin, &st, &m);
	if (r < 0)
		return r;
	if (req->mask & SET_MODE)
		m.mode = (m.mode & S_IFMT) | (req->mode & 07777);
	if (req->mask & SET_UID)
		m.uid = req->uid;
	if (req->mask & SET_GID)
		m.gid = req->gid;
	return meta_write_fd(h->fd, &m);
}

static int set_size(struct fsd_session *s, struct node *n, const struct fsd_setattr_req *req)
{
	struct handle *h = req->handle ? handle_get(s, req->handle) : NULL;
	char buf[32];
	const char *name;
	int dfd, fd, r;

	if (req->size > INT64_MAX)
		return -LX_EFBIG;
	if (req->handle && (!h || h->node != n))
		return -LX_EBADF;
	if (h) {
		if (!lx_flags_writable(h->flags))
			return -LX_EINVAL;
		return ftruncate(h->fd, (off_t)req->size) < 0 ? plat_errno(errno) : 0;
	}
	if (n->type != S_IFREG)
		return n->type == S_IFDIR ? -LX_EISDIR : -LX_EINVAL;
	if (n->mount->file) {
		fd = n->mount->file_write_fd;
		return fd < 0                                ? -LX_EACCES
		       : ftruncate(fd, (off_t)req->size) < 0 ? plat_errno(errno)
		                                             : 0;
	}
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	fd = openat(dfd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return plat_errno(errno);
	if (ftruncate(fd, (off_t)req->size) < 0)
		r = plat_errno(errno);
	close(fd);
	return r;
}

static struct timespec from_ns(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	return t;
}

static int set_times(struct fsd_session *s, struct node *n, const struct fsd_setattr_req *req)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	char buf[32];
	const char *name;
	int dfd, r;

	if (req->mask & SET_ATIME_NOW)
		t[0].tv_nsec = UTIME_NOW;
	else if (req->mask & SET_ATIME)
		t[0] = from_ns(req->atime);
	if (req->mask & SET_MTIME_NOW)
		t[1].tv_nsec = UTIME_NOW;
	else if (req->mask & SET_MTIME)
		t[1] = from_ns(req->mtime);
	if (n->where == NODE_GONE || n->mount->file) {
		int fd = n->mount->file ? n->mount->layer[0].fd
		         : list_empty(&n->handles)
		             ? -1
		             : list_first_entry(&n->handles, struct handle, of_node)->fd;

		return fd < 0 ? -LX_ESTALE : futimens(fd, t) < 0 ? plat_errno(errno) : 0;
	}
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	return utimensat(dfd, name, t, AT_SYMLINK_NOFOLLOW) < 0 ? plat_errno(errno) : 0;
}

int64_t fsd_do_setattr(struct fsd_session *s, const struct fsd_setattr_req *req,
                       struct fsd_setattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	int r = 0;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	if (req->mask & ~(uint32_t)SET_ALL)
		return -LX_EINVAL;
	if (n->mount->readonly)
		return -LX_EROFS;
	if (req->mask && n->where != NODE_GONE)
		r = copy_up(s, n, !((req->mask & SET_SIZE) && req->size == 0));
	if (r == 0 && (req->mask & SET_SIZE))
		r = set_size(s, n, req);
	if (r == 0 && (req->mask & (SET_MODE | SET_UID | SET_GID)))
		r = n->where == NODE_GONE ? gone_set(n, req) : set_owner_mode(s, n, req);
	if (r == 0 && (req->mask & SET_TIMES))
		r = set_times(s, n, req);
	return r < 0 ? r : overlay_attr(s, n, &rep->attr);
}
