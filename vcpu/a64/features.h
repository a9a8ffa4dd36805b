/*
 * features.h: the architecture shown to guests, in the two forms in which programs ask for
 * it: AT_HWCAP bits (Linux uapi asm/hwcap.h) and the ID registers that Linux lets EL0 read
 * (Documentation/arm64/cpu-feature-registers).  Both say the same, and only what insn.def
 * implements: Armv8.0-A with FP and Advanced SIMD, AES, PMULL, SHA-1, SHA-256, CRC32, LSE
 * atomics, RDM, JSCVT, LRCPC, DC CVAP, and the ID registers themselves.
 */
#ifndef VCPU_A64_FEATURES_H
#define VCPU_A64_FEATURES_H

#define A64_HWCAP_FP       (1ULL << 0)
#define A64_HWCAP_ASIMD    (1ULL << 1)
#define A64_HWCAP_AES      (1ULL << 3)
#define A64_HWCAP_PMULL    (1ULL << 4)
#define A64_HWCAP_SHA1     (1ULL << 5)
#define A64_HWCAP_SHA2     (1ULL << 6)
#define A64_HWCAP_CRC32    (1ULL << 7)
#define A64_HWCAP_ATOMICS  (1ULL << 8)
#define A64_HWCAP_CPUID    (1ULL << 11)
#define A64_HWCAP_ASIMDRDM (1ULL << 12)
#define A64_HWCAP_JSCVT    (1ULL << 13)
#define A64_HWCAP_LRCPC    (1ULL << 15)
#define A64_HWCAP_DCPOP    (1ULL << 16)

#define A64_HWCAP                                                                            \
	(A64_HWCAP_FP | A64_HWCAP_ASIMD | A64_HWCAP_AES | A64_HWCAP_PMULL | A64_HWCAP_SHA1 | \
	 A64_HWCAP_SHA2 | A64_HWCAP_CRC32 | A64_HWCAP_ATOMICS | A64_HWCAP_CPUID |            \
	 A64_HWCAP_ASIMDRDM | A64_HWCAP_JSCVT | A64_HWCAP_LRCPC | A64_HWCAP_DCPOP)
#define A64_HWCAP2 0ULL

/* MIDR_EL1: implementer 0, reserved for software use; architecture given by the ID registers. */
#define A64_MIDR 0x000F0510ULL

/* ID_AA64ISAR0_EL1: AES+PMULL (2), SHA1 (1), SHA2 (1), CRC32 (1), Atomics (2), RDM (1). */
#define A64_ID_AA64ISAR0 0x0000000010211120ULL
/* ID_AA64ISAR1_EL1: DPB (1), JSCVT (1), LRCPC (1). */
#define A64_ID_AA64ISAR1 0x0000000000101001ULL
/* ID_AA64PFR0_EL1: EL0 and EL1 AArch64 only; FP and Advanced SIMD without half precision. */
#define A64_ID_AA64PFR0 0x0000000000000011ULL

/* CTR_EL0: 64-byte lines, VIPT instruction cache, IDC and DIC clear, so that programs
 * clean and invalidate by line. */
#define A64_CTR 0x0000000084448004ULL
/* DCZID_EL0: DC ZVA zeroes 64 bytes. */
#define A64_DCZID 4ULL

/* CNTVCT_EL0 counts nanoseconds of CLOCK_MONOTONIC. */
#define A64_CNTFRQ 1000000000ULL

#endif
