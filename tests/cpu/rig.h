/*
 * rig.h: the parts of cpu_diff: which engines take part, running a case on one, comparing.
 *
 *   cpu_diff.c   options, and the modes of drawing cases
 *   words.c      single instructions on states that suit them
 *   engines.c    our engines, each in a machine of its own
 *   aot.c        the engine that runs on translations from a file
 *   compare.c    one case on all engines and the peer; differences are reduced and printed
 *   case_text.c  cases as lines of text: the list of regressions
 *   peer.c       the independent implementation, by way of guest.c
 */
#ifndef TESTS_CPU_RIG_H
#define TESTS_CPU_RIG_H

#include "tests/cpu/peer.h"
#include "tests/lib/a64_box.h"
#include "tests/lib/a64_rand.h"

#define RIG_BATCH       512u
#define RIG_MAX_ENGINES 8u

struct rig_engine {
	const char *name;
	bool step;
	bool aot; /* each batch runs on translations that come from a file */
	struct a64_box box;
	struct vcpu *v;
	uint64_t *data; /* WIRE_DATA_SIZE bytes */
};

struct rig {
	struct peer peer; /* .emulator NULL: the interpreter is what others are compared with */
	struct rig_engine engine[RIG_MAX_ENGINES]; /* [0] is the interpreter */
	unsigned engines;
	bool kicks; /* runs are interrupted all the time */
	bool steps; /* an engine runs single steps */

	struct wire_case *cases; /* RIG_BATCH */
	struct wire_result *ours, *theirs;
	uint64_t ran, cut_short, *drawn; /* instructions; programs that faulted; by row */
	uint64_t kept;                   /* blocks that the aot engine took from files */
	unsigned failures, max_failures;
	uint32_t reported; /* the last single instruction with a difference */
};

/* engines.c.  List: names separated by commas; "all" but for step.  The interpreter is always
 * there.
 * False: an unknown name, or an engine that cannot be had (said on stderr). */
bool rig_open(struct rig *rig, const char *list) MUST_CHECK;
void rig_close(struct rig *rig);
/* Runs the case in the slot; out->data is filled.  Fresh: nothing of it is translated yet. */
void rig_run(struct rig *rig, struct rig_engine *e, unsigned slot, const struct wire_case *c,
             bool fresh, struct wire_result *out);
/* A machine with the memory that cases expect; a case's code in its slot. */
void rig_machine(struct rig_engine *e, const struct vcpu_options *options);
void rig_load_code(struct rig_engine *e, unsigned slot, const struct wire_case *c);
/* aot: translates the batch's cases, has a file made of that, and a new machine that uses it. */
bool rig_prepare_aot(struct rig *rig, struct rig_engine *e, unsigned n) MUST_CHECK;
/* Does the interpreter execute the word, with registers for which accesses succeed? */
bool rig_allocated(struct rig *rig, uint32_t word);
/* The registers before the instruction at which the interpreter stops. */
void rig_before_fault(struct rig *rig, unsigned slot, const struct wire_case *c,
                      struct wire_regs *out);
/* While some vCPU runs, is it kicked? */
void rig_kick_storm(bool on);

/* compare.c.  Runs the n cases, each twice on our engines; reports what differs.  0, or -1
 * when the peer failed. */
int rig_compare(struct rig *rig, unsigned n) MUST_CHECK;
/* Makes the case run in another slot. */
void rig_place(struct wire_case *c, unsigned slot);

/* words.c: a state for a word, and a word of a row. */
void rig_word_case(struct a64_rand *r, uint32_t word, struct wire_case *c);
uint32_t rig_random_word(struct a64_rand *r, uint32_t mask, uint32_t value);

/* case_text.c */
void rig_print_case(FILE *to, const struct wire_case *c);
/* False: not the line of a case. */
bool rig_parse_case(const char *line, struct wire_case *c) MUST_CHECK;

#endif
