/*
 * The decoder's table, and short runs of the programs that compare decoder and CPU with
 * independent implementations (tests/cpu; their long runs are `make cpu-decode cpu-diff`).
 */
#include "vcpu/a64/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void rows_are_well_formed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < a64_row_count; i++)
		if (a64_rows[i].value & ~a64_rows[i].mask)
			fail_msg("%s: value has bits outside the mask", a64_rows[i].name);
}

/* A row all of whose words an earlier row takes can never be reached. */
static void no_row_hides_another(void **state)
{
	(void)state;
	for (unsigned i = 0; i < a64_row_count; i++)
		for (unsigned k = 0; k < i; k++) {
			const struct a64_row *a = &a64_rows[k], *b = &a64_rows[i];

			if ((a->mask & ~b->mask) == 0 && (b->value & a->mask) == a->value)
				fail_msg("%s hides %s", a->name, b->name);
		}
}

/* The buckets must find what a search through the rows in order finds. */
static void first_match_wins(void **state)
{
	uint32_t word = 12345;

	(void)state;
	a64_decode_init();
	for (unsigned n = 0; n < 200000; n++) {
		const struct a64_row *first = NULL;

		word = word * 1664525u + 1013904223u;
		for (unsigned i = 0; i < a64_row_count && !first; i++)
			if ((word & a64_rows[i].mask) == a64_rows[i].value)
				first = &a64_rows[i];
		if (a64_decode(word) != first)
			fail_msg("%08x: decoded as another row", word);
	}
}

/* Runs a program of tests/cpu, found beside this one. */
static void run_tool(const char *tool, char *const args[])
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int status;

	assert_true(n > 0);
	path[n] = 0;
	char *unit = strstr(path, "/unit/");
	assert_non_null(unit);
	snprintf(unit, sizeof(path) - (size_t)(unit - path), "/cpu/%s", tool);
	if (access(path, X_OK) != 0) {
		print_message("SKIP: %s is not built (make cpu-diff cpu-decode build it)\n", path);
		skip();
	}
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execv(path, args);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void capstone_agrees_on_a_sample(void **state)
{
	char *args[] = {(char *)(uintptr_t) "decode_all", (char *)(uintptr_t) "--stride",
	                (char *)(uintptr_t) "1021", NULL};

	(void)state;
	run_tool(args[0], args);
}

/* All engines, and qemu-aarch64. */
static void run_cpu_diff(const char *option, const char *value)
{
	char *args[] = {(char *)(uintptr_t) "cpu_diff", (char *)(uintptr_t)option,
	                (char *)(uintptr_t)value, NULL};

	if (access("build/guest/cpu_diff_guest", R_OK) != 0 ||
	    system("command -v qemu-aarch64-static >/dev/null") != 0) {
		print_message("SKIP: qemu-aarch64-static or its guest program is not there\n");
		skip();
	}
	run_tool(args[0], args);
}

static void qemu_agrees_on_random_programs(void **state)
{
	(void)state;
	run_cpu_diff("--count", "60000");
}

/* The code that hosts without AVX and its like get. */
static void qemu_agrees_with_baseline_code(void **state)
{
	(void)state;
	setenv("CARRICK_JIT", "baseline", 1);
	run_cpu_diff("--count", "60000");
	unsetenv("CARRICK_JIT");
}

static void qemu_agrees_on_each_instruction(void **state)
{
	(void)state;
	run_cpu_diff("--words", "1");
}

static void what_once_differed_is_right(void **state)
{
	(void)state;
	run_cpu_diff("--cases", "tests/cpu/regressions.txt");
}

static void kicks_change_nothing(void **state)
{
	char *args[] = {(char *)(uintptr_t) "cpu_diff",  (char *)(uintptr_t) "--kicks",
	                (char *)(uintptr_t) "--no-peer", (char *)(uintptr_t) "--count",
	                (char *)(uintptr_t) "60000",     NULL};

	(void)state;
	run_tool(args[0], args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_well_formed),
	    cmocka_unit_test(no_row_hides_another),
	    cmocka_unit_test(first_match_wins),
	    cmocka_unit_test(capstone_agrees_on_a_sample),
	    cmocka_unit_test(qemu_agrees_on_random_programs),
	    cmocka_unit_test(qemu_agrees_with_baseline_code),
	    cmocka_unit_test(qemu_agrees_on_each_instruction),
	    cmocka_unit_test(what_once_differed_is_right),
	    cmocka_unit_test(kicks_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
