/*
 * proto.h: what cpudiff and its guest half say to each other.
 *
 * The guest half is an arm64 program run by an independent implementation.  It reads requests
 * (an instruction word and a number of states) on standard input, executes the word on each
 * state and writes the states back.  Instruction and memory block lie at fixed addresses, so
 * that the other side can lay out the same.
 */
#ifndef TESTS_CPUDIFF_PROTO_H
#define TESTS_CPUDIFF_PROTO_H

#include <stdint.h>

#define DIFF_CODE      0x50000000ULL /* the word stands at the page's first byte */
#define DIFF_MEM       0x50010000ULL /* the only data page, no neighbour mapped */
#define DIFF_MEM_SIZE  4096u
#define DIFF_BLOCK     256u /* that much of it, from DIFF_BLOCK_AT, travels with a state */
#define DIFF_BLOCK_AT  1024u
#define DIFF_SCRATCH_X 30 /* this register is not part of the state */

enum diff_outcome { DIFF_DONE, DIFF_UNDEFINED, DIFF_FAULT, DIFF_OTHER };

struct diff_state {
	uint64_t x[31];
	uint64_t sp;
	uint64_t nzcv; /* bits 31..28 */
	uint64_t fpcr;
	uint64_t fpsr;
	uint64_t outcome; /* enum diff_outcome */
	uint64_t v[32][2];
	uint8_t mem[DIFF_BLOCK];
};

struct diff_request {
	uint32_t word;
	uint32_t count;
};

#define DIFF_MAX_COUNT 256u

#endif
