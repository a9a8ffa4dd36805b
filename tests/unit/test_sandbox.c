/*
 * test_sandbox.c: call by call, what each group lets through and what kills; Landlock's trees;
 * and the filter assembler on its own, through an interpreter of its programs.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/linux_seccomp.h"
#include "common/plat/sandbox.h"
#include "common/plat/sanitize.h"

#include <cmocka.h>

#define KILLED 1000

/* Runs try() in a child under the profile: its result, or KILLED. */
static int run(const struct sandbox_profile *profile, int (*try)(void))
{
	unsigned applied;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_apply(profile, false, &applied) < 0 || !(applied & SANDBOX_SECCOMP))
			_exit(99);
		_exit(try());
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_groups(unsigned allow, int (*try)(void))
{
	struct sandbox_profile p = {
	    .role = "test", .allow = SANDBOX_ALLOW_BASE | allow, .network = true, .signals_outside = true};

	return run(&p, try);
}

static int try_basics(void)
{
	int p[2];
	char c;
	void *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	return m == MAP_FAILED || mprotect(m, 4096, PROT_READ) < 0 || munmap(m, 8192) < 0 ||
	       pipe2(p, O_CLOEXEC) < 0 || write(p[1], "x", 1) != 1 || read(p[0], &c, 1) != 1 ||
	       fstat(p[0], &st) < 0 || fcntl(p[0], F_SETFD, 0) < 0 || isatty(p[0]) ||
	       close(p[0]) < 0 || getpid() <= 0 || !malloc(100000);
}

static int try_open(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	return fd >= 0 ? 0 : errno == EACCES ? 2 : 1;
}

static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int try_connect(void)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};

	return connect(0, &sa, sizeof(sa)) == 0;
}

static int try_unix_pair(void)
{
	int p[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, p) < 0;
}

static int try_other_pair(void)
{
	int p[2];

	return socketpair(AF_INET, SOCK_STREAM, 0, p) == 0;
}

static int try_execve(void)
{
	char name[] = "/bin/true", *argv[] = {name, NULL};

	execv(name, argv);
	return 1;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

static void *nothing(void *arg)
{
	return arg;
}

static UNUSED int try_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0;
}

static int try_exec_mmap(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int try_exec_mprotect(void)
{
	void *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(m, 4096, PROT_READ | PROT_EXEC) != 0;
}

static int try_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) < 0;
}

static int try_kill_other(void)
{
	return kill(getppid(), 0) < 0;
}

static int try_tgkill_other(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0;
}

static int try_raise(void)
{
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1);
}

static int try_mount(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL) < 0;
}

static int try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0) < 0;
}

static int try_process_vm(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0;
}

static int try_set_limit(void)
{
	struct {
		uint64_t a, b;
	} l = {100, 100};

	return syscall(SYS_prlimit64, 0, 7, &l, NULL) < 0;
}

static int try_ioctl(void)
{
	return ioctl(0, TIOCSTI, "x") == 0;
}

static int try_kvm_ioctl(void)
{
	return ioctl(0, 0xae00, 0) == 0;
}

static int try_accept(void)
{
	return accept4(0, NULL, NULL, 0) == 0;
}

static int try_setsockopt(void)
{
	int one = 1;

	return setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0;
}

static int try_unknown(void)
{
	return syscall(4000) == 0;
}

static void calls_and_groups(void **state)
{
	static const struct {
		const char *what;
		int (*try)(void);
		unsigned needs; /* any of these groups permits it; 0: no group does */
	} cases[] = {
	    {"basics", try_basics, SANDBOX_ALLOW_BASE},
	    {"raise", try_raise, SANDBOX_ALLOW_BASE},
	    {"open", try_open, SANDBOX_ALLOW_FILES},
	    {"socket", try_socket, SANDBOX_ALLOW_INET},
	    {"connect", try_connect, SANDBOX_ALLOW_INET},
	    {"unix pair", try_unix_pair, SANDBOX_ALLOW_PAIRS},
	    {"other pair", try_other_pair, 0},
	    {"execve", try_execve, 0},
	    {"fork", try_fork, SANDBOX_ALLOW_FORK},
#ifndef SANITIZE_THREAD /* everybody may, there: see linux_calls.def */
	    {"thread", try_thread, SANDBOX_ALLOW_THREADS},
#endif
	    {"mmap exec", try_exec_mmap, SANDBOX_ALLOW_EXEC_MEM},
	    {"mprotect exec", try_exec_mprotect, SANDBOX_ALLOW_EXEC_MEM},
	    {"ptrace", try_ptrace, 0},
	    {"kill", try_kill_other, SANDBOX_ALLOW_FORK},
	    {"tgkill", try_tgkill_other, 0},
	    {"mount", try_mount, 0},
	    {"bpf", try_bpf, 0},
	    {"process_vm_readv", try_process_vm, 0},
	    {"setrlimit", try_set_limit, SANDBOX_ALLOW_SANDBOX},
	    {"ioctl", try_ioctl, SANDBOX_ALLOW_FILES},
	    {"kvm ioctl", try_kvm_ioctl, SANDBOX_ALLOW_KVM | SANDBOX_ALLOW_FILES},
	    {"accept", try_accept, SANDBOX_ALLOW_ACCEPT | SANDBOX_ALLOW_INET},
	    {"setsockopt", try_setsockopt, SANDBOX_ALLOW_SOCKET_IO},
	    {"unknown", try_unknown, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (unsigned group = 1; group <= SANDBOX_ALLOW_TTY; group <<= 1) {
			bool permitted = cases[i].needs & (group | SANDBOX_ALLOW_BASE);
			int want = permitted ? 0 : KILLED, got = run_groups(group, cases[i].try);

			/* Files are beyond a role's trees unless it names them. */
			if (cases[i].try == try_open && permitted)
				want = 2;
			if (got != want)
				print_error("%s with group %x: %d instead of %d\n", cases[i].what,
				            group, got, want);
			assert_int_equal(got, want);
		}
}

static void trees_bound_what_can_be_opened(void **state)
{
	struct sandbox_tree trees[] = {{open("/etc", O_PATH | O_CLOEXEC), false}};
	struct sandbox_profile p = {.role = "test",
	                            .allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_FILES,
	                            .trees = trees,
	                            .tree_count = 1};

	(void)state;
	assert_int_equal(run(&p, try_open), 0);
	trees[0].fd = open("/usr", O_PATH | O_CLOEXEC);
	assert_int_equal(run(&p, try_open), 2);
	/* A single file may be a tree. */
	trees[0] = (struct sandbox_tree){open("/etc/passwd", O_PATH | O_CLOEXEC), true};
	assert_int_equal(run(&p, try_open), 0);
}

/* What the layers beside seccomp leave behind. */
static int check_layers(void)
{
	char status[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, status, sizeof(status) - 1);

	if (n <= 0)
		return 1;
	status[n] = 0;
	line = strstr(status, "CapEff:\t0000000000000000");
	return !line || !strstr(status, "NoNewPrivs:\t1") ? 2 : 0;
}

static void layers_are_reported(void **state)
{
	struct sandbox_tree proc = {open("/proc", O_PATH | O_CLOEXEC), false};
	struct sandbox_profile p = {.role = "test",
	                            .allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_FILES,
	                            .trees = &proc,
	                            .tree_count = 1};
	unsigned here = sandbox_probe();

	(void)state;
	assert_int_equal(run(&p, check_layers), 0);
	assert_true(here & SANDBOX_SECCOMP);
	assert_true(here & SANDBOX_NO_NEW_PRIVS);
	assert_string_equal(sandbox_layer_name(SANDBOX_LANDLOCK), "landlock");
}

/* An interpreter for the few instructions the assembler uses. */
static uint32_t run_program(const struct sock_filter *f, unsigned len, uint32_t nr,
                            const uint64_t args[6], uint32_t arch)
{
	struct seccomp_data d = {.nr = (int)nr, .arch = arch};
	uint32_t a = 0;

	memcpy(d.args, args, sizeof(d.args));
	for (unsigned pc = 0; pc < len; pc++) {
		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (char *)&d + f[pc].k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f[pc].k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == f[pc].k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= f[pc].k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JA:
			pc += f[pc].k;
			break;
		case BPF_RET | BPF_K:
			return f[pc].k;
		default:
			fail();
		}
	}
	fail();
	return 0;
}

/* Random rule sets against their plain meaning. */
static void assembler_means_what_rules_say(void **state)
{
	static struct sock_filter insns[SECCOMP_MAX_INSNS];
	struct seccomp_rule rules[60];
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		unsigned count = round % ARRAY_LEN(rules);
		int len;
		uint32_t arch = 0;

		for (unsigned i = 0; i < count; i++) {
			unsigned kind = (seed = seed * 1103515245 + 12345) >> 16;

			rules[i] = (struct seccomp_rule){.nr = (kind * 7) % 97,
			                                 .arg = (int)(kind % 8) - 2};
			if (rules[i].arg < 0)
				rules[i].arg = -1;
			rules[i].mask = kind % 3 == 0 ? UINT64_MAX : kind % 3 == 1 ? UINT32_MAX : 6;
			rules[i].value = kind % 5 & rules[i].mask;
		}
		len = seccomp_assemble(rules, count, SECCOMP_RET_KILL_PROCESS, insns);
		assert_true(len > 0);
		arch = insns[1].k;
		for (unsigned nr = 0; nr < 100; nr++) {
			uint64_t args[6];
			bool permitted = false;

			for (unsigned i = 0; i < 6; i++)
				args[i] = (nr + i * round) % 7 | (i == 3 ? 1ull << 40 : 0);
			for (unsigned i = 0; i < count; i++)
				if (rules[i].nr == nr &&
				    (rules[i].arg < 0 ||
				     (args[rules[i].arg] & rules[i].mask) == rules[i].value))
					permitted = true;
			assert_int_equal(run_program(insns, (unsigned)len, nr, args, arch),
			                 permitted ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
			assert_int_equal(run_program(insns, (unsigned)len, nr, args, arch ^ 1),
			                 SECCOMP_RET_KILL_PROCESS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(assembler_means_what_rules_say),
	    cmocka_unit_test(calls_and_groups),
	    cmocka_unit_test(trees_bound_what_can_be_opened),
	    cmocka_unit_test(layers_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
