/*
 * test_mm_space.c: address spaces against a model: random mmap, munmap, mprotect, mremap, writes
 * and forks, where a plain array says what every page should hold and permit.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "vcpu/pte.h"

#include <cmocka.h>

#define ANON (LX_MAP_PRIVATE | LX_MAP_ANONYMOUS)
#define RW   (LX_PROT_READ | LX_PROT_WRITE)

struct fixture {
	struct guest guest;
	struct mm *mm;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || arena_new(256 << 20, &f->guest.arena) != 0 || mm_new(&f->guest, &f->mm) != 0)
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct arena_stats st;

	mm_put(f->mm);
	arena_get_stats(f->guest.arena, &st);
	arena_free(f->guest.arena);
	free(f);
	/* No frame may be left. */
	return st.frames_used == 0 && st.frames_cache == 0 ? 0 : -1;
}

static uint64_t must_map(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	int64_t r = mm_map(mm, addr, len, prot, flags, NULL, 0);

	assert_true(r > 0);
	return (uint64_t)r;
}

static void anonymous_memory_is_zero_and_keeps_writes(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 1 << 20, RW, ANON);
	char buf[8192], back[8192];

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(copy_from_user(f->mm, back, guest_ptr(a + 100), sizeof(back)), 0);
	for (size_t i = 0; i < sizeof(back); i++)
		assert_int_equal(back[i], 0);
	assert_int_equal(copy_to_user(f->mm, guest_ptr(a + 3000), buf, sizeof(buf)), 0);
	assert_int_equal(copy_from_user(f->mm, back, guest_ptr(a + 3000), sizeof(back)), 0);
	assert_memory_equal(buf, back, sizeof(buf));
	assert_int_equal(clear_user(f->mm, guest_ptr(a + 3000), 10), 0);
	assert_int_equal(copy_from_user(f->mm, back, guest_ptr(a + 3005), 10), 0);
	assert_int_equal(back[4], 0);
	assert_int_equal((uint8_t)back[5], 0xa5);
}

static void bad_addresses_are_refused(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 3 * PAGE_SIZE, RW, ANON);
	char buf[PAGE_SIZE * 2] = "text";
	uint32_t word;

	assert_int_equal(mm_unmap(f->mm, a + PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(copy_to_user(f->mm, guest_ptr(a), buf, sizeof(buf)), -LX_EFAULT);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a + PAGE_SIZE), 1), -LX_EFAULT);
	assert_int_equal(get_user_u32(f->mm, &word, guest_ptr(0)), -LX_EFAULT);
	assert_int_equal(get_user_u32(f->mm, &word, guest_ptr(UINT64_MAX - 1)), -LX_EFAULT);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(1ULL << 48), 1), -LX_EFAULT);
	assert_int_equal(copy_from_user(f->mm, buf, guest_ptr(a), SIZE_MAX), -LX_EFAULT);
	assert_int_equal(mm_protect(f->mm, a, PAGE_SIZE, LX_PROT_READ), 0);
	assert_int_equal(put_user_u32(f->mm, guest_ptr(a), 1), -LX_EFAULT);
	assert_int_equal(get_user_u32(f->mm, &word, guest_ptr(a)), 0);
	assert_int_equal(mm_protect(f->mm, a, PAGE_SIZE, LX_PROT_NONE), 0);
	assert_int_equal(get_user_u32(f->mm, &word, guest_ptr(a)), -LX_EFAULT);
	assert_int_equal(mm_fault(f->mm, a, VCPU_READ), MM_FAULT_ACCERR);
	assert_int_equal(mm_fault(f->mm, a + PAGE_SIZE, VCPU_READ), MM_FAULT_MAPERR);
}

static void strings_end_where_they_end(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 2 * PAGE_SIZE, RW, ANON);
	char buf[64];

	assert_int_equal(mm_unmap(f->mm, a + PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(copy_to_user(f->mm, guest_ptr(a + PAGE_SIZE - 6), "hello", 6), 0);
	assert_int_equal(strncpy_from_user(f->mm, buf, guest_ptr(a + PAGE_SIZE - 6), 64), 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(strncpy_from_user(f->mm, buf, guest_ptr(a + PAGE_SIZE - 6), 5),
	                 -LX_ENAMETOOLONG);
	assert_int_equal(copy_to_user(f->mm, guest_ptr(a + PAGE_SIZE - 1), "x", 1), 0);
	assert_int_equal(strncpy_from_user(f->mm, buf, guest_ptr(a + PAGE_SIZE - 6), 64),
	                 -LX_EFAULT);
}

static void fork_copies_on_write(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 64 * PAGE_SIZE, RW, ANON);
	uint64_t s = must_map(f->mm, 0, PAGE_SIZE, RW, LX_MAP_SHARED | LX_MAP_ANONYMOUS);
	struct mm *child;
	uint64_t v;

	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(put_user_u64(f->mm, guest_ptr(a + i * PAGE_SIZE), i), 0);
	assert_int_equal(put_user_u64(f->mm, guest_ptr(s), 7), 0);
	assert_int_equal(mm_fork(f->mm, &child), 0);
	for (uint64_t i = 0; i < 64; i += 2)
		assert_int_equal(put_user_u64(child, guest_ptr(a + i * PAGE_SIZE), 1000 + i), 0);
	assert_int_equal(put_user_u64(f->mm, guest_ptr(a + PAGE_SIZE), 5000), 0);
	assert_int_equal(put_user_u64(child, guest_ptr(s), 8), 0);
	for (uint64_t i = 0; i < 64; i++) {
		assert_int_equal(get_user_u64(f->mm, &v, guest_ptr(a + i * PAGE_SIZE)), 0);
		assert_int_equal(v, i == 1 ? 5000 : i);
		assert_int_equal(get_user_u64(child, &v, guest_ptr(a + i * PAGE_SIZE)), 0);
		assert_int_equal(v, i % 2 ? i : 1000 + i);
	}
	assert_int_equal(get_user_u64(f->mm, &v, guest_ptr(s)), 0);
	assert_int_equal(v, 8);
	mm_put(child);
	assert_int_equal(put_user_u64(f->mm, guest_ptr(a + 3 * PAGE_SIZE), 1), 0);
}

static void many_mappings_are_possible_up_to_the_limit(void **state)
{
	struct fixture *f = *state;
	int64_t r = 0;
	uint32_t n = 0;

	/* Alternating protections cannot be merged. */
	for (; n < 70000; n++) {
		r = mm_map(f->mm, 0x100000000 + n * PAGE_SIZE, PAGE_SIZE,
		           n % 2 ? LX_PROT_READ : LX_PROT_NONE, ANON | LX_MAP_FIXED, NULL, 0);
		if (r < 0)
			break;
	}
	assert_int_equal(r, -LX_ENOMEM);
	assert_in_range(n, 65530, 65531);
	for (uint32_t i = 0; i < n; i += 2)
		assert_int_equal(mm_unmap(f->mm, 0x100000000 + i * PAGE_SIZE, PAGE_SIZE), 0);
	r = mm_map(f->mm, 0, PAGE_SIZE, RW, ANON, NULL, 0);
	assert_true(r > 0);
}

static void fixed_placement_follows_the_manual(void **state)
{
	struct fixture *f = *state;
	const uint64_t at = 0x20000000;

	assert_int_equal(mm_map(f->mm, at, PAGE_SIZE, RW, ANON | LX_MAP_FIXED, NULL, 0), at);
	assert_int_equal(mm_map(f->mm, at, PAGE_SIZE, RW, ANON | LX_MAP_FIXED_NOREPLACE, NULL, 0),
	                 -LX_EEXIST);
	assert_int_equal(mm_map(f->mm, at + 1, PAGE_SIZE, RW, ANON | LX_MAP_FIXED, NULL, 0),
	                 -LX_EINVAL);
	assert_int_equal(mm_map(f->mm, 0, PAGE_SIZE, RW, ANON | LX_MAP_FIXED, NULL, 0), -LX_EPERM);
	assert_int_equal(mm_map(f->mm, 1ULL << 48, PAGE_SIZE, RW, ANON | LX_MAP_FIXED, NULL, 0),
	                 -LX_ENOMEM);
	assert_int_equal(mm_map(f->mm, at, 0, RW, ANON, NULL, 0), -LX_EINVAL);
	assert_int_equal(mm_map(f->mm, 0, UINT64_MAX, RW, ANON, NULL, 0), -LX_ENOMEM);
	assert_int_equal(mm_map(f->mm, 0, PAGE_SIZE, RW, LX_MAP_ANONYMOUS, NULL, 0), -LX_EINVAL);
	/* A hint is taken when there is room, else another place. */
	assert_int_equal(mm_map(f->mm, at + PAGE_SIZE + 5, PAGE_SIZE, RW, ANON, NULL, 0),
	                 at + PAGE_SIZE);
	assert_true(mm_map(f->mm, at, PAGE_SIZE, RW, ANON, NULL, 0) > (int64_t)at + 4096);
	assert_int_equal(mm_unmap(f->mm, at + 1, PAGE_SIZE), -LX_EINVAL);
	assert_int_equal(mm_unmap(f->mm, at, 0), -LX_EINVAL);
	assert_int_equal(mm_unmap(f->mm, at, UINT64_MAX), -LX_EINVAL);
}

static void memory_runs_out_with_an_error(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 512 << 20, RW, ANON | LX_MAP_NORESERVE), i;

	for (i = 0; i < 512 << 8; i++) {
		if (put_user_u32(f->mm, guest_ptr(a + i * PAGE_SIZE), 1) != 0)
			break;
	}
	assert_true(i > 60000 && i < 65536);
	assert_int_equal(mm_fault(f->mm, a + (i + 100) * PAGE_SIZE, VCPU_WRITE), MM_FAULT_OOM);
	assert_int_equal(mm_unmap(f->mm, a, 512 << 20), 0);
	a = must_map(f->mm, 0, 1 << 20, RW, ANON);
	assert_int_equal(put_user_u32(f->mm, guest_ptr(a), 1), 0);
}

static void pins_survive_fork_and_munmap(void **state)
{
	struct fixture *f = *state;
	uint64_t a = must_map(f->mm, 0, 4 * PAGE_SIZE, RW, ANON), v;
	struct user_pin pin;
	struct mm *child;

	assert_int_equal(put_user_u64(f->mm, guest_ptr(a), 1), 0);
	assert_true(user_pin(f->mm, guest_ptr(a), 2 * PAGE_SIZE, true, &pin) >= 1);
	assert_int_equal(pin.bytes, 2 * PAGE_SIZE);
	assert_int_equal(mm_fork(f->mm, &child), 0);
	/* The parent writes elsewhere in the page; the transfer then lands in the parent's page. */
	assert_int_equal(put_user_u64(f->mm, guest_ptr(a + 8), 2), 0);
	memset(pin.iov[0].iov_base, 0x11, 8);
	assert_int_equal(get_user_u64(f->mm, &v, guest_ptr(a)), 0);
	assert_int_equal(v, 0x1111111111111111);
	assert_int_equal(get_user_u64(child, &v, guest_ptr(a)), 0);
	assert_int_equal(v, 1);
	mm_put(child);
	assert_int_equal(mm_unmap(f->mm, a, 4 * PAGE_SIZE), 0);
	memset(pin.iov[0].iov_base, 0x22, pin.iov[0].iov_len);
	user_unpin(&pin);
	assert_int_equal(user_pin(f->mm, guest_ptr(a), 1, false, &pin), -LX_EFAULT);
}

static void heap_grows_and_shrinks(void **state)
{
	struct fixture *f = *state;
	int64_t start = mm_brk(f->mm, 0);

	assert_int_equal(mm_brk(f->mm, (uint64_t)start + 1), start);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(anonymous_memory_is_zero_and_keeps_writes),
	    T(bad_addresses_are_refused),
	    T(strings_end_where_they_end),
	    T(fork_copies_on_write),
	    T(many_mappings_are_possible_up_to_the_limit),
	    T(fixed_placement_follows_the_manual),
	    T(memory_runs_out_with_an_error),
	    T(pins_survive_fork_and_munmap),
	    T(heap_grows_and_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
