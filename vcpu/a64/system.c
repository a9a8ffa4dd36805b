/*
 * system.c: exception generation, hints, barriers, cache maintenance and system registers
 * (Arm ARM C4.1.93), as far as Linux lets EL0 use them.  The ID registers, which trap on
 * real machines, are answered here as Linux's emulation does.
 */
#include "vcpu/a64/features.h"
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

#include <time.h>

enum a64_next a64_svc(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.pc += 4;
	cpu->exit.kind = VCPU_EXIT_SYSCALL;
	cpu->exit.imm = a64_bits(op->word, 20, 5);
	return A64_STOP;
}

enum a64_next a64_brk(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->exit.kind = VCPU_EXIT_BREAKPOINT;
	cpu->exit.imm = a64_bits(op->word, 20, 5);
	return A64_STOP;
}

/* The whole hint space: those not implemented are no-operations too. */
enum a64_next a64_hint(struct a64_cpu *cpu, const struct a64_op *op)
{
	(void)cpu;
	(void)op;
	return A64_OK;
}

enum a64_next a64_clrex(struct a64_cpu *cpu, const struct a64_op *op)
{
	(void)op;
	cpu->excl_valid = false;
	return A64_OK;
}

enum a64_next a64_dmb(struct a64_cpu *cpu, const struct a64_op *op)
{
	(void)cpu;
	(void)op;
	a64_fence();
	return A64_OK;
}

enum a64_next a64_dsb(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_dmb(cpu, op);
}

/* Ends its block, so that the next one is looked up anew. */
enum a64_next a64_isb(struct a64_cpu *cpu, const struct a64_op *op)
{
	(void)op;
	cpu->regs.pc += 4;
	return A64_BRANCH;
}

#define ZVA_BYTES 64u

enum a64_next a64_dc_zva(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t va = a64_x(cpu, a64_rd(op));
	uint64_t line = va & ~(uint64_t)(ZVA_BYTES - 1);

	/* A fault reports the address in the register, not the line's. */
	if (!a64_probe_write(cpu, va, 1))
		return A64_STOP;
	for (unsigned i = 0; i < ZVA_BYTES; i += 8)
		if (!a64_store64(cpu, line + i, 0))
			return A64_STOP;
	return A64_OK;
}

/* Memory is coherent with itself: cleaning only asks whether the address can be read. */
static enum a64_next clean(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint8_t byte;

	return a64_load8(cpu, a64_x(cpu, a64_rd(op)), &byte) ? A64_OK : A64_STOP;
}

enum a64_next a64_dc_cvac(struct a64_cpu *cpu, const struct a64_op *op)
{
	return clean(cpu, op);
}

enum a64_next a64_dc_cvau(struct a64_cpu *cpu, const struct a64_op *op)
{
	return clean(cpu, op);
}

enum a64_next a64_dc_cvap(struct a64_cpu *cpu, const struct a64_op *op)
{
	return clean(cpu, op);
}

enum a64_next a64_dc_civac(struct a64_cpu *cpu, const struct a64_op *op)
{
	return clean(cpu, op);
}

/* May remove the very block that is running; it stays readable to its end, which is here. */
enum a64_next a64_ic_ivau(struct a64_cpu *cpu, const struct a64_op *op)
{
	if (!a64_icache_line(cpu, a64_x(cpu, a64_rd(op))))
		return A64_STOP;
	cpu->regs.pc += 4;
	return A64_BRANCH;
}

/* System registers are named by bits 20..5: op0, op1, CRn, CRm, op2. */
#define REG(op0, op1, crn, crm, op2) \
	((uint32_t)(op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define REG_NZCV      REG(3, 3, 4, 2, 0)
#define REG_FPCR      REG(3, 3, 4, 4, 0)
#define REG_FPSR      REG(3, 3, 4, 4, 1)
#define REG_TPIDR     REG(3, 3, 13, 0, 2)
#define REG_TPIDRRO   REG(3, 3, 13, 0, 3)
#define REG_CTR       REG(3, 3, 0, 0, 1)
#define REG_DCZID     REG(3, 3, 0, 0, 7)
#define REG_CNTFRQ    REG(3, 3, 14, 0, 0)
#define REG_CNTVCT    REG(3, 3, 14, 0, 2)
#define REG_MIDR      REG(3, 0, 0, 0, 0)
#define REG_MPIDR     REG(3, 0, 0, 0, 5)
#define REG_REVIDR    REG(3, 0, 0, 0, 6)
#define REG_AA64PFR0  REG(3, 0, 0, 4, 0)
#define REG_AA64DFR0  REG(3, 0, 0, 5, 0)
#define REG_AA64ISAR0 REG(3, 0, 0, 6, 0)
#define REG_AA64ISAR1 REG(3, 0, 0, 6, 1)
#define REG_AA64MMFR0 REG(3, 0, 0, 7, 0)

#define FPCR_BITS 0x07C00000u /* AHP, DN, FZ, RMode */
#define FPSR_BITS 0x0800009Fu /* QC and the cumulative exceptions */

static uint32_t reg_key(const struct a64_op *op)
{
	return a64_bits(op->word, 20, 5) | 2u << 14;
}

static uint64_t counter(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * A64_CNTFRQ + (uint64_t)ts.tv_nsec;
}

/*
 * The ID space that Linux emulates: op0 3, op1 0, CRn 0, CRm 0 and 2..7.  Fields hidden from
 * user programs read as their safe values (debug version 6; no granule sizes).
 */
static bool read_id(uint32_t key, uint64_t *out)
{
	unsigned crm = key >> 3 & 15;

	if (key >> 7 != REG_MIDR >> 7 || crm == 1 || crm > 7)
		return false;
	switch (key) {
	case REG_MIDR:
		*out = A64_MIDR;
		return true;
	case REG_MPIDR:
		*out = 1ULL << 31;
		return true;
	case REG_REVIDR:
		*out = 0;
		return true;
	case REG_AA64PFR0:
		*out = A64_ID_AA64PFR0;
		return true;
	case REG_AA64DFR0:
		*out = 6;
		return true;
	case REG_AA64ISAR0:
		*out = A64_ID_AA64ISAR0;
		return true;
	case REG_AA64ISAR1:
		*out = A64_ID_AA64ISAR1;
		return true;
	case REG_AA64MMFR0:
		*out = 0xFF000000;
		return true;
	default:
		*out = 0;
		return crm != 0;
	}
}

static bool read_reg(const struct a64_cpu *cpu, uint32_t key, uint64_t *out)
{
	switch (key) {
	case REG_NZCV:
		*out = cpu->regs.nzcv;
		return true;
	case REG_FPCR:
		*out = cpu->regs.fpcr;
		return true;
	case REG_FPSR:
		*out = cpu->regs.fpsr;
		return true;
	case REG_TPIDR:
		*out = cpu->regs.tpidr_el0;
		return true;
	case REG_TPIDRRO:
		*out = 0;
		return true;
	case REG_CTR:
		*out = A64_CTR;
		return true;
	case REG_DCZID:
		*out = A64_DCZID;
		return true;
	case REG_CNTFRQ:
		*out = A64_CNTFRQ;
		return true;
	case REG_CNTVCT:
		*out = counter();
		return true;
	default:
		return read_id(key, out);
	}
}

enum a64_next a64_mrs(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v;

	if (!read_reg(cpu, reg_key(op), &v))
		return a64_undefined(cpu, op);
	a64_set_x(cpu, a64_rd(op), v);
	return A64_OK;
}

enum a64_next a64_msr(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v = a64_x(cpu, a64_rd(op));

	switch (reg_key(op)) {
	case REG_NZCV:
		cpu->regs.nzcv = (uint32_t)v & 0xF0000000u;
		return A64_OK;
	case REG_FPCR:
		cpu->regs.fpcr = (uint32_t)v & FPCR_BITS;
		return A64_OK;
	case REG_FPSR:
		cpu->regs.fpsr = (uint32_t)v & FPSR_BITS;
		return A64_OK;
	case REG_TPIDR:
		cpu->regs.tpidr_el0 = v;
		return A64_OK;
	default:
		return a64_undefined(cpu, op);
	}
}
