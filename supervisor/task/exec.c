/*
 * exec.c: execve(2).  The new image is built completely before anything of the old process is
 * touched; then the other threads are ended and the process changes over.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/futex.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/vfs.h"

#define MAX_ARG_STRLEN (32u * 4096)
#define MAX_ARG_COUNT  0x100000u
#define SCRIPT_HEAD    256
#define SCRIPT_DEPTH   5

void exec_args_release(struct exec_args *args)
{
	for (char **v = args->argv; v && *v; v++)
		free(*v);
	for (char **v = args->envp; v && *v; v++)
		free(*v);
	free(args->argv);
	free(args->envp);
	*args = (struct exec_args){0};
}

/* Appends s to a NULL-terminated vector whose capacity is a power of two from 16 on. */
static int push(char ***vec, uint32_t *n, char *s)
{
	if (*n == 0 || (*n + 1 >= 16 && ((*n + 1) & *n) == 0)) {
		size_t room = *n == 0 ? 16 : 2 * ((size_t)*n + 1);
		char **bigger = realloc(*vec, room * sizeof(char *));

		if (!bigger)
			return -LX_ENOMEM;
		*vec = bigger;
	}
	(*vec)[(*n)++] = s;
	(*vec)[*n] = NULL;
	return 0;
}

/* What is left of the space for arguments, and room to copy one string into. */
struct arg_reader {
	uint64_t budget;
	char *scratch; /* MAX_ARG_STRLEN bytes */
};

static int copy_string(struct task *t, struct guest_ptr p, struct arg_reader *r, char **out)
{
	int64_t len = strncpy_from_user(t->mm, r->scratch, p, MAX_ARG_STRLEN);

	if (len < 0)
		return len == -LX_ENAMETOOLONG ? -LX_E2BIG : (int)len;
	if ((uint64_t)len + 9 > r->budget)
		return -LX_E2BIG;
	r->budget -= (uint64_t)len + 9; /* the string and a pointer to it */
	*out = malloc((size_t)len + 1);
	if (!*out)
		return -LX_ENOMEM;
	memcpy(*out, r->scratch, (size_t)len + 1);
	return 0;
}

static int copy_vector(struct task *t, struct guest_ptr at, struct arg_reader *r, char ***out,
		       uint32_t *count)
{
	uint32_t n = 0;
	int err;

	*out = calloc(16, sizeof(char *));
	if (!*out)
		return -LX_ENOMEM;
	while (!guest_ptr_null(at)) {
		uint64_t va;
		char *s = NULL;

		err = get_user_u64(t->mm, &va, guest_ptr_add(at, 8 * (uint64_t)n));
		if (err < 0)
			return err;
		if (!va)
			break;
		if (n >= MAX_ARG_COUNT)
			return -LX_E2BIG;
		err = copy_string(t, guest_ptr(va), r, &s);
		if (err < 0)
			return err;
		err = push(out, &n, s);
		if (err < 0) {
			free(s);
			return err;
		}
	}
	*count = n;
	return 0;
}

int exec_args_from_user(struct task *t, struct guest_ptr argv, struct guest_ptr envp, struct exec_args *out)
{
	/* A quarter of the stack limit, at least 128 KiB, at most 6 MiB: execve(2). */
	uint64_t stack = task_rlimit(t, LX_RLIMIT_STACK) / 4;
	struct arg_reader r = {.scratch = malloc(MAX_ARG_STRLEN)};
	uint32_t n;
	int err;

	*out = (struct exec_args){0};
	if (!r.scratch)
		return -LX_ENOMEM;
	r.budget = MIN(MAX(stack, (uint64_t)MAX_ARG_STRLEN), UINT64_C(6) << 20);
	err = copy_vector(t, argv, &r, &out->argv, &out->argc);
	if (err == 0)
		err = copy_vector(t, envp, &r, &out->envp, &n);
	free(r.scratch);
	if (err == 0 && out->argc == 0) { /* Linux gives an empty argv[0] */
		char *empty = strdup("");

		err = empty ? push(&out->argv, &out->argc, empty) : -LX_ENOMEM;
		if (err < 0)
			free(empty);
	}
	if (err < 0)
		exec_args_release(out);
	return err;
}

/* Splits "#! interpreter argument" in head; -LX_ENOEXEC when that is no script line. */
static int parse_script(char *head, size_t len, char **interp, char **arg)
{
	char *p = head + 2, *end = memchr(head, '\n', len);

	if (!end) {
		/* The line is longer than what was read: all right if the name at least is whole. */
		end = head + len;
		p += strspn(p, " \t");
		if (len == SCRIPT_HEAD - 1 && p + strcspn(p, " \t") >= end)
			return -LX_ENOEXEC;
	}
	while (end > head + 2 && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	p += strspn(p, " \t");
	if (!*p)
		return -LX_ENOEXEC;
	*interp = p;
	p += strcspn(p, " \t");
	*arg = NULL;
	if (*p) {
		*p++ = '\0';
		p += strspn(p, " \t");
		if (*p)
			*arg = p;
	}
	return 0;
}

/* argv becomes interpreter, its argument, the script's name, argv[1]... */
static int rewrite_argv(struct exec_args *args, const char *interp, const char *arg, const char *script)
{
	uint32_t lead = arg ? 3 : 2, rest = args->argc ? args->argc - 1 : 0;
	char **fresh = calloc((size_t)lead + rest + 1, sizeof(char *));
	uint32_t n = 0;

	if (!fresh)
		return -LX_ENOMEM;
	fresh[n++] = strdup(interp);
	if (arg)
		fresh[n++] = strdup(arg);
	fresh[n++] = strdup(script);
	for (uint32_t i = 0; i < n; i++) {
		if (fresh[i])
			continue;
		for (i = 0; i < n; i++)
			free(fresh[i]);
		free(fresh);
		return -LX_ENOMEM;
	}
	for (uint32_t i = 0; i < rest; i++)
		fresh[n++] = args->argv[i + 1];
	if (args->argc)
		free(args->argv[0]);
	free(args->argv);
	args->argv = fresh;
	args->argc = n;
	return 0;
}

struct program {
	struct file *file;
	char *name; /* as the program was called: AT_EXECFN */
};

/* The name by which an interpreter finds the script. */
static char *script_name(int dirfd, const char *path)
{
	char *name = NULL;
	int r;

	if (dirfd == LX_AT_FDCWD || path[0] == '/')
		return strdup(path);
	r = path[0] ? asprintf(&name, "/dev/fd/%d/%s", dirfd, path) : asprintf(&name, "/dev/fd/%d", dirfd);
	return r < 0 ? NULL : name;
}

/* Reads the start of the file: 1 it is a script, 0 it is not, negative errno. */
static int read_script_line(struct file *f, char head[SCRIPT_HEAD], char **interp, char **arg)
{
	int64_t n = vfs_read_kernel(f, head, SCRIPT_HEAD - 1, 0);
	int err;

	if (n < 0)
		return (int)n;
	head[n] = '\0';
	if (n < 2 || head[0] != '#' || head[1] != '!')
		return 0;
	err = parse_script(head, (size_t)n, interp, arg);
	return err < 0 ? err : 1;
}

/* Follows script lines until a file that is none; on failure nothing is held. */
static int open_program(struct task *t, int dirfd, const char *path, uint32_t walk,
			struct exec_args *args, struct program *out)
{
	char head[SCRIPT_HEAD], name[SCRIPT_HEAD] = "", *interp = NULL, *arg = NULL;
	int r = vfs_open_exec(t, dirfd, path, walk, &out->file);

	if (r < 0)
		return r;
	out->name = script_name(dirfd, path);
	if (!out->name)
		r = -LX_ENOMEM;
	for (int depth = 0; r == 0; depth++) {
		r = read_script_line(out->file, head, &interp, &arg);
		if (r == 0)
			return 0;
		if (r > 0)
			r = depth >= SCRIPT_DEPTH ? -LX_ELOOP
						  : rewrite_argv(args, interp, arg, depth ? name : out->name);
		if (r < 0)
			break;
		snprintf(name, sizeof(name), "%s", interp);
		file_put(out->file);
		out->file = NULL;
		r = vfs_open_exec(t, LX_AT_FDCWD, name, WALK_FOLLOW, &out->file);
	}
	if (out->file)
		file_put(out->file);
	free(out->name);
	return r;
}

static int open_interp(struct task *t, const char *path, struct file **out)
{
	return vfs_open_exec(t, LX_AT_FDCWD, path, WALK_FOLLOW, out);
}

/* Ends all other threads of the process and makes t its leader. */
static int end_siblings(struct task *t)
{
	struct tgroup *tg = t->group;
	struct task *other, *old_leader = NULL;
	struct waiter w;
	bool alone;
	int err = 0;

	pthread_mutex_lock(&tg->lock);
	if (tg->group_exiting || tg->execing) {
		pthread_mutex_unlock(&tg->lock);
		return -LX_EAGAIN;
	}
	tg->execing = t;
	list_for_each_entry(other, &tg->tasks, group_link) {
		if (other == t)
			continue;
		other->must_exit = true;
		signal_wake_locked(other);
	}
	pthread_mutex_unlock(&tg->lock);
	waiter_init(&w, t);
	waitq_add(&tg->exit_wait, &w);
	for (;;) {
		task_sleep_prepare(t);
		pthread_mutex_lock(&tg->lock);
		alone = tg->ntasks == 1;
		pthread_mutex_unlock(&tg->lock);
		if (alone || err < 0)
			break;
		err = task_sleep_killable(t, WAIT_FOREVER);
	}
	waitq_remove(&w);
	if (alone) {
		task_table_lock(t->guest);
		if (tg->leader != t) {
			struct pid *mine = t->pid;

			old_leader = tg->leader;
			tg->leader = task_get(t);
			t->pid = tg->pid;
			tg->pid->task = t;
			__atomic_store_n(&t->tid, tg->tgid, __ATOMIC_RELAXED);
			mine->task = NULL;
			pid_release_locked(t->guest, mine);
		}
		task_table_unlock(t->guest);
		err = 0;
	}
	pthread_mutex_lock(&tg->lock);
	tg->execing = NULL;
	pthread_mutex_unlock(&tg->lock);
	task_put(old_leader);
	return err;
}

/* Replaces what is shared with other processes by copies. */
static int unshare_for_exec(struct task *t)
{
	struct tgroup *tg = t->group;
	struct fd_table *files, *old_files = NULL;
	struct sighand *hand, *old_hand = NULL;
	int err;

	err = fd_table_copy(t->files, &files);
	if (err < 0)
		return err;
	err = sighand_copy(t->sighand, &hand);
	if (err < 0) {
		fd_table_put(t, files);
		return err;
	}
	sighand_reset(hand);
	pthread_mutex_lock(&tg->lock);
	old_files = t->files;
	t->files = files;
	old_hand = t->sighand;
	t->sighand = hand;
	pthread_mutex_unlock(&tg->lock);
	fd_table_put(t, old_files);
	sighand_put(old_hand);
	return 0;
}

static void set_comm(struct task *t, const char *name)
{
	const char *base = strrchr(name, '/');

	pthread_mutex_lock(&t->group->lock);
	memset(t->comm, 0, sizeof(t->comm));
	snprintf(t->comm, sizeof(t->comm), "%s", base ? base + 1 : name);
	pthread_mutex_unlock(&t->group->lock);
}

/* The point of no return is behind us: the process becomes the new program. */
static void change_over(struct task *t, struct mm *mm, const struct a64_regs *regs, struct cred *cred,
			struct file *exe, char *exe_path, bool secure)
{
	struct tgroup *tg = t->group;
	struct mm *old_mm;
	struct file *old_exe;
	char *old_path;

	futex_exit(t);
	ptimers_delete_all(tg);
	task_clear_child_tid(t);
	vcpu_set_space(t->vcpu, mm_space(mm));
	*vcpu_regs(t->vcpu) = *regs;
	cred_commit(t, cred);
	pthread_mutex_lock(&tg->lock);
	old_mm = t->mm;
	t->mm = mm;
	old_exe = tg->exe;
	tg->exe = exe;
	old_path = tg->exe_path;
	tg->exe_path = exe_path;
	t->altstack.sp = t->altstack.size = 0;
	t->altstack.flags = LX_SS_DISABLE;
	__atomic_store_n(&tg->exit_signal, LX_SIGCHLD, __ATOMIC_RELAXED);
	tg->membarrier_registered = 0;
	pthread_mutex_unlock(&tg->lock);
	__atomic_store_n(&tg->dumpable, !secure, __ATOMIC_RELAXED);
	__atomic_store_n(&tg->has_execed, true, __ATOMIC_RELAXED);
	t->restart.fn = NULL;
	t->in_syscall = false;
	mm_put(old_mm);
	task_vfork_release(t);
	if (old_exe)
		file_put(old_exe);
	free(old_path);
	fd_table_close_on_exec(t, t->files);
}

static int build_image(struct task *t, struct program *prog, struct exec_args *args, struct cred *cred,
		       bool secure, struct mm **mm, struct a64_regs *regs)
{
	struct exec_image img = {
		.file = prog->file,
		.argv = args->argv,
		.envp = args->envp,
		.execfn = prog->name,
		.uid = cred->uid,
		.euid = cred->euid,
		.gid = cred->gid,
		.egid = cred->egid,
		.secure = secure,
		.stack_limit = task_rlimit(t, LX_RLIMIT_STACK),
	};
	int err = mm_exec(t->guest, t, &img, open_interp, mm, regs);

	if (img.interp)
		file_put(img.interp);
	return err;
}

int64_t task_exec(struct task *t, int dirfd, const char *path, uint32_t walk, struct exec_args *args)
{
	struct program prog = {0};
	struct vfs_attr attr;
	struct a64_regs regs;
	struct cred *cred = NULL;
	struct mm *mm = NULL;
	char *exe_path = NULL;
	bool secure = false;
	int err = open_program(t, dirfd, path, walk, args, &prog);

	if (err < 0)
		return err;
	err = vfs_getattr(prog.file->inode, &attr);
	if (err == 0)
		err = cred_for_exec(t, attr.mode, attr.uid, attr.gid, &cred, &secure);
	if (err == 0)
		err = build_image(t, &prog, args, cred, secure, &mm, &regs);
	if (err == 0)
		err = path_name(t, &prog.file->path, &exe_path);
	if (err == 0)
		err = end_siblings(t);
	if (err == 0)
		err = unshare_for_exec(t);
	if (err < 0) {
		free(exe_path);
		if (mm)
			mm_put(mm);
		cred_put(cred);
		file_put(prog.file);
		free(prog.name);
		return err;
	}
	set_comm(t, prog.name);
	change_over(t, mm, &regs, cred, prog.file, exe_path, secure);
	free(prog.name);
	return 0;
}
