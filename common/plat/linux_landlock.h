/* linux_landlock.h: the file and network rules of a role, by Landlock (landlock(7)). */
#ifndef COMMON_PLAT_LINUX_LANDLOCK_H
#define COMMON_PLAT_LINUX_LANDLOCK_H

#include "common/plat/sandbox.h"

/* Nothing but the profile's trees can be opened from here on; without profile->network no TCP
 * port can be bound or connected.  Needs no_new_privs.  0, or a negative Linux errno;
 * -LX_ENOSYS or -LX_EOPNOTSUPP when the kernel has no Landlock. */
int landlock_apply(const struct sandbox_profile *profile) MUST_CHECK;

#endif
