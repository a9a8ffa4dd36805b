/*
 * fdtable.c: descriptor tables.  A table grows by doubling; bitmaps tell which descriptors are
 * taken and which are closed by execve.  Looking a descriptor up takes a reference on its file,
 * so that a close by another thread never pulls a file away from a call that is using it.
 */
#include "common/lx/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/locks.h"

#define FD_MAX              (1u << 20)
#define FD_FIRST            64u
#define RLIMIT_NOFILE_INDEX 7

struct fd_table {
	uint32_t refs; /* atomic */
	pthread_mutex_t lock;
	struct file **files;      /* size entries */
	uint64_t *open, *cloexec; /* size bits */
	uint32_t size;            /* a multiple of 64 */
	uint32_t first_free;      /* no descriptor below is free */
};

static bool bit(const uint64_t *map, uint32_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *map, uint32_t i, bool v)
{
	uint64_t m = (uint64_t)1 << (i % 64);

	map[i / 64] = v ? map[i / 64] | m : map[i / 64] & ~m;
}

static int table_alloc(uint32_t size, struct fd_table **out)
{
	struct fd_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -LX_ENOMEM;
	t->refs = 1;
	t->size = size;
	t->files = calloc(size, sizeof(*t->files));
	t->open = calloc(size / 64, sizeof(*t->open));
	t->cloexec = calloc(size / 64, sizeof(*t->cloexec));
	if (!t->files || !t->open || !t->cloexec) {
		free(t->files);
		free(t->open);
		free(t->cloexec);
		free(t);
		return -LX_ENOMEM;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

uint32_t fd_table_size(struct fd_table *t)
{
	uint32_t size;

	pthread_mutex_lock(&t->lock);
	size = t->size;
	pthread_mutex_unlock(&t->lock);
	return size;
}

int fd_table_new(struct fd_table **out)
{
	return table_alloc(FD_FIRST, out);
}

static bool grow_array(void **array, size_t old_bytes, size_t new_bytes)
{
	void *p = realloc(*array, new_bytes);

	if (!p)
		return false;
	memset((char *)p + old_bytes, 0, new_bytes - old_bytes);
	*array = p;
	return true;
}

static int grow_locked(struct fd_table *t, uint32_t want)
{
	uint32_t size = t->size;

	while (size <= want)
		size *= 2;
	if (!grow_array((void **)&t->files, t->size * sizeof(*t->files),
	                size * sizeof(*t->files)) ||
	    !grow_array((void **)&t->open, t->size / 8, size / 8) ||
	    !grow_array((void **)&t->cloexec, t->size / 8, size / 8))
		return -LX_ENOMEM;
	t->size = size;
	return 0;
}

int fd_table_copy(struct fd_table *t, struct fd_table **out)
{
	struct fd_table *c;
	int r;

	pthread_mutex_lock(&t->lock);
	r = table_alloc(t->size, &c);
	if (r == 0) {
		memcpy(c->open, t->open, t->size / 8);
		memcpy(c->cloexec, t->cloexec, t->size / 8);
		c->first_free = t->first_free;
		for (uint32_t i = 0; i < t->size; i++)
			c->files[i] = t->files[i] ? file_get(t->files[i]) : NULL;
		*out = c;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

struct fd_table *fd_table_get(struct fd_table *t)
{
	__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

/* What closing one descriptor means to the file; the reference is the caller's to drop. */
static void flush_file(struct task *task, struct fd_table *t, struct file *f)
{
	if (f->ops->flush)
		f->ops->flush(task, f);
	locks_remove_posix(f, t);
}

void fd_table_put(struct task *task, struct fd_table *t)
{
	if (!t || __atomic_fetch_sub(&t->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (uint32_t i = 0; i < t->size; i++) {
		if (t->files[i]) {
			flush_file(task, t, t->files[i]);
			file_put(t->files[i]);
		}
	}
	pthread_mutex_destroy(&t->lock);
	free(t->files);
	free(t->open);
	free(t->cloexec);
	free(t);
}

static struct file *take_locked(struct fd_table *t, uint32_t fd)
{
	struct file *f = t->files[fd];

	t->files[fd] = NULL;
	set_bit(t->open, fd, false);
	set_bit(t->cloexec, fd, false);
	if (fd < t->first_free)
		t->first_free = fd;
	return f;
}

void fd_table_close_on_exec(struct task *task, struct fd_table *t)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->size; i++) {
		struct file *f;

		if (!t->files[i] || !bit(t->cloexec, i))
			continue;
		f = take_locked(t, i);
		pthread_mutex_unlock(&t->lock);
		flush_file(task, t, f);
		file_put(f);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
}

static uint32_t limit_of(struct task *t)
{
	uint64_t cur =
	    __atomic_load_n(&t->group->rlimit[RLIMIT_NOFILE_INDEX].cur, __ATOMIC_RELAXED);

	return cur < FD_MAX ? (uint32_t)cur : FD_MAX;
}

/* The lowest free descriptor >= min; size when all are taken. */
static uint32_t find_free_locked(const struct fd_table *t, uint32_t min)
{
	for (uint32_t w = min / 64; w < t->size / 64; w++) {
		uint64_t taken = t->open[w];

		if (w == min / 64)
			taken |= ((uint64_t)1 << (min % 64)) - 1;
		if (~taken)
			return w * 64 + (uint32_t)__builtin_ctzll(~taken);
	}
	return MAX(t->size, min);
}

static int64_t install_locked(struct fd_table *t, struct file *f, uint32_t min, uint32_t limit,
                              bool cloexec)
{
	uint32_t from = MAX(min, t->first_free), fd = find_free_locked(t, from);

	if (fd >= limit)
		return -LX_EMFILE;
	if (fd >= t->size && grow_locked(t, fd) < 0)
		return -LX_ENOMEM;
	t->files[fd] = f;
	set_bit(t->open, fd, true);
	set_bit(t->cloexec, fd, cloexec);
	if (from == t->first_free)
		t->first_free = fd + 1;
	return fd;
}

int64_t fd_install(struct task *task, struct file *f, int min, bool cloexec)
{
	struct fd_table *t = task->files;
	int64_t r;

	if (min < 0)
		return -LX_EINVAL;
	pthread_mutex_lock(&t->lock);
	r = install_locked(t, f, (uint32_t)min, limit_of(task), cloexec);
	pthread_mutex_unlock(&t->lock);
	return r;
}

struct file *fd_table_file(struct fd_table *t, int fd)
{
	struct file *f = NULL;

	pthread_mutex_lock(&t->lock);
	if (fd >= 0 && (uint32_t)fd < t->size && t->files[fd])
		f = file_get(t->files[fd]);
	pthread_mutex_unlock(&t->lock);
	return f;
}

struct file *fd_file(struct task *task, int fd)
{
	return fd_table_file(task->files, fd);
}

int64_t fd_close(struct task *task, int fd)
{
	struct fd_table *t = task->files;
	struct file *f = NULL;

	pthread_mutex_lock(&t->lock);
	if (fd >= 0 && (uint32_t)fd < t->size && t->files[fd])
		f = take_locked(t, (uint32_t)fd);
	pthread_mutex_unlock(&t->lock);
	if (!f)
		return -LX_EBADF;
	flush_file(task, t, f);
	file_put(f);
	return 0;
}

int64_t fd_dup2(struct task *task, int oldfd, int newfd, bool cloexec)
{
	struct fd_table *t = task->files;
	struct file *f, *old = NULL;
	uint32_t n = (uint32_t)newfd;

	if (newfd < 0 || n >= limit_of(task))
		return -LX_EBADF;
	f = fd_file(task, oldfd);
	if (!f)
		return -LX_EBADF;
	if (oldfd == newfd) {
		file_put(f);
		return newfd;
	}
	pthread_mutex_lock(&t->lock);
	if (n >= t->size && grow_locked(t, n) < 0) {
		pthread_mutex_unlock(&t->lock);
		file_put(f);
		return -LX_ENOMEM;
	}
	if (t->files[n])
		old = take_locked(t, n);
	t->files[n] = f;
	set_bit(t->open, n, true);
	set_bit(t->cloexec, n, cloexec);
	if (t->first_free == n)
		t->first_free = n + 1;
	pthread_mutex_unlock(&t->lock);
	if (old) {
		flush_file(task, t, old);
		file_put(old);
	}
	return newfd;
}

int fd_get_cloexec(struct task *task, int fd)
{
	struct fd_table *t = task->files;
	int r = -LX_EBADF;

	pthread_mutex_lock(&t->lock);
	if (fd >= 0 && (uint32_t)fd < t->size && t->files[fd])
		r = bit(t->cloexec, (uint32_t)fd);
	pthread_mutex_unlock(&t->lock);
	return r;
}

int fd_set_cloexec(struct task *task, int fd, bool cloexec)
{
	struct fd_table *t = task->files;
	int r = -LX_EBADF;

	pthread_mutex_lock(&t->lock);
	if (fd >= 0 && (uint32_t)fd < t->size && t->files[fd]) {
		set_bit(t->cloexec, (uint32_t)fd, cloexec);
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void fd_close_range(struct task *task, uint32_t first, uint32_t last, bool cloexec)
{
	struct fd_table *t = task->files;

	pthread_mutex_lock(&t->lock);
	for (uint32_t i = first; i < t->size && i <= last; i++) {
		struct file *f;

		if (!t->files[i])
			continue;
		if (cloexec) {
			set_bit(t->cloexec, i, true);
			continue;
		}
		f = take_locked(t, i);
		pthread_mutex_unlock(&t->lock);
		flush_file(task, t, f);
		file_put(f);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
}

bool fd_table_shared(const struct fd_table *t)
{
	return __atomic_load_n(&t->refs, __ATOMIC_ACQUIRE) > 1;
}

void fd_table_for_each(struct fd_table *t,
                       int (*visit)(void *opaque, int fd, struct file *f, bool cloexec),
                       void *opaque)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->size; i++) {
		struct file *f;
		bool cloexec;
		int stop;

		if (!t->files[i])
			continue;
		f = file_get(t->files[i]);
		cloexec = bit(t->cloexec, i);
		pthread_mutex_unlock(&t->lock);
		stop = visit(opaque, (int)i, f, cloexec);
		file_put(f);
		if (stop)
			return;
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
}
