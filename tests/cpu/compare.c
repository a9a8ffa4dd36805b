/*
 * compare.c: one case on all engines.
 *
 * The interpreter is compared with the peer, every other engine with the interpreter; these
 * also when they fault, for all of ours promise that then nothing was committed.  A difference
 * is reduced, by trying without each instruction and with each register 0, and printed as a
 * line that cpu_diff --cases reads.
 */
#include "tests/cpu/rig.h"

#include "vcpu/a64/decode.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <signal.h>

#define NOP     0xD503201F
#define FPCR_FZ (1u << 24)

static bool equal(const struct wire_result *a, const struct wire_result *b)
{
	return a->signal == b->signal && a->addr == b->addr && a->memory_hash == b->memory_hash &&
	       memcmp(&a->out, &b->out, sizeof(a->out)) == 0;
}

/* qemu 7.2 says Z for a positive denormal that FZ makes zero; that is no exact conversion
 * (Arm ARM, FPToFixedJS). */
static bool peer_is_wrong(const struct wire_case *c)
{
	const struct a64_row *row = a64_decode(c->code[0]);
	uint64_t a = c->in.v[(c->code[0] >> 5 & 31) * 2];

	return c->insns == 1 && row && strcmp(row->name, "fjcvtzs") == 0 &&
	       (c->in.fpcr & FPCR_FZ) && a != 0 && a >> 52 == 0;
}

/* The peer may have stored or loaded a part before a fault, as the architecture permits. */
static bool agrees(struct rig *rig, unsigned slot, const struct wire_case *c,
                   const struct wire_result *mine, const struct wire_result *peers)
{
	bool same_regs = memcmp(&mine->out, &peers->out, sizeof(mine->out)) == 0;
	struct wire_regs before;

	if (mine->signal != peers->signal || mine->out.pc != peers->out.pc)
		return false;
	if (mine->signal == SIGTRAP)
		return (same_regs && mine->memory_hash == peers->memory_hash) || peer_is_wrong(c);
	if (mine->addr != peers->addr || same_regs)
		return same_regs && mine->addr == peers->addr;
	rig_before_fault(rig, slot, c, &before);
	return memcmp(&mine->out, &before, sizeof(before)) == 0;
}

/* --- reducing --- */

struct suspect {
	struct rig *rig;
	struct rig_engine *e; /* NULL: the peer */
	unsigned slot;
	struct wire_result mine, other;
};

void rig_place(struct wire_case *c, unsigned slot)
{
	c->in.pc = wire_pc(slot);
}

static bool differs(struct suspect *s, const struct wire_case *c)
{
	rig_run(s->rig, &s->rig->engine[0], s->slot, c, true, &s->mine);
	if (s->mine.signal == SIGALRM)
		return false;
	if (s->e) {
		rig_run(s->rig, s->e, s->slot, c, true, &s->other);
		if (equal(&s->mine, &s->other))
			rig_run(s->rig, s->e, s->slot, c, false, &s->other);
		return !equal(&s->mine, &s->other);
	}
	struct wire_case *list = calloc(s->slot + 1, sizeof(*list));
	struct wire_result *results = calloc(s->slot + 1, sizeof(*results));
	bool differ = false;

	/* The cases before it are there for its place only. */
	if (list && results) {
		for (unsigned i = 0; i < s->slot; i++)
			rig_place(&list[i], i);
		list[s->slot] = *c;
		list[s->slot].send_data = 1;
		if (peer_run(&s->rig->peer, list, s->slot + 1, results) == 0) {
			s->other = results[s->slot];
			differ = !agrees(s->rig, s->slot, c, &s->mine, &s->other);
		}
	}
	free(list);
	free(results);
	return differ;
}

/* Sets the number to 0 if the difference stays. */
static void try_zero(struct suspect *s, struct wire_case *c, uint64_t *n)
{
	uint64_t old = *n;

	*n = 0;
	if (old && !differs(s, c))
		*n = old;
}

static void reduce(struct suspect *s, struct wire_case *c)
{
	while (c->insns > 1) {
		c->insns--;
		if (!differs(s, c)) {
			c->insns++;
			break;
		}
	}
	for (unsigned i = c->insns; i-- > 0;) {
		uint32_t old = c->code[i];

		c->code[i] = NOP;
		if (!differs(s, c))
			c->code[i] = old;
	}
	for (unsigned i = 0; i < 31; i++)
		try_zero(s, c, &c->in.x[i]);
	for (unsigned i = 0; i < 64; i++)
		try_zero(s, c, &c->in.v[i]);
	try_zero(s, c, &c->in.nzcv);
	try_zero(s, c, &c->in.fpcr);
	try_zero(s, c, &c->in.fpsr);
	try_zero(s, c, &c->memory_seed);
}

/* --- printing --- */

static void print_insn(uint64_t pc, uint32_t word)
{
	const struct a64_row *row = a64_decode(word);
	csh cs;
	cs_insn *insn;

	printf("  %" PRIx64 ": %08x  [%s]  ", pc, word, row ? row->name : "unallocated");
	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs) == CS_ERR_OK) {
		if (cs_disasm(cs, (const uint8_t *)&word, 4, pc, 1, &insn) == 1) {
			printf("%s %s", insn->mnemonic, insn->op_str);
			cs_free(insn, 1);
		}
		cs_close(&cs);
	}
	putchar('\n');
}

static void print_pair(const char *name, unsigned n, uint64_t before, uint64_t mine, uint64_t other)
{
	if (mine != other)
		printf("    %s%-3u was %016" PRIx64 "  is %016" PRIx64 " or %016" PRIx64 "\n", name,
		       n, before, mine, other);
}

static void print_difference(const struct suspect *s, const struct wire_case *c)
{
	const struct wire_regs *x = &c->in, *y = &s->mine.out, *z = &s->other.out;

	for (unsigned i = 0; i < 31; i++)
		print_pair("x", i, x->x[i], y->x[i], z->x[i]);
	for (unsigned i = 0; i < 64; i++)
		print_pair(i & 1 ? "vhi" : "vlo", i / 2, x->v[i], y->v[i], z->v[i]);
	print_pair("sp", 0, x->sp, y->sp, z->sp);
	print_pair("pc", 0, x->pc, y->pc, z->pc);
	print_pair("nzcv", 0, x->nzcv, y->nzcv, z->nzcv);
	print_pair("fpcr", 0, x->fpcr, y->fpcr, z->fpcr);
	print_pair("fpsr", 0, x->fpsr, y->fpsr, z->fpsr);
	if (s->mine.signal != s->other.signal || s->mine.addr != s->other.addr)
		printf("    signal %u at %" PRIx64 " or %u at %" PRIx64 "\n", s->mine.signal,
		       s->mine.addr, s->other.signal, s->other.addr);
	for (unsigned i = 0; i < WIRE_DATA_SIZE; i++)
		if (s->mine.data[i] != s->other.data[i]) {
			printf("    memory from %lx: %02x or %02x\n", WIRE_DATA + i,
			       s->mine.data[i], s->other.data[i]);
			break;
		}
}

static void report(struct rig *rig, struct rig_engine *e, unsigned slot,
                   const struct wire_case *found)
{
	struct suspect s = {.rig = rig, .e = e, .slot = slot};
	struct wire_case c = *found;
	bool page_end = slot % 8 == 7;

	/* One state of a word is enough. */
	if (c.insns == 1 && c.code[0] == rig->reported)
		return;
	rig->reported = c.insns == 1 ? c.code[0] : 0;
	rig->failures++;
	printf("DIFFERENCE: interpreter or %s\n", e ? e->name : rig->peer.emulator);
	s.slot = page_end ? 7 : 0;
	rig_place(&c, s.slot);
	if (differs(&s, &c)) {
		reduce(&s, &c);
	} else {
		printf("  only in slot %u, or not every time\n", slot);
		s.slot = slot;
		rig_place(&c, slot);
	}
	differs(&s, &c);
	for (unsigned i = 0; i < c.insns; i++)
		if (c.code[i] != NOP)
			print_insn(c.in.pc + i * 4, c.code[i]);
	print_difference(&s, &c);
	rig_print_case(stdout, &c);
	fflush(stdout);
}

int rig_compare(struct rig *rig, unsigned n)
{
	struct wire_result other;

	for (unsigned k = 1; k < rig->engines; k++)
		if (rig->engine[k].aot && !rig_prepare_aot(rig, &rig->engine[k], n))
			return -1;
	for (unsigned i = 0; i < n && rig->failures < rig->max_failures; i++) {
		const struct wire_case *c = &rig->cases[i];
		struct wire_result *mine = &rig->ours[i];

		rig_run(rig, &rig->engine[0], i, c, true, mine);
		rig->cut_short += mine->signal != SIGTRAP;
		rig->ran += c->insns;
		for (unsigned k = 1; k < rig->engines; k++) {
			struct rig_engine *e = &rig->engine[k];

			rig_run(rig, e, i, c, !e->aot, &other);
			if (equal(mine, &other))
				rig_run(rig, e, i, c, false, &other);
			if (!equal(mine, &other))
				report(rig, e, i, c);
		}
	}
	if (!rig->peer.emulator)
		return 0;
	if (peer_run(&rig->peer, rig->cases, n, rig->theirs))
		return -1;
	for (unsigned i = 0; i < n && rig->failures < rig->max_failures; i++)
		if (!agrees(rig, i, &rig->cases[i], &rig->ours[i], &rig->theirs[i]))
			report(rig, NULL, i, &rig->cases[i]);
	return 0;
}
