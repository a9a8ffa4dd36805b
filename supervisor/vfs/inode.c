/*
 * inode.c: inodes and superblocks: life cycle, attributes, and the numbers they get.
 */
#include <time.h>

#include "common/lx/errno.h"
#include "supervisor/vfs/dcache.h"

static uint64_t next_ino = 1;
static uint32_t next_minor = 20;

int64_t vfs_now(void)
{
	struct timespec ts;

#ifdef CLOCK_REALTIME_COARSE
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
#else
	clock_gettime(CLOCK_REALTIME, &ts);
#endif
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void inode_set_mode(struct inode *i, uint32_t mode)
{
	__atomic_store_n(&i->mode, mode, __ATOMIC_RELAXED);
}

void inode_set_owner(struct inode *i, uint32_t uid, uint32_t gid)
{
	__atomic_store_n(&i->uid, uid, __ATOMIC_RELAXED);
	__atomic_store_n(&i->gid, gid, __ATOMIC_RELAXED);
}

void inode_set_size(struct inode *i, uint64_t size)
{
	__atomic_store_n(&i->size, size, __ATOMIC_RELEASE);
}

uint64_t inode_size(const struct inode *i)
{
	return __atomic_load_n(&i->size, __ATOMIC_ACQUIRE);
}

int inode_new(struct superblock *sb, const struct inode_ops *ops, const struct file_ops *fops,
              uint32_t mode, struct inode **out)
{
	struct inode *i = calloc(1, sizeof(*i));
	int64_t now = vfs_now();

	if (!i)
		return -LX_ENOMEM;
	i->refs = 1;
	i->mode = mode;
	i->nlink = 1;
	i->ino = __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
	i->blksize = 4096;
	i->atime = i->mtime = i->ctime = i->btime = now;
	i->sb = sb;
	i->ops = ops;
	i->fops = fops;
	pthread_mutex_init(&i->lock, NULL);
	pthread_rwlock_init(&i->dir_lock, NULL);
	list_init(&i->locks);
	superblock_get(sb);
	*out = i;
	return 0;
}

struct inode *inode_get(struct inode *i)
{
	__atomic_fetch_add(&i->refs, 1, __ATOMIC_RELAXED);
	return i;
}

bool inode_get_live(struct inode *i)
{
	uint32_t refs = __atomic_load_n(&i->refs, __ATOMIC_RELAXED);

	while (refs != 0) {
		if (__atomic_compare_exchange_n(&i->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
		                                __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

void inode_put(struct inode *i)
{
	struct superblock *sb;

	if (__atomic_fetch_sub(&i->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	sb = i->sb;
	if (i->ops->release)
		i->ops->release(i);
	if (i->cache)
		pagecache_free(i->cache);
	free(i->link);
	pthread_mutex_destroy(&i->lock);
	pthread_rwlock_destroy(&i->dir_lock);
	free(i);
	superblock_put(sb);
}

int superblock_new(struct guest *g, const char *type_name, uint32_t magic, struct superblock **out)
{
	struct superblock *sb = calloc(1, sizeof(*sb));

	if (!sb)
		return -LX_ENOMEM;
	sb->refs = 1;
	snprintf(sb->type, sizeof(sb->type), "%s", type_name);
	sb->guest = g;
	sb->magic = magic;
	sb->dev = lx_makedev(0, __atomic_fetch_add(&next_minor, 1, __ATOMIC_RELAXED));
	*out = sb;
	return 0;
}

void superblock_get(struct superblock *sb)
{
	__atomic_fetch_add(&sb->refs, 1, __ATOMIC_RELAXED);
}

void superblock_put(struct superblock *sb)
{
	if (__atomic_fetch_sub(&sb->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (sb->release)
		sb->release(sb);
	free(sb->options);
	free(sb);
}

int vfs_getattr(struct inode *inode, struct vfs_attr *out)
{
	if (inode->ops->getattr)
		return inode->ops->getattr(inode, out);
	pthread_mutex_lock(&inode->lock);
	*out = (struct vfs_attr){
	    .ino = inode->ino,
	    .mode = inode->mode,
	    .nlink = inode->nlink,
	    .uid = inode->uid,
	    .gid = inode->gid,
	    .rdev = inode->rdev,
	    .size = inode->size,
	    .blocks = inode->blocks,
	    .blksize = inode->blksize,
	    .atime = inode->atime,
	    .mtime = inode->mtime,
	    .ctime = inode->ctime,
	    .btime = inode->btime,
	};
	pthread_mutex_unlock(&inode->lock);
	return 0;
}
