/*
 * a64_rand.h: random AArch64 programs and register states, for comparing CPUs.
 *
 * Every row of insn.def is drawn equally often, its free bits at random, with much weight on
 * register 31, on equal operands and on the few registers that the program prefers; and then
 * mended so that the program can run to its end: memory operands use base registers that nothing
 * else writes, branches stay inside, nothing is constrained unpredictable, nothing depends on
 * the machine (counters, ID registers).  Longer programs have loops of a few turns (nested up to
 * two deep), calls with their returns, indirect branches, and writes of FPCR and FPSR.
 */
#ifndef TESTS_LIB_A64_RAND_H
#define TESTS_LIB_A64_RAND_H

#include "vcpu/vcpu.h"

#define A64_RAND_LOOPS 2u

/* General registers with a purpose; 0..29, all different, other for each program. */
struct a64_rand_roles {
	uint8_t base[3]; /* of memory operands; base[2] stays aligned */
	uint8_t index;   /* a small number */
	uint8_t branch;  /* target of the indirect branch that follows */
	uint8_t counter[A64_RAND_LOOPS];
	uint32_t reserved; /* a bit for each of them, and for x30 within a called part */
};

struct a64_rand {
	uint64_t s;
	struct a64_rand_roles role;
	uint8_t liked[4]; /* registers that come up more often */
	bool likes;
	bool may_flush; /* FZ may be set */
	unsigned
	    excl_class; /* the one size and kind of exclusives in a program, set by its first */
	unsigned exit_ahead; /* the loop's end from the current instruction, or 0 */
};

/* Where base registers point: a page boundary in the middle of two mapped data pages.  Code
 * can reach data by literal loads. */
#define A64_RAND_CODE      0x10000000ULL
#define A64_RAND_DATA      0x10090000ULL
#define A64_RAND_DATA_SIZE 8192u

void a64_rand_init(struct a64_rand *r, uint64_t seed);
uint64_t a64_rand_next(struct a64_rand *r);
static inline unsigned a64_rand_below(struct a64_rand *r, unsigned n)
{
	return (unsigned)(a64_rand_next(r) >> 33) % n;
}

/* Draws the roles of registers anew (a64_rand_init does, too). */
void a64_rand_roles(struct a64_rand *r);

/*
 * Fills code[0..n) with instructions of the rows that wanted accepts (NULL: all); allocated
 * says whether the CPU under test executes a word at all.
 */
typedef bool a64_rand_wanted(void *opaque, const char *row_name);
typedef bool a64_rand_allocated(void *opaque, uint32_t word);
void a64_rand_program(struct a64_rand *r, uint32_t *code, unsigned n, a64_rand_wanted *wanted,
                      a64_rand_allocated *allocated, void *opaque);

/* --- a64_rand_values.c --- */

/* Registers: integers and floating-point values that like to be special; bases set up. */
void a64_rand_regs(struct a64_rand *r, struct a64_regs *regs);
/* A vector of lanes of 16, 32 or 64 bits, each special, small, near one, or anything. */
void a64_rand_vector(struct a64_rand *r, union a64_vreg *v);
/* Makes *a differ from *b by some units in the last place, or in its signs, or not at all. */
void a64_rand_relate(struct a64_rand *r, union a64_vreg *a, const union a64_vreg *b);
/* Rounding mode, FZ, DN and AHP; each combination comes up, the default half of the time. */
uint32_t a64_rand_fpcr(struct a64_rand *r);
/* Makes register fields of a word equal to another, 31, or a liked one; mask: the fixed bits. */
uint32_t a64_rand_fields(struct a64_rand *r, uint32_t word, uint32_t mask);

#endif
