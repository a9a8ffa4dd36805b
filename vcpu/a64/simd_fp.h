/*
 * simd_fp.h: floating point on whole vectors, shared by its handlers.
 */
#ifndef VCPU_A64_SIMD_FP_H
#define VCPU_A64_SIMD_FP_H

#include "vcpu/a64/fp.h"
#include "vcpu/a64/simd.h"

/* Are the form's lanes all plain (fp_plain32, fp_plain64)? */
static ALWAYS_INLINE bool fp_all_plain(const union a64_vreg *r, const struct a64_op *op)
{
	bool low, high;

	if (simd_sz(op)) {
		low = fp_plain64(r->d[0]);
		high = fp_plain64(r->d[1]);
	} else {
		low = fp_plain32(r->s[0]) && fp_plain32(r->s[1]);
		high = fp_plain32(r->s[2]) && fp_plain32(r->s[3]);
	}
	return low && (high || !simd_q(op));
}

/*
 * rd = rd + rn * m, or rd - rn * m, in all lanes of the vector form, when the host can and
 * every result is plain; else false, and nothing has happened.
 */
bool fp_vector_muladd(struct a64_cpu *cpu, const struct a64_op *op, const union a64_vreg *m,
                      bool negate) MUST_CHECK;

#endif
