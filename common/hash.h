/*
 * hash.h: an intrusive chained hash table.  An entry embeds struct hash_node; the caller keeps
 * the key and compares it.  The table grows as it fills and never shrinks.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include "common/base.h"

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash_table {
	struct hash_node **buckets;
	size_t mask; /* buckets - 1 */
	size_t count;
};

/* 0, or -LX_ENOMEM. */
int hash_init(struct hash_table *t) MUST_CHECK;
/* Frees the buckets; entries are the caller's. */
void hash_release(struct hash_table *t);

/* Never fails: when memory for growing lacks, chains just grow longer. */
void hash_add(struct hash_table *t, struct hash_node *n, uint64_t hash);
void hash_del(struct hash_table *t, struct hash_node *n);

/* The first entry whose full hash equals hash, and the next such after n; NULL at the end. */
struct hash_node *hash_first(const struct hash_table *t, uint64_t hash);
struct hash_node *hash_next(const struct hash_node *n);

/* Good mixing of an integer, and of bytes (seeded; not against deliberate collisions). */
uint64_t hash_u64(uint64_t v);
uint64_t hash_bytes(uint64_t seed, const void *data, size_t len);

#define hash_for_each_match(pos, t, h) for (pos = hash_first((t), (h)); pos; pos = hash_next(pos))

#endif
