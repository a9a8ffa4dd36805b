/*
 * exec.c: a new address space for a program: its segments, those of its interpreter, the vDSO,
 * the heap's place, and the stack with arguments, environment and auxiliary vector.  The layout
 * of the stack is that of the System V ABI for AArch64; sizes are limited as execve(2) says.
 */
#include "common/lx/auxv.h"
#include "common/plat/mem.h"
#include "supervisor/mm/elf.h"
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

#define STRING_MAX  131072u        /* bytes of one string, with its NUL */
#define ARGS_MIN    131072u        /* always allowed */
#define ARGS_MAX    (6ULL << 20)   /* three quarters of the default stack */
#define STACK_FIRST (132ULL << 10) /* mapped at once */
#define MINSIGSTKSZ 4720u          /* of an arm64 kernel without SVE */
#define CLOCK_TICKS 100u
#define PLATFORM    "aarch64"
#define AUXV_MAX    24u

struct strings {
	uint64_t count, bytes;
};

/* What the stack has to hold. */
struct stack_plan {
	struct strings arg, env;
	uint64_t execfn_bytes;
	uint64_t total;
};

static int measure(char *const *v, struct strings *out)
{
	*out = (struct strings){0, 0};
	for (; v && *v; v++) {
		size_t n = strnlen(*v, STRING_MAX) + 1;

		if (n > STRING_MAX)
			return -LX_E2BIG;
		out->count++;
		out->bytes += n;
		if (out->bytes > ARGS_MAX)
			return -LX_E2BIG;
	}
	return 0;
}

static int plan_stack(const struct exec_image *img, struct stack_plan *p)
{
	uint64_t limit = MAX(MIN(img->stack_limit / 4, ARGS_MAX), (uint64_t)ARGS_MIN);
	int err = measure(img->argv, &p->arg);

	if (!err)
		err = measure(img->envp, &p->env);
	if (err)
		return err;
	p->execfn_bytes = strnlen(img->execfn, STRING_MAX) + 1;
	p->total = p->arg.bytes + p->env.bytes + p->execfn_bytes +
	           (p->arg.count + p->env.count) * sizeof(uint64_t);
	return p->execfn_bytes > STRING_MAX || p->total > limit ? -LX_E2BIG : 0;
}

static int map_stack(struct mm *mm, const struct exec_image *img, const struct stack_plan *p,
                     bool executable)
{
	uint64_t size = round_up_u64(p->total + STACK_FIRST, PAGE_SIZE);
	uint32_t flags = VM_READ | VM_WRITE | VM_MAYRWX | VM_GROWSDOWN;
	int64_t r;

	if (executable)
		flags |= VM_EXEC;
	if (size > img->stack_limit)
		size = MAX(round_up_u64(p->total + 2 * PAGE_SIZE, PAGE_SIZE),
		           round_down_u64(img->stack_limit, PAGE_SIZE));
	r = mm_map_special(mm, mm->stack_top - size, size, flags, NULL, 0, NULL);
	return r < 0 ? (int)r : 0;
}

/* Copies strings to *at, which moves behind them, and their addresses to ptrs. */
static int put_strings(struct mm *mm, char *const *v, uint64_t *at, uint64_t *ptrs)
{
	for (; v && *v; v++) {
		size_t n = strlen(*v) + 1;
		int err = copy_to_user(mm, guest_ptr(*at), *v, n);

		if (err)
			return err;
		*ptrs++ = *at;
		*at += n;
	}
	return 0;
}

_Static_assert(2 * AUXV_MAX <= MM_AUXV_WORDS, "the vector fits into struct mm");

struct auxv {
	uint64_t word[2 * AUXV_MAX];
	unsigned n;
};

static void aux(struct auxv *a, uint64_t tag, uint64_t value)
{
	a->word[a->n++] = tag;
	a->word[a->n++] = value;
}

struct program {
	struct elf_image main, interp;
	uint16_t phnum;
	bool has_interp;
};

static void fill_auxv(struct auxv *a, const struct mm *mm, const struct exec_image *img,
                      const struct program *p, uint64_t execfn, uint64_t platform, uint64_t random)
{
	const struct vcpu_features *f = &mm->guest->features;

	aux(a, LX_AT_SYSINFO_EHDR, mm->vdso_base);
	aux(a, LX_AT_MINSIGSTKSZ, MINSIGSTKSZ);
	aux(a, LX_AT_HWCAP, f->hwcap);
	aux(a, LX_AT_PAGESZ, PAGE_SIZE);
	aux(a, LX_AT_CLKTCK, CLOCK_TICKS);
	aux(a, LX_AT_PHDR, p->main.phdrs);
	aux(a, LX_AT_PHENT, sizeof(struct lx_elf64_phdr));
	aux(a, LX_AT_PHNUM, p->phnum);
	aux(a, LX_AT_BASE, p->has_interp ? p->interp.bias : 0);
	aux(a, LX_AT_FLAGS, 0);
	aux(a, LX_AT_ENTRY, p->main.entry);
	aux(a, LX_AT_UID, img->uid);
	aux(a, LX_AT_EUID, img->euid);
	aux(a, LX_AT_GID, img->gid);
	aux(a, LX_AT_EGID, img->egid);
	aux(a, LX_AT_SECURE, img->secure);
	aux(a, LX_AT_RANDOM, random);
	aux(a, LX_AT_HWCAP2, f->hwcap2);
	aux(a, LX_AT_EXECFN, execfn);
	aux(a, LX_AT_PLATFORM, platform);
	aux(a, LX_AT_NULL, 0);
}

/* The strings at the top of the stack; the tables below are built in block, which has room for
 * argc, both pointer arrays with their ends, and the auxiliary vector. */
static int fill_stack(struct mm *mm, const struct exec_image *img, const struct stack_plan *plan,
                      const struct program *prog, uint64_t *block, uint64_t *sp)
{
	uint64_t top = mm->stack_top - 8; /* ends with a word of zero */
	uint64_t execfn = top - plan->execfn_bytes, env, arg, at, random, platform;
	uint64_t words = 1 + plan->arg.count + 1 + plan->env.count + 1;
	struct auxv a = {.n = 0};
	uint8_t seed[16];
	int err;

	env = execfn - plan->env.bytes;
	arg = env - plan->arg.bytes;
	mm->arg_start = arg;
	mm->arg_end = mm->env_start = env;
	mm->env_end = execfn;

	block[0] = plan->arg.count;
	block[1 + plan->arg.count] = 0;
	block[words - 1] = 0;
	at = arg;
	err = put_strings(mm, img->argv, &at, &block[1]);
	if (!err)
		err = put_strings(mm, img->envp, &at, &block[plan->arg.count + 2]);
	if (!err)
		err = copy_to_user(mm, guest_ptr(execfn), img->execfn, plan->execfn_bytes);
	if (err)
		return err;

	platform = round_down_u64(arg - sizeof(PLATFORM), 16);
	random = platform - sizeof(seed);
	err = plat_random(seed, sizeof(seed));
	if (!err)
		err = copy_to_user(mm, guest_ptr(platform), PLATFORM, sizeof(PLATFORM));
	if (!err)
		err = copy_to_user(mm, guest_ptr(random), seed, sizeof(seed));
	if (err)
		return err;
	fill_auxv(&a, mm, img, prog, execfn, platform, random);
	memcpy(&block[words], a.word, a.n * sizeof(uint64_t));
	memcpy(mm->auxv, a.word, a.n * sizeof(uint64_t));
	mm->auxv_words = a.n;
	words += a.n;
	*sp = round_down_u64(random - words * sizeof(uint64_t), 16);
	mm->stack_start = *sp;
	return copy_to_user(mm, guest_ptr(*sp), block, words * sizeof(uint64_t));
}

static int build_stack(struct mm *mm, const struct exec_image *img, const struct program *prog,
                       bool executable, uint64_t *sp)
{
	struct stack_plan plan;
	uint64_t *block;
	int err = plan_stack(img, &plan);

	if (!err)
		err = map_stack(mm, img, &plan, executable);
	if (err)
		return err;
	block = calloc(3 + plan.arg.count + plan.env.count + 2 * AUXV_MAX, sizeof(uint64_t));
	if (!block)
		return -LX_ENOMEM;
	err = fill_stack(mm, img, &plan, prog, block, sp);
	free(block);
	return err;
}

/* The bias for a file that may go anywhere: at base, or where there is room if base is 0. */
static int64_t choose_bias(const struct elf_file *elf, struct mm *mm, uint64_t base)
{
	uint64_t size = elf->high - elf->low;
	int64_t room;

	if (elf->header.e_type == LX_ET_EXEC)
		return 0;
	if (base != 0) {
		base = round_down_u64(base, elf->align);
		return range_bad(mm, base, size + PAGE_SIZE) ? -LX_ENOMEM
		                                             : (int64_t)(base - elf->low);
	}
	/* Room for the alignment too, since room is found by the page. */
	room = mm_find_room(mm, 0, size + elf->align - PAGE_SIZE);
	if (room < 0)
		return room;
	return (int64_t)(round_up_u64((uint64_t)room, elf->align) - elf->low);
}

static int load(struct elf_file *elf, struct mm *mm, uint64_t base, struct elf_image *out)
{
	int64_t bias = choose_bias(elf, mm, base);

	/* An absolute file below mmap_min_addr cannot be run. */
	if (bias == 0 && elf->low < MM_MIN_ADDR)
		return -LX_EPERM;
	/* A bias may be "negative" for a file linked high: the sum is what counts. */
	if (bias < 0 && bias >= -LX_MAX_ERRNO)
		return (int)bias;
	return elf_map(elf, mm, (uint64_t)bias, out);
}

static int load_interp(struct task *t, const struct elf_file *elf, struct mm *mm,
                       struct exec_image *img,
                       int (*open_interp)(struct task *t, const char *path, struct file **out),
                       struct program *prog)
{
	struct elf_file interp;
	char *name;
	int err = elf_interp(elf, &name);

	if (err || !name)
		return err;
	err = open_interp(t, name, &img->interp);
	free(name);
	if (err)
		return err;
	err = elf_open(img->interp, &interp);
	if (err)
		return err == -LX_ENOEXEC ? -LX_ELIBBAD : err;
	prog->has_interp = true;
	err = load(&interp, mm, 0, &prog->interp);
	elf_close(&interp);
	return err;
}

/* Everything inside the new address space, which nobody else knows yet. */
static int build(struct guest *g, struct task *t, struct exec_image *img, struct elf_file *elf,
                 int (*open_interp)(struct task *t, const char *path, struct file **out),
                 struct mm *mm, struct a64_regs *regs)
{
	struct program prog = {.phnum = elf->header.e_phnum};
	struct mm_layout layout;
	uint64_t sp;
	int err = mm_layout_make(g, img->stack_limit, &layout);

	if (err)
		return err;
	mm->mmap_top = layout.mmap_top;
	mm->stack_top = layout.stack_top;
	mm_set_limits(mm, UINT64_MAX, UINT64_MAX, img->stack_limit, UINT64_MAX);
	err = load(elf, mm, layout.pie_base, &prog.main);
	if (!err)
		err = load_interp(t, elf, mm, img, open_interp, &prog);
	if (!err)
		err = vdso_map(mm, &mm->vdso_base);
	if (err)
		return err;
	mm->code_start = prog.main.code_start;
	mm->code_end = prog.main.code_end;
	mm->brk_start = round_up_u64(prog.main.end, PAGE_SIZE) + layout.brk_offset;
	mm->brk = mm->brk_start;
	err = build_stack(mm, img, &prog, elf->exec_stack, &sp);
	if (err)
		return err;
	memset(regs, 0, sizeof(*regs));
	regs->pc = prog.has_interp ? prog.interp.entry : prog.main.entry;
	regs->sp = sp;
	return 0;
}

int mm_exec(struct guest *g, struct task *t, struct exec_image *img,
            int (*open_interp)(struct task *t, const char *path, struct file **out),
            struct mm **out, struct a64_regs *regs)
{
	struct elf_file elf;
	struct mm *mm;
	int err = elf_open(img->file, &elf);

	if (err)
		return err;
	err = mm_new(g, &mm);
	if (err)
		goto out;
	err = build(g, t, img, &elf, open_interp, mm, regs);
	if (err)
		mm_put(mm);
	else
		*out = mm;
out:
	elf_close(&elf);
	return err;
}
