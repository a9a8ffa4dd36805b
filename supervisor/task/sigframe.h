/*
 * sigframe.h: what arm64 Linux puts on the stack for a signal handler: struct rt_sigframe
 * (siginfo, ucontext with sigcontext and its records) and a frame record above it.  Layouts from
 * the uapi headers asm/sigcontext.h and asm/ucontext.h as every arm64 libc exposes them.
 */
#ifndef SUPERVISOR_TASK_SIGFRAME_H
#define SUPERVISOR_TASK_SIGFRAME_H

#include "supervisor/task/signal.h"

#define LX_FPSIMD_MAGIC 0x46508001u
#define LX_ESR_MAGIC    0x45535201u
#define LX_EXTRA_MAGIC  0x45585401u

struct lx_ctx_head {
	uint32_t magic, size;
};

struct lx_fpsimd_context {
	struct lx_ctx_head head;
	uint32_t fpsr, fpcr;
	union a64_vreg vregs[32];
};

struct lx_esr_context {
	struct lx_ctx_head head;
	uint64_t esr;
};

struct lx_sigcontext {
	uint64_t fault_address;
	uint64_t regs[31];
	uint64_t sp, pc, pstate;
	uint8_t reserved[4096] __attribute__((aligned(16)));
};

struct lx_ucontext {
	uint64_t uc_flags, uc_link;
	struct lx_stack uc_stack;
	struct lx_sigset uc_sigmask;
	uint8_t unused[120]; /* room for a 1024-bit mask */
	struct lx_sigcontext uc_mcontext __attribute__((aligned(16)));
};

struct lx_rt_sigframe {
	struct lx_siginfo info;
	struct lx_ucontext uc;
};

struct lx_frame_record {
	uint64_t fp, lr;
};

_Static_assert(sizeof(struct lx_fpsimd_context) == 528, "fpsimd_context");
_Static_assert(sizeof(struct lx_esr_context) == 16, "esr_context");
_Static_assert(offsetof(struct lx_sigcontext, sp) == 256, "sigcontext.sp");
_Static_assert(offsetof(struct lx_sigcontext, reserved) == 288, "sigcontext.__reserved");
_Static_assert(sizeof(struct lx_sigcontext) == 4384, "sigcontext");
_Static_assert(sizeof(struct lx_stack) == 24, "stack_t");
_Static_assert(offsetof(struct lx_ucontext, uc_sigmask) == 40, "ucontext.uc_sigmask");
_Static_assert(offsetof(struct lx_ucontext, uc_mcontext) == 176, "ucontext.uc_mcontext");
_Static_assert(sizeof(struct lx_ucontext) == 4560, "ucontext");
_Static_assert(offsetof(struct lx_rt_sigframe, uc) == 128, "rt_sigframe.uc");
_Static_assert(sizeof(struct lx_rt_sigframe) == 4688, "rt_sigframe");

/* Fills a frame from registers; esr 0: no esr_context.  Pure. */
void sigframe_fill(struct lx_rt_sigframe *f, const struct a64_regs *regs, const struct lx_siginfo *info,
		   uint64_t fault_addr, uint32_t esr);
/* Restores registers from a frame; false when it is malformed.  Pure. */
bool sigframe_parse(const struct lx_rt_sigframe *f, struct a64_regs *regs);

#endif
