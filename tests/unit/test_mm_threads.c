/*
 * test_mm_threads.c: threads of one process that copy, fault, pin, map, protect, fork and truncate
 * at the same time.  Every page only ever holds its own number (or zero), so a frame that is
 * reused too early is seen; the race checker sees the rest.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "tests/lib/mm_file.h"
#include "vcpu/pte.h"

#include <cmocka.h>

#define BASE    0x50000000ULL
#define PAGES   64u
#define ROUNDS  1500u
#define THREADS 4u
#define RW      (LX_PROT_READ | LX_PROT_WRITE)

static struct guest guest;
static struct mm_file file;
static struct mm *mm;
static unsigned wrong; /* atomic */
static bool done;      /* atomic */

struct worker {
	pthread_t thread;
	uint64_t seed;
};

static uint64_t rnd(struct worker *w, uint64_t n)
{
	w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->seed >> 33) % n;
}

static void check(bool ok)
{
	if (!ok)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static struct guest_ptr word_at(uint64_t page)
{
	return guest_ptr(BASE + page * PAGE_SIZE);
}

/* Reads and writes pages; both may fail while the other thread has them unmapped. */
static void *copier(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		uint64_t page = rnd(w, PAGES), v, buf[600];
		struct user_pin pin;

		switch (rnd(w, 4)) {
		case 0:
			check(put_user_u64(mm, word_at(page), page) != 1);
			break;
		case 1:
			if (get_user_u64(mm, &v, word_at(page)) == 0)
				check(v == 0 || v == page);
			break;
		case 2:
			if (copy_from_user(mm, buf, word_at(page), sizeof(buf)) == 0) {
				check(buf[0] == 0 || buf[0] == page);
				check(buf[512] == 0 || buf[512] == page + 1);
			}
			break;
		default:
			if (user_pin(mm, word_at(page), PAGE_SIZE, rnd(w, 2), &pin) > 0) {
				v = __atomic_load_n((uint64_t *)pin.iov[0].iov_base,
				                    __ATOMIC_RELAXED);
				check(v == 0 || v == page);
				user_unpin(&pin);
			}
			break;
		}
	}
	return NULL;
}

static void map_some(struct worker *w)
{
	uint64_t first = rnd(w, PAGES), n = 1 + rnd(w, PAGES - first);
	uint32_t flags = LX_MAP_FIXED | (rnd(w, 2) ? LX_MAP_SHARED : LX_MAP_PRIVATE);
	bool use_file = rnd(w, 3) == 0;

	if (!use_file)
		flags |= LX_MAP_ANONYMOUS;
	check(mm_map(mm, BASE + first * PAGE_SIZE, n * PAGE_SIZE, RW, flags,
	             use_file ? &file.file : NULL, first * PAGE_SIZE) > 0);
}

static void fork_and_look(struct worker *w)
{
	struct mm *child;
	uint64_t v, page;

	if (mm_fork(mm, &child) != 0) {
		check(false);
		return;
	}
	for (unsigned i = 0; i < 8; i++) {
		page = rnd(w, PAGES);
		if (get_user_u64(child, &v, word_at(page)) == 0)
			check(v == 0 || v == page);
		check(put_user_u64(child, word_at(page), page) != 1);
	}
	mm_put(child);
}

static void *changer(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t first = rnd(w, PAGES), n = 1 + rnd(w, PAGES - first);
		uint64_t at = BASE + first * PAGE_SIZE;

		switch (rnd(w, 7)) {
		case 0:
			check(mm_unmap(mm, at, n * PAGE_SIZE) == 0);
			break;
		case 1:
			check(mm_protect(mm, at, n * PAGE_SIZE, rnd(w, 2) ? RW : LX_PROT_READ) !=
			      1);
			break;
		case 2:
			check(mm_advise(mm, at, n * PAGE_SIZE, LX_MADV_DONTNEED) != 1);
			break;
		case 3:
			fork_and_look(w);
			break;
		case 4:
			mm_file_truncate(&file, rnd(w, PAGES + 1) * PAGE_SIZE);
			break;
		case 5:
			check(pagecache_sync(file.cache, 0, UINT64_MAX) == 0);
			break;
		default:
			map_some(w);
			break;
		}
	}
	return NULL;
}

static void threads_share_an_address_space(void **state)
{
	struct worker copiers[THREADS], changers[2];
	struct arena_stats st;

	(void)state;
	assert_int_equal(arena_new(64 << 20, &guest.arena), 0);
	assert_int_equal(mm_new(&guest, &mm), 0);
	mm_file_init(&file, guest.arena, PAGES * PAGE_SIZE, PAGES * PAGE_SIZE, 2);
	for (unsigned i = 0; i < THREADS; i++) {
		copiers[i].seed = i;
		assert_int_equal(pthread_create(&copiers[i].thread, NULL, copier, &copiers[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		changers[i].seed = 100 + i;
		assert_int_equal(pthread_create(&changers[i].thread, NULL, changer, &changers[i]),
		                 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(changers[i].thread, NULL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(copiers[i].thread, NULL);
	assert_int_equal(wrong, 0);
	mm_put(mm);
	mm_file_release(&file);
	arena_get_stats(guest.arena, &st);
	assert_int_equal(st.frames_used, 0);
	arena_free(guest.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads_share_an_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
