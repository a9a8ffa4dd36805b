/*
 * linux_calls.c: from the groups of sandbox.h to an installed seccomp filter, by way of
 * linux_calls.def.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/linux_seccomp.h"
#include "common/plat/sandbox.h"
#include "common/plat/sanitize.h"

#ifndef SECCOMP_FILTER_FLAG_LOG
#define SECCOMP_FILTER_FLAG_LOG (1UL << 1)
#endif

/* Linux 6.13; the same numbers on every architecture.  Older headers lack them. */
#ifndef SYS_setxattrat
#define SYS_setxattrat    463
#define SYS_getxattrat    464
#define SYS_listxattrat   465
#define SYS_removexattrat 466
#endif

/* Calls that newer architectures never had. */
#ifdef __x86_64__
#define CALL_OLD(group, name) CALL(group, name)
#else
#define CALL_OLD(group, name)
#endif

/* Says which call it was, then ends as the filter would have.  Runs in a signal handler. */
static void on_trap(int signo, siginfo_t *si, void *context)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "carrick: sandbox: system call %d is not permitted\n",
	                 si->si_syscall);

	(void)signo;
	(void)context;
	if (n > 0 && write(2, line, (size_t)n) < 0)
		n = 0;
	/* INVARIANT: this handler stands in for the kill that the filter does without it. */
	_exit(128 + SIGSYS);
}

static uint32_t violation_action(void)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	const char *env = getenv("CARRICK_SANDBOX");

	if (!env || strcmp(env, "trap") != 0 || sigaction(SIGSYS, &sa, NULL) < 0)
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_TRAP;
}

/* The rules of the allowed groups; the number of them. */
static unsigned collect_rules(unsigned allow, struct seccomp_rule *rules)
{
	unsigned n = 0;

#define CALL(group, name)                  \
	if (allow & SANDBOX_ALLOW_##group) \
		rules[n++] = (struct seccomp_rule){.nr = SYS_##name, .arg = -1};
#define CALL_IF(group, name, a, m, v)               \
	if (allow & SANDBOX_ALLOW_##group)          \
		rules[n++] = (struct seccomp_rule){ \
		    .nr = SYS_##name, .arg = (a), .mask = (m), .value = (v)};
#define CALL_FAILS(group, name, e)         \
	if (allow & SANDBOX_ALLOW_##group) \
		rules[n++] = (struct seccomp_rule){.nr = SYS_##name, .arg = -1, .error = (e)};
#include "common/plat/linux_calls.def"
#undef CALL
#undef CALL_IF
#undef CALL_FAILS
	return n;
}

enum {
#define CALL(group, name)             +1
#define CALL_IF(group, name, a, m, v) +1
#define CALL_FAILS(group, name, e)    +1
	RULES_MAX = 0
#include "common/plat/linux_calls.def"
#undef CALL
#undef CALL_IF
#undef CALL_FAILS
};

int seccomp_apply(unsigned allow)
{
	struct seccomp_rule rules[RULES_MAX];
	struct sock_filter *insns = malloc(SECCOMP_MAX_INSNS * sizeof(*insns));
	struct sock_fprog prog = {.filter = insns};
	int r = -LX_ENOMEM;

	if (!insns)
		return r;
	r = seccomp_assemble(rules, collect_rules(allow, rules), violation_action(), insns);
	if (r > 0) {
		prog.len = (unsigned short)r;
		r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		                 SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, &prog);
		/* With TSYNC a positive result names a thread that could not be confined. */
		r = r < 0 ? plat_errno(errno) : r > 0 ? -LX_EBUSY : 0;
	}
	free(insns);
	return r;
}
