/*
 * guest_copy.h: moving bytes in and out of guest frames by host address.  Guest threads may
 * write the same bytes at the same time, as on real hardware: whatever mixture is read is what
 * the guest asked for, so the race checker is told to look away here and only here.
 */
#ifndef SUPERVISOR_MM_GUEST_COPY_H
#define SUPERVISOR_MM_GUEST_COPY_H

#include "common/base.h"
#include "common/plat/sanitize.h"

#ifdef SANITIZE_THREAD

void guest_copy(void *dst, const void *src, size_t n);
void guest_zero(void *dst, size_t n);

#else

static inline void guest_copy(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
}

static inline void guest_zero(void *dst, size_t n)
{
	memset(dst, 0, n);
}

#endif
#endif
