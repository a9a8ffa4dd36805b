/*
 * guest_copy.c: the byte loops behind guest_copy.h for builds with the race checker, whose own
 * memcpy and memset would report what guest threads do to their memory.
 */
#include "supervisor/mm/guest_copy.h"

#ifdef SANITIZE_THREAD

__attribute__((no_sanitize("thread"))) NOINLINE void guest_copy(void *dst, const void *src,
                                                                size_t n)
{
	volatile uint8_t *d = dst;
	const volatile uint8_t *s = src;

	for (size_t i = 0; i < n; i++)
		d[i] = s[i];
}

__attribute__((no_sanitize("thread"))) NOINLINE void guest_zero(void *dst, size_t n)
{
	volatile uint8_t *d = dst;

	for (size_t i = 0; i < n; i++)
		d[i] = 0;
}

#endif
