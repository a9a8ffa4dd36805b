/*
 * hostile.c: calls the calls about files with arguments that nobody means: wrong descriptors, bad
 * and half-bad addresses, odd names, flags at random.  Each round is a child of its own, in a
 * directory of its own; the parent reports children that died of anything but their alarm.
 *
 * usage: hostile SEED ROUNDS
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALLS    1500

static uint64_t state;
static char buffers[8][8192];
static char *edge; /* the next page is not mapped */

static const char *const names[] = {
	"a",    "b",     "d",     "d/e",  "l/x",  "..",	 ".",	  "",	      "/",	 "/tmp/z/a",
	"a/",   "b/..",  "////",  "\xff", "fifo", "l",	 "d/../a", "/dev/null", "/dev/shm/q", "/dev/tty",
	"/proc/self/fd/3", "/proc/self/exe", "/proc/self/root/tmp/z/a", "/proc/self/cwd/d", "d/e/f/g",
};

static const long calls[] = {
	SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_getxattr, SYS_fgetxattr, SYS_listxattr,
	SYS_removexattr, SYS_getcwd, SYS_dup, SYS_dup3, SYS_fcntl, SYS_ioctl, SYS_flock, SYS_mknodat,
	SYS_mkdirat, SYS_unlinkat, SYS_symlinkat, SYS_linkat, SYS_renameat, SYS_statfs, SYS_fstatfs,
	SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_faccessat, SYS_chdir, SYS_fchdir, SYS_fchmod,
	SYS_fchmodat, SYS_fchownat, SYS_fchown, SYS_openat, SYS_openat, SYS_openat, SYS_close,
	SYS_pipe2, SYS_getdents64, SYS_lseek, SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64,
	SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_sendfile, SYS_vmsplice, SYS_splice, SYS_tee,
	SYS_readlinkat, SYS_newfstatat, SYS_fstat, SYS_fsync, SYS_fdatasync, SYS_sync_file_range,
	SYS_utimensat, SYS_umask, SYS_readahead, SYS_fadvise64, SYS_name_to_handle_at, SYS_syncfs,
	SYS_renameat2, SYS_copy_file_range, SYS_preadv2, SYS_pwritev2, SYS_statx, SYS_close_range,
	SYS_openat2, SYS_faccessat2, SYS_mount, SYS_umount2, SYS_memfd_create,
};

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t a_name(void)
{
	return (uintptr_t)names[next() % COUNT(names)];
}

static uint64_t a_buffer(void)
{
	return (uintptr_t)buffers[next() % COUNT(buffers)] + (next() % 2 ? next() % 8000 : 0);
}

static uint64_t a_descriptor(void)
{
	return next() % 8 ? 3 + next() % 10 : next() % 2 ? (uint64_t)AT_FDCWD : next();
}

static uint64_t anything(void)
{
	switch (next() % 10) {
	case 0:
	case 1:
		return a_descriptor();
	case 2:
	case 3:
		return a_name();
	case 4:
		return a_buffer();
	case 5:
		return (uintptr_t)edge + 4096 - next() % 40;
	case 6:
		return (uint64_t)1 << next() % 64;
	case 7:
		return next() & next() & next() & 0x7fffff;
	case 8:
		return next() % 5000;
	default:
		return next() % 3 ? -(next() % 200) : next();
	}
}

/* Makes the arguments of some calls likely enough to get somewhere. */
static void shape(long nr, uint64_t a[6])
{
	switch (nr) {
	case SYS_openat:
		a[0] = (uint64_t)AT_FDCWD;
		a[1] = a_name();
		a[2] = (next() & next() & 0xffffff) | O_NONBLOCK;
		a[3] = 0700 | (next() & 07777);
		break;
	case SYS_read:
	case SYS_write:
	case SYS_pread64:
	case SYS_pwrite64:
	case SYS_getdents64:
		a[0] = a_descriptor();
		a[1] = a_buffer();
		a[2] = next() % 9000;
		a[3] = next() % 20000;
		break;
	case SYS_mkdirat:
	case SYS_unlinkat:
	case SYS_faccessat:
	case SYS_fchmodat:
	case SYS_newfstatat:
	case SYS_readlinkat:
	case SYS_utimensat:
	case SYS_statx:
		a[0] = (uint64_t)AT_FDCWD;
		a[1] = a_name();
		break;
	case SYS_renameat2:
	case SYS_renameat:
	case SYS_linkat:
		a[0] = a[2] = (uint64_t)AT_FDCWD;
		a[1] = a_name();
		a[3] = a_name();
		a[4] = next() % 8;
		break;
	case SYS_mount:
		a[0] = (uintptr_t) "none";
		a[1] = (uintptr_t) "d";
		a[2] = (uintptr_t)(next() % 2 ? "tmpfs" : "proc");
		a[3] = next() % 3 ? 0 : next() & 0xffff;
		a[4] = (uintptr_t) "size=1m";
		break;
	case SYS_umount2:
		a[0] = (uintptr_t) "d";
		a[1] = next() % 3;
		break;
	default:
		break;
	}
}

static void round_of_calls(void)
{
	int p[2];

	alarm(3);
	for (int i = 1; i < 32; i++) {
		if (i != SIGKILL && i != SIGSTOP && i != SIGALRM && i != SIGSEGV && i != SIGBUS)
			signal(i, SIG_IGN);
	}
	(void)!symlink("d", "l");
	(void)!mkfifo("fifo", 0666);
	(void)!mkdir("d", 0755);
	(void)!open(".", O_RDONLY | O_DIRECTORY);
	(void)!open("a", O_RDWR | O_CREAT, 0666);
	(void)!open("/dev/shm/q", O_RDWR | O_CREAT, 0600);
	(void)!pipe(p);
	for (int i = 0; i < CALLS; i++) {
		long nr = calls[next() % COUNT(calls)];
		uint64_t a[6];

		for (int k = 0; k < 6; k++)
			a[k] = anything();
		if (next() % 3)
			shape(nr, a);
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int rounds = argc > 2 ? atoi(argv[2]) : 4, bad = 0;

	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	(void)!mkdir("/tmp", 0777);
	(void)!mkdir("/tmp/z", 0777);
	for (int i = 0; i < rounds; i++) {
		int status;
		pid_t child;

		(void)!chdir("/tmp/z");
		child = fork();
		if (child == 0) {
			state = seed * 7919 + (uint64_t)i * 104729 + 1;
			for (int fd = 0; fd < 3; fd++)
				close(fd);
			for (int fd = 0; fd < 3; fd++)
				(void)!open("/dev/null", O_RDWR);
			round_of_calls();
		}
		waitpid(child, &status, 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM)
			bad++;
	}
	printf("bad=%d\n", bad);
	return 0;
}
