/*
 * wire.h: what cpu_diff and its guest program exchange: an array of cases on standard input,
 * an array of results on standard output.  Both sides are little-endian LP64.
 */
#ifndef TESTS_CPU_WIRE_H
#define TESTS_CPU_WIRE_H

#include <stdint.h>

/* Case i has its code at wire_pc(i); every eighth crosses a page. */
#define WIRE_CODE      0x10000000UL
#define WIRE_CODE_SLOT 512UL
#define WIRE_MAX_INSNS 120
#define WIRE_MAX_CASES 1024
#define WIRE_CODE_SIZE (WIRE_CODE_SLOT * (WIRE_MAX_CASES + 8))
/* Literal loads can reach the data from any case's code. */
#define WIRE_DATA      0x10090000UL
#define WIRE_DATA_SIZE 8192UL

static inline uint64_t wire_pc(uint64_t slot)
{
	return WIRE_CODE + slot * WIRE_CODE_SLOT + WIRE_CODE_SLOT / 2;
}

struct wire_regs {
	uint64_t x[31];
	uint64_t sp, pc;
	uint64_t nzcv, fpcr, fpsr;
	uint64_t v[64];
};

struct wire_case {
	struct wire_regs in;
	uint64_t memory_seed;
	uint32_t insns;     /* behind them the code slot is filled with BRK */
	uint32_t send_data; /* the result's data pages are wanted */
	uint32_t code[WIRE_MAX_INSNS];
};

struct wire_result {
	struct wire_regs out;
	uint64_t addr;   /* of a fault */
	uint32_t signal; /* the guest's signal number: SIGTRAP is the normal end */
	uint32_t sent;   /* data is valid */
	uint64_t memory_hash;
	uint8_t data[WIRE_DATA_SIZE];
};

/* The data pages' contents for a seed. */
static inline void wire_fill(uint64_t seed, uint64_t *words)
{
	uint64_t v = seed | 1;

	for (unsigned i = 0; i < WIRE_DATA_SIZE / 8; i++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		words[i] = v ^ v >> 29;
	}
}

static inline uint64_t wire_hash(const uint64_t *words)
{
	uint64_t h = 14695981039346656037ULL;

	for (unsigned i = 0; i < WIRE_DATA_SIZE / 8; i++)
		h = (h ^ words[i]) * 1099511628211ULL;
	return h;
}

#endif
