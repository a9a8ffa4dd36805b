/*
 * jit_stats.h: what the translator did for a guest (`carrick run --jit-stats`).
 */
#ifndef SUPERVISOR_TRACE_JIT_STATS_H
#define SUPERVISOR_TRACE_JIT_STATS_H

#include "vcpu/vcpu.h"

/* Writes a line a figure to the descriptor. */
void jit_stats_report(struct vcpu_engine *engine, int fd);

#endif
