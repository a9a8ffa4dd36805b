/*
 * pipe_ring.c: the ring of pages behind a pipe: see pipe_impl.h.  Two pages that were emptied are
 * kept for the next bytes.
 */
#include "common/lx/errno.h"
#include "supervisor/mm/guest_copy.h"
#include "supervisor/vfs/pipe_impl.h"

#define SLOTS_DEFAULT 16u
#define PAGES_SOFT    16384u /* /proc/sys/fs/pipe-user-pages-soft: beyond it, small pipes */

static uint32_t pipe_slots_total; /* atomic: the slots of all pipes */

struct pipe *pipe_alloc(void)
{
	struct pipe *p = calloc(1, sizeof(*p));
	uint32_t total, n = SLOTS_DEFAULT;

	if (!p)
		return NULL;
	total = __atomic_load_n(&pipe_slots_total, __ATOMIC_RELAXED);
	if (total > PAGES_SOFT)
		n = 2;
	p->slots = calloc(n, sizeof(*p->slots));
	if (!p->slots) {
		free(p);
		return NULL;
	}
	p->nslots = n;
	__atomic_add_fetch(&pipe_slots_total, n, __ATOMIC_RELAXED);
	pthread_mutex_init(&p->lock, NULL);
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	return p;
}

void pipe_free(struct pipe *p)
{
	while (p->count > 0)
		pipe_drop_first_slot(p);
	for (unsigned i = 0; i < PIPE_SPARE_PAGES; i++)
		free(p->spare[i]);
	__atomic_sub_fetch(&pipe_slots_total, p->nslots, __ATOMIC_RELAXED);
	free(p->slots);
	waitq_release(&p->read_wait);
	waitq_release(&p->write_wait);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct pipe_slot *pipe_slot_at(struct pipe *p, uint32_t index)
{
	return &p->slots[(p->head + index) & (p->nslots - 1)];
}

bool pipe_full(const struct pipe *p)
{
	return p->count >= p->nslots;
}

static uint8_t *page_take(struct pipe *p)
{
	for (unsigned i = 0; i < PIPE_SPARE_PAGES; i++) {
		if (p->spare[i]) {
			uint8_t *page = p->spare[i];

			p->spare[i] = NULL;
			return page;
		}
	}
	return malloc(PIPE_PAGE);
}

static void page_give(struct pipe *p, uint8_t *page)
{
	for (unsigned i = 0; i < PIPE_SPARE_PAGES; i++) {
		if (!p->spare[i]) {
			p->spare[i] = page;
			return;
		}
	}
	free(page);
}

void pipe_drop_first_slot(struct pipe *p)
{
	struct pipe_slot *s = pipe_slot_at(p, 0);

	page_give(p, s->page);
	*s = (struct pipe_slot){0};
	p->head = (p->head + 1) & (p->nslots - 1);
	p->count--;
}

bool pipe_merge(struct pipe *p, const uint8_t *data, uint32_t n)
{
	struct pipe_slot *s;

	if (p->count == 0)
		return false;
	s = pipe_slot_at(p, p->count - 1);
	if (s->packet || n > PIPE_PAGE - (s->off + s->len))
		return false;
	guest_copy(s->page + s->off + s->len, data, n);
	s->len += n;
	return true;
}

int pipe_push(struct pipe *p, const uint8_t *data, uint32_t n, bool packet)
{
	struct pipe_slot *s = pipe_slot_at(p, p->count);
	uint8_t *page = page_take(p);

	if (!page)
		return -LX_ENOMEM;
	guest_copy(page, data, n);
	*s = (struct pipe_slot){.page = page, .len = n, .packet = packet};
	p->count++;
	return 0;
}

uint64_t pipe_bytes(struct pipe *p)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < p->count; i++)
		n += pipe_slot_at(p, i)->len;
	return n;
}

int pipe_resize(struct pipe *p, uint32_t n)
{
	struct pipe_slot *slots;

	if (n < p->count)
		return -LX_EBUSY;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -LX_ENOMEM;
	for (uint32_t i = 0; i < p->count; i++)
		slots[i] = *pipe_slot_at(p, i);
	__atomic_add_fetch(&pipe_slots_total, n - p->nslots, __ATOMIC_RELAXED);
	free(p->slots);
	p->slots = slots;
	p->nslots = n;
	p->head = 0;
	return 0;
}
