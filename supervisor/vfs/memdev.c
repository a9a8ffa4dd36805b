/*
 * memdev.c: /dev/null, /dev/zero, /dev/full, /dev/random and /dev/urandom.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "common/plat/mem.h"
#include "supervisor/guest.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/chardev.h"
#include "supervisor/vfs/poll.h"

#define MEM_MAJOR     1
#define MINOR_NULL    3
#define MINOR_ZERO    5
#define MINOR_FULL    7
#define MINOR_RANDOM  8
#define MINOR_URANDOM 9

#define READ_CHUNK    (1u << 20) /* between looks at pending signals */
#define ENTROPY_BITS  256u

static int64_t null_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	(void)t;
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

static int64_t null_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	uint64_t n = u->left;

	(void)t;
	(void)f;
	(void)pos;
	uio_advance(u, n);
	return (int64_t)n;
}

static int64_t null_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	(void)t;
	(void)offset;
	(void)whence;
	f->pos = 0;
	return 0;
}

static int64_t zero_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	int64_t done = 0;

	(void)f;
	(void)pos;
	while (u->left > 0) {
		int64_t n = uio_zero(u, MIN(u->left, (uint64_t)READ_CHUNK));

		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
		if (t && signal_is_pending(t))
			break;
	}
	return done;
}

static int64_t full_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	(void)t;
	(void)f;
	(void)u;
	(void)pos;
	return -LX_ENOSPC;
}

/* Mapping /dev/zero gives zeroed memory: a page cache that belongs to the open file. */
static int64_t zero_page(void *owner, uint64_t offset, void *page)
{
	(void)owner;
	(void)offset;
	(void)page;
	return 4096;
}

static uint64_t zero_size(void *owner)
{
	(void)owner;
	return INT64_MAX & ~(uint64_t)4095;
}

static const struct pagecache_ops zero_cache_ops = {.read_page = zero_page, .size = zero_size};

static int zero_mapping(struct file *f, struct pagecache **out)
{
	int ret = 0;

	pthread_mutex_lock(&f->pos_lock);
	if (!f->priv) {
		struct pagecache *pc;

		ret = pagecache_new(f->inode->sb->guest->arena, &zero_cache_ops, f, true, &pc);
		if (ret == 0)
			f->priv = pc;
	}
	*out = f->priv;
	pthread_mutex_unlock(&f->pos_lock);
	return ret;
}

static void zero_release(struct file *f)
{
	if (f->priv)
		pagecache_free(f->priv);
}

static int64_t random_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	uint8_t buf[4096];
	int64_t done = 0;

	(void)f;
	(void)pos;
	while (u->left > 0) {
		size_t want = MIN(u->left, sizeof(buf));
		int64_t n;

		n = plat_random(buf, want);
		if (n == 0)
			n = uio_to(u, buf, want);
		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
		if (t && signal_is_pending(t))
			break;
	}
	return done;
}

static uint32_t random_poll(struct file *f, struct poll_table *pt)
{
	(void)f;
	(void)pt;
	return LX_POLL_READABLE | LX_POLL_WRITABLE;
}

static int64_t random_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	bool admin = cred_capable(t->cred, LX_CAP_SYS_ADMIN);

	(void)f;
	switch (request) {
	case LX_RNDGETENTCNT:
		return put_user_u32(t->mm, guest_ptr(arg), ENTROPY_BITS);
	case LX_RNDADDTOENTCNT:
	case LX_RNDADDENTROPY:
	case LX_RNDZAPENTCNT:
	case LX_RNDCLEARPOOL:
	case LX_RNDRESEEDCRNG:
		return admin ? 0 : -LX_EPERM; /* the host's pool needs nothing from us */
	default:
		return -LX_ENOTTY;
	}
}

static const struct file_ops null_fops = {
	.read = null_read, .write = null_write, .lseek = null_lseek};
static const struct file_ops zero_fops = {.read = zero_read,
					  .write = null_write,
					  .lseek = null_lseek,
					  .mapping = zero_mapping,
					  .release = zero_release};
static const struct file_ops full_fops = {
	.read = zero_read, .write = full_write, .lseek = null_lseek};
static const struct file_ops random_fops = {.read = random_read,
					    .write = null_write,
					    .lseek = null_lseek,
					    .poll = random_poll,
					    .ioctl = random_ioctl};

static int mem_open(struct task *t, struct inode *inode, struct file *file)
{
	(void)t;
	switch (lx_minor(inode->rdev)) {
	case MINOR_NULL:
		file->ops = &null_fops;
		return 0;
	case MINOR_ZERO:
		file->ops = &zero_fops;
		return 0;
	case MINOR_FULL:
		file->ops = &full_fops;
		return 0;
	case MINOR_RANDOM:
	case MINOR_URANDOM:
		file->ops = &random_fops;
		return 0;
	default:
		return -LX_ENXIO;
	}
}

int memdev_register(void)
{
	return chardev_register(MEM_MAJOR, 0, 16, mem_open);
}
