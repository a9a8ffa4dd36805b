/*
 * dispatch.c: serving one system call: arguments from x0-x5, number from x8, result into x0
 * (the arm64 convention, syscall(2)).
 */
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/trace/observe.h"
#include "supervisor/trace/ring.h"

/* The call as the observer sees it; the guest never waits for more than a write of a line. */
static NOINLINE int64_t call_observed(struct observer *o, struct task *t, const struct sys_row *row,
				      const struct sys_args *args)
{
	struct observed_call call;
	int64_t result;

	observe_enter(o, t, row, t->syscall_nr, args, &call);
	result = row && row->fn ? row->fn(t, args) : -LX_ENOSYS;
	observe_exit(o, t, &call, result);
	return result;
}

void sys_dispatch(struct task *t)
{
	struct a64_regs *regs = vcpu_regs(t->vcpu);
	/* The number is the low half of x8: the kernel reads w8. */
	const struct sys_row *row = sys_lookup_arm64((uint32_t)regs->x[8]);
	struct crash_event *event;
	struct sys_args args;
	int64_t result;

	memcpy(args.v, regs->x, sizeof(args.v));
	t->syscall_nr = (uint32_t)regs->x[8];
	t->syscall_x0 = regs->x[0];
	t->in_syscall = true;
	event = ring_enter(t, t->syscall_nr, &args, regs->pc);
	if (UNLIKELY(t->guest->observer))
		result = call_observed(t->guest->observer, t, row, &args);
	else
		result = row && row->fn ? row->fn(t, &args) : -LX_ENOSYS;
	ring_leave(event, result);
	/* rt_sigreturn and execve have replaced all registers and clear in_syscall themselves. */
	if (t->in_syscall)
		vcpu_regs(t->vcpu)->x[0] = (uint64_t)result;
}
