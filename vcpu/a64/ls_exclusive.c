/*
 * ls_exclusive.c: load- and store-exclusive, load-acquire and store-release (Arm ARM C4.1.94,
 * B2.9).
 *
 * The monitor remembers address, size and value; a store-exclusive to the same address and of
 * the same size is a compare-and-swap against the value (a64.h says what follows for ABA).
 * Any store-exclusive clears the monitor, whether it succeeds or not.
 */
#include "vcpu/a64/atomic.h"
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

static ALWAYS_INLINE unsigned log2_bytes(const struct a64_op *op)
{
	return a64_bits(op->word, 31, 30);
}

/* The host address of the base register's target. */
static void *target(struct a64_cpu *cpu, const struct a64_op *op, unsigned bytes,
                    enum vcpu_access access, uint64_t *va)
{
	if (!a64_base(cpu, a64_rn(op), va))
		return NULL;
	return a64_atomic_ptr(cpu, *va, bytes, access);
}

static void arm_monitor(struct a64_cpu *cpu, uint64_t va, unsigned bytes, uint64_t lo, uint64_t hi)
{
	cpu->excl_valid = true;
	cpu->excl_addr = va & A64_VA_MASK;
	cpu->excl_size = (uint8_t)bytes;
	cpu->excl_data[0] = lo;
	cpu->excl_data[1] = hi;
}

static bool monitor_holds(const struct a64_cpu *cpu, uint64_t va, unsigned bytes)
{
	return cpu->excl_valid && cpu->excl_addr == (va & A64_VA_MASK) && cpu->excl_size == bytes;
}

enum a64_next a64_ldxr(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bytes = 1u << log2_bytes(op);
	uint64_t va;
	void *host = target(cpu, op, bytes, VCPU_READ, &va);

	if (!host)
		return A64_STOP;
	uint64_t v = a64_load_acquire(host, bytes);

	arm_monitor(cpu, va, bytes, v, 0);
	a64_set_x(cpu, a64_rd(op), v);
	return A64_OK;
}

enum a64_next a64_ldaxr(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_ldxr(cpu, op);
}

enum a64_next a64_stxr(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bytes = 1u << log2_bytes(op);
	uint64_t va;
	void *host = target(cpu, op, bytes, VCPU_WRITE, &va);
	bool ok = false;

	if (!host)
		return A64_STOP;
	if (monitor_holds(cpu, va, bytes)) {
		uint64_t expected = cpu->excl_data[0];

		ok = a64_host_cas(host, bytes, &expected, a64_x(cpu, a64_rd(op)));
	}
	cpu->excl_valid = false;
	a64_set_x(cpu, a64_rm(op), !ok);
	return A64_OK;
}

enum a64_next a64_stlxr(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_stxr(cpu, op);
}

/*
 * Pairs: of words one 8-byte access, of doublewords 16 bytes.  The two halves of a 16-byte
 * load need not be read together: only a successful store-exclusive makes them so, and that
 * compares both.
 */
enum a64_next a64_ldxp(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool wide = a64_bits(op->word, 30, 30);
	unsigned bytes = wide ? 16 : 8;
	uint64_t va, lo, hi = 0;
	uint8_t *host = target(cpu, op, bytes, VCPU_READ, &va);

	if (!host)
		return A64_STOP;
	lo = a64_load_acquire(host, 8);
	if (wide)
		hi = a64_load_acquire(host + 8, 8);
	arm_monitor(cpu, va, bytes, lo, hi);
	a64_set_x(cpu, a64_rd(op), wide ? lo : (uint32_t)lo);
	a64_set_x(cpu, a64_ra(op), wide ? hi : lo >> 32);
	return A64_OK;
}

enum a64_next a64_ldaxp(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_ldxp(cpu, op);
}

enum a64_next a64_stxp(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool wide = a64_bits(op->word, 30, 30);
	unsigned bytes = wide ? 16 : 8;
	uint64_t va, new[2] = {a64_x(cpu, a64_rd(op)), a64_x(cpu, a64_ra(op))};
	void *host = target(cpu, op, bytes, VCPU_WRITE, &va);
	bool ok = false;

	if (!host)
		return A64_STOP;
	if (monitor_holds(cpu, va, bytes)) {
		uint64_t expected[2] = {cpu->excl_data[0], cpu->excl_data[1]};

		ok = wide ? a64_host_cas128(host, expected, new)
		          : a64_host_cas(host, 8, expected, (uint32_t) new[0] | new[1] << 32);
	}
	cpu->excl_valid = false;
	a64_set_x(cpu, a64_rm(op), !ok);
	return A64_OK;
}

enum a64_next a64_stlxp(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_stxp(cpu, op);
}

/* Load-acquire and store-release, aligned like the exclusives. */
enum a64_next a64_ldar(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bytes = 1u << log2_bytes(op);
	uint64_t va;
	void *host = target(cpu, op, bytes, VCPU_READ, &va);

	if (!host)
		return A64_STOP;
	a64_set_x(cpu, a64_rd(op), a64_load_acquire(host, bytes));
	return A64_OK;
}

enum a64_next a64_ldapr(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_ldar(cpu, op);
}

enum a64_next a64_stlr(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bytes = 1u << log2_bytes(op);
	uint64_t va;
	void *host = target(cpu, op, bytes, VCPU_WRITE, &va);

	if (!host)
		return A64_STOP;
	a64_store_release(host, bytes, a64_x(cpu, a64_rd(op)));
	return A64_OK;
}
