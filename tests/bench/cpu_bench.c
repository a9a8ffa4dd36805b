/*
 * cpu_bench.c: runs a static AArch64 program in the bare software CPU and says how fast.
 *
 *   cpu_bench [--interp | --dump | --tlb] PROGRAM [ARGUMENT...]
 *
 * The program may use write(1 or 2) and exit; memory is what its ELF segments ask for plus a
 * stack.  Prints the processor time used, to be compared with the same program elsewhere; --dump
 * prints what was translated, guest and host code in turn.
 */
#include "tests/lib/a64_box.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STACK_TOP   0x7ff0000000ULL
#define STACK_BYTES (256 * PAGE_SIZE)

static void *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && (p = malloc((size_t)st.st_size)) != NULL) {
		*len = (size_t)st.st_size;
		if (read(fd, p, *len) != st.st_size) {
			free(p);
			p = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return p;
}

static void load_segment(struct a64_box *box, const Elf64_Phdr *ph, const uint8_t *file)
{
	uint64_t end = ph->p_vaddr + ph->p_memsz;

	for (uint64_t va = ph->p_vaddr & PAGE_MASK; va < end; va += PAGE_SIZE)
		if (!a64_box_host(box, va))
			a64_box_map(box, va, 0, BOX_RWX);
	a64_box_write(box, ph->p_vaddr, file + ph->p_offset, ph->p_filesz);
}

static int load(struct a64_box *box, const char *path, uint64_t *entry)
{
	size_t len = 0;
	uint8_t *file = read_file(path, &len);
	const Elf64_Ehdr *eh = (const void *)file;

	if (!file || len < sizeof(*eh) || eh->e_machine != EM_AARCH64 || eh->e_phoff > len ||
	    (len - eh->e_phoff) / sizeof(Elf64_Phdr) < eh->e_phnum)
		return -1;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = (const void *)(file + eh->e_phoff + i * sizeof(*ph));

		if (ph->p_type == PT_LOAD && ph->p_offset <= len &&
		    ph->p_filesz <= len - ph->p_offset)
			load_segment(box, ph, file);
	}
	*entry = eh->e_entry;
	free(file);
	return 0;
}

/* argc, argv, an empty environment; returns the stack pointer. */
static uint64_t make_stack(struct a64_box *box, int argc, char **argv)
{
	uint64_t at = STACK_TOP, words[64] = {0};

	for (uint64_t va = STACK_TOP - STACK_BYTES; va < STACK_TOP; va += PAGE_SIZE)
		a64_box_map(box, va, 0, BOX_RW);
	argc = MIN(argc, 32);
	words[0] = (uint64_t)argc;
	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;

		at -= n;
		a64_box_write(box, at, argv[i], n);
		words[1 + i] = at;
	}
	at = (at - sizeof(words)) & ~15ULL;
	a64_box_write(box, at, words, sizeof(words));
	return at;
}

/* Serves one call; false: the program is done. */
static bool serve(struct a64_box *box, struct a64_regs *r)
{
	if (r->x[8] == 64 && r->x[2] <= PAGE_SIZE) {
		for (uint64_t i = 0; i < r->x[2]; i++) {
			const char *c = a64_box_host(box, r->x[1] + i);

			if (c)
				putchar(*c);
		}
		r->x[0] = r->x[2];
		return true;
	}
	if (r->x[8] != 93 && r->x[8] != 94) {
		r->x[0] = (uint64_t)-ENOSYS;
		return true;
	}
	return false;
}

static void print_code(cs_arch arch, const void *code, size_t bytes, uint64_t at)
{
	cs_insn *insn;
	csh cs;

	if (cs_open(arch, arch == CS_ARCH_X86 ? CS_MODE_64 : CS_MODE_LITTLE_ENDIAN, &cs))
		return;
	size_t n = cs_disasm(cs, code, bytes, at, 0, &insn);

	for (size_t i = 0; i < n; i++)
		printf("%s%llx  %s %s\n", arch == CS_ARCH_X86 ? "        " : "  ",
		       (unsigned long long)insn[i].address, insn[i].mnemonic, insn[i].op_str);
	if (n)
		cs_free(insn, n);
	cs_close(&cs);
}

static void print_block(void *opaque, const struct vcpu_jit_block *b)
{
	(void)opaque;
	printf("block %llx, %u instructions, %zu bytes\n", (unsigned long long)b->va, b->insns,
	       b->bytes);
	print_code(CS_ARCH_ARM64, b->guest, b->insns * 4, b->va);
	print_code(CS_ARCH_X86, b->code, b->bytes, (uint64_t)(uintptr_t)b->code);
}

int main(int argc, char **argv)
{
	bool interp = argc > 1 && strcmp(argv[1], "--interp") == 0;
	bool dump = argc > 1 && strcmp(argv[1], "--dump") == 0;
	bool tlb = argc > 1 && strcmp(argv[1], "--tlb") == 0;
	int first = interp || dump || tlb ? 2 : 1;
	struct timespec a, b;
	struct a64_box box;
	struct vcpu_exit x;

	if (argc <= first) {
		fprintf(stderr, "usage: cpu_bench [--interp | --dump] PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	a64_box_windows = !tlb;
	a64_box_init(&box, interp ? VCPU_ENGINE_SOFT_INTERP : VCPU_ENGINE_SOFT, 64 << 20);
	struct vcpu *v = a64_box_vcpu(&box);
	struct a64_regs *r = vcpu_regs(v);

	if (load(&box, argv[first], &r->pc)) {
		fprintf(stderr, "cpu_bench: cannot load %s\n", argv[first]);
		return 2;
	}
	r->sp = make_stack(&box, argc - first, argv + first);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	do {
		vcpu_run(v, &x);
	} while (x.kind == VCPU_EXIT_SYSCALL && serve(&box, r));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	if (dump)
		vcpu_jit_each(box.engine, print_block, NULL);
	fflush(stdout);
	if (x.kind != VCPU_EXIT_SYSCALL) {
		fprintf(stderr, "cpu_bench: exit %d at pc %llx, address %llx, instruction %x\n",
		        x.kind, (unsigned long long)r->pc, (unsigned long long)x.addr, x.insn);
		return 1;
	}
	fprintf(stderr, "%.3f s\n",
	        (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9);
	return 0;
}
