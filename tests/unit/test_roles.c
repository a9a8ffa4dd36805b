/*
 * test_roles.c: call by call, what the sandbox of each of carrick's processes refuses and permits.
 * The set-up is the role's own, called in a child as the process itself calls it; then the child
 * tries one call.  sandbox_roles.def says what must come out; the table is printed.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/plat/sandbox.h"
#include "fsd/confine.h"
#include "netd/confine.h"
#include "supervisor/boot/confine.h"
#include "supervisor/cli/confine.h"
#include "tests/lib/fsd_box.h"

#include <cmocka.h>

/* What a child reports; anything else is a failure of the test's own. */
enum { WORKED, FAILED, NOT_CONFINED = 99 };

static struct {
	struct fsd_box box; /* the guest of fsd's worker */
	char store[64];     /* what importer and unpacker are given */
	int store_fd, tree_fd;
	char own[256];   /* a file that the role in question may open */
	char other[256]; /* a file of another guest */
	pid_t other_pid;
	bool signals_kept_in;
} world;

static int outcome(bool worked)
{
	return worked ? WORKED : FAILED;
}

static int try_open_path(const char *path)
{
	return outcome(open(path, O_RDONLY | O_CLOEXEC) >= 0);
}

static int try_read_write(void)
{
	char c;
	int p[2];

	return outcome(pipe2(p, O_CLOEXEC) == 0 && write(p[1], "x", 1) == 1 && read(p[0], &c, 1) == 1);
}

static void *map(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int try_memory(void)
{
	void *m = map(PROT_READ | PROT_WRITE);

	return outcome(m != MAP_FAILED && mprotect(m, 4096, PROT_READ) == 0 && munmap(m, 4096) == 0);
}

static int try_open_etc(void)
{
	return try_open_path("/etc/passwd");
}

static int try_open_own(void)
{
	return try_open_path(world.own);
}

static int try_open_other_guest(void)
{
	return try_open_path(world.other);
}

static int try_read_environ(void)
{
	char path[64], c;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", world.other_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return outcome(fd >= 0 && read(fd, &c, 1) == 1);
}

static int try_open_mem(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", world.other_pid);
	return try_open_path(path);
}

static int try_connect(void)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};

	return outcome(connect(0, &sa, sizeof(sa)) == 0);
}

static int try_socket_inet(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static int try_socket_unix(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int try_socket_packet(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static int try_socketpair(void)
{
	int p[2];

	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
}

static int try_accept(void)
{
	return outcome(accept4(0, NULL, NULL, 0) >= 0);
}

static int try_execve(void)
{
	char name[] = "/bin/true", *argv[] = {name, NULL};

	execv(name, argv);
	return FAILED;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t t;

	return outcome(pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0);
}

static int try_kill(void)
{
	return outcome(kill(world.other_pid, 0) == 0);
}

static int try_tgkill(void)
{
	return outcome(syscall(SYS_tgkill, world.other_pid, world.other_pid, 0) == 0);
}

static int try_raise(void)
{
	return outcome(signal(SIGUSR1, SIG_IGN) != SIG_ERR && raise(SIGUSR1) == 0);
}

static int try_mmap_wx(void)
{
	return outcome(map(PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED);
}

static int try_mprotect_to(int prot)
{
	void *m = map(PROT_READ | PROT_WRITE);

	return outcome(m != MAP_FAILED && mprotect(m, 4096, prot) == 0);
}

static int try_mprotect_wx(void)
{
	return try_mprotect_to(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int try_mmap_exec(void)
{
	return outcome(map(PROT_READ | PROT_EXEC) != MAP_FAILED);
}

static int try_mprotect_exec(void)
{
	return try_mprotect_to(PROT_READ | PROT_EXEC);
}

static int try_terminal_modes(void)
{
	struct termios t = {0};

	return outcome(tcsetattr(0, TCSADRAIN, &t) == 0);
}

static int try_terminal_input(void)
{
	return outcome(ioctl(0, TIOCSTI, "x") == 0);
}

static int try_kvm(void)
{
	return outcome(ioctl(0, 0xae00, 0) == 0);
}

static int try_set_limit(void)
{
	struct rlimit l = {100, 100};

	return outcome(setrlimit(RLIMIT_NOFILE, &l) == 0);
}

static int try_unshare(void)
{
	return outcome(unshare(0) == 0);
}

static int try_dumpable(void)
{
	return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

static int try_clone_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return outcome(pid > 0);
}

struct row {
	const char *what;
	int (*try)(void); /* NULL: the call of that number */
	long number;
	const char *answers;
};

static const struct row rows[] = {
#define TRY(function, what, answers) {what, function, 0, answers},
#define RAW(call)                    {#call, NULL, SYS_##call, "KKKKKKKK"},
#include "tests/unit/sandbox_roles.def"
#undef TRY
#undef RAW
};

static int confine_as_monitor(void)
{
	return monitor_confine(false);
}

static int confine_as_supervisor(void)
{
	return supervisor_confine(false);
}

static int confine_as_fsd(void)
{
	unsigned applied;

	return confine_parent(&applied);
}

static int confine_as_importer(void)
{
	struct store s = {.dir = world.store_fd};

	return confine_importer(&s, -1);
}

static int confine_as_unpacker(void)
{
	return confine_unpacker(-1, world.tree_fd, false);
}

static int confine_as_fsd_worker(void)
{
	return confine_worker(&world.box.session, false);
}

static int confine_as_netd(void)
{
	unsigned applied;

	return netd_confine_parent(&applied);
}

static int confine_as_netd_worker(void)
{
	return netd_confine_worker(false);
}

static const struct role {
	const char *name;
	int (*confine)(void);
} roles[] = {
    {"monitor", confine_as_monitor},
    {"supervisor", confine_as_supervisor},
    {"fsd", confine_as_fsd},
    {"fsd import", confine_as_importer},
    {"fsd unpacker", confine_as_unpacker},
    {"fsd worker", confine_as_fsd_worker},
    {"netd", confine_as_netd},
    {"netd worker", confine_as_netd_worker},
};

/* The file that is the role's own to open: workers have their guest's, the others the store's. */
static void choose_own(const struct role *role)
{
	if (role->confine == confine_as_fsd_worker)
		snprintf(world.own, sizeof(world.own), "%s/upper/own", world.box.dir);
	else
		snprintf(world.own, sizeof(world.own), "%s/tree/own", world.store);
}

static char try_as(const struct role *role, const struct row *row)
{
	int status;
	pid_t pid;

	choose_own(role);
	pid = fork();
	if (pid == 0) {
		if (role->confine() < 0)
			_exit(NOT_CONFINED);
		_exit(row->try ? row->try() : outcome(syscall(row->number, 0, 0, 0, 0, 0, 0) >= 0));
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? 'K' : '!';
	return WEXITSTATUS(status) == WORKED ? 'Y' : WEXITSTATUS(status) == FAILED ? 'E' : '?';
}

static char wanted(char answer)
{
	if (answer == 'A')
		return geteuid() == 0 ? 'Y' : 'E';
	return answer != 'S' ? answer : world.signals_kept_in ? 'E' : 'Y';
}

static void every_role_and_call(void **state)
{
	unsigned wrong = 0;

	(void)state;
	if ((sandbox_probe() & (SANDBOX_LANDLOCK | SANDBOX_SECCOMP)) != (SANDBOX_LANDLOCK | SANDBOX_SECCOMP)) {
		print_message("SKIP: this kernel has no Landlock or no seccomp filters\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[ARRAY_LEN(roles) + 1] = "";
		bool right = strlen(rows[i].answers) == ARRAY_LEN(roles);

		for (size_t r = 0; r < ARRAY_LEN(roles) && right; r++)
			got[r] = try_as(&roles[r], &rows[i]);
		for (size_t r = 0; r < ARRAY_LEN(roles) && right; r++)
			right = got[r] == wanted(rows[i].answers[r]);
		print_message("%-44s %s%s%s\n", rows[i].what, got, right ? "" : " instead of ",
		              right ? "" : rows[i].answers);
		wrong += !right;
	}
	assert_int_equal(wrong, 0);
}

static int make_file(int dir, const char *path)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : close(fd);
}

static int setup(void **state)
{
	char path[128];
	int p[2];

	(void)state;
	world.signals_kept_in = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 6;
	snprintf(world.store, sizeof(world.store), "/tmp/carrick-roles-XXXXXX");
	if (!mkdtemp(world.store) || pipe2(p, O_CLOEXEC) < 0)
		return -1;
	world.store_fd = open(world.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(world.store_fd, "tree", 0700) < 0 || mkdirat(world.store_fd, "other", 0700) < 0 ||
	    make_file(world.store_fd, "tree/own") < 0 || make_file(world.store_fd, "other/secret") < 0)
		return -1;
	world.tree_fd = openat(world.store_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(world.other, sizeof(world.other), "%s/other/secret", world.store);
	box_init(&world.box);
	box_open(&world.box);
	snprintf(path, sizeof(path), "%s/upper", world.box.dir);
	if (make_file(world.box.session.mounts[0].layer[0].fd, "own") < 0)
		return -1;
	/* Standard input that is neither terminal nor socket, and a process that is none of ours. */
	if (dup2(p[0], 0) < 0)
		return -1;
	world.other_pid = fork();
	if (world.other_pid == 0)
		for (;;)
			pause();
	return world.other_pid < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(world.other_pid, SIGKILL);
	waitpid(world.other_pid, NULL, 0);
	box_release(&world.box);
	return unlinkat(world.store_fd, "tree/own", 0) < 0 || unlinkat(world.store_fd, "other/secret", 0) < 0 ||
	       unlinkat(world.store_fd, "tree", AT_REMOVEDIR) < 0 ||
	       unlinkat(world.store_fd, "other", AT_REMOVEDIR) < 0 || rmdir(world.store) < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_role_and_call)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
