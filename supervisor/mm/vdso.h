/*
 * vdso.h: the pages of code and clock data that every process of a guest shares.
 */
#ifndef SUPERVISOR_MM_VDSO_H
#define SUPERVISOR_MM_VDSO_H

#include "common/base.h"

struct guest;
struct mm;
struct vdso;

/* Maps the clock data and behind it the vDSO's code; *base is where its ELF header lies. */
int vdso_map(struct mm *mm, uint64_t *base) MUST_CHECK;

/* Where __kernel_rt_sigreturn lies in a vDSO at base. */
uint64_t vdso_sigreturn(uint64_t base);

void vdso_free(struct vdso *v);

#endif
