/*
 * translate.c: the translation of one block.
 *
 * First the instructions are read and looked up, and a pass from the end says before which of
 * them the flags are alive.  Then each instruction's rule emits its code, or a call of its
 * handler.  Behind the code come the slow paths, the ways out by conditional branches, the
 * stubs of links, and the data of handler calls.
 *
 * A block goes on behind a conditional branch that is not taken, and ends with another branch,
 * with the page, or when it is long.
 */
#include "vcpu/soft/jit/aot.h"

#include "vcpu/a64/decode.h"
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

#include <time.h>

/* Side exits of one block; and how far flags are followed behind a branch. */
#define MAX_SIDES 8u
#define PEEK      6u

/* Room kept for what one instruction and the end of the block may still need, and for a slow
 * path or way out, which may have ten vector registers to write back and to load. */
#define OP_BYTES   2048u
#define COLD_BYTES 320u

static uint32_t word_at(const struct jit_tr *t, unsigned insn)
{
	return a64_raw_load32(t->engine->ram.base + t->source->pa + insn * 4);
}

static uint64_t line_of(unsigned insn)
{
	return 1ULL << (insn * 4 / ICACHE_LINE);
}

/* --- flags --- */

/* hflags = NZCV. */
void jit_set_flags(struct jit_tr *t, unsigned nzcv)
{
	unsigned flags = soft_jit_hflags(nzcv << 28);

	em_rm(&t->e, 0x6600C7, X32, 0, RBP, JIT_AT(hflags)); /* mov word, imm */
	em_u8(&t->e, flags & 0xFF);
	em_u8(&t->e, flags >> 8);
}

/* The flags of a comparison of floating-point numbers: unordered, equal, less, greater. */
static void save_fp_flags(struct jit_tr *t)
{
	bool swapped = t->flags == JIT_FLAGS_FP_SWAPPED;
	uint8_t *done[3];

	jit_set_flags(t, 3);
	done[0] = em_jcc_later(&t->e, CC_P);
	jit_set_flags(t, 6);
	done[1] = em_jcc_later(&t->e, CC_E);
	jit_set_flags(t, swapped ? 2 : 8);
	done[2] = em_jcc_later(&t->e, CC_B);
	jit_set_flags(t, swapped ? 8 : 2);
	for (unsigned i = 0; i < ARRAY_LEN(done); i++)
		em_here(&t->e, done[i]);
}

static bool fp_flags(enum jit_flags flags)
{
	return flags == JIT_FLAGS_FP || flags == JIT_FLAGS_FP_SWAPPED;
}

void jit_save_flags(struct jit_tr *t)
{
	struct emit *e = &t->e;

	if (t->flags == JIT_FLAGS_MEM)
		return;
	if (fp_flags(t->flags)) {
		save_fp_flags(t);
		t->flags = JIT_FLAGS_MEM;
		return;
	}
	if (t->flags == JIT_FLAGS_SUB)
		em_u8(e, 0xF5); /* cmc */
	em_u8(e, 0x9F);         /* lahf */
	em_rr(e, X_SETCC + CC_O, X8, 0, RAX);
	em_rm(e, X_STORE16, X32, RAX, RBP, JIT_AT(hflags));
	t->flags = JIT_FLAGS_MEM;
}

void jit_clobber_flags(struct jit_tr *t)
{
	if (t->flags_live)
		jit_save_flags(t);
	t->flags = JIT_FLAGS_MEM;
}

void jit_load_flags(struct jit_tr *t)
{
	struct emit *e = &t->e;

	if (fp_flags(t->flags))
		jit_save_flags(t);
	if (t->flags != JIT_FLAGS_MEM)
		return;
	em_rm(e, X_MOVZX16, X32, RAX, RBP, JIT_AT(hflags));
	em_u8(e, 0x04); /* add al, 0x7F: OF = al */
	em_u8(e, 0x7F);
	em_u8(e, 0x9E); /* sahf */
}

/* Conditions by the rule of SUB (CF is not C), and by ADD's, but for HI and LS. */
static const uint8_t cc_sub[16] = {CC_E, CC_NE, CC_AE, CC_B, CC_S, CC_NS, CC_O, CC_NO,
                                   CC_A, CC_BE, CC_GE, CC_L, CC_G, CC_LE, CC_E, CC_E};

/* Conditions by UCOMIS; those that it has only with exchanged operands, and the others.  EQ and
 * NE need two. */
bool jit_fp_cond(unsigned cond, bool swapped, enum x64_cc *cc)
{
	static const int8_t straight[14] = {-1,    -1, -1, -1,    -1,   -1,   CC_P,
	                                    CC_NP, -1, -1, CC_AE, CC_B, CC_A, CC_BE};
	static const int8_t exchanged[14] = {-1,    -1,   CC_BE, CC_A, CC_A, CC_BE, CC_P,
	                                     CC_NP, CC_B, CC_AE, -1,   -1,   -1,    -1};
	int found = cond < 14 ? (swapped ? exchanged : straight)[cond] : -1;

	*cc = found < 0 ? CC_O : (enum x64_cc)found;
	return found >= 0;
}

enum x64_cc jit_cond(struct jit_tr *t, unsigned cond)
{
	enum x64_cc direct;

	/* The bit of hflags that a simple condition tests: byte, mask. */
	static const uint8_t simple[4][2] = {{1, 0x40}, {1, 0x01}, {1, 0x80}, {0, 0x01}};
	bool add;

	if (fp_flags(t->flags)) {
		if (jit_fp_cond(cond, t->flags == JIT_FLAGS_FP_SWAPPED, &direct))
			return direct;
		jit_save_flags(t);
	}
	if (t->flags == JIT_FLAGS_MEM && cond < 8) {
		const uint8_t *bit = simple[cond / 2];

		em_test_m8i(&t->e, RBP, JIT_AT(hflags) + bit[0], bit[1]);
		return cond & 1 ? CC_E : CC_NE;
	}
	add = t->flags != JIT_FLAGS_SUB;
	jit_load_flags(t);
	if (!add)
		return cc_sub[cond];
	if (cond == 8 || cond == 9) {
		em_u8(&t->e, 0xF5); /* cmc */
		if (t->flags == JIT_FLAGS_ADD)
			t->flags = JIT_FLAGS_SUB;
		return cc_sub[cond];
	}
	if (cond == 2 || cond == 3)
		return cc_sub[cond ^ 1];
	return cc_sub[cond];
}

bool jit_flags_live_at(struct jit_tr *t, uint64_t pc)
{
	unsigned insn = (unsigned)(pc >> 2) % PAGE_INSNS;

	if ((pc & PAGE_MASK) != t->page->va)
		return true;
	for (unsigned n = 0; n < PEEK && insn + n < PAGE_INSNS; n++) {
		const struct jit_rule *rule = jit_rule_of(word_at(t, insn + n));
		unsigned attr = rule ? rule->attr : 0;

		t->lines |= line_of(insn + n);
		if (!(attr & JIT_PURE) || (attr & JIT_READF))
			return true;
		if (attr & JIT_SETF)
			return false;
	}
	return true;
}

/* --- registration of what comes behind the block --- */

struct jit_cold *jit_add_cold(struct jit_tr *t, uint8_t *field)
{
	struct jit_cold *c = &t->cold[t->ncold++];

	memset(c, 0, sizeof(*c));
	c->field = field;
	c->op = (uint16_t)t->at;
	c->v = t->v;
	c->entry = t->flags;
	return c;
}

void jit_slow_if(struct jit_tr *t, enum x64_cc cc)
{
	jit_add_cold(t, em_jcc_later(&t->e, cc));
}

void jit_slow_leave_if(struct jit_tr *t, enum x64_cc cc)
{
	jit_add_cold(t, em_jcc_later(&t->e, cc))->leaves = true;
}

void jit_slow_site(struct jit_tr *t)
{
	const struct jit_cold *last = t->ncold ? &t->cold[t->ncold - 1] : NULL;

	/* The sites of an instruction share a slow path, as long as nothing has moved. */
	if (!last || last->field || last->op != t->at || last->entry != t->flags ||
	    memcmp(&last->v, &t->v, sizeof(t->v)) != 0)
		jit_add_cold(t, NULL);
	t->sites[t->nsites].at = jit_offset(t, t->e.at);
	t->sites[t->nsites++].cold = (uint16_t)(t->ncold - 1);
}

void jit_slow_end(struct jit_tr *t)
{
	/* The slow path brings flags back by ADD's or SUB's rule. */
	if (fp_flags(t->flags) && t->ncold && t->cold[t->ncold - 1].op == t->at)
		jit_save_flags(t);
	for (unsigned i = t->ncold; i-- > 0 && !t->cold[i].is_side && t->cold[i].op == t->at;) {
		t->cold[i].back = t->cold[i].leaves ? 0 : em_pc(&t->e);
		t->cold[i].flags = t->flags;
		t->cold[i].v_back = t->v;
	}
}

void jit_mov_guest(struct jit_tr *t, unsigned reg, uint64_t va)
{
	if (!t->e.notes) {
		em_mov_imm(&t->e, reg, va);
		return;
	}
	em_mov_imm64(&t->e, reg, va);
	em_note(&t->e, t->e.at - 8, EM_GUEST, 0);
}

/* lea rax, the data of an instruction's handler call. */
static void lea_opdata(struct jit_tr *t, unsigned op)
{
	em_lea_rip(&t->e, RAX, em_pc(&t->e));
	t->opdata[t->nopdata].field = t->e.at - 4;
	t->opdata[t->nopdata++].op = (uint16_t)op;
}

/* SIMD and FP data processing, but for what moves between the two kinds of registers. */
static bool vectors_only(uint32_t w)
{
	bool conversion = (w & 0x7F000000) == 0x1E000000 && (!(w >> 21 & 1) || !(w >> 10 & 63));
	bool copy = (w & 0x9FE08400) == 0x0E000400;

	return (w & 0x0E000000) == 0x0E000000 && !conversion && !copy;
}

static void call_handler(struct jit_tr *t, unsigned op)
{
	bool end = t->rules[op] ? t->rules[op]->attr & JIT_END : a64_ends_block(t->ops[op].word);

	jit_v_flush(t);
	jit_v_forget(t);
	lea_opdata(t, op);
	if (end) {
		em_jmp(&t->e, t->jit->call_last);
		return;
	}
	em_call(&t->e, vectors_only(t->ops[op].word) ? t->jit->call_vector : t->jit->call);
	em_jcc(&t->e, CC_NE, t->jit->exit);
}

/* --- the code behind the block --- */

/* A handler call that comes back, or not; flags are in memory then. */
static void emit_slow(struct jit_tr *t, const struct jit_cold *c)
{
	t->v = c->v;
	t->flags = c->entry;
	jit_save_flags(t);
	if (c->leaves) {
		jit_v_flush(t);
		lea_opdata(t, c->op);
		em_jmp(&t->e, t->jit->call_leave);
		return;
	}
	call_handler(t, c->op);
	jit_v_reload(t, &c->v_back);
	if (c->flags != JIT_FLAGS_MEM) {
		t->flags = JIT_FLAGS_MEM;
		jit_load_flags(t);
		if (c->flags == JIT_FLAGS_SUB)
			em_u8(&t->e, 0xF5); /* cmc */
	}
	em_jmp(&t->e, c->back);
}

static void emit_cold(struct jit_tr *t)
{
	for (unsigned i = 0; i < t->ncold; i++) {
		struct jit_cold c = t->cold[i], *same = i ? &t->cold[i - 1] : NULL;

		/* The several slow paths of an instruction are one. */
		t->cold[i].start = em_pc(&t->e);
		if (same && !c.is_side && !c.is_reset && !same->is_side && !same->is_reset &&
		    c.op == same->op && c.leaves == same->leaves && c.entry == same->entry &&
		    memcmp(&c.v, &same->v, sizeof(c.v)) == 0)
			t->cold[i].start = same->start;
		if (c.field)
			em_there(&t->e, c.field, t->cold[i].start);
		if (t->cold[i].start != em_pc(&t->e))
			continue;
		if (c.is_reset) {
			jit_emit_reset(t, &c);
		} else if (c.is_side) {
			t->flags = c.flags;
			t->v = c.v;
			t->pc = t->page->va + (t->first + c.op) * 4ULL;
			jit_goto(t, c.target);
		} else {
			emit_slow(t, &c);
		}
	}
	jit_emit_stubs(t);
}

/* Around a handler that reads or writes NZCV. */
static enum a64_next with_flags(struct a64_cpu *cpu, const struct a64_op *op)
{
	struct vcpu *v = soft_vcpu(cpu);
	const struct jit_call *call = (const void *)op; /* op is its first member */

	cpu->regs.nzcv = soft_jit_nzcv(v->hflags);
	soft_jit_fpsr(v);
	enum a64_next next = call->real(cpu, op);

	v->hflags = soft_jit_hflags(cpu->regs.nzcv);
	return next;
}

/* Around a handler whose calls are counted. */
static enum a64_next counted(struct a64_cpu *cpu, const struct a64_op *op)
{
	const struct jit_call *call = (const void *)op;

	jit_calls_count(op->word);
	return call->real(cpu, op);
}

static enum a64_next counted_with_flags(struct a64_cpu *cpu, const struct a64_op *op)
{
	jit_calls_count(op->word);
	return with_flags(cpu, op);
}

static void emit_opdata(struct jit_tr *t)
{
	em_align(&t->e, 8, 0);
	for (unsigned i = 0; i < t->nopdata; i++) {
		unsigned op = t->opdata[i].op;
		const struct jit_rule *rule = t->rules[op];
		struct jit_call call = {t->ops[op], t->page->va + (t->first + op) * 4ULL,
		                        t->ops[op].fn};

		if (rule && (rule->attr & (JIT_CALLF | JIT_SETF | JIT_READF)))
			call.op.fn = jit_host()->count_calls ? counted_with_flags : with_flags;
		else if (jit_host()->count_calls)
			call.op.fn = counted;
		em_here(&t->e, t->opdata[i].field);
		em_note(&t->e, t->e.at, EM_CALL, 0);
		em_bytes(&t->e, &call, sizeof(call));
	}
}

/* --- the block --- */

/* Operands with reserved values are refused by their handlers. */
static bool reserved_operand(uint32_t w)
{
	uint64_t mask;

	if ((w & 0x1F200000) == 0x0B000000)
		return (w >> 22 & 3) == 3;
	if ((w & 0x1FE00000) == 0x0B200000)
		return (w >> 10 & 7) > 4;
	if ((w & 0x1F800000) == 0x12000000)
		return !a64_bitmask(w >> 22 & 1, w >> 10 & 63, w >> 16 & 63, &mask);
	return false;
}

static void read_ops(struct jit_tr *t)
{
	unsigned sides = 0;

	for (t->count = 0; t->count < JIT_MAX_OPS && t->first + t->count < PAGE_INSNS;) {
		uint32_t word = word_at(t, t->first + t->count);
		const struct jit_rule *rule = jit_rule_of(word);

		a64_predecode(word, true, &t->ops[t->count]);
		if (rule && reserved_operand(word))
			rule = NULL;
		t->rules[t->count] = rule;
		t->lines |= line_of(t->first + t->count);
		t->count++;
		if (rule ? (rule->attr & JIT_END) != 0 : a64_ends_block(word))
			break;
		if (a64_ends_block(word) && ++sides == MAX_SIDES)
			break;
	}
}

static void find_live(struct jit_tr *t)
{
	t->live_before[t->count] = true;
	for (unsigned i = t->count; i-- > 0;) {
		unsigned attr = t->rules[i] ? t->rules[i]->attr : 0;

		if (!(attr & JIT_PURE) || (attr & JIT_READF))
			t->live_before[i] = true;
		else if (attr & JIT_SETF)
			t->live_before[i] = false;
		else
			t->live_before[i] = t->live_before[i + 1];
	}
}

static void emit_ops(struct jit_tr *t)
{
	const uint8_t *start = t->e.at;
	uint64_t va = t->page->va + t->first * 4ULL;
	unsigned i;

	for (i = 0; i < t->count && !t->ended; i++) {
		const struct jit_rule *rule = t->rules[i];
		unsigned attr = rule ? rule->attr : 0;

		if (i < t->done) {
			jit_facts_after(t, t->ops[i].word);
			continue;
		}
		if ((size_t)(t->e.at - start) + (t->ncold + 6) * COLD_BYTES + OP_BYTES >
		        JIT_MAX_BYTES ||
		    t->ncold + 6 > ARRAY_LEN(t->cold) ||
		    t->nopdata + t->ncold + 6 > ARRAY_LEN(t->opdata) ||
		    t->nsites + 8 > ARRAY_LEN(t->sites))
			break;
		t->at = i;
		t->pc = va + i * 4ULL;
		t->flags_live = t->live_before[i + 1] || !(attr & JIT_PURE);
		bool handler = t->page->mode & JIT_MODE_FLUSH && (attr & JIT_FP);

		if (rule && rule->fn &&
		    (attr & (JIT_PURE | JIT_SETF | JIT_READF)) == (JIT_PURE | JIT_SETF))
			jit_mem_ahead(t);
		if (rule && rule->fn && !handler && rule->fn(t, &t->ops[i])) {
			jit_facts_after(t, t->ops[i].word);
			continue;
		}
		jit_save_flags(t);
		call_handler(t, i);
		t->sp_aligned = false;
		jit_facts_none(t);
		if (rule ? (attr & JIT_END) != 0 : a64_ends_block(t->ops[i].word))
			t->ended = true;
	}
	t->count = i;
	if (!t->ended) {
		t->at = i - 1;
		t->pc = va + (i - 1) * 4ULL;
		jit_goto(t, va + i * 4ULL);
	}
}

static struct jit_block *new_block(struct jit_tr *t, const uint8_t *start)
{
	struct jit_block *b = calloc(1, sizeof(*b) + t->nlinks * sizeof(b->links[0]));

	if (!b)
		return NULL;
	b->page = t->page;
	b->lines = t->lines;
	b->first = (uint16_t)t->first;
	b->count = (uint16_t)t->count;
	b->start = jit_offset(t, start);
	b->nlinks = t->nlinks;
	jit_fill_links(t, b);
	return b;
}

/* Lists the block's sites. */
static void list_sites(const struct jit_tr *t)
{
	for (unsigned i = 0; i < t->nsites; i++) {
		uint64_t slow = t->cold[t->sites[i].cold].start;

		jit_add_site(t->jit, t->sites[i].at,
		             (uint32_t)(slow - (uint64_t)(uintptr_t)t->jit->rx));
	}
}

/* Once more, as a loop that holds vector registers. */
static void emit_loop(struct jit_tr *t, uint8_t *start, unsigned count)
{
	t->e.at = start;
	if (t->e.notes)
		t->e.notes->count = 0;
	t->count = count;
	t->ended = t->sp_aligned = t->wrote_back = false;
	t->flags = JIT_FLAGS_MEM;
	t->known_reg = 31;
	t->done = t->ncold = t->nsites = t->nopdata = t->nlinks = 0;
	jit_facts_none(t);
	memset(t->vused, 0, sizeof(t->vused));
	jit_loop_begin(t);
	emit_ops(t);
}

static void *translate_locked(struct jit_tr *t, unsigned insn)
{
	struct jit *j = t->jit;
	uint8_t *start = j->rw + j->used;
	unsigned count;
	size_t nsites = j->nsites[j->current];
	struct jit_block *b;

	t->e = (struct emit){j->rw + j->used, (intptr_t)j->rx - (intptr_t)j->rw, NULL};
	if (j->maker)
		t->e.notes = aot_begin_block(j->maker, em_pc(&t->e));
	t->first = insn;
	t->known_reg = 31;
	a64_fence();
	read_ops(t);
	find_live(t);
	count = t->count;
	emit_ops(t);
	if (jit_loop_holds(t))
		emit_loop(t, start, count);
	emit_cold(t);
	emit_opdata(t);
	b = new_block(t, start);
	if (!b)
		return NULL;
	jit_emit_linkdata(t, b);
	b->bytes = jit_offset(t, t->e.at) - b->start;
	list_sites(t);
	if (j->maker)
		aot_record(j->maker, b, j->sites[j->current] + nsites, t->nsites);
	jit_publish_locked(j, b);
	j->stats.blocks++;
	j->stats.insns += b->count;
	return j->rx + b->start;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void *jit_translate(struct vcpu_engine *e, struct soft_code_page *source, struct jit_page *page,
                    unsigned insn)
{
	struct jit_tr *t = calloc(1, sizeof(*t));
	uint64_t begin = now_ns();
	void *code = NULL;

	if (!t)
		return NULL;
	t->jit = e->jit;
	t->engine = e;
	t->source = source;
	t->page = page;
	pthread_mutex_lock(&e->code_lock);
	/* The page may have been retired meanwhile, and making room retires everything. */
	if (jit_room_locked(e) &&
	    __atomic_load_n(&e->code[source->pa >> PAGE_SHIFT], __ATOMIC_RELAXED) == source &&
	    page->va != A64_TLB_EMPTY) {
		code = page->entry[insn] ? e->jit->rx + page->entry[insn]->start
		                         : translate_locked(t, insn);
	}
	e->jit->stats.ns += now_ns() - begin;
	pthread_mutex_unlock(&e->code_lock);
	free(t);
	return code;
}
