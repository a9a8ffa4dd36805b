/*
 * cmd_inspect_elf.c: `carrick inspect-elf`: says whether carrick can run a file, and what it
 * needs.  Trusts nothing in the file: every offset is checked against the size.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/cli/cli.h"

struct elf_view {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr header;
};

static bool read_at(const struct elf_view *v, uint64_t offset, void *out, size_t n)
{
	if (offset > v->size || n > v->size - offset)
		return false;
	memcpy(out, v->data + offset, n);
	return true;
}

static bool read_segment(const struct elf_view *v, unsigned i, Elf64_Phdr *out)
{
	uint64_t offset;

	return !add_overflows(v->header.e_phoff, (uint64_t)i * v->header.e_phentsize, &offset) &&
	       read_at(v, offset, out, sizeof(*out));
}

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_AARCH64:
		return "arm64";
	case EM_X86_64:
		return "x86-64";
	case EM_ARM:
		return "32-bit Arm";
	case EM_386:
		return "32-bit x86";
	case EM_RISCV:
		return "RISC-V";
	default:
		return "another machine";
	}
}

/* The string at a virtual address, through the file's loaded segments; NULL if it is not there. */
static const char *string_at(const struct elf_view *v, uint64_t address)
{
	for (unsigned i = 0; i < v->header.e_phnum; i++) {
		Elf64_Phdr p;
		uint64_t offset;

		if (!read_segment(v, i, &p) || p.p_type != PT_LOAD || address < p.p_vaddr ||
		    address - p.p_vaddr >= p.p_filesz || add_overflows(p.p_offset, address - p.p_vaddr, &offset) ||
		    offset >= v->size || !memchr(v->data + offset, 0, v->size - offset))
			continue;
		return (const char *)v->data + offset;
	}
	return NULL;
}

static void print_interpreter(const struct elf_view *v, const Elf64_Phdr *p)
{
	if (p->p_offset >= v->size || p->p_filesz > v->size - p->p_offset || p->p_filesz == 0)
		printf("  interpreter   (lies outside the file)\n");
	else
		printf("  interpreter   %.*s\n", (int)MIN(p->p_filesz, (uint64_t)256),
		       (const char *)v->data + p->p_offset);
}

static void print_needed(const struct elf_view *v, const Elf64_Phdr *dynamic)
{
	uint64_t strings = 0;
	Elf64_Dyn d;

	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t at = 0; at + sizeof(d) <= dynamic->p_filesz; at += sizeof(d)) {
			const char *name;
			uint64_t offset;

			if (add_overflows(dynamic->p_offset, at, &offset) || !read_at(v, offset, &d, sizeof(d)) ||
			    d.d_tag == DT_NULL)
				break;
			if (pass == 0 && d.d_tag == DT_STRTAB)
				strings = d.d_un.d_ptr;
			if (pass == 1 && d.d_tag == DT_NEEDED && (name = string_at(v, strings + d.d_un.d_val)) != NULL)
				printf("  needs         %.256s\n", name);
		}
	}
}

static void print_segments(const struct elf_view *v)
{
	Elf64_Phdr p;

	for (unsigned i = 0; i < v->header.e_phnum && read_segment(v, i, &p); i++) {
		if (p.p_type == PT_INTERP)
			print_interpreter(v, &p);
		else if (p.p_type == PT_DYNAMIC)
			print_needed(v, &p);
		else if (p.p_type == PT_LOAD)
			printf("  segment       %#14lx  %9lu bytes  %c%c%c\n", (unsigned long)p.p_vaddr,
			       (unsigned long)p.p_memsz, p.p_flags & PF_R ? 'r' : '-', p.p_flags & PF_W ? 'w' : '-',
			       p.p_flags & PF_X ? 'x' : '-');
	}
}

static int inspect(const char *path, const struct elf_view *v)
{
	const Elf64_Ehdr *h = &v->header;

	if (v->size >= 2 && memcmp(v->data, "#!", 2) == 0) {
		const char *end = memchr(v->data, '\n', v->size);

		printf("%s: a script for %.*s\n", path, (int)((end ? (size_t)(end - (const char *)v->data) : v->size) - 2),
		       (const char *)v->data + 2);
		return 0;
	}
	if (v->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) {
		cli_error("%s is neither an ELF file nor a script", path);
		return EXIT_CANNOT_RUN;
	}
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_AARCH64) {
		cli_error("%s is for %s; carrick runs 64-bit arm64 programs", path, machine_name(h->e_machine));
		return EXIT_CANNOT_RUN;
	}
	if ((h->e_type != ET_EXEC && h->e_type != ET_DYN) || h->e_phentsize != sizeof(Elf64_Phdr)) {
		cli_error("%s is an arm64 ELF file but no program", path);
		return EXIT_CANNOT_RUN;
	}
	printf("%s: arm64, %s\n  entry         %#lx\n", path, h->e_type == ET_EXEC ? "fixed address" : "position-independent",
	       (unsigned long)h->e_entry);
	print_segments(v);
	return 0;
}

static int inspect_path(const char *path)
{
	struct elf_view v = {0};
	struct stat st;
	int status, fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		status = cli_error("cannot read %s: %s", path, fd < 0 ? strerror(errno) : "it is no regular file");
		if (fd >= 0)
			close(fd);
		return status;
	}
	v.size = (size_t)st.st_size;
	map = v.size ? mmap(NULL, v.size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (map == MAP_FAILED)
		return cli_error("cannot read %s: %s", path, strerror(errno));
	v.data = map;
	if (v.size >= sizeof(v.header))
		memcpy(&v.header, v.data, sizeof(v.header));
	status = inspect(path, &v);
	if (map)
		munmap(map, v.size);
	return status;
}

static int cmd_inspect_elf(const struct verb *verb, int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return cli_usage_error(verb, "no file given");
	for (int i = 1; i < argc; i++)
		status |= inspect_path(argv[i]);
	return status;
}

const struct verb verb_inspect_elf = {"inspect-elf", "FILE...", "Say whether a file can run here, and what it needs",
				      cmd_inspect_elf, NULL};
