/*
 * fuzz_syscalls.c: a hostile program: sequences of system calls with any arguments, whose pointers
 * lead to any bytes, in a guest with proc, sys, dev and a tmpfs.  This is how the decoders of what
 * programs pass in memory are reached: iovec, msghdr and control messages, socket addresses and
 * options, ioctl and fcntl arguments, mount options, timers, signal sets and frames, System V and
 * POSIX messages, extended attributes.
 *
 * Each input gets a guest of its own, which is taken down again.  A call that would block is
 * interrupted at once, because the task always has to leave.  Calls that start or end tasks are
 * left out.
 */
#include "common/log.h"
#include "common/lx/fcntl.h"
#include "common/lx/mman.h"
#include "common/lx/stat.h"
#include "supervisor/guest.h"
#include "supervisor/spec.h"
#include "supervisor/sys/sys.h"
#include "supervisor/sys/sysvipc.h"
#include "supervisor/task/process.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/hostthread.h"
#include "supervisor/task/pid.h"
#include "supervisor/vfs/vfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_MAX 64u
#define PAGE      4096u
#define SLOTS     8u /* pages of guest memory that pointers lead to; the one behind is not there */
#define STRINGS   SLOTS /* further pages, for strings */

struct input {
	const uint8_t *p, *end;
};

struct run {
	struct input in;
	struct task *task;
	uint64_t mem;
	uint32_t strings; /* used so far */
};

static const char *const left_out[] = {"exit",   "exit_group", "clone",   "clone3", "execve", "execveat",
				       "reboot", "vhangup",    "syncfs",  "sync"};

static const char *const words[] = {
    "/",       "a",          "d",           "d/b",      "l",         "fifo",      "..",
    "",        "/proc",      "/proc/self",  "/sys",     "/dev/ptmx", "/dev/pts/0", "/dev/null",
    "/dev/tty", "/dev/zero", "/proc/self/maps", "/proc/self/mem", "/proc/self/status",
    "/proc/sys/kernel/hostname", "/proc/self/fd/3", "/proc/1/fdinfo/4", "/proc/mounts",
    "/proc/net/unix", "/proc/self/oom_score_adj", "/sys/devices/system/cpu/online", "tmpfs", "proc",
    "user.x",  "trusted.x",  "security.capability", "size=1m,mode=700,nr_inodes=9", "/q", "lo",
    "/proc/self/task/1/comm", "/proc/sys/kernel/random/uuid", "/dev/shm", "devpts", "mqueue",
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static uint64_t wide(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | byte(in);
	return v;
}

/* Small numbers, single bits, and anything. */
static uint64_t number(struct run *r)
{
	uint8_t b = byte(&r->in);

	if (b < 0x80)
		return b;
	if (b < 0xc0)
		return UINT64_C(1) << (b & 63);
	if (b < 0xd0)
		return r->mem + (uint64_t)(b & 15) * (PAGE / 2);
	if (b < 0xe0)
		return (uint64_t)-(int64_t)(b & 15);
	return wide(&r->in, b < 0xf0 ? 4 : 8);
}

static uint64_t descriptor(struct run *r)
{
	uint8_t b = byte(&r->in);

	if (b < 0xc0)
		return b & 15;
	return b < 0xf0 ? (uint64_t)-100 : wide(&r->in, 4);
}

/* Bytes of the input in guest memory, at the beginning of a page or just before its end. */
static uint64_t pointer(struct run *r)
{
	uint8_t b = byte(&r->in);
	uint64_t at = r->mem + (b & (SLOTS - 1)) * PAGE;
	size_t n;

	if (b >= 0xf0)
		return wide(&r->in, 8);
	if (b >= 0xe0)
		return 0;
	if (b & 0x20)
		return at; /* what is there */
	n = MIN((size_t)byte(&r->in), (size_t)(r->in.end - r->in.p));
	if (b & 0x10)
		at += PAGE - n;
	if (n && copy_to_user(r->task->mm, guest_ptr(at), r->in.p, n) == 0)
		r->in.p += n;
	if (b & 0x40) { /* the first word leads into our memory */
		uint64_t link = r->mem + (uint64_t)(byte(&r->in) % SLOTS) * PAGE;

		(void)!copy_to_user(r->task->mm, guest_ptr(at), &link, sizeof(link));
	}
	return at;
}

static uint64_t string(struct run *r)
{
	uint64_t at = r->mem + SLOTS * PAGE + r->strings % (STRINGS * PAGE - 512);
	uint8_t b = byte(&r->in);
	char text[256] = "";
	size_t n;

	if (b < 0xe0) {
		snprintf(text, sizeof(text), "%s", words[b % ARRAY_LEN(words)]);
	} else {
		n = MIN((size_t)byte(&r->in), (size_t)(r->in.end - r->in.p));
		n = MIN(n, sizeof(text) - 1);
		memcpy(text, r->in.p, n);
		r->in.p += n;
	}
	n = strlen(text) + 1;
	r->strings += (uint32_t)n;
	return copy_to_user(r->task->mm, guest_ptr(at), text, n) < 0 ? 0 : at;
}

static uint64_t argument(struct run *r, unsigned type)
{
	switch (type) {
	case SYS_ARG_FD:
	case SYS_ARG_DIRFD:
		return descriptor(r);
	case SYS_ARG_PATH:
	case SYS_ARG_STRING:
		return string(r);
	case SYS_ARG_PTR:
	case SYS_ARG_BUFFER:
		return pointer(r);
	default:
		return number(r);
	}
}

static bool is_left_out(const struct sys_row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (strcmp(row->name, left_out[i]) == 0)
			return true;
	return false;
}

/* The task has to leave: nothing blocks. */
static void must_leave(struct task *t)
{
	pthread_mutex_lock(&t->group->lock);
	t->must_exit = true;
	pthread_mutex_unlock(&t->group->lock);
	__atomic_store_n(&t->signal_pending, 1, __ATOMIC_SEQ_CST);
}

static void one_call(struct run *r)
{
	const struct sys_row *row = sys_lookup_arm64(wide(&r->in, 2) % 460);
	struct sys_args a = {{0}};
	struct task *t = r->task;

	if (!row || !row->fn || is_left_out(row))
		return;
	for (unsigned i = 0; i < row->nargs; i++)
		a.v[i] = argument(r, row->arg_type[i]);
	must_leave(t);
	t->in_syscall = true;
	t->syscall_nr = row->nr_arm64;
	t->syscall_x0 = a.v[0];
	vcpu_regs(t->vcpu)->sp = r->mem;
	(void)row->fn(t, &a);
}

static int mount_fs(struct task *t, const char *path, struct superblock *sb)
{
	struct path at;
	int err = path_walk(t, LX_AT_FDCWD, path, WALK_FOLLOW, &at);

	if (err == 0) {
		err = vfs_mount_at(t->guest, &at, sb, 0, "x");
		path_put(&at);
	}
	return err;
}

static bool furnish(struct task *t)
{
	static const char *const directories[] = {"/proc", "/sys", "/dev", "/d"};
	struct superblock *sb;
	struct mount *m;
	struct path root;

	if (fs_tmp_mount(t->guest, "mode=755,size=4m", &sb) < 0 || vfs_mount_root(t->guest, sb, &m) < 0 ||
	    vfs_root_path(t->guest, &root) < 0)
		return false;
	if (fs_context_new(&root, &t->fs) < 0)
		return false;
	path_put(&root);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (vfs_mkdir(t, LX_AT_FDCWD, directories[i], 0755) < 0)
			return false;
	return fs_proc_mount(t->guest, &sb) == 0 && mount_fs(t, "/proc", sb) == 0 &&
	       fs_sys_mount(t->guest, &sb) == 0 && mount_fs(t, "/sys", sb) == 0 &&
	       fs_dev_mount(t->guest, &sb) == 0 && mount_fs(t, "/dev", sb) == 0 &&
	       fs_pts_mount(t->guest, &sb) == 0 && mount_fs(t, "/dev/pts", sb) == 0;
}

/* On the task's own host thread. */
static void program(void *arg)
{
	struct run *r = arg;
	struct task *t = r->task;
	int64_t va;

	if (!furnish(t))
		__builtin_trap();
	va = mm_map(t->mm, 0, (SLOTS + STRINGS) * PAGE, LX_PROT_READ | LX_PROT_WRITE,
		    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS, NULL, 0);
	if (va < 0)
		__builtin_trap();
	r->mem = (uint64_t)va;
	for (unsigned i = 0; i < CALLS_MAX && r->in.p < r->in.end; i++)
		one_call(r);
	task_exit(t);
}

static bool make_task(struct guest *g, struct task **out, struct hostthread **host)
{
	static const struct a64_regs regs;
	struct fd_table *files;
	struct cred *cred;
	struct mm *mm;

	if (mm_new(g, &mm) < 0 || fd_table_new(&files) < 0 || cred_new(&cred) < 0)
		return false;
	cred->cap_permitted = cred->cap_effective = cred->cap_bounding = UINT64_MAX;
	if (task_new_init(g, mm, &regs, cred, files, NULL, out, host) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN((*out)->group->rlimit); i++)
		(*out)->group->rlimit[i].cur = (*out)->group->rlimit[i].max = LX_RLIM_INFINITY;
	(*out)->group->rlimit[LX_RLIMIT_NOFILE].cur = (*out)->group->rlimit[LX_RLIMIT_NOFILE].max = 64;
	return true;
}

/* Waits for the end of the process, of which nothing is left then. */
static void wait_for_end(struct guest *g)
{
	struct tgroup *tg = g->tasks->init;

	task_table_lock(g);
	while (g->tasks->ntasks > 0)
		pthread_cond_wait(&g->tasks->changed, &g->tasks->lock);
	tgroup_reap_locked(tg);
	task_table_unlock(g);
	tgroup_reaped_put(tg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char word[] = "x";
	static struct guest_spec spec = {.hostname = word, .domainname = word, .name = word, .engine = word,
					 .trace = word, .user = word, .cwd = word, .net_none = true};
	struct vcpu_options options = {.kind = VCPU_ENGINE_SOFT_INTERP};
	static struct guest g; /* at one address: file systems of the process's own refer to it */
	struct run r = {.in = {data, data + size}};
	struct hostthread *host;
	struct vcpu_ram ram;

	log_setup("fuzz", LOG_LEVEL_ERROR);
	g = (struct guest){.spec = &spec, .ncpus = 2};
	pthread_mutex_init(&g.uts.lock, NULL);
	if (task_table_new(16, &g.tasks) < 0 || arena_new(32 << 20, &g.arena) < 0)
		__builtin_trap();
	arena_ram(g.arena, &ram);
	if (vcpu_engine_new(&options, &ram, &g.engine) < 0)
		__builtin_trap();
	arena_set_engine(g.arena, g.engine);
	if (!make_task(&g, &r.task, &host))
		__builtin_trap();
	hostthread_start(host, program, &r);
	wait_for_end(&g);
	ipc_release(&g);
	vfs_unmount_all(&g);
	fs_pts_release(&g);
	task_table_free(g.tasks);
	vcpu_engine_free(g.engine);
	arena_free(g.arena);
	return 0;
}
