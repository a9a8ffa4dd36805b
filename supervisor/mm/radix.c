/*
 * radix.c: the tree behind radix.h.
 */
#include "supervisor/mm/radix.h"

#define BITS   6u
#define FANOUT (1u << BITS)
/* Page numbers have 52 bits. */
#define HEIGHT_MAX 9u

struct radix_node {
	union {
		struct radix_node *child[FANOUT]; /* above level 0 */
		uint64_t word[FANOUT];
	};
};

/* The largest index that a tree of that height covers. */
static uint64_t reach(unsigned height)
{
	return height * BITS >= 64 ? UINT64_MAX : (1ULL << height * BITS) - 1;
}

static unsigned part(uint64_t index, unsigned level)
{
	return (unsigned)(index >> level * BITS) & (FANOUT - 1);
}

uint64_t *radix_find(const struct radix *r, uint64_t index)
{
	struct radix_node *n = r->root;

	if (!n || index > reach(r->height))
		return NULL;
	for (unsigned level = r->height - 1; level > 0; level--) {
		n = n->child[part(index, level)];
		if (!n)
			return NULL;
	}
	return &n->word[part(index, 0)];
}

static bool grow(struct radix *r, uint64_t index)
{
	while (r->height == 0 || index > reach(r->height)) {
		struct radix_node *n;

		if (r->height == HEIGHT_MAX)
			return false;
		n = calloc(1, sizeof(*n));
		if (!n)
			return false;
		if (r->height > 0)
			n->child[0] = r->root;
		r->root = n;
		r->height++;
	}
	return true;
}

uint64_t *radix_create(struct radix *r, uint64_t index)
{
	struct radix_node *n;

	if (!grow(r, index))
		return NULL;
	n = r->root;
	for (unsigned level = r->height - 1; level > 0; level--) {
		struct radix_node **slot = &n->child[part(index, level)];

		if (!*slot) {
			*slot = calloc(1, sizeof(**slot));
			if (!*slot)
				return NULL;
		}
		n = *slot;
	}
	return &n->word[part(index, 0)];
}

/* Looks in the subtree n, whose first index is base, from *index on. */
static bool next_in(struct radix_node *n, unsigned level, uint64_t base, uint64_t *index,
                    uint64_t last, uint64_t **word)
{
	uint64_t span = 1ULL << level * BITS;
	unsigned i = *index > base ? part(*index - base, level) : 0;

	for (; i < FANOUT; i++) {
		uint64_t first = base + i * span;

		if (first > last)
			return false;
		if (level == 0) {
			if (n->word[i] == 0)
				continue;
			*index = first;
			*word = &n->word[i];
			return true;
		}
		if (n->child[i] && next_in(n->child[i], level - 1, first, index, last, word))
			return true;
	}
	return false;
}

bool radix_next(const struct radix *r, uint64_t *index, uint64_t last, uint64_t **word)
{
	if (!r->root || *index > reach(r->height) || *index > last)
		return false;
	return next_in(r->root, r->height - 1, 0, index, last, word);
}

static void release(struct radix_node *n, unsigned level)
{
	if (level > 0) {
		for (unsigned i = 0; i < FANOUT; i++) {
			if (n->child[i])
				release(n->child[i], level - 1);
		}
	}
	free(n);
}

void radix_release(struct radix *r)
{
	if (r->root)
		release(r->root, r->height - 1);
	r->root = NULL;
	r->height = 0;
}
