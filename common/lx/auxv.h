/*
 * auxv.h: tags of the auxiliary vector, pairs of 64-bit words above the environment on a new
 * program's stack.  getauxval(3).
 */
#ifndef COMMON_LX_AUXV_H
#define COMMON_LX_AUXV_H

#define LX_AT_NULL         0
#define LX_AT_PHDR         3
#define LX_AT_PHENT        4
#define LX_AT_PHNUM        5
#define LX_AT_PAGESZ       6
#define LX_AT_BASE         7
#define LX_AT_FLAGS        8
#define LX_AT_ENTRY        9
#define LX_AT_UID          11
#define LX_AT_EUID         12
#define LX_AT_GID          13
#define LX_AT_EGID         14
#define LX_AT_PLATFORM     15
#define LX_AT_HWCAP        16
#define LX_AT_CLKTCK       17
#define LX_AT_SECURE       23
#define LX_AT_RANDOM       25
#define LX_AT_HWCAP2       26
#define LX_AT_EXECFN       31
#define LX_AT_SYSINFO_EHDR 33
#define LX_AT_MINSIGSTKSZ  51

#endif
