/* hash.c: buckets of singly linked entries; doubled when there are more entries than buckets. */
#include "common/hash.h"

#include "common/lx/errno.h"

enum { FIRST_BUCKETS = 64 };

int hash_init(struct hash_table *t)
{
	*t = (struct hash_table){.mask = FIRST_BUCKETS - 1};
	t->buckets = calloc(FIRST_BUCKETS, sizeof(*t->buckets));
	return t->buckets ? 0 : -LX_ENOMEM;
}

void hash_release(struct hash_table *t)
{
	free(t->buckets);
	*t = (struct hash_table){0};
}

static void grow(struct hash_table *t)
{
	size_t n = (t->mask + 1) * 2;
	struct hash_node **fresh = calloc(n, sizeof(*fresh));

	if (!fresh)
		return;
	for (size_t i = 0; i <= t->mask; i++) {
		struct hash_node *e = t->buckets[i], *next;

		for (; e; e = next) {
			next = e->next;
			e->next = fresh[e->hash & (n - 1)];
			fresh[e->hash & (n - 1)] = e;
		}
	}
	free(t->buckets);
	t->buckets = fresh;
	t->mask = n - 1;
}

void hash_add(struct hash_table *t, struct hash_node *n, uint64_t hash)
{
	if (t->count > t->mask)
		grow(t);
	n->hash = hash;
	n->next = t->buckets[hash & t->mask];
	t->buckets[hash & t->mask] = n;
	t->count++;
}

void hash_del(struct hash_table *t, struct hash_node *n)
{
	struct hash_node **at = &t->buckets[n->hash & t->mask];

	for (; *at; at = &(*at)->next) {
		if (*at == n) {
			*at = n->next;
			t->count--;
			return;
		}
	}
}

struct hash_node *hash_first(const struct hash_table *t, uint64_t hash)
{
	struct hash_node *n = t->buckets[hash & t->mask];

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hash_node *hash_next(const struct hash_node *n)
{
	uint64_t hash = n->hash;
	struct hash_node *next = n->next;

	while (next && next->hash != hash)
		next = next->next;
	return next;
}

uint64_t hash_u64(uint64_t v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdull;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53ull;
	return v ^ (v >> 33);
}

uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15ull);

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, sizeof(w));
		h = hash_u64(h ^ w);
	}
	if (len) {
		uint64_t w = 0;

		memcpy(&w, p, len);
		h = hash_u64(h ^ w);
	}
	return h;
}
