/*
 * linux_mem.c: mem.h on Linux: memfd, sparse mappings, hole punching, getrandom.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/mem.h"

/* vm.max_map_count, where it is not known to be another. */
#define MAX_MAPPINGS 65530u

int plat_shm_new(const char *name, uint64_t size, int *fd)
{
	int f = memfd_create(name, MFD_CLOEXEC);

	if (f < 0)
		return plat_errno(errno);
	if (size > INT64_MAX || ftruncate(f, (off_t)size) < 0) {
		int err = size > INT64_MAX ? -LX_EINVAL : plat_errno(errno);

		close(f);
		return err;
	}
	*fd = f;
	return 0;
}

static int map(uint64_t size, int flags, int fd, void **base)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		return plat_errno(errno);
	*base = p;
	return 0;
}

int plat_map_shm(int fd, uint64_t size, void **base)
{
	return map(size, MAP_SHARED, fd, base);
}

int plat_map_lazy(uint64_t size, void **base)
{
	return map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, base);
}

void plat_unmap(void *base, uint64_t size)
{
	munmap(base, size);
}

int plat_shm_punch(int fd, uint64_t offset, uint64_t len)
{
	int r =
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);

	return r < 0 ? plat_errno(errno) : 0;
}

void plat_populate(void *base, uint64_t size)
{
#ifdef MADV_POPULATE_WRITE
	/* Where the kernel lacks it, pages come as they are touched. */
	(void)madvise(base, size, MADV_POPULATE_WRITE);
#else
	(void)base;
	(void)size;
#endif
}

uint64_t plat_ram_size(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 1ULL << 30;
}

uint64_t plat_max_mappings(void)
{
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return MAX_MAPPINGS;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return MAX_MAPPINGS;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

int plat_random(void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n > 0) {
		ssize_t r = getrandom(p, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return plat_errno(errno);
		p += r;
		n -= (size_t)r;
	}
	return 0;
}
