/*
 * a64_rand.h: random AArch64 programs and register states, for comparing CPUs.
 *
 * A program is straight code with forward branches.  Every row of insn.def is drawn equally
 * often, its free bits at random, and then mended so that the program can run to its end:
 * memory operands use base registers that nothing else writes, branches stay inside, nothing
 * is constrained unpredictable, nothing depends on the machine (counters, ID registers).
 */
#ifndef TESTS_LIB_A64_RAND_H
#define TESTS_LIB_A64_RAND_H

#include "vcpu/vcpu.h"

struct a64_rand {
	uint64_t s;
	unsigned
	    excl_class; /* the one size and kind of exclusives in a program, set by its first */
};

/* Where base registers point: a page boundary in the middle of two mapped data pages. */
#define A64_RAND_DATA      0x20000000ULL
#define A64_RAND_DATA_SIZE 8192u
#define A64_RAND_CODE      0x10000000ULL

void a64_rand_init(struct a64_rand *r, uint64_t seed);
uint64_t a64_rand_next(struct a64_rand *r);
static inline unsigned a64_rand_below(struct a64_rand *r, unsigned n)
{
	return (unsigned)(a64_rand_next(r) >> 33) % n;
}

/* Registers: integers and floating-point values that like to be special; bases set up. */
void a64_rand_regs(struct a64_rand *r, struct a64_regs *regs);
/*
 * Fills code[0..n) with instructions of the rows that wanted accepts (NULL: all); allocated
 * says whether the CPU under test executes a word at all.
 */
typedef bool a64_rand_wanted(void *opaque, const char *row_name);
typedef bool a64_rand_allocated(void *opaque, uint32_t word);
void a64_rand_program(struct a64_rand *r, uint32_t *code, unsigned n, a64_rand_wanted *wanted,
                      a64_rand_allocated *allocated, void *opaque);

#endif
