/*
 * bulk.c: the bulk region and its allocator.  Chunks are runs of 4 KiB pages, found first-fit in
 * a bitmap from where the last search ended.  The bitmap is the client's own memory: the server
 * only ever checks bounds.
 */
#include "ipc/bulk.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/errno.h"

#define CHUNK 4096u

struct ipc_bulk {
	uint8_t *base;
	size_t size;
	pthread_mutex_t lock;
	pthread_cond_t returned;
	uint32_t pages, next;
	uint64_t *used; /* one bit a page */
};

static int map(int fd, size_t size, struct ipc_bulk **out)
{
	struct ipc_bulk *b = calloc(1, sizeof(*b));
	void *base;

	if (!b)
		return -LX_ENOMEM;
	b->size = size;
	b->pages = (uint32_t)(size / CHUNK);
	b->used = calloc((b->pages + 63) / 64, sizeof(uint64_t));
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!b->used || base == MAP_FAILED) {
		if (base != MAP_FAILED)
			munmap(base, size);
		free(b->used);
		free(b);
		return -LX_ENOMEM;
	}
	b->base = base;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->returned, NULL);
	*out = b;
	return 0;
}

int ipc_bulk_create(size_t size, struct ipc_bulk **out, int *fd)
{
	int r, memfd;

	if (size == 0 || size % CHUNK != 0 || size > IPC_BULK_MAX)
		return -LX_EINVAL;
	memfd = memfd_create("carrick-bulk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0)
		return plat_errno(errno);
	if (ftruncate(memfd, (off_t)size) < 0 ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		r = plat_errno(errno);
		close(memfd);
		return r;
	}
	r = map(memfd, size, out);
	if (r < 0)
		close(memfd);
	else
		*fd = memfd;
	return r;
}

int ipc_bulk_open(int fd, struct ipc_bulk **out)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_WRITE)) != F_SEAL_SHRINK ||
	    fstat(fd, &st) < 0)
		return -LX_EINVAL;
	if (st.st_size <= 0 || st.st_size % CHUNK != 0 || st.st_size > (off_t)IPC_BULK_MAX)
		return -LX_EINVAL;
	return map(fd, (size_t)st.st_size, out);
}

void ipc_bulk_free(struct ipc_bulk *b)
{
	if (!b)
		return;
	munmap(b->base, b->size);
	pthread_cond_destroy(&b->returned);
	pthread_mutex_destroy(&b->lock);
	free(b->used);
	free(b);
}

static bool page_used(const struct ipc_bulk *b, uint32_t page)
{
	return b->used[page / 64] >> (page % 64) & 1;
}

static void set_pages(struct ipc_bulk *b, uint32_t first, uint32_t count, bool used)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (used)
			b->used[i / 64] |= 1ull << (i % 64);
		else
			b->used[i / 64] &= ~(1ull << (i % 64));
	}
}

/* A free run of count pages that starts in [from, to), or UINT32_MAX. */
static uint32_t find_run(const struct ipc_bulk *b, uint32_t from, uint32_t to, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t i = from; i < b->pages && i - run < to; i++) {
		run = page_used(b, i) ? 0 : run + 1;
		if (run == count)
			return i + 1 - count;
	}
	return UINT32_MAX;
}

static int alloc_locked(struct ipc_bulk *b, uint32_t count, uint64_t *off)
{
	uint32_t page = find_run(b, b->next, b->pages, count);

	if (page == UINT32_MAX)
		page = find_run(b, 0, b->next, count);
	if (page == UINT32_MAX)
		return -LX_ENOMEM;
	set_pages(b, page, count, true);
	b->next = (page + count) % b->pages;
	*off = (uint64_t)page * CHUNK;
	return 0;
}

static int allocate(struct ipc_bulk *b, uint32_t len, uint64_t *off, bool wait)
{
	uint32_t count = len / CHUNK + (len % CHUNK != 0);
	int r;

	if (len == 0 || count > b->pages)
		return -LX_EINVAL;
	pthread_mutex_lock(&b->lock);
	while ((r = alloc_locked(b, count, off)) < 0 && wait)
		pthread_cond_wait(&b->returned, &b->lock);
	pthread_mutex_unlock(&b->lock);
	return r;
}

int ipc_bulk_alloc(struct ipc_bulk *b, uint32_t len, uint64_t *off)
{
	return allocate(b, len, off, false);
}

int ipc_bulk_alloc_wait(struct ipc_bulk *b, uint32_t len, uint64_t *off)
{
	return allocate(b, len, off, true);
}

void ipc_bulk_return(struct ipc_bulk *b, uint64_t off, uint32_t len)
{
	uint32_t count = len / CHUNK + (len % CHUNK != 0);

	if (off % CHUNK != 0 || !ipc_bulk_at(b, off, len))
		return;
	pthread_mutex_lock(&b->lock);
	set_pages(b, (uint32_t)(off / CHUNK), count, false);
	pthread_cond_broadcast(&b->returned);
	pthread_mutex_unlock(&b->lock);
}

uint8_t *ipc_bulk_at(struct ipc_bulk *b, uint64_t off, uint32_t len)
{
	return off <= b->size && len <= b->size - off ? b->base + off : NULL;
}
