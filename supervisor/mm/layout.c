/*
 * layout.c: address-space layout as arm64 Linux chooses it: the stack below the top of the user
 * addresses, mappings top-down below the stack's room, position-independent programs at two
 * thirds, each moved by a random distance.
 *
 * The distances come from the guest's seed, equal for all its processes, so that code translated
 * for one serves the others; with --aslr=exec they are drawn anew for each program.
 */
#include "common/plat/mem.h"
#include "supervisor/mm/internal.h"
#include "supervisor/spec.h"

#define RANDOM_PAGES   0x3ffffULL /* 18 bits of pages: 1 GiB */
#define STACK_ROOM_MIN (128ULL << 20)

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t draw(const uint64_t seed[2], uint64_t salt)
{
	return (mix(mix(seed[0] ^ salt) ^ seed[1]) & RANDOM_PAGES) << PAGE_SHIFT;
}

int mm_layout_make(const struct guest *g, uint64_t stack_limit, struct mm_layout *out)
{
	uint64_t seed[2], room, room_max, size = MM_TASK_SIZE_MAX;

	memcpy(seed, g->aslr_seed, sizeof(seed));
	if (g->spec && g->spec->aslr_exec) {
		int err = plat_random(seed, sizeof(seed));

		if (err)
			return err;
	}
	if (g->engine)
		size = MIN(size, vcpu_engine_address_limit(g->engine));
	room_max = size / 6 * 5;
	room = MIN(stack_limit, room_max);
	room = MAX(room + MM_STACK_GUARD + (RANDOM_PAGES << PAGE_SHIFT), STACK_ROOM_MIN);
	room = MIN(room, room_max);
	out->task_size = size;
	out->stack_top = size - draw(seed, 1);
	out->mmap_top = round_down_u64(size - room - draw(seed, 2), PAGE_SIZE);
	out->pie_base = round_down_u64(size / 3 * 2, PAGE_SIZE) + draw(seed, 3);
	out->brk_offset = draw(seed, 4);
	return 0;
}
