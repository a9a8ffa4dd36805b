/*
 * radix.h: the pages of one page cache: page number to a 64-bit word, 0 being absent.  A tree of
 * 64-way nodes, as high as the largest number needs.  The caller locks.
 */
#ifndef SUPERVISOR_MM_RADIX_H
#define SUPERVISOR_MM_RADIX_H

#include "common/base.h"

struct radix_node;

struct radix {
	struct radix_node *root;
	unsigned height; /* levels; 0: empty */
};

/* The word of index, or NULL if no node covers it. */
uint64_t *radix_find(const struct radix *r, uint64_t index);
/* The same, making nodes; NULL: no memory. */
uint64_t *radix_create(struct radix *r, uint64_t index);
/* The first index in [index, last] whose word is not 0; false: none. */
bool radix_next(const struct radix *r, uint64_t *index, uint64_t last, uint64_t **word);
/* Frees all nodes. */
void radix_release(struct radix *r);

#endif
