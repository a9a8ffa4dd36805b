/*
 * test_mm_pagecache.c: files that are mapped: coherence with read and write, the end of the file,
 * holes, write-back, errors of the owner, and more dirty pages than there is memory.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "tests/lib/mm_file.h"
#include "vcpu/pte.h"

#include <cmocka.h>

#define RW (LX_PROT_READ | LX_PROT_WRITE)

struct fixture {
	struct guest guest;
	struct mm_file file;
	struct mm *mm;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || arena_new(16 << 20, &f->guest.arena) != 0 || mm_new(&f->guest, &f->mm) != 0)
		return -1;
	mm_file_init(&f->file, f->guest.arena, 32 * PAGE_SIZE, 48 << 20, 2);
	for (unsigned i = 0; i < 32; i++)
		memset(f->file.data + i * PAGE_SIZE, 'a' + (int)i % 26, PAGE_SIZE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct arena_stats st;

	mm_put(f->mm);
	mm_file_release(&f->file);
	arena_get_stats(f->guest.arena, &st);
	arena_free(f->guest.arena);
	free(f);
	return st.frames_used == 0 ? 0 : -1;
}

static uint64_t map_file(struct fixture *f, uint64_t len, uint32_t flags)
{
	int64_t r = mm_map(f->mm, 0, len, RW, flags, &f->file.file, 0);

	assert_true(r > 0);
	return (uint64_t)r;
}

static int64_t read_cache(struct fixture *f, uint64_t offset, void *buf, uint64_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return pagecache_read(f->file.cache, offset, &u, n);
}

static void mapping_reads_in_runs(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_PRIVATE);
	uint32_t v;

	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(get_user_u32(f->mm, &v, guest_ptr(a + i * PAGE_SIZE)), 0);
		assert_int_equal(v & 0xff, 'a' + i % 26);
	}
	assert_int_equal(f->file.reads, 2);
	assert_int_equal(pagecache_pages(f->file.cache), 32);
}

static void shared_mappings_and_calls_see_each_other(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_SHARED);
	uint64_t p = map_file(f, 32 * PAGE_SIZE, LX_MAP_PRIVATE);
	char buf[8];
	uint32_t v;

	assert_int_equal(copy_to_user(f->mm, guest_ptr(a + 4094), "mapped", 6), 0);
	assert_int_equal(read_cache(f, 4094, buf, 6), 6);
	assert_memory_equal(buf, "mapped", 6);
	mm_file_write(&f->file, 8190, "called", 6);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a + 8190), 6), 0);
	assert_memory_equal(buf, "called", 6);
	/* Written through at once; the mapping's change only when synchronised. */
	assert_memory_equal(f->file.data + 8190, "called", 6);
	assert_memory_equal(f->file.data + 4096, "bbbb", 4);
	assert_int_equal(mm_sync(f->mm, a, 32 * PAGE_SIZE, LX_MS_SYNC), 0);
	assert_memory_equal(f->file.data + 4094, "mapped", 6);
	/* Clean again: the next write is noticed. */
	f->file.writes = 0;
	assert_int_equal(mm_sync(f->mm, a, 32 * PAGE_SIZE, LX_MS_SYNC), 0);
	assert_int_equal(f->file.writes, 0);
	assert_int_equal(put_user_u32(f->mm, guest_ptr(a + 4096), 1), 0);
	assert_int_equal(mm_sync(f->mm, a, 32 * PAGE_SIZE, LX_MS_SYNC), 0);
	assert_int_equal(f->file.writes, 1);
	/* A private copy does not follow. */
	assert_int_equal(put_user_u32(f->mm, guest_ptr(p), 77), 0);
	assert_int_equal(put_user_u32(f->mm, guest_ptr(a), 88), 0);
	assert_int_equal(get_user_u32(f->mm, &v, guest_ptr(p)), 0);
	assert_int_equal(v, 77);
}

static void the_end_of_the_file_is_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_SHARED), tail;
	char buf[PAGE_SIZE];

	assert_int_equal(mm_fault(f->mm, a + 31 * PAGE_SIZE, VCPU_WRITE), MM_FAULT_OK);
	mm_file_truncate(&f->file, 5 * PAGE_SIZE + 100);
	assert_int_equal(mm_fault(f->mm, a + 31 * PAGE_SIZE, VCPU_READ), MM_FAULT_BUS);
	assert_int_equal(mm_fault(f->mm, a + 6 * PAGE_SIZE, VCPU_READ), MM_FAULT_BUS);
	assert_int_equal(get_user_u64(f->mm, &tail, guest_ptr(a + 5 * PAGE_SIZE + 104)), 0);
	assert_int_equal(tail, 0);
	assert_int_equal(read_cache(f, 5 * PAGE_SIZE, buf, sizeof(buf)), 100);
	assert_int_equal(read_cache(f, 6 * PAGE_SIZE, buf, 1), 0);
	mm_file_truncate(&f->file, 32 * PAGE_SIZE);
	assert_int_equal(get_user_u64(f->mm, &tail, guest_ptr(a + 31 * PAGE_SIZE)), 0);
	assert_int_equal(tail, 0);
}

static void holes_read_as_zeroes(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_SHARED);
	char buf[12];

	assert_int_equal(mm_fault(f->mm, a, VCPU_READ), MM_FAULT_OK);
	memset(f->file.data + 4000, 0, 8500);
	pagecache_punch(f->file.cache, 4000, 8500);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a + 3994), 12), 0);
	assert_memory_equal(buf, "aaaaaa\0\0\0\0\0\0", 12);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a + 12494), 12), 0);
	assert_memory_equal(buf, "\0\0\0\0\0\0dddddd", 12);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a + 5000), 12), 0);
	assert_memory_equal(buf, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
}

static void an_owner_that_fails_gives_a_bus_error(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_SHARED);
	uint32_t v;

	f->file.fail = -LX_EIO;
	assert_int_equal(mm_fault(f->mm, a, VCPU_READ), MM_FAULT_BUS);
	assert_int_equal(get_user_u32(f->mm, &v, guest_ptr(a)), -LX_EFAULT);
	assert_int_equal(read_cache(f, 0, &v, 4), -LX_EIO);
	f->file.fail = 0;
	assert_int_equal(get_user_u32(f->mm, &v, guest_ptr(a)), 0);
}

static void more_dirty_pages_than_memory_are_possible(void **state)
{
	struct fixture *f = *state;
	uint64_t n = 40 << 20, a, v;

	mm_file_truncate(&f->file, n);
	a = map_file(f, n, LX_MAP_SHARED);
	for (uint64_t at = 0; at < n; at += PAGE_SIZE)
		assert_int_equal(put_user_u64(f->mm, guest_ptr(a + at), at), 0);
	for (uint64_t at = 0; at < n; at += PAGE_SIZE) {
		assert_int_equal(get_user_u64(f->mm, &v, guest_ptr(a + at)), 0);
		assert_int_equal(v, at);
	}
}

static void unmapping_writes_back(void **state)
{
	struct fixture *f = *state;
	uint64_t a = map_file(f, 32 * PAGE_SIZE, LX_MAP_SHARED);

	assert_int_equal(put_user_u32(f->mm, guest_ptr(a + 7 * PAGE_SIZE), 0x31313131), 0);
	assert_int_equal(mm_unmap(f->mm, a, 16 * PAGE_SIZE), 0);
	assert_memory_equal(f->file.data + 7 * PAGE_SIZE, "hhhh", 4);
	assert_int_equal(mm_unmap(f->mm, a + 16 * PAGE_SIZE, 16 * PAGE_SIZE), 0);
	assert_memory_equal(f->file.data + 7 * PAGE_SIZE, "1111", 4);
}

static void file_rules_follow_the_manual(void **state)
{
	struct fixture *f = *state;
	struct file *file = &f->file.file;
	struct mm *mm = f->mm;

	file->flags = 0; /* O_RDONLY */
	assert_int_equal(mm_map(mm, 0, 1, RW, LX_MAP_SHARED, file, 0), -LX_EACCES);
	assert_true(mm_map(mm, 0, 1, RW, LX_MAP_PRIVATE, file, 0) > 0);
	int64_t a = mm_map(mm, 0, 1, LX_PROT_READ, LX_MAP_SHARED, file, 0);
	assert_true(a > 0);
	assert_int_equal(mm_protect(mm, (uint64_t)a, 1, RW), -LX_EACCES);
	file->flags = 1; /* O_WRONLY */
	assert_int_equal(mm_map(mm, 0, 1, LX_PROT_READ, LX_MAP_PRIVATE, file, 0), -LX_EACCES);
	file->flags = 2;
	assert_int_equal(mm_map(mm, 0, 1, RW, LX_MAP_SHARED_VALIDATE | LX_MAP_SYNC, file, 0),
	                 -LX_EOPNOTSUPP);
	assert_int_equal(mm_map(mm, 0, 1, RW, LX_MAP_SHARED, file, 7), -LX_EINVAL);
	assert_int_equal(mm_map(mm, 0, 4096, RW, LX_MAP_SHARED, file, INT64_MAX & ~0xfffll),
	                 -LX_EOVERFLOW);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(mapping_reads_in_runs),
	    T(shared_mappings_and_calls_see_each_other),
	    T(the_end_of_the_file_is_the_end),
	    T(holes_read_as_zeroes),
	    T(an_owner_that_fails_gives_a_bus_error),
	    T(more_dirty_pages_than_memory_are_possible),
	    T(unmapping_writes_back),
	    T(file_rules_follow_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
