/*
 * eventfd.c: eventfd2(2), and memfd_create(2) on top of tmpfs's nameless files.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"
#include "supervisor/vfs/tmp.h"

#define EFD_SEMAPHORE 1u
#define COUNT_MAX     (UINT64_MAX - 1) /* the counter's highest value */

struct eventfd {
	pthread_mutex_t lock;
	uint64_t count;
	bool semaphore;
	struct waitq wait; /* readers, writers and those who poll */
};

static bool nonblocking(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK;
}

/* Takes the count (or one of it): false when it is zero. */
static bool eventfd_take(struct eventfd *e, uint64_t *value)
{
	bool taken = false;

	pthread_mutex_lock(&e->lock);
	if (e->count > 0) {
		*value = e->semaphore ? 1 : e->count;
		e->count -= *value;
		taken = true;
	}
	pthread_mutex_unlock(&e->lock);
	if (taken)
		waitq_wake(&e->wait, LX_POLL_WRITABLE);
	return taken;
}

/* Adds to the count: false when that would overflow. */
static bool eventfd_add(struct eventfd *e, uint64_t value)
{
	bool added = false;

	pthread_mutex_lock(&e->lock);
	if (value <= COUNT_MAX - e->count) {
		e->count += value;
		added = true;
	}
	pthread_mutex_unlock(&e->lock);
	if (added)
		waitq_wake(&e->wait, LX_POLL_READABLE);
	return added;
}

static int64_t eventfd_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value = 0;
	int64_t ret;

	(void)pos;
	if (u->left < sizeof(value))
		return -LX_EINVAL;
	if (!eventfd_take(e, &value)) {
		if (nonblocking(f))
			return -LX_EAGAIN;
		ret = WAIT_EVENT(t, &e->wait, eventfd_take(e, &value), WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
	return uio_to(u, &value, sizeof(value));
}

static int64_t eventfd_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;
	int64_t ret;

	(void)pos;
	if (u->left < sizeof(value))
		return -LX_EINVAL;
	ret = uio_from(u, &value, sizeof(value));
	if (ret != sizeof(value))
		return -LX_EFAULT;
	if (value == UINT64_MAX)
		return -LX_EINVAL;
	if (!eventfd_add(e, value)) {
		if (nonblocking(f))
			return -LX_EAGAIN;
		ret = WAIT_EVENT(t, &e->wait, eventfd_add(e, value), WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
	return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	uint32_t events = 0;

	poll_wait(f, &e->wait, pt);
	pthread_mutex_lock(&e->lock);
	if (e->count > 0)
		events |= LX_POLLIN;
	if (e->count < COUNT_MAX)
		events |= LX_POLLOUT;
	pthread_mutex_unlock(&e->lock);
	return events;
}

static void eventfd_free(struct eventfd *e)
{
	waitq_release(&e->wait);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void eventfd_release(struct file *f)
{
	eventfd_free(f->priv);
}

static size_t eventfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct eventfd *e = f->priv;
	int len;

	pthread_mutex_lock(&e->lock);
	len = snprintf(buf, n, "eventfd-count: %16llx\neventfd-id: 0\neventfd-semaphore: %d\n",
		       (unsigned long long)e->count, e->semaphore);
	pthread_mutex_unlock(&e->lock);
	return len < 0 ? 0 : MIN((size_t)len, n - 1);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.fdinfo = eventfd_fdinfo,
	.seekless = true,
};

int64_t sys_eventfd2(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct eventfd *e;
	struct file *f;
	int64_t ret;

	if (flags & ~(EFD_SEMAPHORE | LX_O_NONBLOCK | LX_O_CLOEXEC))
		return -LX_EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -LX_ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	waitq_init(&e->wait);
	e->count = arg_u32(a, 0);
	e->semaphore = flags & EFD_SEMAPHORE;
	ret = file_new_anon(t->guest, &eventfd_fops, e, LX_O_RDWR | (flags & LX_O_NONBLOCK), 0600,
			    "anon_inode:[eventfd]", &f);
	if (ret < 0) {
		eventfd_free(e);
		return ret;
	}
	ret = fd_install(t, f, 0, flags & LX_O_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}

/* ---- memfd_create ---- */

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#define MFD_HUGETLB       4u
#define MFD_NOEXEC_SEAL   8u
#define MFD_EXEC          16u
#define MEMFD_NAME_MAX    249u

int64_t sys_memfd_create(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1), seals = LX_F_SEAL_SEAL, mode = 0777;
	char name[MEMFD_NAME_MAX + 1];
	struct file *f;
	int64_t ret;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return flags & MFD_HUGETLB ? -LX_ENODEV : -LX_EINVAL;
	if ((flags & MFD_NOEXEC_SEAL) && (flags & MFD_EXEC))
		return -LX_EINVAL;
	ret = strncpy_from_user(t->mm, name, arg_ptr(a, 0), sizeof(name));
	if (ret < 0)
		return ret == -LX_ENAMETOOLONG ? -LX_EINVAL : ret;
	if (flags & MFD_ALLOW_SEALING)
		seals = 0;
	if (flags & MFD_NOEXEC_SEAL) {
		seals = LX_F_SEAL_EXEC;
		mode = 0666;
	}
	ret = tmp_new_memfd(t, name, LX_O_RDWR | LX_O_LARGEFILE, seals, mode, &f);
	if (ret < 0)
		return ret;
	ret = fd_install(t, f, 0, flags & MFD_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}
