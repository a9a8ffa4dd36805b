/*
 * ls_pair.c: loads and stores of register pairs (Arm ARM C4.1.94).
 *
 * Both registers and the base are written only when both halves were accessed.  When the pair
 * lies in one page that the TLB knows, one check serves both halves.
 */
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

static ALWAYS_INLINE bool load_pair32(struct a64_cpu *cpu, uint64_t va, uint32_t v[2])
{
	const uint8_t *host = a64_tlb_read(cpu, va, 8);

	if (LIKELY(host)) {
		v[0] = a64_raw_load32(host);
		v[1] = a64_raw_load32(host + 4);
		return true;
	}
	return a64_load32(cpu, va, &v[0]) && a64_load32(cpu, va + 4, &v[1]);
}

static ALWAYS_INLINE bool load_pair64(struct a64_cpu *cpu, uint64_t va, uint64_t v[2])
{
	const uint8_t *host = a64_tlb_read(cpu, va, 16);

	if (LIKELY(host)) {
		v[0] = a64_raw_load64(host);
		v[1] = a64_raw_load64(host + 8);
		return true;
	}
	return a64_load64(cpu, va, &v[0]) && a64_load64(cpu, va + 8, &v[1]);
}

static ALWAYS_INLINE bool store_pair32(struct a64_cpu *cpu, uint64_t va, uint32_t a, uint32_t b)
{
	uint8_t *host = a64_tlb_write(cpu, va, 8);

	if (LIKELY(host)) {
		a64_raw_store32(host, a);
		a64_raw_store32(host + 4, b);
		return true;
	}
	return a64_probe_write(cpu, va, 8) && a64_store32(cpu, va, a) &&
	       a64_store32(cpu, va + 4, b);
}

static ALWAYS_INLINE bool store_pair64(struct a64_cpu *cpu, uint64_t va, uint64_t a, uint64_t b)
{
	uint8_t *host = a64_tlb_write(cpu, va, 16);

	if (LIKELY(host)) {
		a64_raw_store64(host, a);
		a64_raw_store64(host + 8, b);
		return true;
	}
	return a64_probe_write(cpu, va, 16) && a64_store64(cpu, va, a) &&
	       a64_store64(cpu, va + 8, b);
}

static ALWAYS_INLINE unsigned rt2(const struct a64_op *op)
{
	return a64_ra(op);
}

static ALWAYS_INLINE bool do_ldp_w(struct a64_cpu *cpu, const struct a64_op *op, uint64_t va)
{
	uint32_t v[2];

	if (!load_pair32(cpu, va, v))
		return false;
	a64_set_x(cpu, a64_rd(op), v[0]);
	a64_set_x(cpu, rt2(op), v[1]);
	return true;
}

static ALWAYS_INLINE bool do_ldpsw(struct a64_cpu *cpu, const struct a64_op *op, uint64_t va)
{
	uint32_t v[2];

	if (!load_pair32(cpu, va, v))
		return false;
	a64_set_x(cpu, a64_rd(op), (uint64_t)(int32_t)v[0]);
	a64_set_x(cpu, rt2(op), (uint64_t)(int32_t)v[1]);
	return true;
}

static ALWAYS_INLINE bool do_ldp_x(struct a64_cpu *cpu, const struct a64_op *op, uint64_t va)
{
	uint64_t v[2];

	if (!load_pair64(cpu, va, v))
		return false;
	a64_set_x(cpu, a64_rd(op), v[0]);
	a64_set_x(cpu, rt2(op), v[1]);
	return true;
}

static ALWAYS_INLINE bool do_stp_w(struct a64_cpu *cpu, const struct a64_op *op, uint64_t va)
{
	return store_pair32(cpu, va, a64_w(cpu, a64_rd(op)), a64_w(cpu, rt2(op)));
}

static ALWAYS_INLINE bool do_stp_x(struct a64_cpu *cpu, const struct a64_op *op, uint64_t va)
{
	return store_pair64(cpu, va, a64_x(cpu, a64_rd(op)), a64_x(cpu, rt2(op)));
}

#define FORM(name, kind, offset, write)                                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t base;                                                 \
                                                                               \
		if (UNLIKELY(!a64_base(cpu, a64_rn(op), &base)) ||             \
		    UNLIKELY(!do_##kind(cpu, op, base + (offset))))            \
			return A64_STOP;                                       \
		write;                                                         \
		return A64_OK;                                                 \
	}
#define IMM7(bytes)    ((uint64_t)(a64_sbits(op->word, 21, 15) * (bytes)))
#define ADVANCE(bytes) a64_set_x_sp(cpu, a64_rn(op), base + IMM7(bytes))
#define FORMS(kind, post, off, pre, bytes)  \
	FORM(post, kind, 0, ADVANCE(bytes)) \
	FORM(off, kind, IMM7(bytes), )      \
	FORM(pre, kind, IMM7(bytes), ADVANCE(bytes))
FORMS(stp_w, stp_post_w, stp_off_w, stp_pre_w, 4)
FORMS(ldp_w, ldp_post_w, ldp_off_w, ldp_pre_w, 4)
FORMS(ldpsw, ldpsw_post, ldpsw_off, ldpsw_pre, 4)
FORMS(stp_x, stp_post_x, stp_off_x, stp_pre_x, 8)
FORMS(ldp_x, ldp_post_x, ldp_off_x, ldp_pre_x, 8)
/* Non-temporal pairs are plain pairs. */
FORM(stnp_w, stp_w, IMM7(4), )
FORM(ldnp_w, ldp_w, IMM7(4), )
FORM(stnp_x, stp_x, IMM7(8), )
FORM(ldnp_x, ldp_x, IMM7(8), )
