/*
 * elf.h: the parts of ELF-64 that loading a program needs.  elf(5); ELF for the Arm 64-bit
 * Architecture (AAELF64).
 */
#ifndef COMMON_LX_ELF_H
#define COMMON_LX_ELF_H

#include "common/base.h"

#define LX_EI_CLASS    4
#define LX_EI_DATA     5
#define LX_EI_VERSION  6
#define LX_EI_NIDENT   16
#define LX_ELFCLASS64  2
#define LX_ELFDATA2LSB 1
#define LX_EV_CURRENT  1

#define LX_ET_EXEC 2
#define LX_ET_DYN  3

#define LX_EM_X86_64  62
#define LX_EM_AARCH64 183

#define LX_PT_LOAD      1u
#define LX_PT_DYNAMIC   2u
#define LX_PT_INTERP    3u
#define LX_PT_PHDR      6u
#define LX_PT_GNU_STACK 0x6474e551u

#define LX_PF_X 1u
#define LX_PF_W 2u
#define LX_PF_R 4u

struct lx_elf64_ehdr {
	uint8_t e_ident[LX_EI_NIDENT];
	uint16_t e_type, e_machine;
	uint32_t e_version;
	uint64_t e_entry, e_phoff, e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
_Static_assert(sizeof(struct lx_elf64_ehdr) == 64, "Elf64_Ehdr");

struct lx_elf64_phdr {
	uint32_t p_type, p_flags;
	uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
_Static_assert(sizeof(struct lx_elf64_phdr) == 56, "Elf64_Phdr");

#endif
