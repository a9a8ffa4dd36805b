/*
 * test_overlay_random.c: random operations on a session over two layers, and the same on a plain
 * directory of the host, which is the model: results and trees must be equal, also after the
 * session is opened anew.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/path.h"
#include "tests/lib/fsd_box.h"

#include <cmocka.h>

enum { PATHS = 40 };

struct world {
	struct fsd_box box;
	int model;
	uint64_t seed;
	bool dir_renames; /* layers cannot hold redirects */
	bool links;
};

static uint32_t rnd(struct world *w, uint32_t below)
{
	w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(w->seed >> 33) % below;
}

/* Few names, so that they meet. */
static void random_path(struct world *w, char out[64])
{
	unsigned depth = 1 + rnd(w, 3);

	out[0] = '\0';
	for (unsigned i = 0; i < depth; i++) {
		size_t n = strlen(out);

		snprintf(out + n, 64 - n, "%s%c", i ? "/" : "", 'a' + (int)rnd(w, 4));
	}
}

static int64_t host(int64_t r)
{
	return r < 0 ? plat_errno(errno) : 0;
}

static int64_t model_write(struct world *w, const char *path, uint64_t off, const char *text)
{
	int fd = openat(w->model, path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	int64_t r;

	if (fd < 0)
		return plat_errno(errno);
	r = pwrite(fd, text, strlen(text), (off_t)off);
	close(fd);
	return r;
}

static int64_t model_create(struct world *w, const char *path)
{
	int fd = openat(w->model, path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		return plat_errno(errno);
	close(fd);
	return 0;
}

static int64_t box_create(struct world *w, const char *path)
{
	uint64_t h;
	int64_t r =
	    box_open_file(&w->box, path, LX_O_CREAT | LX_O_EXCL | LX_O_WRONLY, 0644, &h, NULL);

	return r < 0 ? r : box_close_file(&w->box, h);
}

static bool is_dir(struct world *w, const char *path)
{
	struct stat st;

	return fstatat(w->model, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool is_linked(struct world *w, const char *path)
{
	struct stat st;

	return fstatat(w->model, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
	       st.st_nlink > 1;
}

static bool exists(struct world *w, const char *path)
{
	struct stat st;

	return fstatat(w->model, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The host would follow a link on the way; the session is only asked for names. */
static bool through_link(struct world *w, const char *path)
{
	char part[64];
	struct stat st;

	for (size_t i = 0; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (fstatat(w->model, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return true;
	}
	return false;
}

/* One operation on both; the results, for comparison. */
static const char *step(struct world *w, char *a, char *b, int64_t *got, int64_t *want)
{
	unsigned op = rnd(w, 12), flags;
	char text[16];

	random_path(w, a);
	random_path(w, b);
	*got = *want = 0;
	if (through_link(w, a) || through_link(w, b) ||
	    (!w->links && (is_linked(w, a) || is_linked(w, b))))
		return "skipped";
	switch (op) {
	case 0:
	case 1:
		*got = box_create(w, a);
		*want = model_create(w, a);
		return "create";
	case 2:
	case 3:
		*got = box_mkdir(&w->box, a, 0755);
		*want = host(mkdirat(w->model, a, 0755));
		return "mkdir";
	case 4:
		if (is_dir(w, a))
			return "skipped"; /* the host's errno for that is not the guest's business
			                   */
		*got = box_unlink(&w->box, a);
		*want = host(unlinkat(w->model, a, 0));
		return "unlink";
	case 5:
		*got = box_rmdir(&w->box, a);
		*want = host(unlinkat(w->model, a, AT_REMOVEDIR));
		return "rmdir";
	case 6:
	case 7:
		flags = rnd(w, 4) == 0 ? 1 + rnd(w, 2) : 0;
		if (!w->dir_renames && (is_dir(w, a) || is_dir(w, b)))
			return "skipped";
		*got = box_rename(&w->box, a, b, flags);
		*want = plat_rename(w->model, a, w->model, b, flags);
		return flags == 2 ? "exchange" : flags ? "rename noreplace" : "rename";
	case 8:
		if (is_dir(w, a) || !w->links)
			return "skipped";
		*got = box_link(&w->box, a, b);
		*want = host(linkat(w->model, a, w->model, b, 0));
		return "link";
	case 9:
		*got = box_symlink(&w->box, b, a, rnd(w, 2));
		*want = host(symlinkat(b, w->model, a));
		return "symlink";
	default:
		if (is_dir(w, a) || !exists(w, a))
			return "skipped";
		snprintf(text, sizeof(text), "%u", rnd(w, 100000));
		flags = rnd(w, 8);
		*got = box_write(&w->box, a, flags, text);
		*want = model_write(w, a, flags, text);
		if (*want == -LX_ELOOP)
			*want = -LX_ENXIO; /* a symbolic link is no file to open */
		return "write";
	}
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static void compare_file(struct world *w, const char *path, const struct stat *st)
{
	char a[4097] = "", b[4097] = "";
	struct ipc_attr attr;
	ssize_t n = 0;
	int fd;

	assert_int_equal(box_stat(&w->box, path, &attr), 0);
	assert_int_equal(attr.mode & S_IFMT, st->st_mode & S_IFMT);
	if (!S_ISDIR(st->st_mode)) {
		assert_int_equal(attr.nlink, st->st_nlink);
		assert_int_equal(attr.size, st->st_size);
	}
	if (S_ISREG(st->st_mode)) {
		assert_int_equal(attr.mode, st->st_mode);
		fd = openat(w->model, path, O_RDONLY);
		n = read(fd, b, sizeof(b) - 1);
		close(fd);
		assert_int_equal(box_read(&w->box, path, a, sizeof(a)), n);
		assert_memory_equal(a, b, n);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlinkat(w->model, path, b, sizeof(b) - 1);
		assert_true(n >= 0);
		assert_int_equal(box_readlink(&w->box, path, a), 0);
		assert_string_equal(a, b);
	}
}

static void compare_dir(struct world *w, const char *path)
{
	char list[8192], want[8192] = "";
	struct dirent **names;
	int n = scandirat(w->model, *path ? path : ".", &names, NULL, by_name);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		char sub[600], type;
		struct stat st;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "/" : "", names[i]->d_name);
		assert_int_equal(fstatat(w->model, sub, &st, AT_SYMLINK_NOFOLLOW), 0);
		type = S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : 'f';
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%c:%s ", type,
		         names[i]->d_name);
		compare_file(w, sub, &st);
		if (type == 'd')
			compare_dir(w, sub);
	}
	assert_int_equal(box_list(&w->box, path, list, sizeof(list)), 0);
	assert_string_equal(list, want);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* The inode numbers that listings and attributes show agree, and survive a new session. */
static void collect_inos(struct world *w, const char *path, uint64_t *inos, unsigned *count)
{
	char list[8192], *save = NULL;

	assert_int_equal(box_list(&w->box, path, list, sizeof(list)), 0);
	for (char *p = strtok_r(list, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char sub[600];
		struct ipc_attr attr;

		snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "/" : "", p + 2);
		assert_int_equal(box_stat(&w->box, sub, &attr), 0);
		if (*count < 4096)
			inos[(*count)++] = p[0] == 'l' ? 0 : attr.ino;
		if (p[0] == 'd')
			collect_inos(w, sub, inos, count);
	}
}

static void run_steps(struct world *w, unsigned steps)
{
	static uint64_t before[4096], after[4096];
	char a[64], b[64];

	for (unsigned i = 0; i < steps; i++) {
		int64_t got, want;
		const char *name = step(w, a, b, &got, &want);

		session_tidy(&w->box.session);
		/* Which of two bad paths is complained of is the caller's order. */
		if ((got == -LX_ENOENT && want == -LX_ENOTDIR) ||
		    (got == -LX_ENOTDIR && want == -LX_ENOENT))
			got = want;
		if (got != want)
			fail_msg("step %u: %s %s %s: %s, the model says %s", i, name, a, b,
			         lx_errno_name(got), lx_errno_name(want));
		if (i % 50 == 49)
			compare_dir(w, "");
		if (i % 200 == 199) {
			unsigned n = 0, m = 0;

			collect_inos(w, "", before, &n);
			box_close(&w->box);
			box_open(&w->box);
			compare_dir(w, "");
			collect_inos(w, "", after, &m);
			assert_int_equal(n, m);
			assert_memory_equal(before, after, n * sizeof(*before));
		}
	}
}

static void run_seed(uint64_t seed)
{
	struct world w = {.seed = seed};
	char name[] = "/tmp/carrick-model-XXXXXX";

	umask(0);
	box_init(&w.box);
	assert_non_null(mkdtemp(name));
	w.model = open(name, O_RDONLY | O_DIRECTORY);
	box_open(&w.box);
	w.links = true;
	run_steps(&w, 150);
	box_seal(&w.box);
	box_open(&w.box);
	w.links = false;
	run_steps(&w, 150);
	box_seal(&w.box);
	box_open(&w.box);
	w.links = w.dir_renames = true;
	run_steps(&w, 1200);
	box_release(&w.box);
	assert_int_equal(path_remove_contents(w.model), 0);
	close(w.model);
	rmdir(name);
}

static void test_random(void **state)
{
	const char *env = getenv("SEED");
	uint64_t first = env                    ? strtoull(env, NULL, 10)
	                 : getenv("OLD_KERNEL") ? 13
	                                        : 1,
	         last = env                    ? first
	                : getenv("OLD_KERNEL") ? 20
	                                       : 12;

	(void)state;
	for (uint64_t seed = first; seed <= last; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		run_seed(seed);
	}
}

/* Makes the calls that Linux 6.1 lacks, and openat2, fail as they would there. */
static void become_old_kernel(void)
{
#define ABSENT(nr)                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    ABSENT(463),
	    ABSENT(464),
	    ABSENT(465),
	    ABSENT(466),
	    ABSENT(SYS_openat2),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		exit(98);
}

/* The same on a host whose kernel is older. */
static void test_old_kernel(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (getenv("OLD_KERNEL")) {
		print_message("SKIP: this is already the run on the old kernel\n");
		skip();
	}
	pid = fork();
	if (pid == 0) {
		become_old_kernel();
		setenv("OLD_KERNEL", "1", 1);
		execl("/proc/self/exe", "test_overlay_random", (char *)NULL);
		_exit(97);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_old_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
