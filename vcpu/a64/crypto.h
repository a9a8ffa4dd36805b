/*
 * crypto.h: the primitives behind the cryptographic instructions: AES rounds, carry-less
 * multiplication; the host's own instructions where it has them, found out at run time.
 */
#ifndef VCPU_A64_CRYPTO_H
#define VCPU_A64_CRYPTO_H

#include "vcpu/vcpu.h"

/* out = a times b as polynomials over {0,1}, low half first. */
void crypto_clmul(uint64_t a, uint64_t b, uint64_t out[2]);

/* In place (FIPS 197): SubBytes(ShiftRows(s xor key)) and its inverse, MixColumns and its inverse.
 */
void crypto_aes_sub_shift(union a64_vreg *s, const union a64_vreg *key);
void crypto_aes_inv_sub_shift(union a64_vreg *s, const union a64_vreg *key);
void crypto_aes_mix(union a64_vreg *s);
void crypto_aes_inv_mix(union a64_vreg *s);

#endif
