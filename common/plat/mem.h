/*
 * mem.h: host memory behind the guest's: large reservations that cost nothing until touched,
 * shared-memory files, and randomness.  Functions return 0 or a negative Linux errno.
 */
#ifndef COMMON_PLAT_MEM_H
#define COMMON_PLAT_MEM_H

#include "common/base.h"

/* A new unnamed shared-memory file of size bytes, all zero and sparse; close-on-exec. */
int plat_shm_new(const char *name, uint64_t size, int *fd) MUST_CHECK;

/* Maps all size bytes of fd shared, readable and writable, without reserving memory. */
int plat_map_shm(int fd, uint64_t size, void **base) MUST_CHECK;

/* Private zero-filled memory of size bytes, allocated by the host as it is touched. */
int plat_map_lazy(uint64_t size, void **base) MUST_CHECK;

void plat_unmap(void *base, uint64_t size);

/* Gives the memory of [offset, offset+len) of fd back to the host: it reads as zeroes after. */
int plat_shm_punch(int fd, uint64_t offset, uint64_t len) MUST_CHECK;

/* Brings in the host pages of [base, base+size), at less cost than touching each.  A hint. */
void plat_populate(void *base, uint64_t size);

/* Bytes of physical memory of the host. */
uint64_t plat_ram_size(void);

/* How many mappings of memory the host lets a process have; looks it up in a file. */
uint64_t plat_max_mappings(void);

/* Fills buf with random bytes of the host's generator. */
int plat_random(void *buf, size_t n) MUST_CHECK;

#endif
