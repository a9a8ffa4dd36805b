/*
 * table.c: the system-call table, generated from syscalls.def and indexed by arm64 number.
 */
#include "supervisor/sys/sys.h"

#define SYS_FN_NONE(name)    NULL
#define SYS_FN_PARTIAL(name) sys_##name
#define SYS_FN_FULL(name)    sys_##name

#define A1(t1, n1) {SYS_ARG_##t1}, .arg_name = {#n1}
#define A2(t1, n1, t2, n2) {SYS_ARG_##t1, SYS_ARG_##t2}, .arg_name = {#n1, #n2}
#define A3(t1, n1, t2, n2, t3, n3)                 \
	{SYS_ARG_##t1, SYS_ARG_##t2, SYS_ARG_##t3}, \
		.arg_name = {#n1, #n2, #n3}
#define A4(t1, n1, t2, n2, t3, n3, t4, n4)                          \
	{SYS_ARG_##t1, SYS_ARG_##t2, SYS_ARG_##t3, SYS_ARG_##t4},    \
		.arg_name = {#n1, #n2, #n3, #n4}
#define A5(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5)                                 \
	{SYS_ARG_##t1, SYS_ARG_##t2, SYS_ARG_##t3, SYS_ARG_##t4, SYS_ARG_##t5},     \
		.arg_name = {#n1, #n2, #n3, #n4, #n5}
#define A6(t1, n1, t2, n2, t3, n3, t4, n4, t5, n5, t6, n6)                         \
	{SYS_ARG_##t1, SYS_ARG_##t2, SYS_ARG_##t3, SYS_ARG_##t4, SYS_ARG_##t5,      \
	 SYS_ARG_##t6},                                                             \
		.arg_name = {#n1, #n2, #n3, #n4, #n5, #n6}

#define ARGS0()    .nargs = 0
#define ARGS1(...) .nargs = 1, .arg_type = A1(__VA_ARGS__)
#define ARGS2(...) .nargs = 2, .arg_type = A2(__VA_ARGS__)
#define ARGS3(...) .nargs = 3, .arg_type = A3(__VA_ARGS__)
#define ARGS4(...) .nargs = 4, .arg_type = A4(__VA_ARGS__)
#define ARGS5(...) .nargs = 5, .arg_type = A5(__VA_ARGS__)
#define ARGS6(...) .nargs = 6, .arg_type = A6(__VA_ARGS__)

/* A number beyond the table's end is a compile error here. */
#define ARM64_NUMBERS 451

static const struct sys_row rows[ARM64_NUMBERS] = {
#define SYSCALL(arm64, amd64, call, lvl, file, args)                                            \
	[arm64] = {.name = #call, .home = file, .fn = SYS_FN_##lvl(call), .level = SYS_##lvl,   \
		   .nr_arm64 = arm64, .nr_amd64 = amd64, args},
#include "supervisor/sys/syscalls.def"
#undef SYSCALL
};

const struct sys_row *sys_lookup_arm64(uint64_t nr)
{
	return nr < ARM64_NUMBERS && rows[nr].name ? &rows[nr] : NULL;
}
