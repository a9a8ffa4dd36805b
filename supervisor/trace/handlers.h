/*
 * handlers.h: which instructions the translated code could not do itself.
 */
#ifndef SUPERVISOR_TRACE_HANDLERS_H
#define SUPERVISOR_TRACE_HANDLERS_H

/* Logs the instructions whose handlers were called most, if that was counted (CARRICK_JIT=calls,
 * vcpu/soft/jit/host.h). */
void handlers_report(void);

#endif
