/*
 * sigframe.c: pushing and popping signal frames, and the alternate stack.  sigaltstack(2),
 * sigreturn(2).
 */
#include "supervisor/task/sigframe.h"

#include "common/lx/errno.h"

#define PSTATE_NZCV 0xf0000000u
#define MINSIGSTKSZ 5120

static bool on_altstack(const struct task *t, uint64_t sp)
{
	if (t->altstack.flags & LX_SS_AUTODISARM)
		return false;
	return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

static uint32_t altstack_state(const struct task *t, uint64_t sp)
{
	if (t->altstack.size == 0)
		return LX_SS_DISABLE;
	return on_altstack(t, sp) ? LX_SS_ONSTACK : 0;
}

void sigaltstack_get(struct task *t, uint64_t user_sp, struct lx_stack *out)
{
	*out = (struct lx_stack){
		.sp = t->altstack.sp,
		.flags = altstack_state(t, user_sp) | (t->altstack.flags & LX_SS_AUTODISARM),
		.size = t->altstack.size,
	};
}

int sigaltstack_set(struct task *t, const struct lx_stack *ss, uint64_t user_sp)
{
	uint32_t mode = ss->flags & ~LX_SS_AUTODISARM;

	if (on_altstack(t, user_sp))
		return -LX_EPERM;
	if (mode != LX_SS_DISABLE && mode != LX_SS_ONSTACK && mode != 0)
		return -LX_EINVAL;
	if (mode == LX_SS_DISABLE) {
		t->altstack.sp = t->altstack.size = 0;
	} else {
		if (ss->size < MINSIGSTKSZ)
			return -LX_ENOMEM;
		t->altstack.sp = ss->sp;
		t->altstack.size = ss->size;
	}
	t->altstack.flags = ss->flags;
	return 0;
}

void sigframe_fill(struct lx_rt_sigframe *f, const struct a64_regs *regs, const struct lx_siginfo *info,
		   uint64_t fault_addr, uint32_t esr)
{
	struct lx_sigcontext *sc = &f->uc.uc_mcontext;
	struct lx_fpsimd_context fp = {
		.head = {LX_FPSIMD_MAGIC, sizeof(fp)}, .fpsr = regs->fpsr, .fpcr = regs->fpcr};
	struct lx_esr_context ec = {.head = {LX_ESR_MAGIC, sizeof(ec)}, .esr = esr};
	size_t at = 0;

	memset(f, 0, sizeof(*f));
	f->info = *info;
	sc->fault_address = fault_addr;
	memcpy(sc->regs, regs->x, sizeof(sc->regs));
	sc->sp = regs->sp;
	sc->pc = regs->pc;
	sc->pstate = regs->nzcv & PSTATE_NZCV;
	memcpy(fp.vregs, regs->v, sizeof(fp.vregs));
	memcpy(sc->reserved, &fp, sizeof(fp));
	at += sizeof(fp);
	if (esr)
		memcpy(sc->reserved + at, &ec, sizeof(ec));
	/* The terminator, magic and size 0, is there already. */
}

int sigframe_push(struct task *t, const struct lx_sigaction *act, const struct lx_siginfo *info,
		  struct lx_sigset saved)
{
	struct a64_regs *regs = vcpu_regs(t->vcpu);
	bool fault = t->fault_esr && (info->si_signo == LX_SIGSEGV || info->si_signo == LX_SIGBUS) &&
		     info->si_code > 0 && info->si_code != LX_SI_KERNEL;
	struct lx_frame_record record = {regs->x[29], regs->x[30]};
	struct lx_rt_sigframe f;
	uint64_t sp = regs->sp, frame, next;

	sigframe_fill(&f, regs, info, t->fault_addr, fault ? t->fault_esr : 0);
	f.uc.uc_sigmask = saved;
	sigaltstack_get(t, regs->sp, &f.uc.uc_stack);
	if ((act->flags & LX_SA_ONSTACK) && altstack_state(t, sp) == 0)
		sp = t->altstack.sp + t->altstack.size;
	next = (sp - sizeof(record)) & ~UINT64_C(15);
	frame = next - sizeof(f);
	if (copy_to_user(t->mm, guest_ptr(frame), &f, sizeof(f)) < 0 ||
	    copy_to_user(t->mm, guest_ptr(next), &record, sizeof(record)) < 0)
		return -LX_EFAULT;
	if (t->altstack.flags & LX_SS_AUTODISARM) {
		t->altstack.sp = t->altstack.size = 0;
		t->altstack.flags = LX_SS_DISABLE;
	}
	regs->x[0] = (uint64_t)info->si_signo;
	if (act->flags & LX_SA_SIGINFO) {
		regs->x[1] = frame + offsetof(struct lx_rt_sigframe, info);
		regs->x[2] = frame + offsetof(struct lx_rt_sigframe, uc);
	}
	regs->x[29] = next;
	regs->x[30] = act->flags & LX_SA_RESTORER ? act->restorer : mm_sigreturn_trampoline(t->mm);
	regs->sp = frame;
	regs->pc = act->handler;
	return 0;
}

static bool parse_records(const uint8_t *area, size_t size, struct a64_regs *regs)
{
	bool have_fp = false;
	size_t at = 0;

	while (size - at >= sizeof(struct lx_ctx_head)) {
		struct lx_ctx_head head;
		struct lx_fpsimd_context fp;

		memcpy(&head, area + at, sizeof(head));
		if (head.magic == 0)
			return head.size == 0 && have_fp;
		if (head.size < sizeof(head) || head.size > size - at || head.size % 16)
			return false;
		switch (head.magic) {
		case LX_FPSIMD_MAGIC:
			if (have_fp || head.size != sizeof(fp))
				return false;
			memcpy(&fp, area + at, sizeof(fp));
			regs->fpsr = fp.fpsr;
			regs->fpcr = fp.fpcr;
			memcpy(regs->v, fp.vregs, sizeof(regs->v));
			have_fp = true;
			break;
		case LX_ESR_MAGIC:
			break;
		default:
			return false;
		}
		at += head.size;
	}
	return false;
}

bool sigframe_parse(const struct lx_rt_sigframe *f, struct a64_regs *regs)
{
	const struct lx_sigcontext *sc = &f->uc.uc_mcontext;

	/* Execution state and exception level (PSTATE bits 4..0) must say EL0, AArch64. */
	if (sc->pstate & 0x1f)
		return false;
	if (!parse_records(sc->reserved, sizeof(sc->reserved), regs))
		return false;
	memcpy(regs->x, sc->regs, sizeof(sc->regs));
	regs->sp = sc->sp;
	regs->pc = sc->pc;
	regs->nzcv = (uint32_t)sc->pstate & PSTATE_NZCV;
	return true;
}

int sigframe_pop(struct task *t)
{
	struct a64_regs *regs = vcpu_regs(t->vcpu), fresh = *regs;
	struct lx_rt_sigframe f;

	if ((regs->sp & 15) || copy_from_user(t->mm, &f, guest_ptr(regs->sp), sizeof(f)) < 0 ||
	    !sigframe_parse(&f, &fresh))
		return -LX_EFAULT;
	*regs = fresh;
	signal_set_blocked(t, f.uc.uc_sigmask);
	/* As restored by the kernel: a bad stack_t is ignored. */
	(void)sigaltstack_set(t, &f.uc.uc_stack, regs->sp);
	return 0;
}
