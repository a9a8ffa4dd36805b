/*
 * mm_file.h: a file that lives in the test's memory and can be mapped: a fake owner of a page
 * cache, so that mm can be tested without a file system.
 */
#ifndef TESTS_LIB_MM_FILE_H
#define TESTS_LIB_MM_FILE_H

#include <pthread.h>

#include "supervisor/mm/mm.h"
#include "supervisor/vfs/vfs.h"

struct mm_file {
	struct file file; /* never freed: it has one reference too many */
	struct file_ops ops;
	struct pagecache_ops cache_ops;
	struct pagecache *cache;
	pthread_mutex_t lock;
	uint8_t *data;
	uint64_t size, room; /* bytes; size may be changed with lock held */
	unsigned reads, writes;
	int fail; /* what reading gives, if not 0 */
};

/* A file of size bytes, all zero, that can grow to room bytes.  flags: O_RDONLY or O_RDWR. */
void mm_file_init(struct mm_file *f, struct arena *a, uint64_t size, uint64_t room, uint32_t flags);
/* What write(2) and ftruncate(2) of the file system would do. */
void mm_file_write(struct mm_file *f, uint64_t offset, const void *buf, uint64_t n);
void mm_file_truncate(struct mm_file *f, uint64_t size);
void mm_file_release(struct mm_file *f);

#endif
