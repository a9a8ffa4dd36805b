/*
 * errno.h: the one place where the host's errno becomes a Linux error number.
 */
#ifndef COMMON_PLAT_ERRNO_H
#define COMMON_PLAT_ERRNO_H

#include <errno.h>

#include "common/base.h"
#include "common/lx/errno.h"

/* The negative Linux error number for a host errno value: plat_errno(ENOENT) is -LX_ENOENT.
 * A number that Linux does not know (and 0) gives -LX_EIO. */
int plat_errno(int host_errno);

/* What a host call returned, as a kernel-side result: r if it is 0 or more, else errno. */
static inline int64_t plat_result(int64_t r)
{
	return r >= 0 ? r : plat_errno(errno);
}

#endif
