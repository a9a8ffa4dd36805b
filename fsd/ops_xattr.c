/* ops_xattr.c: the guest's extended attributes; meta.h says how they are stored. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/copyup.h"
#include "fsd/ops.h"
#include "fsd/overlay.h"

static int attr_name(const struct ipc_bytes *field, char guest[256], char host[256])
{
	if (field->len == 0 || field->len > 255)
		return -LX_ERANGE;
	memcpy(guest, field->data, field->len);
	guest[field->len] = '\0';
	return meta_xattr_to_host(guest, host);
}

static bool is_user(const char *guest)
{
	return strncmp(guest, "user.", 5) == 0;
}

/* Linux keeps user attributes to regular files and directories. */
static bool user_allowed(const struct node *n)
{
	return n->type == S_IFREG || n->type == S_IFDIR;
}

int64_t fsd_do_getxattr(struct fsd_session *s, const struct fsd_getxattr_req *req,
                        struct fsd_getxattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	char guest[256], host[256], buf[32];
	const char *name;
	ssize_t len;
	int dfd, r;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	r = attr_name(&req->name, guest, host);
	if (r == 0 && is_user(guest) && !user_allowed(n))
		r = -LX_ENODATA;
	if (r == 0)
		r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	len = n->mount->file ? plat_fxattr_get(dfd, host, s->scratch, 65536)
	                     : plat_xattr_get(dfd, name, host, s->scratch, 65536);
	if (len == -LX_EPERM) /* the host's way to say that a link has none */
		len = -LX_ENODATA;
	if (len < 0)
		return len;
	if (req->max && len > req->max)
		return -LX_ERANGE;
	rep->value = (struct ipc_bytes){s->scratch, (uint32_t)len};
	return len;
}

int64_t fsd_do_setxattr(struct fsd_session *s, const struct fsd_setxattr_req *req,
                        struct fsd_setxattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	char guest[256], host[256], buf[32];
	const char *name;
	struct stat st;
	struct meta m;
	int dfd, r;

	(void)rep;
	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	if (req->flags & ~3u) /* XATTR_CREATE, XATTR_REPLACE */
		return -LX_EINVAL;
	r = attr_name(&req->name, guest, host);
	if (r == 0 && is_user(guest) && !user_allowed(n))
		r = -LX_EPERM;
	if (r == 0)
		r = copy_up(s, n, true);
	if (r == 0)
		r = overlay_stat(s, n, &st, &m);
	if (r == 0 && S_ISLNK(st.st_mode))
		r = n->mount->bind ? -LX_EPERM : symlink_to_placeholder(s, n, &m);
	if (r == 0)
		r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (n->mount->file)
		return -LX_EPERM;
	return plat_xattr_set(dfd, name, host, req->value.data, req->value.len, (int)req->flags);
}

int64_t fsd_do_listxattr(struct fsd_session *s, const struct fsd_listxattr_req *req,
                         struct fsd_listxattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	char *list = (char *)s->scratch + 65536, buf[32];
	const char *name, *guest;
	uint32_t used = 0;
	ssize_t len;
	int dfd, r;

	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	len = n->mount->file ? plat_fxattr_list(dfd, list, 65536)
	                     : plat_xattr_list(dfd, name, list, 65536);
	if (len == -LX_EOPNOTSUPP)
		len = 0;
	if (len < 0)
		return len;
	for (char *p = list; p < list + len; p += strlen(p) + 1) {
		size_t size;

		if (!meta_xattr_to_guest(p, &guest) || (is_user(guest) && !user_allowed(n)))
			continue;
		size = strlen(guest) + 1;
		memcpy(s->scratch + used, guest, size);
		used += (uint32_t)size;
	}
	rep->names = (struct ipc_bytes){s->scratch, used};
	return used;
}

int64_t fsd_do_removexattr(struct fsd_session *s, const struct fsd_removexattr_req *req,
                           struct fsd_removexattr_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct node *n = node_get(s, req->node);
	char guest[256], host[256], buf[32];
	const char *name;
	int dfd, r;

	(void)rep;
	(void)in;
	(void)out;
	if (!n)
		return -LX_ESTALE;
	r = attr_name(&req->name, guest, host);
	if (r == 0 && is_user(guest) && !user_allowed(n))
		r = -LX_EPERM;
	if (r == 0 && n->mount->readonly)
		r = -LX_EROFS;
	if (r == 0)
		r = node_place(s, n, &dfd, &name, buf);
	/* Not a reason to copy up if it is not there. */
	if (r == 0 && plat_xattr_get(dfd, name, host, NULL, 0) < 0)
		r = -LX_ENODATA;
	if (r == 0)
		r = copy_up(s, n, true);
	if (r == 0)
		r = node_place(s, n, &dfd, &name, buf);
	return r < 0 ? r : plat_xattr_remove(dfd, name, host);
}
