/* ops_tree.c: looking: lookup, getattr, forget, readdir, readlink, statfs. */
#include "fsd/ops.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/overlay.h"
#include "fsd/path.h"

int ops_name(const struct ipc_bytes *field, char out[256])
{
	if (!path_name_ok(field->data, field->len))
		return field->len > PATH_NAME_MAX ? -LX_ENAMETOOLONG : -LX_EINVAL;
	memcpy(out, field->data, field->len);
	out[field->len] = '\0';
	return 0;
}

int64_t fsd_do_lookup(struct fsd_session *s, const struct fsd_lookup_req *req,
                      struct fsd_lookup_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	char name[256];
	struct node *dir, *n;
	int r = ops_name(&req->name, name);

	(void)in;
	(void)out;
	if (r == 0)
		r = node_get_dir(s, req->dir, &dir);
	if (r == 0)
		r = overlay_lookup(s, dir, name, &n, &rep->attr);
	if (r < 0)
		return r;
	n->known = true;
	rep->node = n->id;
	return 0;
}

int64_t fsd_do_getattr(struct fsd_session *s, const struct fsd_getattr_req *req,
                       struct fsd_getattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);

	(void)in;
	(void)out;
	return n ? overlay_attr(s, n, &rep->attr) : -LX_ESTALE;
}

int64_t fsd_do_forget(struct fsd_session *s, const struct fsd_forget_req *req,
                      struct fsd_forget_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep;
	(void)in;
	(void)out;
	if (req->nodes.len % 8)
		return -LX_EINVAL;
	for (uint32_t i = 0; i < req->nodes.len; i += 8) {
		uint64_t id = 0;
		struct node *n;

		for (unsigned b = 0; b < 8; b++)
			id |= (uint64_t)req->nodes.data[i + b] << (8 * b);
		n = node_get(s, id);
		if (!n || n->mount->root == n)
			continue;
		n->known = false;
		node_unuse(s, n);
	}
	return 0;
}

static void put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

int64_t fsd_do_readdir(struct fsd_session *s, const struct fsd_readdir_req *req,
                       struct fsd_readdir_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	uint32_t max = MIN(req->max, (uint32_t)FSD_SCRATCH), used = 0;
	struct node *dir;
	int r = node_get_dir(s, req->dir, &dir);
	size_t i;

	(void)in;
	(void)out;
	if (r == -LX_ENOENT)
		return 0; /* a removed directory is empty */
	if (r < 0)
		return r;
	if (req->cookie == 0) {
		listing_free(dir->listing);
		dir->listing = NULL;
	}
	if (!dir->listing)
		r = listing_read(s, dir, &dir->listing);
	if (r < 0)
		return r;
	for (i = (size_t)req->cookie; i < dir->listing->count; i++) {
		const struct listing_entry *e = &dir->listing->entries[i];

		if (max - used < 18u + e->len)
			break;
		put_u64(s->scratch + used, e->ino);
		put_u64(s->scratch + used + 8, i + 1);
		s->scratch[used + 16] = e->type;
		s->scratch[used + 17] = e->len;
		memcpy(s->scratch + used + 18, dir->listing->names + e->name, e->len);
		used += 18u + e->len;
	}
	if (used == 0 && i < dir->listing->count)
		return -LX_EINVAL; /* max is too small for one entry */
	if (i >= dir->listing->count) {
		listing_free(dir->listing);
		dir->listing = NULL;
		/* A reader that comes back with this cookie gets the fresh listing's end. */
	}
	rep->entries = (struct ipc_bytes){s->scratch, used};
	return 0;
}

int64_t fsd_do_readlink(struct fsd_session *s, const struct fsd_readlink_req *req,
                        struct fsd_readlink_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	char buf[32];
	const char *name;
	ssize_t len;
	int dfd, r;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	if (n->type != S_IFLNK)
		return -LX_EINVAL;
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (n->placeholder) {
		int fd = openat(dfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			return plat_errno(errno);
		len = read(fd, s->scratch, 4095);
		close(fd);
	} else {
		len = readlinkat(dfd, name, (char *)s->scratch, 4095);
	}
	if (len < 0)
		return plat_errno(errno);
	rep->target = (struct ipc_bytes){s->scratch, (uint32_t)len};
	return 0;
}

int64_t fsd_do_statfs(struct fsd_session *s, const struct fsd_statfs_req *req,
                      struct fsd_statfs_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	struct statvfs v;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	if (fstatvfs(n->mount->layer[0].fd, &v) < 0)
		return plat_errno(errno);
	rep->blocks = v.f_blocks;
	rep->bfree = v.f_bfree;
	rep->bavail = v.f_bavail;
	rep->files = v.f_files;
	rep->ffree = v.f_ffree;
	rep->bsize = (uint32_t)v.f_frsize;
	rep->namelen = PATH_NAME_MAX;
	rep->flags = n->mount->readonly ? 1 : 0; /* ST_RDONLY */
	return 0;
}
