/*
 * file.c: open files: making them, counting references, objects without a name.
 */
#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/locks.h"
#include "supervisor/vfs/poll.h"

uint32_t vfs_watch_count;

struct file *file_get(struct file *f)
{
	__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

int file_alloc(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return -LX_ENOMEM;
	f->refs = 1;
	f->flags = flags & ~(LX_O_CREAT | LX_O_EXCL | LX_O_NOCTTY | LX_O_TRUNC | LX_O_CLOEXEC);
	f->path = *p;
	path_get(p);
	f->inode = inode_get(p->dentry->inode);
	pthread_mutex_init(&f->pos_lock, NULL);
	list_init(&f->epoll_links);
	if (t) {
		f->cred = cred_get(t->cred);
	}
	*out = f;
	return 0;
}

void file_free(struct file *f)
{
	if (f->cred)
		cred_put(f->cred);
	pthread_mutex_destroy(&f->pos_lock);
	inode_put(f->inode);
	path_put(&f->path);
	free(f);
}

int file_writer_get(struct inode *inode)
{
	int r = 0;

	pthread_mutex_lock(&inode->lock);
	if (inode->deny_write)
		r = -LX_ETXTBSY;
	else
		inode->writers++;
	pthread_mutex_unlock(&inode->lock);
	return r;
}

void file_writer_put(struct inode *inode)
{
	pthread_mutex_lock(&inode->lock);
	inode->writers--;
	pthread_mutex_unlock(&inode->lock);
}

void file_put(struct file *f)
{
	if (!f || __atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (!list_empty(&f->epoll_links))
		epoll_forget_file(f);
	locks_remove_file(f);
	if (!(f->flags & LX_O_PATH))
		file_notify(f, lx_flags_writable(f->flags) ? VFS_IN_CLOSE_WRITE : VFS_IN_CLOSE_NOWRITE);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->holds & FILE_HOLDS_WRITE)
		file_writer_put(f->inode);
	if (f->holds & FILE_HOLDS_DENY) {
		pthread_mutex_lock(&f->inode->lock);
		f->inode->deny_write--;
		pthread_mutex_unlock(&f->inode->lock);
	}
	file_free(f);
}

static const struct inode_ops anon_ops;

/* All nameless objects belong to one file system of their own. */
static int anon_superblock(struct guest *g, struct superblock **out)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct superblock *sb;
	int r = 0;

	pthread_mutex_lock(&lock);
	if (!sb)
		r = superblock_new(g, "anon_inodefs", LX_ANON_INODE_FS_MAGIC, &sb);
	*out = sb;
	pthread_mutex_unlock(&lock);
	return r;
}

int inode_new_anon(struct guest *g, const struct inode_ops *ops, uint32_t mode, struct inode **out)
{
	struct superblock *sb;
	int r = anon_superblock(g, &sb);

	if (r == 0)
		r = inode_new(sb, ops ? ops : &anon_ops, NULL, mode, out);
	return r;
}

int file_new_inode(struct inode *inode, const struct file_ops *ops, void *priv, uint32_t flags,
                   const char *label, struct file **out)
{
	struct path p = {NULL, NULL};
	int r = dentry_new(NULL, label, strlen(label), inode_get(inode), &p.dentry);

	if (r < 0) {
		inode_put(inode);
		return r;
	}
	__atomic_fetch_or(&p.dentry->flags, DENTRY_ANON, __ATOMIC_RELAXED);
	r = file_alloc(NULL, &p, flags, out);
	if (r == 0) {
		(*out)->ops = ops;
		(*out)->priv = priv;
	}
	dentry_put(p.dentry);
	return r;
}

int file_new_anon(struct guest *g, const struct file_ops *ops, void *priv, uint32_t flags,
                  uint32_t mode, const char *label, struct file **out)
{
	struct inode *inode;
	int r = inode_new_anon(g, NULL, mode, &inode);

	if (r < 0)
		return r;
	r = file_new_inode(inode, ops, priv, flags, label, out);
	inode_put(inode);
	return r;
}

int file_new_same(struct file *other, const struct file_ops *ops, void *priv, uint32_t flags,
		  struct file **out)
{
	int r = file_alloc(NULL, &other->path, flags, out);

	if (r == 0) {
		(*out)->ops = ops;
		(*out)->priv = priv;
	}
	return r;
}

int64_t vfs_read_kernel(struct file *f, void *buf, size_t n, int64_t pos)
{
	int64_t total = 0;

	if (!f->ops->read || pos < 0)
		return -LX_EINVAL;
	while ((size_t)total < n) {
		struct uio u;
		int64_t at = pos + total, r;

		uio_init_kernel(&u, (char *)buf + total, n - (size_t)total);
		r = f->ops->read(NULL, f, &u, &at);
		uio_release(&u);
		if (r < 0)
			return total ? total : r;
		if (r == 0)
			break;
		total += r;
	}
	return total;
}

int64_t vfs_lseek_generic(struct file *f, int64_t offset, int whence)
{
	struct vfs_attr attr;
	int64_t base = 0, pos;
	int r;

	if (whence == LX_SEEK_CUR) {
		base = f->pos;
	} else if (whence != LX_SEEK_SET) {
		r = vfs_getattr(f->inode, &attr);
		if (r < 0)
			return r;
		base = (int64_t)attr.size;
	}
	if (whence == LX_SEEK_DATA || whence == LX_SEEK_HOLE) {
		if (offset < 0 || offset >= base)
			return -LX_ENXIO;
		pos = whence == LX_SEEK_DATA ? offset : base;
	} else if (add_overflows(base, offset, &pos)) {
		return -LX_EOVERFLOW;
	}
	if (pos < 0)
		return -LX_EINVAL;
	f->pos = pos;
	return pos;
}
