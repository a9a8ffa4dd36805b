/* ops_make.c: making names: mkdir, mknod, symlink, link. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/copyup.h"
#include "fsd/ops.h"
#include "fsd/overlay.h"
#include "fsd/path.h"

/* Moves a finished directory over the whiteout at the spot: exchanged where the host can. */
static int dir_over_whiteout(struct spot *spot, const char *work)
{
	int temp = spot->mount->work.temp;
	int r = plat_rename(temp, work, spot->fd, spot->name, PLAT_RENAME_EXCHANGE);

	if (r == 0)
		return unlinkat(temp, work, 0) < 0 ? plat_errno(errno) : 0;
	if (unlinkat(spot->fd, spot->name, 0) < 0)
		return plat_errno(errno);
	return renameat(temp, work, spot->fd, spot->name) < 0 ? plat_errno(errno) : 0;
}

static int make_dir(struct fsd_session *s, struct spot *spot, const struct meta *m, struct stat *st)
{
	int dir = spot->whiteout ? spot->mount->work.temp : spot->fd, fd, r = 0;
	const char *name = spot->name;
	char work[32];

	if (spot->whiteout) {
		work_name(s, work);
		name = work;
	}
	if (mkdirat(dir, name, object_host_mode(spot->mount, m->mode)) < 0)
		return plat_errno(errno);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && !(spot->mount->bind && errno == EACCES))
		r = plat_errno(errno);
	if (r == 0)
		r = object_set_meta(spot->mount, dir, name, fd, m);
	/* It must not show what the whiteout hid. */
	if (r == 0 && spot->whiteout)
		r = plat_fxattr_set(fd, META_XATTR_OPAQUE, "y", 1, 0);
	if (r == 0 && spot->whiteout)
		r = dir_over_whiteout(spot, work);
	if (r == 0 && (fd >= 0 ? fstat(fd, st) : fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW)) < 0)
		r = plat_errno(errno);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		unlinkat(dir, name, AT_REMOVEDIR);
	return r;
}

int64_t fsd_do_mkdir(struct fsd_session *s, const struct fsd_mkdir_req *req,
                     struct fsd_mkdir_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct meta m = {req->uid, req->gid, S_IFDIR | (req->mode & 07777), 0};
	struct spot spot;
	struct node *n;
	struct stat st;
	int r = spot_prepare(s, req->dir, &req->name, &spot);

	(void)in;
	(void)out;
	if (r == 0)
		r = make_dir(s, &spot, &m, &st);
	if (r == 0)
		r = spot_enter(s, &spot, &st, &m, &n, &rep->attr);
	if (r == 0)
		rep->node = n->id;
	return r;
}

/* Makes a regular file with that content and meta data at the spot: what stands for an object
 * that cannot be itself on the host, or a plain empty file. */
static int make_placeholder(struct fsd_session *s, struct spot *spot, const struct meta *m,
                            const void *content, size_t len, struct stat *st)
{
	int temp = spot->mount->work.temp, fd, r = 0;
	char work[32];

	if (temp < 0)
		return -LX_EPERM;
	work_name(s, work);
	fd = openat(temp, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            meta_host_mode(m->mode));
	if (fd < 0)
		return plat_errno(errno);
	if (len && write(fd, content, len) != (ssize_t)len)
		r = -LX_ENOSPC;
	if (r == 0)
		r = meta_write_fd(fd, m);
	if (r == 0 && !S_ISREG(m->mode))
		r = mark_impure(s, spot->dir);
	if (r == 0 && renameat(temp, work, spot->fd, spot->name) < 0)
		r = plat_errno(errno);
	if (r == 0 && fstat(fd, st) < 0)
		r = plat_errno(errno);
	close(fd);
	if (r < 0)
		unlinkat(temp, work, 0);
	return r;
}

/* On a host directory fifos and sockets are real, so that the host sees what they are; devices
 * are refused, as the host would refuse them. */
static int make_bind_special(struct spot *spot, const struct meta *m, struct stat *st)
{
	if (S_ISCHR(m->mode) || S_ISBLK(m->mode))
		return -LX_EPERM;
	if (mknodat(spot->fd, spot->name, (m->mode & S_IFMT) | (m->mode & 0777), 0) < 0)
		return plat_errno(errno);
	return fstatat(spot->fd, spot->name, st, AT_SYMLINK_NOFOLLOW) < 0 ? plat_errno(errno) : 0;
}

int64_t fsd_do_mknod(struct fsd_session *s, const struct fsd_mknod_req *req,
                     struct fsd_mknod_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct meta m = {req->uid, req->gid, req->mode & (S_IFMT | 07777), 0};
	struct spot spot;
	struct node *n;
	struct stat st;
	int r;

	(void)in;
	(void)out;
	switch (m.mode & S_IFMT) {
	case 0:
		m.mode |= S_IFREG;
		break;
	case S_IFCHR:
	case S_IFBLK:
		m.rdev = req->rdev;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return -LX_EINVAL;
	}
	r = spot_prepare(s, req->dir, &req->name, &spot);
	if (r == 0)
		r = spot.mount->bind ? make_bind_special(&spot, &m, &st)
		                     : make_placeholder(s, &spot, &m, NULL, 0, &st);
	if (r == 0)
		r = spot_enter(s, &spot, &st, &m, &n, &rep->attr);
	if (r == 0)
		rep->node = n->id;
	return r;
}

static int make_symlink(struct fsd_session *s, struct spot *spot, const char *target,
                        struct stat *st)
{
	int dir = spot->whiteout ? spot->mount->work.temp : spot->fd, r = 0;
	const char *name = spot->name;
	char work[32];

	if (spot->whiteout) {
		work_name(s, work);
		name = work;
	}
	if (symlinkat(target, dir, name) < 0)
		return plat_errno(errno);
	if (spot->whiteout && renameat(dir, work, spot->fd, spot->name) < 0)
		r = plat_errno(errno);
	if (r == 0 && fstatat(spot->fd, spot->name, st, AT_SYMLINK_NOFOLLOW) < 0)
		r = plat_errno(errno);
	if (r < 0)
		unlinkat(dir, name, 0);
	return r;
}

int64_t fsd_do_symlink(struct fsd_session *s, const struct fsd_symlink_req *req,
                       struct fsd_symlink_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct meta m = {req->uid, req->gid, S_IFLNK | 0777, 0};
	char target[4096];
	struct spot spot;
	struct node *n;
	struct stat st;
	int r;

	(void)in;
	(void)out;
	if (req->target.len == 0)
		return -LX_ENOENT;
	if (req->target.len >= sizeof(target))
		return -LX_ENAMETOOLONG;
	if (memchr(req->target.data, '\0', req->target.len))
		return -LX_EINVAL;
	memcpy(target, req->target.data, req->target.len);
	target[req->target.len] = '\0';
	r = spot_prepare(s, req->dir, &req->name, &spot);
	if (r == 0 && meta_is_placeholder(&m) && !spot.mount->bind)
		r = make_placeholder(s, &spot, &m, target, req->target.len, &st);
	else if (r == 0)
		r = make_symlink(s, &spot, target, &st);
	if (r == 0)
		r = spot_enter(s, &spot, &st, &m, &n, &rep->attr);
	if (r == 0)
		rep->node = n->id;
	return r;
}

/* One more name in the count of a copied-up hard link. */
static int count_name(struct node *n)
{
	char name[32], text[24], *end;
	int links = n->mount->work.links, len;
	ssize_t got;

	snprintf(name, sizeof(name), "%llu", (unsigned long long)n->ino);
	got = plat_xattr_get(links, name, META_XATTR_NLINK, text, sizeof(text) - 1);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	len = snprintf(text, sizeof(text), "%lu", strtoul(text, &end, 10) + 1);
	return plat_xattr_set(links, name, META_XATTR_NLINK, text, (size_t)len, 0);
}

static int link_at_spot(struct fsd_session *s, struct node *n, struct spot *spot)
{
	char buf[32], work[32];
	const char *name;
	int dfd, r = node_place(s, n, &dfd, &name, buf);

	if (r < 0)
		return r;
	if (!spot->whiteout)
		return linkat(dfd, name, spot->fd, spot->name, 0) < 0 ? plat_errno(errno) : 0;
	work_name(s, work);
	if (linkat(dfd, name, spot->mount->work.temp, work, 0) < 0)
		return plat_errno(errno);
	if (renameat(spot->mount->work.temp, work, spot->fd, spot->name) == 0)
		return 0;
	r = plat_errno(errno);
	unlinkat(spot->mount->work.temp, work, 0);
	return r;
}

int64_t fsd_do_link(struct fsd_session *s, const struct fsd_link_req *req, struct fsd_link_rep *rep,
                    struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	struct spot spot;
	char hidden[32];
	int r;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	if (n->type == S_IFDIR)
		return -LX_EPERM;
	if (n->unlinked || n->where == NODE_GONE)
		return -LX_ENOENT;
	r = spot_prepare(s, req->dir, &req->name, &spot);
	if (r < 0)
		return r;
	if (spot.mount != n->mount || n->mount->file)
		return -LX_EXDEV;
	r = copy_up(s, n, true);
	if (r == 0 && !spot.mount->bind)
		r = mark_impure(s, spot.dir);
	if (r == 0)
		r = link_at_spot(s, n, &spot);
	if (r == 0 && n->where == NODE_INDEXED)
		r = count_name(n);
	if (r == 0)
		r = dentry_add(s, spot.dir, spot.name, n, true, NULL);
	if (r < 0)
		return r;
	if (n->where == NODE_HIDDEN) { /* an unnamed file got its first name */
		snprintf(hidden, sizeof(hidden), "h%llu", (unsigned long long)n->id);
		unlinkat(n->mount->work.temp, hidden, 0);
		n->where = NODE_NAMED;
		n->layer = 0;
	}
	return overlay_attr(s, n, &rep->attr);
}
