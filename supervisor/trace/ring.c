/* ring.c: see ring.h. */
#include "supervisor/trace/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

static struct crash_ring nobody_reads;
struct crash_ring *crash_ring = &nobody_reads;

/* The beginning of the program in memory: the linker's own name for it. */
extern const char __executable_start[];

static uint64_t host_pc(const void *context)
{
#if defined(__linux__) && defined(__x86_64__)
	return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__linux__) && defined(__aarch64__)
	return ((const ucontext_t *)context)->uc_mcontext.pc;
#else
	(void)context;
	return 0;
#endif
}

static void on_fatal(int signo, siginfo_t *info, void *context)
{
	struct sigaction fall = {.sa_handler = SIG_DFL};

	if (crash_ring->signo == 0) {
		crash_ring->address = (uint64_t)(uintptr_t)info->si_addr;
		crash_ring->pc = host_pc(context);
		crash_ring->base = (uint64_t)(uintptr_t)__executable_start;
		crash_ring->host_tid = (uint32_t)gettid();
		crash_ring->signo = (uint32_t)signo;
	}
	/* The instruction faults again; a signal that was sent does not come again by itself. */
	(void)sigaction(signo, &fall, NULL);
	if (info->si_code <= 0)
		raise(signo);
}

static void catch_fatal_signals(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
	struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		(void)sigaction(fatal[i], &action, NULL);
}

static void fill_names(struct crash_ring *r)
{
	for (uint32_t nr = 0; nr < CRASH_NAMES; nr++) {
		const struct sys_row *row = sys_lookup_arm64(nr);

		snprintf(r->names[nr], sizeof(r->names[nr]), "%s", row ? row->name : "");
	}
}

void ring_open(void)
{
	struct crash_ring *r;
	struct stat st;

	if (fstat(CRASH_FD, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != sizeof(*r))
		return;
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, CRASH_FD, 0);
	close(CRASH_FD);
	if (r == MAP_FAILED)
		return;
	memcpy(r->magic, CRASH_MAGIC, sizeof(r->magic));
	snprintf(r->version, sizeof(r->version), "%s", CARRICK_VERSION);
	fill_names(r);
	crash_ring = r;
	catch_fatal_signals();
}
