/*
 * xattr.c: extended attributes, xattr(7).  Names are checked and rights judged here; file systems
 * keep the values.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/perm.h"

struct xattr_name {
	char text[LX_XATTR_NAME_MAX + 1];
};

static int name_from_user(struct task *t, struct guest_ptr p, struct xattr_name *out)
{
	int64_t n = strncpy_from_user(t->mm, out->text, p, sizeof(out->text));

	if (n == 0 || n == -LX_ENAMETOOLONG)
		return -LX_ERANGE;
	return n < 0 ? (int)n : 0;
}

static bool in_namespace(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] != '\0';
}

/* Whether t may read (or write) the attribute; errors as xattr(7) says. */
static int check_name(struct task *t, const struct path *p, const char *name, bool write)
{
	struct inode *inode = p->dentry->inode;
	uint32_t type = inode->mode & LX_S_IFMT;

	if (write) {
		int r = mount_want_write(p->mnt);

		if (r < 0)
			return r;
	}
	if (in_namespace(name, "user.")) {
		if (type != LX_S_IFREG && type != LX_S_IFDIR)
			return write ? -LX_EPERM : -LX_ENODATA;
		if (write && type == LX_S_IFDIR && (inode->mode & LX_S_ISVTX) &&
		    !perm_owner(t->cred, inode))
			return -LX_EPERM;
		return vfs_permission(t, inode, write ? LX_W_OK : LX_R_OK);
	}
	if (in_namespace(name, "trusted.")) {
		if (!cred_capable(t->cred, LX_CAP_SYS_ADMIN))
			return write ? -LX_EPERM : -LX_ENODATA;
		return 0;
	}
	if (in_namespace(name, "security.")) {
		bool capability = !strcmp(name, "security.capability");

		if (write && !cred_capable(t->cred, capability ? LX_CAP_SETFCAP : LX_CAP_SYS_ADMIN))
			return -LX_EPERM;
		return 0;
	}
	/* system.posix_acl_*: mode bits are all there is. */
	return -LX_EOPNOTSUPP;
}

/* What a call names: a path (followed or not) or a descriptor. */
enum target { BY_PATH, BY_LINK, BY_FD };

static int find_target(struct task *t, const struct sys_args *a, enum target how, struct path *out)
{
	char *name;
	int r;

	if (how == BY_FD) {
		struct file *f = fd_file_opened(t, arg_int(a, 0));

		if (!f)
			return -LX_EBADF;
		*out = f->path;
		path_get(out);
		file_put(f);
		return 0;
	}
	r = path_from_user(t, arg_ptr(a, 0), &name);
	if (r < 0)
		return r;
	r = path_walk(t, LX_AT_FDCWD, name, how == BY_PATH ? WALK_FOLLOW : 0, out);
	free(name);
	return r;
}

static int64_t set_at(struct task *t, const struct path *p, const char *name,
                      struct guest_ptr value, uint64_t size, int flags)
{
	struct inode *inode = p->dentry->inode;
	void *copy;
	int64_t r;

	if (flags & ~(LX_XATTR_CREATE | LX_XATTR_REPLACE))
		return -LX_EINVAL;
	if (size > LX_XATTR_SIZE_MAX)
		return -LX_E2BIG;
	copy = malloc(size ? size : 1);
	if (!copy)
		return -LX_ENOMEM;
	r = copy_from_user(t->mm, copy, value, size);
	if (r == 0)
		r = check_name(t, p, name, true);
	if (r == 0)
		r = inode->ops->setxattr ? inode->ops->setxattr(inode, name, copy, size, flags)
		                         : -LX_EOPNOTSUPP;
	free(copy);
	if (r == 0)
		notify(inode, p->dentry, VFS_IN_ATTRIB, NULL);
	return r;
}

static int64_t get_at(struct task *t, const struct path *p, const char *name, struct guest_ptr out,
                      uint64_t size)
{
	struct inode *inode = p->dentry->inode;
	void *value = NULL;
	int64_t r = check_name(t, p, name, false);

	if (r == 0 && !inode->ops->getxattr)
		r = -LX_EOPNOTSUPP;
	if (r < 0)
		return r;
	size = MIN(size, (uint64_t)LX_XATTR_SIZE_MAX);
	if (size > 0) {
		value = malloc(size);
		if (!value)
			return -LX_ENOMEM;
	}
	r = inode->ops->getxattr(inode, name, value, size);
	if (r > 0 && size > 0 && copy_to_user(t->mm, out, value, (size_t)r) < 0)
		r = -LX_EFAULT;
	free(value);
	return r;
}

/* Takes the names that t may not see out of the list; returns what is left. */
static int64_t filter_names(struct task *t, char *list, int64_t len)
{
	int64_t out = 0;

	for (int64_t i = 0; i < len;) {
		size_t n = strnlen(list + i, (size_t)(len - i)) + 1;

		if (i + (int64_t)n > len)
			break;
		if (strncmp(list + i, "trusted.", 8) != 0 ||
		    cred_capable(t->cred, LX_CAP_SYS_ADMIN)) {
			memmove(list + out, list + i, n);
			out += (int64_t)n;
		}
		i += (int64_t)n;
	}
	return out;
}

static int64_t list_at(struct task *t, const struct path *p, struct guest_ptr out, uint64_t size)
{
	struct inode *inode = p->dentry->inode;
	char *list;
	int64_t r;

	if (!inode->ops->listxattr)
		return 0;
	list = malloc(LX_XATTR_LIST_MAX);
	if (!list)
		return -LX_ENOMEM;
	r = inode->ops->listxattr(inode, list, LX_XATTR_LIST_MAX);
	if (r > 0)
		r = filter_names(t, list, r);
	if (r > 0 && size > 0) {
		if ((uint64_t)r > size)
			r = -LX_ERANGE;
		else if (copy_to_user(t->mm, out, list, (size_t)r) < 0)
			r = -LX_EFAULT;
	}
	free(list);
	return r;
}

static int64_t remove_at(struct task *t, const struct path *p, const char *name)
{
	struct inode *inode = p->dentry->inode;
	int64_t r = check_name(t, p, name, true);

	if (r == 0)
		r = inode->ops->removexattr ? inode->ops->removexattr(inode, name) : -LX_EOPNOTSUPP;
	if (r == 0)
		notify(inode, p->dentry, VFS_IN_ATTRIB, NULL);
	return r;
}

static int64_t name_and_target(struct task *t, const struct sys_args *a, enum target how,
                               struct xattr_name *name, struct path *p)
{
	int64_t r = name_from_user(t, arg_ptr(a, 1), name);

	return r < 0 ? r : find_target(t, a, how, p);
}

static int64_t do_set(struct task *t, const struct sys_args *a, enum target how)
{
	struct xattr_name name;
	struct path p;
	int64_t r = name_and_target(t, a, how, &name, &p);

	if (r < 0)
		return r;
	r = set_at(t, &p, name.text, arg_ptr(a, 2), a->v[3], arg_int(a, 4));
	path_put(&p);
	return r;
}

static int64_t do_get(struct task *t, const struct sys_args *a, enum target how)
{
	struct xattr_name name;
	struct path p;
	int64_t r = name_and_target(t, a, how, &name, &p);

	if (r < 0)
		return r;
	r = get_at(t, &p, name.text, arg_ptr(a, 2), a->v[3]);
	path_put(&p);
	return r;
}

static int64_t do_list(struct task *t, const struct sys_args *a, enum target how)
{
	struct path p;
	int64_t r = find_target(t, a, how, &p);

	if (r < 0)
		return r;
	r = list_at(t, &p, arg_ptr(a, 1), a->v[2]);
	path_put(&p);
	return r;
}

static int64_t do_remove(struct task *t, const struct sys_args *a, enum target how)
{
	struct xattr_name name;
	struct path p;
	int64_t r = name_and_target(t, a, how, &name, &p);

	if (r < 0)
		return r;
	r = remove_at(t, &p, name.text);
	path_put(&p);
	return r;
}

int64_t sys_setxattr(struct task *t, const struct sys_args *a)
{
	return do_set(t, a, BY_PATH);
}

int64_t sys_lsetxattr(struct task *t, const struct sys_args *a)
{
	return do_set(t, a, BY_LINK);
}

int64_t sys_fsetxattr(struct task *t, const struct sys_args *a)
{
	return do_set(t, a, BY_FD);
}

int64_t sys_getxattr(struct task *t, const struct sys_args *a)
{
	return do_get(t, a, BY_PATH);
}

int64_t sys_lgetxattr(struct task *t, const struct sys_args *a)
{
	return do_get(t, a, BY_LINK);
}

int64_t sys_fgetxattr(struct task *t, const struct sys_args *a)
{
	return do_get(t, a, BY_FD);
}

int64_t sys_listxattr(struct task *t, const struct sys_args *a)
{
	return do_list(t, a, BY_PATH);
}

int64_t sys_llistxattr(struct task *t, const struct sys_args *a)
{
	return do_list(t, a, BY_LINK);
}

int64_t sys_flistxattr(struct task *t, const struct sys_args *a)
{
	return do_list(t, a, BY_FD);
}

int64_t sys_removexattr(struct task *t, const struct sys_args *a)
{
	return do_remove(t, a, BY_PATH);
}

int64_t sys_lremovexattr(struct task *t, const struct sys_args *a)
{
	return do_remove(t, a, BY_LINK);
}

int64_t sys_fremovexattr(struct task *t, const struct sys_args *a)
{
	return do_remove(t, a, BY_FD);
}
