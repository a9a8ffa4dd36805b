/*
 * fuzz_elf.c: the ELF loader on a hostile file: whatever the bytes are, there is an error or an
 * address space, and nothing is left behind.
 */
#include "common/lx/errno.h"
#include "supervisor/guest.h"
#include "tests/lib/mm_file.h"

#define ROOM       (1u << 20)
#define VDSO_PAGES 2u /* they stay */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guest guest;
static struct mm_file file;

static int open_interp(struct task *t, const char *path, struct file **out)
{
	(void)t;
	if (path[0] != '/')
		return -LX_ENOENT;
	*out = file_get(&file.file);
	return 0;
}

static void run(void)
{
	static char arg[] = "x";
	static char *const argv[] = {arg, NULL};
	struct exec_image img = {
	    .file = &file.file, .argv = argv, .envp = argv, .execfn = "/x", .stack_limit = 8 << 20};
	struct a64_regs regs;
	struct mm *mm;
	uint64_t v;

	if (mm_exec(&guest, NULL, &img, open_interp, &mm, &regs) == 0) {
		/* What is mapped can be read or not, but is there. */
		if (get_user_u64(mm, &v, guest_ptr(regs.pc)) == 0 &&
		    mm_fault(mm, regs.sp, VCPU_WRITE) != MM_FAULT_OK)
			__builtin_trap();
		mm_put(mm);
	}
	if (img.interp)
		file_put(img.interp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_stats st;

	if (!guest.arena) {
		if (arena_new(64 << 20, &guest.arena) != 0)
			return 0;
		mm_file_init(&file, guest.arena, 0, ROOM, 0);
	}
	if (size > ROOM)
		return 0;
	mm_file_truncate(&file, 0);
	memcpy(file.data, data, size);
	mm_file_truncate(&file, size);
	run();
	mm_file_truncate(&file, 0);
	arena_get_stats(guest.arena, &st);
	if (st.frames_used > VDSO_PAGES)
		__builtin_trap();
	return 0;
}
