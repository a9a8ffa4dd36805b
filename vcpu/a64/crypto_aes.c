/*
 * crypto_aes.c: AESE, AESD, AESMC, AESIMC (Arm ARM C4.1, "Cryptographic AES").
 */
#include "vcpu/a64/crypto.h"
#include "vcpu/a64/simd.h"

/* One round without MixColumns: the state in rd, xor the key in rn, substituted and shifted. */
enum a64_next a64_aese(struct a64_cpu *cpu, const struct a64_op *op)
{
	crypto_aes_sub_shift(&cpu->regs.v[a64_rd(op)], simd_v(cpu, a64_rn(op)));
	return A64_OK;
}

enum a64_next a64_aesd(struct a64_cpu *cpu, const struct a64_op *op)
{
	crypto_aes_inv_sub_shift(&cpu->regs.v[a64_rd(op)], simd_v(cpu, a64_rn(op)));
	return A64_OK;
}

enum a64_next a64_aesmc(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg r = *simd_v(cpu, a64_rn(op));

	crypto_aes_mix(&r);
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

enum a64_next a64_aesimc(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg r = *simd_v(cpu, a64_rn(op));

	crypto_aes_inv_mix(&r);
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}
