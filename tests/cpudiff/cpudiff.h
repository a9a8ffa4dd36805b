/*
 * cpudiff.h: the parts of cpudiff: choosing words and states, executing them here, comparing.
 */
#ifndef TESTS_CPUDIFF_CPUDIFF_H
#define TESTS_CPUDIFF_CPUDIFF_H

#include "common/base.h"
#include "tests/cpudiff/proto.h"

/* A small reproducible generator (splitmix64). */
struct diff_rng {
	uint64_t state;
};

static inline uint64_t diff_random(struct diff_rng *rng)
{
	uint64_t z = rng->state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* 0 <= result < n. */
static inline unsigned diff_below(struct diff_rng *rng, unsigned n)
{
	return (unsigned)(diff_random(rng) >> 33) % n;
}

/* A word of a row with its free bits filled at random, register 30 avoided. */
uint32_t diff_random_word(struct diff_rng *rng, uint32_t mask, uint32_t value);
/* Is the row of that name a load or store? */
bool diff_is_memory(const char *name);
/* A state for the word; for loads and stores (memory) mostly one whose addresses are good. */
void diff_random_state(struct diff_rng *rng, uint32_t word, bool memory, struct diff_state *s);

/* Executes the word on *s with the CPU under test. */
void diff_execute(uint32_t word, struct diff_state *s);

#endif
