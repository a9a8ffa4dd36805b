/* mm_file.c: see mm_file.h. */
#include "common/lx/errno.h"
#include "supervisor/mm/guest_copy.h"
#include "tests/lib/mm_file.h"

static int64_t read_run(void *owner, uint64_t offset, void *buf, uint64_t n)
{
	struct mm_file *f = owner;

	f->reads++;
	if (f->fail)
		return f->fail;
	if (offset >= f->size)
		return 0;
	n = MIN(n, f->size - offset);
	guest_copy(buf, f->data + offset, n);
	return (int64_t)n;
}

static int64_t read_page(void *owner, uint64_t offset, void *page)
{
	return read_run(owner, offset, page, 4096);
}

static int64_t write_page(void *owner, uint64_t offset, const void *page, uint64_t n)
{
	struct mm_file *f = owner;

	f->writes++;
	if (offset + n > f->room)
		return -LX_ENOSPC;
	guest_copy(f->data + offset, page, n);
	return (int64_t)n;
}

static uint64_t size(void *owner)
{
	struct mm_file *f = owner;

	return __atomic_load_n(&f->size, __ATOMIC_ACQUIRE);
}

static void lock(void *owner)
{
	pthread_mutex_lock(&((struct mm_file *)owner)->lock);
}

static void unlock(void *owner)
{
	pthread_mutex_unlock(&((struct mm_file *)owner)->lock);
}

static int mapping(struct file *file, struct pagecache **out)
{
	*out = container_of(file, struct mm_file, file)->cache;
	return 0;
}

void mm_file_init(struct mm_file *f, struct arena *a, uint64_t bytes, uint64_t room, uint32_t flags)
{
	memset(f, 0, sizeof(*f));
	f->cache_ops = (struct pagecache_ops){.read_page = read_page,
	                                      .write_page = write_page,
	                                      .size = size,
	                                      .read_run = read_run,
	                                      .lock = lock,
	                                      .unlock = unlock};
	f->ops.mapping = mapping;
	f->file.ops = &f->ops;
	f->file.refs = 2;
	f->file.flags = flags;
	f->size = bytes;
	f->room = room;
	f->data = calloc(1, room);
	pthread_mutex_init(&f->lock, NULL);
	if (!f->data || pagecache_new(a, &f->cache_ops, f, false, &f->cache) != 0)
		exit(1);
}

void mm_file_write(struct mm_file *f, uint64_t offset, const void *buf, uint64_t n)
{
	union {
		const void *in;
		void *out;
	} p = {.in = buf};
	struct uio u;

	uio_init_kernel(&u, p.out, n);
	pthread_mutex_lock(&f->lock);
	if (pagecache_write(f->cache, offset, &u, n) != (int64_t)n)
		exit(1);
	if (offset + n > f->size)
		__atomic_store_n(&f->size, offset + n, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&f->lock);
}

void mm_file_truncate(struct mm_file *f, uint64_t bytes)
{
	pthread_mutex_lock(&f->lock);
	if (bytes < f->size)
		memset(f->data + bytes, 0, f->size - bytes);
	__atomic_store_n(&f->size, bytes, __ATOMIC_RELEASE);
	pagecache_truncate(f->cache, bytes);
	pthread_mutex_unlock(&f->lock);
}

void mm_file_release(struct mm_file *f)
{
	pagecache_free(f->cache);
	free(f->data);
	pthread_mutex_destroy(&f->lock);
}
