/*
 * run.c: the life of a task's host thread: run the guest until it exits to us, serve what it
 * wants, deliver signals, until the task ends.
 */
#include "common/log.h"
#include "common/lx/errno.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"
#include "common/plat/thread.h"

/* ESR_EL1 values for the signal frame's esr_context (Arm ARM D17.2.37): class, 32-bit
 * instruction, fault status as the kernel would report it. */
#define ESR_EC_IABT   (0x20u << 26)
#define ESR_EC_PC     (0x22u << 26)
#define ESR_EC_DABT   (0x24u << 26)
#define ESR_EC_SP     (0x26u << 26)
#define ESR_IL        (1u << 25)
#define ESR_WNR       (1u << 6)
#define ESR_TRANSLATION_L3 0x07u
#define ESR_PERMISSION_L3  0x0fu
#define ESR_ALIGNMENT      0x21u

/* The top byte of a data address is a tag (TBI): si_addr shows the address without it. */
static uint64_t untagged(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 8) >> 8);
}

static uint32_t fault_esr(const struct vcpu_exit *e, enum mm_fault code)
{
	uint32_t esr = ESR_IL | (e->access == VCPU_EXEC ? ESR_EC_IABT : ESR_EC_DABT);

	if (e->access == VCPU_WRITE)
		esr |= ESR_WNR;
	return esr | (code == MM_FAULT_ACCERR ? ESR_PERMISSION_L3 : ESR_TRANSLATION_L3);
}

static void on_fault(struct task *t, const struct vcpu_exit *e)
{
	struct lx_siginfo info = {.si_signo = LX_SIGSEGV, .si_code = LX_SEGV_MAPERR};
	enum mm_fault code = (enum mm_fault)e->fault_code;

	switch (code) {
	case MM_FAULT_OOM:
		tgroup_exit(t->group, LX_SIGKILL);
		return;
	case MM_FAULT_BUS:
		info.si_signo = LX_SIGBUS;
		info.si_code = LX_BUS_ADRERR;
		break;
	case MM_FAULT_ACCERR:
		info.si_code = LX_SEGV_ACCERR;
		break;
	default:
		break;
	}
	log_debug("task %d: fault at pc %#llx, address %#llx, access %d, code %d", t->tid,
		  (unsigned long long)vcpu_regs(t->vcpu)->pc, (unsigned long long)e->addr, (int)e->access,
		  (int)code);
	info.u.fault.addr = untagged(e->addr);
	t->fault_addr = e->addr;
	t->fault_esr = fault_esr(e, code);
	signal_force(t, &info);
}

static void on_alignment(struct task *t, const struct vcpu_exit *e)
{
	struct lx_siginfo info = {.si_signo = LX_SIGBUS, .si_code = LX_BUS_ADRALN};
	bool pc = (vcpu_regs(t->vcpu)->pc & 3) != 0;
	uint32_t esr = ESR_EC_DABT | ESR_ALIGNMENT | (e->access == VCPU_WRITE ? ESR_WNR : 0);

	info.u.fault.addr = untagged(e->addr);
	t->fault_addr = e->addr;
	t->fault_esr = ESR_IL | (pc ? ESR_EC_PC : e->access ? esr : ESR_EC_SP);
	signal_force(t, &info);
}

static void on_trap(struct task *t, int sig, int code)
{
	struct lx_siginfo info = {.si_signo = sig, .si_code = code};

	log_debug("task %d: signal %d at pc %#llx", t->tid, sig, (unsigned long long)vcpu_regs(t->vcpu)->pc);
	info.u.fault.addr = vcpu_regs(t->vcpu)->pc;
	t->fault_addr = 0;
	t->fault_esr = 0;
	signal_force(t, &info);
}

static bool result_wants_restart(const struct task *t)
{
	int64_t r = (int64_t)vcpu_regs(t->vcpu)->x[0];

	return t->in_syscall && r <= -LX_ERESTARTSYS && r >= -LX_ERESTART_RESTARTBLOCK;
}

static void serve(struct task *t, const struct vcpu_exit *e)
{
	switch (e->kind) {
	case VCPU_EXIT_SYSCALL:
		sys_dispatch(t);
		break;
	case VCPU_EXIT_FAULT:
		on_fault(t, e);
		break;
	case VCPU_EXIT_ALIGNMENT:
		on_alignment(t, e);
		break;
	case VCPU_EXIT_BREAKPOINT:
		on_trap(t, LX_SIGTRAP, LX_TRAP_BRKPT);
		break;
	case VCPU_EXIT_STEP:
		on_trap(t, LX_SIGTRAP, LX_TRAP_TRACE);
		break;
	case VCPU_EXIT_UNDEFINED:
		on_trap(t, LX_SIGILL, LX_ILL_ILLOPC);
		break;
	case VCPU_EXIT_KICKED:
		break;
	}
}

void task_main(void *arg)
{
	struct task *t = arg;
	struct vcpu_exit e;

	pthread_mutex_lock(&t->group->lock);
	t->thread = pthread_self();
	t->running_host = true;
	plat_thread_times(&t->cpu_base_utime, &t->cpu_base_stime);
	pthread_mutex_unlock(&t->group->lock);
	while (!t->exiting) {
		if (signal_is_pending(t) || result_wants_restart(t) || t->restore_blocked)
			signal_deliver(t);
		t->in_syscall = false;
		if (t->exiting)
			break;
		vcpu_run(t->vcpu, &e);
		serve(t, &e);
	}
	task_exit(t);
}
