/*
 * tr_fp_env.c: FPCR and FPSR, and the host's MXCSR behind them (Arm ARM C5.2; Intel SDM volume
 * 1, 10.2.3).
 *
 * While translated code runs, MXCSR holds the guest's rounding mode and the exceptions since it
 * was entered, which FPSR lacks.  Bits 0 to 5 there are Invalid, Denormal (which FPSR has
 * under another condition, with FZ only), Zero divide, Overflow, Underflow, Precision; FPSR's
 * bits 0 to 4 are the same without Denormal.
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/softfp.h"

uint32_t soft_jit_mxcsr(uint32_t fpcr)
{
	/* By RMode: nearest, up, down, towards zero. */
	static const uint16_t round[] = {0, 0x4000, 0x2000, 0x6000};

	return JIT_MXCSR_HOST | round[softfp_rmode(fpcr)];
}

uint32_t jit_fp_exceptions(uint32_t mxcsr)
{
	_Static_assert(FPSR_IXC == 0x10 && FPSR_DZC == 2, "MXCSR's order");
	return (mxcsr & FPSR_IOC) | (mxcsr >> 1 & (FPSR_DZC | FPSR_OFC | FPSR_UFC | FPSR_IXC));
}

/* Behind a write of FPCR the run loop finds MXCSR's mode, and other code if FZ has changed. */
bool jit_tr_msr(struct jit_tr *t, const struct a64_op *op)
{
	struct emit *e = &t->e;

	switch (op->word >> 5) {
	case 0xD51BD040 >> 5: /* TPIDR_EL0 */
		em_rm(e, X_STORE, X64, jit_src(t, a64_rd(op), RAX), RBP,
		      JIT_AT(cpu.regs.tpidr_el0));
		return true;
	case 0xD51B4400 >> 5: /* FPCR */
		jit_clobber_flags(t);
		jit_op(t, X_LOAD, X32, RAX, a64_rd(op));
		em_alu_ri(e, ALU_AND, X32, RAX, FPCR_AHP | FPCR_DN | FPCR_FZ | FPCR_RMODE);
		em_rm(e, X_STORE, X32, RAX, RBP, JIT_AT(cpu.regs.fpcr));
		jit_v_flush(t);
		jit_mov_guest(t, RAX, t->pc + 4);
		em_jmp(e, t->jit->exit_lookup);
		t->ended = true;
		return true;
	default:
		return false;
	}
}
