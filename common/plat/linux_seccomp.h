/*
 * linux_seccomp.h: an assembler for seccomp filters.  Rules say which system calls are let
 * through, if need be by the value of an argument; everything else gets the default action.
 */
#ifndef COMMON_PLAT_LINUX_SECCOMP_H
#define COMMON_PLAT_LINUX_SECCOMP_H

#include "common/base.h"

struct sock_filter;

/* Call nr is permitted if (argument arg & mask) == value; always if arg is negative.  Several
 * rules for one call permit it if any does.  error, if not 0, makes the call fail with that host
 * errno instead of running it. */
struct seccomp_rule {
	uint32_t nr;
	int arg;
	uint64_t mask, value;
	int error;
};

#define SECCOMP_MAX_INSNS 4096u

/* Sorts the rules in place and writes the program to out (room for SECCOMP_MAX_INSNS).  Returns
 * its length, or -LX_E2BIG.  default_action: SECCOMP_RET_*. */
int seccomp_assemble(struct seccomp_rule *rules, unsigned count, uint32_t default_action,
                     struct sock_filter *out) MUST_CHECK;

/* Installs the filter for the allowed groups (SANDBOX_ALLOW_*) in all threads of this process.
 * 0 or a negative Linux errno. */
int seccomp_apply(unsigned allow) MUST_CHECK;

#endif
