/*
 * window_fault.c: host faults of translated code.
 *
 * An instruction that accesses a window may be refused by the host.  The handler of SIGSEGV runs
 * on the thread's own stack and may do whatever a called function may, since translated code
 * holds no locks.  It finds the instruction among the sites that its block has listed.  If the
 * guest's page tables permit the access, the window is filled there and the instruction is tried
 * again; else it goes on at the instruction's slow path.  The latter is right at any time, so
 * an instruction that faults again and again, as its page is taken away by others, takes it too.
 *
 * A fault anywhere else is a bug, and ends the process as it would without us.
 */
#include "vcpu/soft/jit/jit.h"
#include "vcpu/soft/jit/window.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

/* How often an instruction may be tried again for the same page. */
#define TRIES 4

/* The vCPU whose translated code this thread runs. */
static __thread struct vcpu *running;
static struct sigaction before;
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

void soft_window_running(struct vcpu *v)
{
	running = v;
}

static const struct jit_site *find_site(const struct jit *j, uint32_t at)
{
	unsigned half = at >= j->half[1].begin;
	size_t n = __atomic_load_n(&j->nsites[half], __ATOMIC_ACQUIRE), lo = 0;
	const struct jit_site *sites = j->sites[half];

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (sites[mid].at == at)
			return &sites[mid];
		if (sites[mid].at < at)
			lo = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

/* Fills the window so that the instruction can be tried again? */
static bool fill(struct vcpu *v, uint64_t va, uint64_t pc, bool write)
{
	if (va >= WINDOW_LIMIT)
		return false;
	if (v->fault_pc != pc || v->fault_page != va >> PAGE_SHIFT) {
		v->fault_pc = pc;
		v->fault_page = va >> PAGE_SHIFT;
		v->fault_tries = 0;
	}
	if (v->fault_tries++ == TRIES) {
		v->fault_tries = 0;
		return false;
	}
	return soft_window_fill(v, va, write ? VCPU_WRITE : VCPU_READ);
}

/* True: the fault is dealt with. */
static bool resolve(const siginfo_t *info, ucontext_t *uc)
{
	greg_t *regs = uc->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)regs[REG_RIP];
	struct vcpu *v = running;
	const struct jit_site *site;

	if (!v || !v->window)
		return false;
	const struct jit *j = v->engine->jit;
	uint64_t at = pc - (uint64_t)(uintptr_t)j->rx;

	if (at >= j->size)
		return false;
	site = find_site(j, (uint32_t)at);
	if (!site)
		return false;
	uint64_t va = (uint64_t)(uintptr_t)info->si_addr - v->window_base;

	__atomic_fetch_add(&v->engine->windows.faults, 1, __ATOMIC_RELAXED);
	if (fill(v, va, pc, regs[REG_ERR] & 2))
		return true;
	v->window_missed = true;
	regs[REG_RIP] = (greg_t)(uintptr_t)(j->rx + site->slow);
	return true;
}

static void report(const siginfo_t *info, const ucontext_t *uc)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "carrick: SIGSEGV at pc %#llx, address %#llx: a bug\n",
	                 (unsigned long long)uc->uc_mcontext.gregs[REG_RIP],
	                 (unsigned long long)(uintptr_t)info->si_addr);

	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		return;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code > 0 && resolve(info, context)) {
		errno = saved;
		return;
	}
	if (before.sa_handler == SIG_DFL)
		report(info, context);
	/* The instruction faults again when we return; a signal that was sent does not come
	 * again by itself. */
	sigaction(sig, &before, NULL);
	if (info->si_code <= 0)
		raise(sig);
	errno = saved;
}

void soft_window_catch_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, now;

	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&install_lock);
	if (sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_sigaction != on_fault) {
		before = now;
		(void)sigaction(SIGSEGV, &action, NULL);
	}
	pthread_mutex_unlock(&install_lock);
}
