/*
 * fast.h: specialised handlers for frequent instruction forms.
 */
#ifndef VCPU_A64_FAST_H
#define VCPU_A64_FAST_H

#include "vcpu/a64/a64.h"

/* Replaces op->fn by a specialised handler with the same effect, where there is one, and sets
 * op->aux for it.  op->fn and op->word are those of the instruction's row. */
void a64_specialise(struct a64_op *op);

#endif
