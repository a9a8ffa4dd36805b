/*
 * elf.c: reading and checking the headers of ELF files, and mapping their segments.
 *
 * Nothing in the file is trusted: every sum is checked, and what does not make sense is ENOEXEC.
 * Segments may overlap (the later one wins) or be larger than the file (touching what is not
 * there is SIGBUS), as on Linux.
 */
#include "supervisor/mm/elf.h"
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

#define PHDRS_MAX_BYTES 65536u
#define INTERP_MAX      4096u

int elf_read(struct file *file, uint64_t offset, void *buf, uint64_t n)
{
	struct pagecache *pc = NULL;
	struct uio u;
	int64_t r;

	if (!file->ops->mapping)
		return -LX_ENOEXEC;
	r = file->ops->mapping(file, &pc);
	if (r < 0)
		return r == -LX_ENOMEM ? -LX_ENOMEM : -LX_ENOEXEC;
	if (!pc)
		return -LX_ENOEXEC;
	uio_init_kernel(&u, buf, n);
	r = pagecache_read(pc, offset, &u, n);
	if (r < 0)
		return (int)r;
	return (uint64_t)r == n ? 0 : -LX_ENOEXEC;
}

static bool header_ok(const struct lx_elf64_ehdr *h)
{
	static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};

	return memcmp(h->e_ident, magic, sizeof(magic)) == 0 &&
	       h->e_ident[LX_EI_CLASS] == LX_ELFCLASS64 &&
	       h->e_ident[LX_EI_DATA] == LX_ELFDATA2LSB &&
	       (h->e_type == LX_ET_EXEC || h->e_type == LX_ET_DYN) &&
	       h->e_machine == LX_EM_AARCH64 && h->e_phentsize == sizeof(struct lx_elf64_phdr) &&
	       h->e_phnum > 0 && h->e_phnum <= PHDRS_MAX_BYTES / sizeof(struct lx_elf64_phdr);
}

static bool load_ok(const struct lx_elf64_phdr *p)
{
	uint64_t end, file_end;

	if (p->p_filesz > p->p_memsz || add_overflows(p->p_vaddr, p->p_memsz, &end) ||
	    add_overflows(p->p_offset, p->p_filesz, &file_end))
		return false;
	if (end > MM_TASK_SIZE_MAX - PAGE_SIZE || file_end > INT64_MAX - PAGE_SIZE)
		return false;
	return ((p->p_vaddr ^ p->p_offset) & ~PAGE_MASK) == 0 || p->p_filesz == 0;
}

static int scan(struct elf_file *elf)
{
	bool any = false;

	elf->low = UINT64_MAX;
	elf->high = 0;
	elf->align = PAGE_SIZE;
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct lx_elf64_phdr *p = &elf->phdrs[i];

		if (p->p_type == LX_PT_GNU_STACK)
			elf->exec_stack = p->p_flags & LX_PF_X;
		if (p->p_type != LX_PT_LOAD)
			continue;
		if (!load_ok(p))
			return -LX_ENOEXEC;
		any = true;
		elf->low = MIN(elf->low, round_down_u64(p->p_vaddr, PAGE_SIZE));
		elf->high = MAX(elf->high, round_up_u64(p->p_vaddr + p->p_memsz, PAGE_SIZE));
		if (is_pow2_u64(p->p_align) && p->p_align <= 1ULL << 30)
			elf->align = MAX(elf->align, p->p_align);
	}
	return any && elf->high > elf->low ? 0 : -LX_ENOEXEC;
}

int elf_open(struct file *file, struct elf_file *out)
{
	uint64_t size, end;
	int err;

	*out = (struct elf_file){.file = file};
	err = elf_read(file, 0, &out->header, sizeof(out->header));
	if (err)
		return err;
	if (!header_ok(&out->header))
		return -LX_ENOEXEC;
	size = out->header.e_phnum * sizeof(struct lx_elf64_phdr);
	if (add_overflows(out->header.e_phoff, size, &end) || end > INT64_MAX)
		return -LX_ENOEXEC;
	out->phdrs = malloc(size);
	if (!out->phdrs)
		return -LX_ENOMEM;
	err = elf_read(file, out->header.e_phoff, out->phdrs, size);
	if (!err)
		err = scan(out);
	if (err)
		elf_close(out);
	return err;
}

void elf_close(struct elf_file *elf)
{
	free(elf->phdrs);
	elf->phdrs = NULL;
}

int elf_interp(const struct elf_file *elf, char **name)
{
	*name = NULL;
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct lx_elf64_phdr *p = &elf->phdrs[i];
		char *s;
		int err;

		if (p->p_type != LX_PT_INTERP)
			continue;
		if (p->p_filesz < 2 || p->p_filesz > INTERP_MAX ||
		    p->p_offset > INT64_MAX - INTERP_MAX)
			return -LX_ENOEXEC;
		s = malloc(p->p_filesz);
		if (!s)
			return -LX_ENOMEM;
		err = elf_read(elf->file, p->p_offset, s, p->p_filesz);
		if (!err && s[p->p_filesz - 1] != '\0')
			err = -LX_ENOEXEC;
		if (err) {
			free(s);
			return err;
		}
		*name = s;
		return 0;
	}
	return 0;
}

static uint32_t prot_of(const struct lx_elf64_phdr *p)
{
	uint32_t prot = 0;

	if (p->p_flags & LX_PF_R)
		prot |= LX_PROT_READ;
	if (p->p_flags & LX_PF_W)
		prot |= LX_PROT_WRITE;
	if (p->p_flags & LX_PF_X)
		prot |= LX_PROT_EXEC;
	return prot;
}

/* The memory of a segment behind its part of the file: zeroes. */
static int map_bss(const struct lx_elf64_phdr *p, struct mm *mm, uint64_t bias)
{
	uint64_t start = p->p_vaddr + p->p_filesz + bias, end = p->p_vaddr + p->p_memsz + bias;
	uint64_t page =
	    p->p_filesz ? round_up_u64(start, PAGE_SIZE) : round_down_u64(start, PAGE_SIZE);
	int64_t r;

	if (end <= start)
		return 0;
	/* To the page's end, beyond the segment's: the dynamic linker's first heap lies there.  The
	 * tail of a page that cannot be written stays as the file has it, as on Linux. */
	if (p->p_filesz && p->p_flags & LX_PF_W && page > start &&
	    clear_user(mm, guest_ptr(start), page - start) != 0)
		return -LX_ENOEXEC;
	end = round_up_u64(end, PAGE_SIZE);
	if (end <= page)
		return 0;
	r = mm_map(mm, page, end - page, prot_of(p),
	           LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED, NULL, 0);
	return r < 0 ? (int)r : 0;
}

static int map_segment(const struct elf_file *elf, const struct lx_elf64_phdr *p, struct mm *mm,
                       uint64_t bias)
{
	uint64_t in = p->p_vaddr & ~PAGE_MASK;
	int64_t r;

	if (p->p_filesz != 0) {
		r = mm_map(mm, p->p_vaddr - in + bias, p->p_filesz + in, prot_of(p),
		           LX_MAP_PRIVATE | LX_MAP_FIXED, elf->file, p->p_offset - in);
		if (r < 0)
			return r == -LX_EPERM    ? -LX_EPERM
			       : r == -LX_ENOMEM ? -LX_ENOMEM
			                         : -LX_ENOEXEC;
	}
	return map_bss(p, mm, bias);
}

int elf_map(const struct elf_file *elf, struct mm *mm, uint64_t bias, struct elf_image *out)
{
	*out = (struct elf_image){
	    .bias = bias, .entry = elf->header.e_entry + bias, .code_start = UINT64_MAX};
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct lx_elf64_phdr *p = &elf->phdrs[i];
		uint64_t start = p->p_vaddr + bias;
		int err;

		if (p->p_type != LX_PT_LOAD || p->p_memsz == 0)
			continue;
		err = map_segment(elf, p, mm, bias);
		if (err)
			return err;
		out->end = MAX(out->end, start + p->p_memsz);
		if (p->p_flags & LX_PF_X) {
			out->code_start = MIN(out->code_start, start);
			out->code_end = MAX(out->code_end, start + p->p_filesz);
		}
		if (elf->header.e_phoff >= p->p_offset &&
		    elf->header.e_phoff - p->p_offset < p->p_filesz)
			out->phdrs = start + (elf->header.e_phoff - p->p_offset);
	}
	if (out->code_start == UINT64_MAX)
		out->code_start = 0;
	return 0;
}
