/*
 * sys.h: the system-call table and how handlers look.
 *
 * Each row SYSCALL(arm64, amd64, name, level, home, args) of syscalls.def with a level other
 * than NONE is served by   int64_t sys_name(struct task *t, const struct sys_args *a);
 * in the file named as its home.  It returns a result >= 0 or a negative Linux errno.
 */
#ifndef SUPERVISOR_SYS_SYS_H
#define SUPERVISOR_SYS_SYS_H

#include "common/base.h"
#include "common/lx/errno.h"
#include "supervisor/mm/uaccess.h"

struct task;

struct sys_args {
	uint64_t v[6];
};
typedef int64_t sys_fn(struct task *t, const struct sys_args *a);

static inline int arg_int(const struct sys_args *a, unsigned i)
{
	return (int)(uint32_t)a->v[i];
}
static inline uint32_t arg_u32(const struct sys_args *a, unsigned i)
{
	return (uint32_t)a->v[i];
}
static inline struct guest_ptr arg_ptr(const struct sys_args *a, unsigned i)
{
	return guest_ptr(a->v[i]);
}

/* What uname(2) and /proc tell of the kernel, and the highest RLIMIT_NOFILE (/proc/sys/fs/nr_open). */
#define SYS_RELEASE "6.1.0-carrick"
#define SYS_VERSION "#1 SMP carrick " CARRICK_VERSION
#define SYS_NR_OPEN 1048576u

/* How far a call is there.  NONE: -ENOSYS and counted for compat-report. */
enum sys_level { SYS_NONE, SYS_PARTIAL, SYS_FULL };

/* Argument types, for traces. */
enum sys_arg_type {
	SYS_ARG_NONE, SYS_ARG_INT, SYS_ARG_UINT, SYS_ARG_LONG, SYS_ARG_HEX, SYS_ARG_PTR, SYS_ARG_FD,
	SYS_ARG_DIRFD, SYS_ARG_PATH, SYS_ARG_STRING, SYS_ARG_BUFFER, SYS_ARG_MODE, SYS_ARG_OPEN_FLAGS,
	SYS_ARG_SIGNAL, SYS_ARG_SIZE, SYS_ARG_OFFSET,
};

struct sys_row {
	const char *name;
	const char *home;
	sys_fn *fn; /* NULL at level NONE */
	enum sys_level level;
	uint16_t nr_arm64;
	int16_t nr_amd64; /* -1: none */
	uint8_t nargs;
	uint8_t arg_type[6];
	const char *arg_name[6];
};

/* The row of an arm64 number; NULL if there is none. */
const struct sys_row *sys_lookup_arm64(uint64_t nr);

/* Serves the call that t's registers ask for and puts the result into x0 (task/run.c calls it). */
void sys_dispatch(struct task *t);

#define SYSCALL(arm64, amd64, name, level, home, args) SYS_DECLARE_##level(name)
#define SYS_DECLARE_NONE(name)
#define SYS_DECLARE_PARTIAL(name) sys_fn sys_##name;
#define SYS_DECLARE_FULL(name)    sys_fn sys_##name;
#include "supervisor/sys/syscalls.def"
#undef SYSCALL
#undef SYS_DECLARE_NONE
#undef SYS_DECLARE_PARTIAL
#undef SYS_DECLARE_FULL

#endif
