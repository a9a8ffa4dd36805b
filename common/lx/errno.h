/*
 * errno.h: the guest's error numbers, LX_EPERM..., generated from errno.def.
 * Kernel-side functions return 0 or more, or one of these negated.
 */
#ifndef COMMON_LX_ERRNO_H
#define COMMON_LX_ERRNO_H

#include "common/base.h"

enum lx_errno {
#define LX_ERRNO(name, number, text)       LX_##name = number,
#define LX_ERRNO_LINUX(name, number, text) LX_##name = number,
#include "common/lx/errno.def"
#undef LX_ERRNO
#undef LX_ERRNO_LINUX
	LX_EWOULDBLOCK = LX_EAGAIN,
	LX_EDEADLOCK = LX_EDEADLK,
	LX_ENOTSUP = LX_EOPNOTSUPP,

	/* How an interrupted call goes on.  They stay inside the supervisor: the signal code turns
	 * each into a restart or into LX_EINTR before the guest sees a result. */
	LX_ERESTARTSYS = 512,          /* restart if the handler has SA_RESTART */
	LX_ERESTARTNOINTR = 513,       /* always restart */
	LX_ERESTARTNOHAND = 514,       /* restart only if no handler ran */
	LX_ERESTART_RESTARTBLOCK = 516 /* restart by restart_syscall(2), unless a handler ran */
};

/* The largest number a result may carry: results in [-LX_MAX_ERRNO, -1] are errors. */
#define LX_MAX_ERRNO 4095

/* "ENOENT" for 2 or -2; "E?" for a number that has no name. */
const char *lx_errno_name(int64_t number);

/* "No such file or directory" for 2 or -2. */
const char *lx_errno_text(int64_t number);

#endif
