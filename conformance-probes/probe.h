/*
 * probe.h: how probes print: stable key=value lines; booleans, errno names and counts, never
 * times, pids or addresses.  Header only, no library of ours.
 */
#ifndef CONFORMANCE_PROBES_PROBE_H
#define CONFORMANCE_PROBES_PROBE_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* An address that is not mapped, hidden from the compiler's checks. */
__attribute__((unused)) static void *bad_pointer(void)
{
	static void *volatile bad = (void *)16;

	return bad;
}

/* key=value for an integer. */
__attribute__((unused)) static void say(const char *key, long long value)
{
	printf("%s=%lld\n", key, value);
	fflush(stdout);
}

/* key=text */
__attribute__((unused)) static void say_text(const char *key, const char *text)
{
	printf("%s=%s\n", key, text);
	fflush(stdout);
}

/* key=ok for a result of 0 or more, else key=ENAME. */
__attribute__((unused)) static void say_result(const char *key, long long result)
{
	const char *name = result >= 0 ? "ok" : strerrorname_np(errno);

	printf("%s=%s\n", key, name ? name : "unknown");
	fflush(stdout);
}

/* key=N for a result of 0 or more, else key=ENAME. */
__attribute__((unused)) static void say_count(const char *key, long long result)
{
	if (result >= 0)
		say(key, result);
	else
		say_result(key, result);
}

/* key=true or key=false */
__attribute__((unused)) static void say_bool(const char *key, bool value)
{
	say_text(key, value ? "true" : "false");
}

/* How a child ended: key=exit:N or key=signal:N. */
__attribute__((unused)) static void say_status(const char *key, int status)
{
	if (WIFEXITED(status))
		printf("%s=exit:%d\n", key, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s=signal:%d\n", key, WTERMSIG(status));
	else
		printf("%s=other\n", key);
	fflush(stdout);
}

#endif
