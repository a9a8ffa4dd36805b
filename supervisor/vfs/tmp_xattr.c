/*
 * tmp_xattr.c: extended attributes of tmpfs objects, xattr(7): a list in memory.  As in Linux's
 * tmpfs, user.* attributes are not offered (only trusted.* and security.*).
 */
#include "common/lx/errno.h"
#include "supervisor/vfs/tmpfs.h"

struct tmp_xattr {
	struct list_head link;
	struct inode *inode;
	size_t size;
	char *name;
	uint8_t value[];
};

/* Few objects of a tmpfs have any: one list serves all. */
static struct list_head xattrs = LIST_HEAD_INIT(xattrs);
static pthread_mutex_t xattrs_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t xattr_count; /* atomic */

static struct tmp_xattr *find(struct inode *inode, const char *name)
{
	struct tmp_xattr *x;

	list_for_each_entry(x, &xattrs, link) {
		if (x->inode == inode && !strcmp(x->name, name))
			return x;
	}
	return NULL;
}

static void drop(struct tmp_xattr *x)
{
	list_del_init(&x->link);
	__atomic_fetch_sub(&xattr_count, 1, __ATOMIC_RELAXED);
	free(x->name);
	free(x);
}

static bool offered(const char *name)
{
	return !strncmp(name, "trusted.", 8) || !strncmp(name, "security.", 9);
}

int64_t tmp_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct tmp_xattr *x;
	int64_t r = -LX_ENODATA;

	if (!offered(name))
		return -LX_EOPNOTSUPP;
	pthread_mutex_lock(&xattrs_lock);
	x = find(inode, name);
	if (x) {
		r = (int64_t)x->size;
		if (size > 0 && x->size > size)
			r = -LX_ERANGE;
		else if (size > 0 && x->size > 0)
			memcpy(value, x->value, x->size);
	}
	pthread_mutex_unlock(&xattrs_lock);
	return r;
}

int tmp_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct tmp_xattr *x, *old;
	int r = 0;

	if (!offered(name))
		return -LX_EOPNOTSUPP;
	x = malloc(sizeof(*x) + size);
	if (!x)
		return -LX_ENOMEM;
	x->name = strdup(name);
	if (!x->name) {
		free(x);
		return -LX_ENOMEM;
	}
	x->inode = inode;
	x->size = size;
	if (size > 0)
		memcpy(x->value, value, size);
	pthread_mutex_lock(&xattrs_lock);
	old = find(inode, name);
	if (old && (flags & LX_XATTR_CREATE))
		r = -LX_EEXIST;
	else if (!old && (flags & LX_XATTR_REPLACE))
		r = -LX_ENODATA;
	if (r == 0) {
		list_add_tail(&x->link, &xattrs);
		__atomic_fetch_add(&xattr_count, 1, __ATOMIC_RELAXED);
		if (old)
			drop(old);
	}
	pthread_mutex_unlock(&xattrs_lock);
	if (r < 0) {
		free(x->name);
		free(x);
		return r;
	}
	pthread_mutex_lock(&inode->lock);
	inode->ctime = vfs_now();
	pthread_mutex_unlock(&inode->lock);
	return 0;
}

int64_t tmp_listxattr(struct inode *inode, char *list, size_t size)
{
	struct tmp_xattr *x;
	size_t total = 0;

	pthread_mutex_lock(&xattrs_lock);
	list_for_each_entry(x, &xattrs, link) {
		size_t n = strlen(x->name) + 1;

		if (x->inode != inode)
			continue;
		if (size > 0 && n <= size && total <= size - n)
			memcpy(list + total, x->name, n);
		total += n;
	}
	pthread_mutex_unlock(&xattrs_lock);
	return size > 0 && total > size ? -LX_ERANGE : (int64_t)total;
}

int tmp_removexattr(struct inode *inode, const char *name)
{
	struct tmp_xattr *x;

	if (!offered(name))
		return -LX_EOPNOTSUPP;
	pthread_mutex_lock(&xattrs_lock);
	x = find(inode, name);
	if (x)
		drop(x);
	pthread_mutex_unlock(&xattrs_lock);
	return x ? 0 : -LX_ENODATA;
}

void tmp_xattrs_free(struct inode *inode)
{
	struct tmp_xattr *x, *next;

	if (__atomic_load_n(&xattr_count, __ATOMIC_RELAXED) == 0)
		return;
	pthread_mutex_lock(&xattrs_lock);
	list_for_each_entry_safe(x, next, &xattrs, link) {
		if (x->inode == inode)
			drop(x);
	}
	pthread_mutex_unlock(&xattrs_lock);
}
