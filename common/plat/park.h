/*
 * park.h: putting a host thread to sleep on a word of memory, and waking it.
 *
 * A word is 0 while its owner runs, PARKED while it sleeps, UNPARKED once somebody has woken
 * it since the last park_prepare.  One thread sleeps on a word; anybody may wake it.
 */
#ifndef COMMON_PLAT_PARK_H
#define COMMON_PLAT_PARK_H

#include "common/base.h"

#define PARK_RUNNING  0u
#define PARK_SLEEPING 1u
#define PARK_WOKEN    2u

#define PARK_FOREVER INT64_MAX

/* Forgets earlier wakes.  The owner then checks its condition, then sleeps. */
static inline void park_prepare(uint32_t *word)
{
	__atomic_store_n(word, PARK_RUNNING, __ATOMIC_SEQ_CST);
}

/* Sleeps until a wake since the last prepare: true; or until deadline (CLOCK_MONOTONIC ns): false. */
bool park_sleep(uint32_t *word, int64_t deadline) MUST_CHECK;

/* Wakes the owner, or makes its next sleep return at once. */
void park_wake(uint32_t *word);

#endif
