/* linux_userns.h: namespaces for those who may not make them as they are. */
#ifndef COMMON_PLAT_LINUX_USERNS_H
#define COMMON_PLAT_LINUX_USERNS_H

#include "common/base.h"

/* unshare(2) of flags, inside a new user namespace (in which one stays oneself) if that is what it
 * takes.  0 or a negative Linux errno.  Single-threaded processes only. */
int userns_unshare(int flags) MUST_CHECK;

#endif
