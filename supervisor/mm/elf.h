/*
 * elf.h: reading ELF files and mapping their segments.
 */
#ifndef SUPERVISOR_MM_ELF_H
#define SUPERVISOR_MM_ELF_H

#include "common/base.h"
#include "common/lx/elf.h"

struct file;
struct mm;

/* The headers of a file that was found fit to be mapped: sizes do not overflow, segments lie in
 * the user's addresses. */
struct elf_file {
	struct file *file; /* borrowed */
	struct lx_elf64_ehdr header;
	struct lx_elf64_phdr *phdrs; /* header.e_phnum of them */
	uint64_t low, high;          /* first and last byte + 1 of all segments, page-aligned */
	uint64_t align;              /* the largest alignment that a segment asks for */
	bool exec_stack;
};

/* -LX_ENOEXEC for what is no arm64 program of ours to run, -LX_ENOMEM, or a reading error. */
int elf_open(struct file *file, struct elf_file *out) MUST_CHECK;
void elf_close(struct elf_file *elf);

/* The name in PT_INTERP, in *name (malloc), or NULL if there is none. */
int elf_interp(const struct elf_file *elf, char **name) MUST_CHECK;

/* Where a mapped file ended up. */
struct elf_image {
	uint64_t bias;  /* what is added to the file's addresses */
	uint64_t entry; /* biased, like the rest */
	uint64_t phdrs;
	uint64_t end; /* of the highest segment's memory */
	uint64_t code_start, code_end;
};

/* Maps the segments with the given bias into mm, which has nothing there. */
int elf_map(const struct elf_file *elf, struct mm *mm, uint64_t bias,
            struct elf_image *out) MUST_CHECK;

/* Reads n bytes of a file through its page cache: -LX_ENOEXEC if it has fewer. */
int elf_read(struct file *file, uint64_t offset, void *buf, uint64_t n) MUST_CHECK;

#endif
