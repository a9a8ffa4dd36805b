/*
 * test_mm_exec.c: the ELF loader: a program made here by hand, loaded and run on the software
 * CPU, its stack checked word by word; and files that lie about themselves.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/auxv.h"
#include "common/lx/elf.h"
#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "tests/lib/mm_file.h"
#include "vcpu/pte.h"

#include <cmocka.h>

#define FILE_SIZE 16384u
#define TEXT_VA   0x400000u
#define DATA_VA   0x411000u
#define BSS_SIZE  0x5000u

struct fixture {
	struct guest guest;
	struct mm_file file, interp;
};

/* A program with a read-only code segment and a data segment with bss behind it. */
static void make_program(uint8_t *image, uint16_t type)
{
	static const uint32_t code[] = {
	    0xd2800540, /* mov x0, #42 */
	    0x910003e1, /* mov x1, sp */
	    0xd2800ba8, /* mov x8, #93 */
	    0xd4000001, /* svc #0 */
	};
	struct lx_elf64_ehdr h = {
	    .e_ident = {0x7f, 'E', 'L', 'F', LX_ELFCLASS64, LX_ELFDATA2LSB, LX_EV_CURRENT},
	    .e_type = type,
	    .e_machine = LX_EM_AARCH64,
	    .e_version = LX_EV_CURRENT,
	    .e_entry = TEXT_VA + 0x1000,
	    .e_phoff = sizeof(h),
	    .e_ehsize = sizeof(h),
	    .e_phentsize = sizeof(struct lx_elf64_phdr),
	    .e_phnum = 3,
	};
	struct lx_elf64_phdr p[3] = {
	    {.p_type = LX_PT_LOAD,
	     .p_flags = LX_PF_R | LX_PF_X,
	     .p_vaddr = TEXT_VA,
	     .p_filesz = 0x1000 + sizeof(code),
	     .p_memsz = 0x1000 + sizeof(code),
	     .p_align = 0x10000},
	    {.p_type = LX_PT_LOAD,
	     .p_flags = LX_PF_R | LX_PF_W,
	     .p_offset = 0x2000,
	     .p_vaddr = DATA_VA,
	     .p_filesz = 0x100,
	     .p_memsz = BSS_SIZE,
	     .p_align = 0x10000},
	    {.p_type = LX_PT_GNU_STACK, .p_flags = LX_PF_R | LX_PF_W},
	};

	memset(image, 0xee, FILE_SIZE);
	memcpy(image, &h, sizeof(h));
	memcpy(image + sizeof(h), p, sizeof(p));
	memcpy(image + 0x1000, code, sizeof(code));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct vcpu_options opts = {.kind = VCPU_ENGINE_SOFT_INTERP};
	struct vcpu_ram ram;

	if (!f || arena_new(64 << 20, &f->guest.arena) != 0)
		return -1;
	arena_ram(f->guest.arena, &ram);
	if (vcpu_engine_new(&opts, &ram, &f->guest.engine) != 0)
		return -1;
	arena_set_engine(f->guest.arena, f->guest.engine);
	vcpu_engine_features(f->guest.engine, &f->guest.features);
	mm_file_init(&f->file, f->guest.arena, FILE_SIZE, FILE_SIZE, 0);
	mm_file_init(&f->interp, f->guest.arena, FILE_SIZE, FILE_SIZE, 0);
	make_program(f->file.data, LX_ET_EXEC);
	make_program(f->interp.data, LX_ET_DYN);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct arena_stats st;

	mm_file_release(&f->file);
	mm_file_release(&f->interp);
	arena_get_stats(f->guest.arena, &st);
	arena_set_engine(f->guest.arena, NULL);
	vcpu_engine_free(f->guest.engine);
	arena_free(f->guest.arena);
	free(f);
	return st.frames_used <= 2 ? 0 : -1; /* the vDSO stays */
}

static struct mm_file *the_interp;

static int open_interp(struct task *t, const char *path, struct file **out)
{
	(void)t;
	if (strcmp(path, "/lib/ld.so") != 0)
		return -LX_ENOENT;
	*out = file_get(&the_interp->file);
	return 0;
}

static int load(struct fixture *f, struct mm **mm, struct a64_regs *regs)
{
	static char prog[] = "prog", one[] = "one", empty[] = "", env[] = "A=b";
	static char *const argv[] = {prog, one, empty, NULL}, *const envp[] = {env, NULL};
	struct exec_image img = {.file = &f->file.file,
	                         .argv = argv,
	                         .envp = envp,
	                         .execfn = "/bin/prog",
	                         .uid = 1,
	                         .euid = 2,
	                         .gid = 3,
	                         .egid = 4,
	                         .stack_limit = 8 << 20};
	int err;

	the_interp = &f->interp;
	err = mm_exec(&f->guest, NULL, &img, open_interp, mm, regs);
	if (img.interp)
		file_put(img.interp);
	return err;
}

static uint64_t word(struct mm *mm, uint64_t va)
{
	uint64_t v;

	assert_int_equal(get_user_u64(mm, &v, guest_ptr(va)), 0);
	return v;
}

static void has_string(struct mm *mm, uint64_t at, const char *expect)
{
	char s[64];

	assert_int_equal(strncpy_from_user(mm, s, guest_ptr(at), sizeof(s)), strlen(expect));
	assert_string_equal(s, expect);
}

/* The value of a tag in the auxiliary vector behind argc, argv and envp. */
static uint64_t auxval(struct mm *mm, uint64_t sp, uint64_t tag)
{
	uint64_t at = sp + 8 * (1 + 4 + 2);

	for (; word(mm, at) != LX_AT_NULL; at += 16) {
		if (word(mm, at) == tag)
			return word(mm, at + 8);
	}
	fail_msg("no tag %lu", (unsigned long)tag);
	return 0;
}

static void a_static_program_runs_with_its_stack(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit e;
	struct a64_regs regs;
	struct vcpu *cpu;
	struct mm *mm;
	uint64_t sp;

	assert_int_equal(load(f, &mm, &regs), 0);
	assert_int_equal(vcpu_new(mm_space(mm), &cpu), 0);
	*vcpu_regs(cpu) = regs;
	vcpu_run(cpu, &e);
	assert_int_equal(e.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(vcpu_regs(cpu)->x[0], 42);
	assert_int_equal(vcpu_regs(cpu)->x[8], 93);
	sp = vcpu_regs(cpu)->x[1];
	assert_int_equal(sp, regs.sp);
	assert_int_equal(sp % 16, 0);
	assert_int_equal(word(mm, sp), 3);
	has_string(mm, word(mm, sp + 8), "prog");
	has_string(mm, word(mm, sp + 16), "one");
	has_string(mm, word(mm, sp + 24), "");
	assert_int_equal(word(mm, sp + 32), 0);
	has_string(mm, word(mm, sp + 40), "A=b");
	assert_int_equal(word(mm, sp + 48), 0);
	has_string(mm, auxval(mm, sp, LX_AT_EXECFN), "/bin/prog");
	has_string(mm, auxval(mm, sp, LX_AT_PLATFORM), "aarch64");
	assert_int_equal(auxval(mm, sp, LX_AT_PAGESZ), 4096);
	assert_int_equal(auxval(mm, sp, LX_AT_ENTRY), TEXT_VA + 0x1000);
	assert_int_equal(auxval(mm, sp, LX_AT_PHDR), TEXT_VA + 64);
	assert_int_equal(auxval(mm, sp, LX_AT_PHNUM), 3);
	assert_int_equal(auxval(mm, sp, LX_AT_BASE), 0);
	assert_int_equal(auxval(mm, sp, LX_AT_UID), 1);
	assert_int_equal(auxval(mm, sp, LX_AT_EGID), 4);
	assert_int_equal(auxval(mm, sp, LX_AT_HWCAP), f->guest.features.hwcap);
	assert_int_equal((uint32_t)word(mm, auxval(mm, sp, LX_AT_SYSINFO_EHDR)), 0x464c457f);
	assert_int_equal(word(mm, mm_sigreturn_trampoline(mm)), 0xd4000001d2801168);
	vcpu_free(cpu);
	mm_put(mm);
}

static void data_keeps_the_file_and_bss_is_zero(void **state)
{
	struct fixture *f = *state;
	struct a64_regs regs;
	uint64_t brk, v;
	struct mm *mm;

	assert_int_equal(load(f, &mm, &regs), 0);
	assert_int_equal(word(mm, DATA_VA + 0xf8), 0xeeeeeeeeeeeeeeee);
	assert_int_equal(word(mm, DATA_VA + 0x100), 0);
	assert_int_equal(word(mm, DATA_VA + 0xff8), 0);
	assert_int_equal(word(mm, DATA_VA + BSS_SIZE - 8), 0);
	assert_int_equal(put_user_u64(mm, guest_ptr(DATA_VA + BSS_SIZE - 8), 1), 0);
	assert_int_equal(put_user_u64(mm, guest_ptr(TEXT_VA), 1), -LX_EFAULT);
	/* The heap starts behind the bss and grows. */
	brk = (uint64_t)mm_brk(mm, 0);
	assert_true(brk >= DATA_VA + BSS_SIZE);
	assert_int_equal(get_user_u64(mm, &v, guest_ptr(brk)), -LX_EFAULT);
	assert_int_equal(mm_brk(mm, brk + 100000), brk + 100000);
	assert_int_equal(word(mm, brk + 100000 - 8), 0);
	assert_int_equal(mm_brk(mm, brk + 10), brk + 10);
	assert_int_equal(word(mm, brk), 0);
	assert_int_equal(get_user_u64(mm, &v, guest_ptr(brk + 5000)), -LX_EFAULT);
	assert_int_equal(mm_brk(mm, brk - 1), brk + 10);
	/* The stack grows down to its limit. */
	assert_int_equal(put_user_u64(mm, guest_ptr((regs.sp & ~15ul) - (7 << 20)), 1), 0);
	assert_int_equal(put_user_u64(mm, guest_ptr((regs.sp & ~15ul) - (9 << 20)), 1), -LX_EFAULT);
	mm_put(mm);
}

static struct lx_elf64_ehdr *header(struct mm_file *f)
{
	return (struct lx_elf64_ehdr *)(void *)f->data;
}

static struct lx_elf64_phdr *phdr(struct mm_file *f, unsigned i)
{
	return (struct lx_elf64_phdr *)(void *)(f->data + sizeof(struct lx_elf64_ehdr)) + i;
}

static void an_interpreter_is_loaded_and_starts_first(void **state)
{
	struct fixture *f = *state;
	struct a64_regs regs;
	struct mm *mm;
	uint64_t base;

	header(&f->file)->e_type = LX_ET_DYN;
	*phdr(&f->file, 2) = (struct lx_elf64_phdr){
	    .p_type = LX_PT_INTERP, .p_offset = 0x3000, .p_filesz = 11, .p_memsz = 11};
	memcpy(f->file.data + 0x3000, "/lib/ld.so", 11);
	assert_int_equal(load(f, &mm, &regs), 0);
	base = auxval(mm, regs.sp, LX_AT_BASE);
	assert_true(base > 1ULL << 40);
	assert_int_equal(regs.pc, base + TEXT_VA + 0x1000);
	assert_int_equal((uint32_t)word(mm, regs.pc), 0xd2800540);
	assert_int_equal((uint32_t)word(mm, auxval(mm, regs.sp, LX_AT_ENTRY)), 0xd2800540);
	mm_put(mm);
}

static void expect_error(struct fixture *f, int expect)
{
	struct a64_regs regs;
	struct mm *mm;

	assert_int_equal(load(f, &mm, &regs), expect);
	pagecache_truncate(f->file.cache, 0);
	make_program(f->file.data, LX_ET_EXEC);
}

static void what_is_no_program_is_refused(void **state)
{
	struct fixture *f = *state;

	header(&f->file)->e_machine = LX_EM_X86_64;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_ident[LX_EI_CLASS] = 1;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_ident[LX_EI_DATA] = 2;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_type = 1;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_phnum = 0;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_phnum = 0xffff;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_phoff = UINT64_MAX - 8;
	expect_error(f, -LX_ENOEXEC);
	header(&f->file)->e_phoff = FILE_SIZE - 8;
	expect_error(f, -LX_ENOEXEC);
	phdr(&f->file, 0)->p_filesz = UINT64_MAX;
	expect_error(f, -LX_ENOEXEC);
	phdr(&f->file, 0)->p_memsz = UINT64_MAX - 0x10000;
	expect_error(f, -LX_ENOEXEC);
	phdr(&f->file, 0)->p_vaddr = UINT64_MAX - 0xfff;
	expect_error(f, -LX_ENOEXEC);
	phdr(&f->file, 1)->p_offset = 0x2010;
	expect_error(f, -LX_ENOEXEC);
	phdr(&f->file, 0)->p_vaddr = 0;
	expect_error(f, -LX_EPERM);
	*phdr(&f->file, 2) = (struct lx_elf64_phdr){
	    .p_type = LX_PT_INTERP, .p_offset = 0x3000, .p_filesz = 4, .p_memsz = 4};
	expect_error(f, -LX_ENOEXEC);
	*phdr(&f->file, 2) = (struct lx_elf64_phdr){
	    .p_type = LX_PT_INTERP, .p_offset = 0x3000, .p_filesz = 11, .p_memsz = 11};
	memcpy(f->file.data + 0x3000, "/lib/no.so", 11);
	expect_error(f, -LX_ENOENT);
	mm_file_truncate(&f->file, 40);
	expect_error(f, -LX_ENOEXEC);
}

static void arguments_have_limits(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(131073), *argv[70];
	struct exec_image img = {
	    .file = &f->file.file, .argv = argv, .execfn = "x", .stack_limit = 8 << 20};
	struct a64_regs regs;
	struct mm *mm;

	assert_non_null(big);
	memset(big, 'a', 131072);
	big[131072] = 0;
	argv[0] = big;
	argv[1] = NULL;
	assert_int_equal(mm_exec(&f->guest, NULL, &img, open_interp, &mm, &regs), -LX_E2BIG);
	big[131071] = 0;
	assert_int_equal(mm_exec(&f->guest, NULL, &img, open_interp, &mm, &regs), 0);
	mm_put(mm);
	for (int i = 0; i < 15; i++)
		argv[i] = big;
	argv[15] = NULL;
	assert_int_equal(mm_exec(&f->guest, NULL, &img, open_interp, &mm, &regs), 0);
	mm_put(mm);
	argv[15] = argv[16] = big;
	argv[17] = NULL;
	assert_int_equal(mm_exec(&f->guest, NULL, &img, open_interp, &mm, &regs), -LX_E2BIG);
	free(big);
}

/* Random damage to the headers: an error or a process, never worse. */
static void damaged_files_do_no_harm(void **state)
{
	struct fixture *f = *state;
	uint64_t s = 12345;
	unsigned good = 0;

	for (int round = 0; round < 4000; round++) {
		struct a64_regs regs;
		struct mm *mm;

		make_program(f->file.data, round % 2 ? LX_ET_EXEC : LX_ET_DYN);
		for (int k = 0; k < 1 + round % 4; k++) {
			s = s * 6364136223846793005ULL + 1442695040888963407ULL;
			f->file.data[(s >> 33) % (64 + 3 * 56)] = (uint8_t)(s >> 25);
		}
		pagecache_truncate(f->file.cache, 0);
		if (load(f, &mm, &regs) == 0) {
			struct vcpu_exit e;
			struct vcpu *cpu;

			good++;
			assert_int_equal(vcpu_new(mm_space(mm), &cpu), 0);
			*vcpu_regs(cpu) = regs;
			vcpu_run(cpu, &e);
			vcpu_free(cpu);
			mm_put(mm);
		}
	}
	assert_in_range(good, 100, 3900);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_static_program_runs_with_its_stack),
	    T(data_keeps_the_file_and_bss_is_zero),
	    T(an_interpreter_is_loaded_and_starts_first),
	    T(what_is_no_program_is_refused),
	    T(arguments_have_limits),
	    T(damaged_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
