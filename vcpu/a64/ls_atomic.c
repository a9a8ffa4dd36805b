/*
 * ls_atomic.c: the LSE atomics (Arm ARM C4.1.94): CAS, CASP, SWP and the read-modify-write
 * operations, on 1, 2, 4 and 8 bytes.  All need write permission, whatever they do.
 */
#include "vcpu/a64/atomic.h"
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

static void *target(struct a64_cpu *cpu, const struct a64_op *op, unsigned bytes)
{
	uint64_t va;

	if (!a64_base(cpu, a64_rn(op), &va))
		return NULL;
	return a64_atomic_ptr(cpu, va, bytes, VCPU_READ | VCPU_WRITE);
}

/* Rs is compared and receives the old value; Rt is stored. */
enum a64_next a64_cas(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bytes = 1u << a64_bits(op->word, 31, 30);
	uint64_t old = a64_x(cpu, a64_rm(op));
	void *host = target(cpu, op, bytes);

	if (!host)
		return A64_STOP;
	(void)a64_host_cas(host, bytes, &old, a64_x(cpu, a64_rd(op)));
	a64_set_x(cpu, a64_rm(op), old);
	return A64_OK;
}

/* The second register of a pair: 30 is paired with the zero register. */
enum a64_next a64_casp(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool wide = a64_bits(op->word, 30, 30);
	unsigned s = a64_rm(op), t = a64_rd(op);
	uint64_t old[2], new[2];
	void *host;

	if ((s | t) & 1)
		return a64_undefined(cpu, op);
	host = target(cpu, op, wide ? 16 : 8);
	if (!host)
		return A64_STOP;
	old[0] = a64_x(cpu, s);
	old[1] = a64_x(cpu, s + 1);
	new[0] = a64_x(cpu, t);
	new[1] = a64_x(cpu, t + 1);
	if (wide) {
		(void)a64_host_cas128(host, old, new);
	} else {
		uint64_t both = (uint32_t)old[0] | old[1] << 32;

		(void)a64_host_cas(host, 8, &both, (uint32_t) new[0] | new[1] << 32);
		old[0] = (uint32_t)both;
		old[1] = both >> 32;
	}
	a64_set_x(cpu, s, old[0]);
	a64_set_x(cpu, s + 1, old[1]);
	return A64_OK;
}

/* The operations on one width: what memory becomes from old and the operand. */
#define RMW_LOOP(bits, expr)                                                                   \
	do {                                                                                   \
		uint##bits##_t seen = __atomic_load_n(p, __ATOMIC_RELAXED), next;              \
		do {                                                                           \
			next = (uint##bits##_t)(expr);                                         \
		} while (!__atomic_compare_exchange_n(p, &seen, next, false, __ATOMIC_SEQ_CST, \
		                                      __ATOMIC_SEQ_CST));                      \
		return seen;                                                                   \
	} while (0)

enum rmw { ADD, CLR, EOR, SET, SMAX, SMIN, UMAX, UMIN, SWAP };

#define RMW_WIDTH(bits)                                                                      \
	static A64_RAW uint##bits##_t rmw##bits(uint##bits##_t *p, enum rmw what,            \
	                                        uint##bits##_t v)                            \
	{                                                                                    \
		switch (what) {                                                              \
		case ADD:                                                                    \
			return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                   \
		case CLR:                                                                    \
			return __atomic_fetch_and(p, (uint##bits##_t) ~v, __ATOMIC_SEQ_CST); \
		case EOR:                                                                    \
			return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                   \
		case SET:                                                                    \
			return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                    \
		case SMAX:                                                                   \
			RMW_LOOP(bits, (int##bits##_t)seen > (int##bits##_t)v ? seen : v);   \
		case SMIN:                                                                   \
			RMW_LOOP(bits, (int##bits##_t)seen < (int##bits##_t)v ? seen : v);   \
		case UMAX:                                                                   \
			RMW_LOOP(bits, seen > v ? seen : v);                                 \
		case UMIN:                                                                   \
			RMW_LOOP(bits, seen < v ? seen : v);                                 \
		default:                                                                     \
			return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                  \
		}                                                                            \
	}
RMW_WIDTH(8)
RMW_WIDTH(16)
RMW_WIDTH(32)
RMW_WIDTH(64)

static ALWAYS_INLINE enum a64_next atomic_op(struct a64_cpu *cpu, const struct a64_op *op,
                                             enum rmw what)
{
	unsigned log2_size = a64_bits(op->word, 31, 30);
	uint64_t v = a64_x(cpu, a64_rm(op)), old;
	void *host = target(cpu, op, 1u << log2_size);

	if (!host)
		return A64_STOP;
	switch (log2_size) {
	case 0:
		old = rmw8(host, what, (uint8_t)v);
		break;
	case 1:
		old = rmw16(host, what, (uint16_t)v);
		break;
	case 2:
		old = rmw32(host, what, (uint32_t)v);
		break;
	default:
		old = rmw64(host, what, v);
	}
	a64_set_x(cpu, a64_rd(op), old);
	return A64_OK;
}

#define ATOMIC(name, what)                                                     \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		return atomic_op(cpu, op, what);                               \
	}
ATOMIC(ldadd, ADD)
ATOMIC(ldclr, CLR)
ATOMIC(ldeor, EOR)
ATOMIC(ldset, SET)
ATOMIC(ldsmax, SMAX)
ATOMIC(ldsmin, SMIN)
ATOMIC(ldumax, UMAX)
ATOMIC(ldumin, UMIN)
ATOMIC(swp, SWAP)
