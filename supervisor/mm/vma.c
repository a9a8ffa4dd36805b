/*
 * vma.c: the set of mappings of an address space: a treap (a search tree balanced by random
 * priorities) ordered by address, and a list in the same order.  Every node knows the bounds of
 * its subtree and the largest hole inside it, so that finding a mapping, inserting one, and
 * finding free room all take a number of steps that grows with the logarithm of their number.
 *
 * A stack that grows down claims its guard gap too.
 */
#include "supervisor/mm/internal.h"

void vma_set_init(struct vma_set *s)
{
	s->root = NULL;
	s->count = 0;
	s->seed = 0x9e3779b9u;
	list_init(&s->list);
}

/* The lowest address that v keeps others from. */
static uint64_t low_edge(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > MM_STACK_GUARD ? v->start - MM_STACK_GUARD : 0;
}

static uint64_t hole(uint64_t lo, uint64_t hi)
{
	return hi > lo ? hi - lo : 0;
}

static void pull(struct vma *v)
{
	const struct vma *l = v->left, *r = v->right;
	uint64_t gap = 0;

	v->sub_min = l ? l->sub_min : low_edge(v);
	v->sub_max = r ? r->sub_max : v->end;
	if (l)
		gap = MAX(l->sub_gap, hole(l->sub_max, low_edge(v)));
	if (r) {
		gap = MAX(gap, r->sub_gap);
		gap = MAX(gap, hole(v->end, r->sub_min));
	}
	v->sub_gap = gap;
}

/* Cuts t into the nodes that start below key and the others. */
static void split(struct vma *t, uint64_t key, struct vma **below, struct vma **others)
{
	if (!t) {
		*below = NULL;
		*others = NULL;
		return;
	}
	if (t->start < key) {
		split(t->right, key, &t->right, others);
		*below = t;
	} else {
		split(t->left, key, below, &t->left);
		*others = t;
	}
	pull(t);
}

/* Joins two trees, all of a below all of b. */
static struct vma *join(struct vma *a, struct vma *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (a->priority > b->priority) {
		a->right = join(a->right, b);
		pull(a);
		return a;
	}
	b->left = join(a, b->left);
	pull(b);
	return b;
}

static struct vma *insert(struct vma *t, struct vma *v)
{
	if (!t || v->priority > t->priority) {
		split(t, v->start, &v->left, &v->right);
		pull(v);
		return v;
	}
	if (v->start < t->start)
		t->left = insert(t->left, v);
	else
		t->right = insert(t->right, v);
	pull(t);
	return t;
}

static struct vma *erase(struct vma *t, const struct vma *v)
{
	if (t == v)
		return join(t->left, t->right);
	if (v->start < t->start)
		t->left = erase(t->left, v);
	else
		t->right = erase(t->right, v);
	pull(t);
	return t;
}

static void refresh(struct vma *t, const struct vma *v)
{
	if (t != v)
		refresh(v->start < t->start ? t->left : t->right, v);
	pull(t);
}

struct vma *vma_find(const struct vma_set *s, uint64_t addr)
{
	struct vma *v = s->root, *best = NULL;

	while (v) {
		if (v->end > addr) {
			best = v;
			if (v->start <= addr)
				break;
			v = v->left;
		} else {
			v = v->right;
		}
	}
	return best;
}

struct vma *vma_next(const struct vma_set *s, const struct vma *v)
{
	return v->link.next == &s->list ? NULL : list_entry(v->link.next, struct vma, link);
}

struct vma *vma_prev(const struct vma_set *s, const struct vma *v)
{
	return v->link.prev == &s->list ? NULL : list_entry(v->link.prev, struct vma, link);
}

void vma_insert(struct vma_set *s, struct vma *v)
{
	struct vma *next = vma_find(s, v->start);

	list_add_tail(&v->link, next ? &next->link : &s->list);
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 17;
	s->seed ^= s->seed << 5;
	v->priority = s->seed;
	s->root = insert(s->root, v);
	s->count++;
}

void vma_remove(struct vma_set *s, struct vma *v)
{
	s->root = erase(s->root, v);
	list_del_init(&v->link);
	s->count--;
}

void vma_resized(struct vma_set *s, struct vma *v)
{
	refresh(s->root, v);
}

/* A search for room: t's nodes lie in (lo, hi), which is free but for them. */
struct room {
	uint64_t len, floor, top;
	bool high;
};

static uint64_t fit(const struct room *r, uint64_t lo, uint64_t hi)
{
	lo = MAX(lo, r->floor);
	hi = MIN(hi, r->top);
	if (hi < lo || hi - lo < r->len)
		return 0;
	return r->high ? hi - r->len : lo;
}

static uint64_t search(const struct room *r, const struct vma *t, uint64_t lo, uint64_t hi)
{
	uint64_t a;

	if (hi <= r->floor || lo >= r->top)
		return 0;
	if (!t)
		return fit(r, lo, hi);
	if (t->sub_gap < r->len && hole(lo, t->sub_min) < r->len && hole(t->sub_max, hi) < r->len)
		return 0;
	if (r->high) {
		a = search(r, t->right, t->end, hi);
		return a ? a : search(r, t->left, lo, low_edge(t));
	}
	a = search(r, t->left, lo, low_edge(t));
	return a ? a : search(r, t->right, t->end, hi);
}

uint64_t vma_room_high(const struct vma_set *s, uint64_t len, uint64_t floor, uint64_t top)
{
	const struct room r = {.len = len, .floor = floor, .top = top, .high = true};

	return search(&r, s->root, floor, top);
}

uint64_t vma_room_low(const struct vma_set *s, uint64_t len, uint64_t floor, uint64_t top)
{
	const struct room r = {.len = len, .floor = floor, .top = top, .high = false};

	return search(&r, s->root, floor, top);
}
