/*
 * test_mm_model.c: random mmap, munmap, mprotect, mremap, madvise, msync, truncate, write and
 * fork, in up to four processes, against a model: arrays that say for every page of a window
 * what is mapped there, what is permitted, and its first and last word.
 *
 * CARRICK_TEST_SEED and CARRICK_TEST_STEPS choose another run.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "tests/lib/mm_file.h"
#include "vcpu/pte.h"

#include <cmocka.h>

#define BASE      0x40000000ULL
#define PAGES     160u
#define PROCS     4u
#define OBJECTS   64u /* 0: the file; others: shared anonymous memory */
#define OBJ_PAGES 64u

/* One page of one process's window. */
struct mpage {
	bool mapped, shared, own;
	uint32_t prot;
	int object; /* -1: none */
	unsigned index;
	uint64_t word[2]; /* if own, or without an object */
};

struct object {
	unsigned pages, users; /* users: mapped pages, over all processes */
	uint64_t word[OBJ_PAGES][2];
};

static struct guest guest;
static struct mm_file file;
static struct mm *procs[PROCS];
static struct mpage model[PROCS][PAGES];
static struct object objects[OBJECTS];
static uint64_t state = 1;

static uint64_t rnd(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static uint64_t va_of(unsigned page)
{
	return BASE + page * PAGE_SIZE;
}

/* Where word w of a page is. */
static struct guest_ptr word_of(unsigned page, unsigned w)
{
	return guest_ptr(va_of(page) + (w ? PAGE_SIZE - 8 : 0));
}

static void drop(struct mpage *m)
{
	if (m->mapped && m->object >= 0)
		objects[m->object].users--;
	*m = (struct mpage){.object = -1};
}

static uint32_t random_prot(void)
{
	static const uint32_t prots[] = {LX_PROT_NONE,
	                                 LX_PROT_READ,
	                                 LX_PROT_READ | LX_PROT_WRITE,
	                                 LX_PROT_READ | LX_PROT_EXEC,
	                                 LX_PROT_RWX,
	                                 LX_PROT_READ | LX_PROT_WRITE};

	return prots[rnd(ARRAY_LEN(prots))];
}

static void range(unsigned *first, unsigned *n)
{
	*first = (unsigned)rnd(PAGES);
	*n = 1 + (unsigned)rnd(MIN(PAGES - *first, rnd(4) ? 8u : 80u));
}

static void do_map(unsigned p)
{
	uint32_t prot = random_prot(), flags = LX_MAP_FIXED;
	unsigned first, n, index = 0;
	bool shared = rnd(2);
	int object = -1;
	struct file *f = NULL;

	range(&first, &n);
	if (rnd(3) == 0) {
		object = 0;
		f = &file.file;
		index = (unsigned)rnd(OBJ_PAGES);
	} else if (shared) {
		n = MIN(n, OBJ_PAGES);
		for (object = 1; object < (int)OBJECTS && objects[object].users != 0; object++)
			;
		if (object == (int)OBJECTS)
			return;
		memset(&objects[object], 0, sizeof(objects[object]));
		objects[object].pages = n;
	}
	flags |= shared ? LX_MAP_SHARED : LX_MAP_PRIVATE;
	if (!f)
		flags |= LX_MAP_ANONYMOUS;
	assert_int_equal(
	    mm_map(procs[p], va_of(first), n * PAGE_SIZE, prot, flags, f, index * PAGE_SIZE),
	    va_of(first));
	for (unsigned i = 0; i < n; i++) {
		struct mpage *m = &model[p][first + i];

		drop(m);
		*m = (struct mpage){.mapped = true,
		                    .shared = shared,
		                    .prot = prot,
		                    .object = object,
		                    .index = index + i};
		if (object >= 0)
			objects[object].users++;
	}
}

static void do_unmap(unsigned p)
{
	unsigned first, n;

	range(&first, &n);
	assert_int_equal(mm_unmap(procs[p], va_of(first), n * PAGE_SIZE), 0);
	for (unsigned i = 0; i < n; i++)
		drop(&model[p][first + i]);
}

static void do_protect(unsigned p)
{
	uint32_t prot = random_prot();
	unsigned first, n, i;
	int64_t expect = 0;

	range(&first, &n);
	for (i = 0; i < n; i++) {
		struct mpage *m = &model[p][first + i];

		if (!m->mapped) {
			expect = -LX_ENOMEM;
			break;
		}
		m->prot = prot;
	}
	assert_int_equal(mm_protect(procs[p], va_of(first), n * PAGE_SIZE, prot), expect);
}

/* A page's words as the process sees them; false: reading must fail. */
static bool look(unsigned p, unsigned page, uint64_t **word)
{
	struct mpage *m = &model[p][page];

	if (!m->mapped || m->prot == LX_PROT_NONE)
		return false;
	if (m->object < 0 || m->own) {
		*word = m->word;
		return true;
	}
	if (m->index >= objects[m->object].pages)
		return false;
	*word = objects[m->object].word[m->index];
	return true;
}

static void do_read(unsigned p)
{
	unsigned page = (unsigned)rnd(PAGES), w = (unsigned)rnd(2);
	uint64_t *expect, got;
	bool ok = look(p, page, &expect);

	assert_int_equal(get_user_u64(procs[p], &got, word_of(page, w)), ok ? 0 : -LX_EFAULT);
	if (ok)
		assert_int_equal(got, expect[w]);
}

static void do_write(unsigned p)
{
	unsigned page = (unsigned)rnd(PAGES), w = (unsigned)rnd(2);
	struct mpage *m = &model[p][page];
	uint64_t *word, v = state;
	bool ok = look(p, page, &word) && m->prot & LX_PROT_WRITE;

	assert_int_equal(put_user_u64(procs[p], word_of(page, w), v), ok ? 0 : -LX_EFAULT);
	if (!ok)
		return;
	if (m->object >= 0 && !m->shared) {
		if (!m->own)
			memcpy(m->word, word, sizeof(m->word));
		m->own = true;
		word = m->word;
	}
	word[w] = v;
}

static void do_remap(unsigned p)
{
	unsigned first, n, to, grow = (unsigned)rnd(4);
	struct mpage old[PAGES], *m;
	int64_t r;

	range(&first, &n);
	to = (unsigned)rnd(PAGES);
	if (to + n + grow > PAGES || (to < first + n && first < to + n + grow))
		return;
	m = &model[p][first];
	for (unsigned i = 0; i < n; i++) {
		/* One mapping, as mremap(2) asks; the model knows less about their borders. */
		if (!m[i].mapped || m[i].object < 0 || m[i].object != m[0].object ||
		    m[i].index != m[0].index + i || m[i].prot != m[0].prot ||
		    m[i].shared != m[0].shared)
			return;
	}
	r = mm_remap(procs[p], va_of(first), n * PAGE_SIZE, (n + grow) * PAGE_SIZE,
	             LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, va_of(to));
	for (unsigned i = 0; r == -LX_EFAULT && i < n + grow; i++)
		drop(&model[p][to + i]); /* two mappings after all: the target went first */
	if (r == -LX_EFAULT)
		return;
	assert_int_equal(r, va_of(to));
	memcpy(old, m, n * sizeof(*m));
	memset(m, 0, n * sizeof(*m));
	for (unsigned i = 0; i < n; i++)
		m[i].object = -1;
	for (unsigned i = 0; i < n + grow; i++) {
		struct mpage *t = &model[p][to + i];

		drop(t);
		if (i < n) {
			*t = old[i];
		} else {
			*t = old[0];
			t->index = old[0].index + i;
			t->own = false;
			objects[t->object].users++;
		}
	}
}

static void do_dontneed(unsigned p)
{
	unsigned first, n;
	bool hole = false;

	range(&first, &n);
	for (unsigned i = 0; i < n; i++) {
		struct mpage *m = &model[p][first + i];

		hole |= !m->mapped;
		m->own = false;
		if (m->object < 0)
			memset(m->word, 0, sizeof(m->word));
	}
	assert_int_equal(mm_advise(procs[p], va_of(first), n * PAGE_SIZE, LX_MADV_DONTNEED),
	                 hole ? -LX_ENOMEM : 0);
}

static void do_fork(unsigned p)
{
	unsigned q = (unsigned)rnd(PROCS);

	if (q == p)
		return;
	if (procs[q]) {
		mm_put(procs[q]);
		for (unsigned i = 0; i < PAGES; i++)
			drop(&model[q][i]);
	}
	assert_int_equal(mm_fork(procs[p], &procs[q]), 0);
	memcpy(model[q], model[p], sizeof(model[q]));
	for (unsigned i = 0; i < PAGES; i++) {
		if (model[q][i].mapped && model[q][i].object >= 0)
			objects[model[q][i].object].users++;
	}
}

static void do_truncate(void)
{
	struct object *o = &objects[0];
	unsigned pages = (unsigned)rnd(OBJ_PAGES + 1);

	mm_file_truncate(&file, pages * PAGE_SIZE);
	for (unsigned i = pages; i < OBJ_PAGES; i++)
		memset(o->word[i], 0, sizeof(o->word[i]));
	if (pages < o->pages) {
		/* Private copies beyond the end are gone as well. */
		for (unsigned p = 0; p < PROCS; p++) {
			for (unsigned i = 0; i < PAGES; i++) {
				struct mpage *m = &model[p][i];

				if (m->mapped && m->object == 0 && m->index >= pages)
					m->own = false;
			}
		}
	}
	o->pages = pages;
}

static void do_file_write(void)
{
	struct object *o = &objects[0];
	unsigned i = (unsigned)rnd(OBJ_PAGES);
	uint64_t v = state;

	if (i >= o->pages)
		return;
	mm_file_write(&file, i * PAGE_SIZE, &v, sizeof(v));
	o->word[i][0] = v;
}

static void do_sync(void)
{
	assert_int_equal(pagecache_sync(file.cache, 0, UINT64_MAX), 0);
	for (unsigned i = 0; i < objects[0].pages; i++) {
		assert_memory_equal(file.data + i * PAGE_SIZE, &objects[0].word[i][0], 8);
		assert_memory_equal(file.data + (i + 1) * PAGE_SIZE - 8, &objects[0].word[i][1], 8);
	}
}

static void step(void)
{
	unsigned p = (unsigned)rnd(PROCS);

	if (!procs[p])
		return;
	switch (rnd(40)) {
	case 0 ... 3:
		do_map(p);
		break;
	case 4:
		do_unmap(p);
		break;
	case 5 ... 7:
		do_protect(p);
		break;
	case 8:
		do_remap(p);
		break;
	case 9:
		do_dontneed(p);
		break;
	case 10:
		do_fork(p);
		break;
	case 11:
		if (rnd(4) == 0)
			do_truncate();
		break;
	case 12:
		do_file_write();
		break;
	case 13:
		do_sync();
		break;
	case 14 ... 25:
		do_read(p);
		break;
	default:
		do_write(p);
		break;
	}
}

static void random_operations_agree_with_the_model(void **unused)
{
	const char *seed = getenv("CARRICK_TEST_SEED"), *steps = getenv("CARRICK_TEST_STEPS");
	uint64_t n = steps ? strtoull(steps, NULL, 0) : 100000;
	struct arena_stats st;

	(void)unused;
	state = seed ? strtoull(seed, NULL, 0) : 88172645463325252ULL;
	assert_int_equal(arena_new(256 << 20, &guest.arena), 0);
	mm_file_init(&file, guest.arena, OBJ_PAGES * PAGE_SIZE, OBJ_PAGES * PAGE_SIZE, 2);
	objects[0].pages = OBJ_PAGES;
	for (unsigned p = 0; p < PROCS; p++) {
		for (unsigned i = 0; i < PAGES; i++)
			model[p][i].object = -1;
	}
	assert_int_equal(mm_new(&guest, &procs[0]), 0);
	for (uint64_t i = 0; i < n; i++)
		step();
	for (unsigned p = 0; p < PROCS; p++)
		mm_put(procs[p]);
	mm_file_release(&file);
	arena_get_stats(guest.arena, &st);
	assert_int_equal(st.frames_used, 0);
	assert_int_equal(st.frames_cache, 0);
	arena_free(guest.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_operations_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
