/*
 * linux_seccomp.c: see linux_seccomp.h.  The program is a binary search over the call numbers,
 * with a block for each call at the leaves:
 *
 *	wrong architecture: kill            if nr >= middle: jump to right
 *	load nr                             left...
 *	tree                                right...
 *
 * (seccomp(2), bpf in filter.txt of the kernel's documentation.)
 */
#include "common/plat/linux_seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "common/lx/errno.h"

#if defined(__x86_64__)
#define HOST_ARCH AUDIT_ARCH_X86_64
#define X32_BIT   0x40000000u
#elif defined(__aarch64__)
#define HOST_ARCH AUDIT_ARCH_AARCH64
#endif

#define LINEAR_MAX 4u /* calls at a leaf of the search */

struct program {
	struct sock_filter *insns;
	unsigned len;
	bool overflow;
	uint32_t default_action;
};

static unsigned emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->len >= SECCOMP_MAX_INSNS) {
		p->overflow = true;
		return 0;
	}
	p->insns[p->len] = (struct sock_filter){code, jt, jf, k};
	return p->len++;
}

static void emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Goes on if (word & mask) == value, else to where the returned instruction is patched to go. */
static unsigned emit_compare(struct program *p, size_t offset, uint32_t mask, uint32_t value)
{
	emit_load(p, offset);
	if (mask != UINT32_MAX)
		emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	return emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
}

static void patch_else(struct program *p, unsigned at)
{
	unsigned distance = p->len - at - 1;

	if (distance > UINT8_MAX)
		p->overflow = true;
	else
		p->insns[at].jf = (uint8_t)distance;
}

static void emit_rule(struct program *p, const struct seccomp_rule *r)
{
	uint32_t action = r->error ? SECCOMP_RET_ERRNO | ((uint32_t)r->error & SECCOMP_RET_DATA)
	                           : SECCOMP_RET_ALLOW;
	uint32_t mask_low = (uint32_t)r->mask, mask_high = (uint32_t)(r->mask >> 32);
	size_t arg;
	unsigned low = 0, high = 0;

	if (r->arg < 0) {
		emit_return(p, action);
		return;
	}
	arg = offsetof(struct seccomp_data, args) + (size_t)r->arg * 8;
	if (mask_low)
		low = emit_compare(p, arg, mask_low, (uint32_t)r->value);
	if (mask_high)
		high = emit_compare(p, arg + 4, mask_high, (uint32_t)(r->value >> 32));
	emit_return(p, action);
	if (mask_low)
		patch_else(p, low);
	if (mask_high)
		patch_else(p, high);
}

/* All rules of one call: rules[0..count). */
static void emit_call(struct program *p, const struct seccomp_rule *rules, unsigned count)
{
	unsigned next = emit(p, BPF_JMP | BPF_JEQ | BPF_K, rules[0].nr, 0, 0);

	for (unsigned i = 0; i < count; i++)
		emit_rule(p, &rules[i]);
	if (rules[count - 1].arg >= 0)
		emit_return(p, p->default_action);
	patch_else(p, next);
}

static unsigned same_call(const struct seccomp_rule *rules, unsigned count)
{
	unsigned n = 1;

	while (n < count && rules[n].nr == rules[0].nr)
		n++;
	return n;
}

/* The depth is the logarithm of the number of rules. */
static void emit_tree(struct program *p, const struct seccomp_rule *rules, unsigned count)
{
	unsigned mid = count / 2, jump;

	while (mid > 0 && rules[mid].nr == rules[mid - 1].nr)
		mid--;
	if (count <= LINEAR_MAX || mid == 0) {
		for (unsigned i = 0, n; i < count; i += n) {
			n = same_call(rules + i, count - i);
			emit_call(p, rules + i, n);
		}
		emit_return(p, p->default_action);
		return;
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, rules[mid].nr, 0, 1);
	jump = emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(p, rules, mid);
	p->insns[jump].k = p->len - jump - 1;
	emit_tree(p, rules + mid, count - mid);
}

/* By number; within a call, rules with conditions first, as an unconditional one ends it. */
static int compare_rules(const void *x, const void *y)
{
	const struct seccomp_rule *a = x, *b = y;

	if (a->nr != b->nr)
		return a->nr < b->nr ? -1 : 1;
	return (a->arg < 0) - (b->arg < 0);
}

int seccomp_assemble(struct seccomp_rule *rules, unsigned count, uint32_t default_action,
                     struct sock_filter *out)
{
	struct program p = {.insns = out, .default_action = default_action};

	qsort(rules, count, sizeof(*rules), compare_rules);
	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, HOST_ARCH, 1, 0);
	emit_return(&p, SECCOMP_RET_KILL_PROCESS);
	emit_load(&p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	emit_return(&p, SECCOMP_RET_KILL_PROCESS);
#endif
	if (count > 0)
		emit_tree(&p, rules, count);
	emit_return(&p, default_action);
	return p.overflow ? -LX_E2BIG : (int)p.len;
}
