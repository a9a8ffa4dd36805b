/*
 * test_store.c: references, and a store whose writers are killed at any moment: what its index
 * names is whole, and nothing else is left after the next start.  And the translations that are
 * kept for an image as long as that is there.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "fsd/images.h"
#include "fsd/import.h"
#include "fsd/path.h"
#include "fsd/translations.h"
#include "tests/lib/tarbuild.h"

#include <cmocka.h>

static void test_references(void **state)
{
	static const struct {
		const char *text, *full, *shown;
	} good[] = {
	    {"debian", "docker.io/library/debian:latest", "debian:latest"},
	    {"debian:12", "docker.io/library/debian:12", "debian:12"},
	    {"user/app:v1.2-x_y", "docker.io/user/app:v1.2-x_y", "user/app:v1.2-x_y"},
	    {"docker.io/library/a:b", "docker.io/library/a:b", "a:b"},
	    {"localhost/a", "localhost/a:latest", "localhost/a:latest"},
	    {"localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b:c"},
	    {"ghcr.io/o/n", "ghcr.io/o/n:latest", "ghcr.io/o/n:latest"},
	};
	static const char *const bad[] = {
	    "",   ":",  "a:",   ":b",          "A",    "a//b",  "/a",        "a/",   "a b",
	    "-a", "a-", "a:-x", "a@sha256:12", "../a", "a:b:c", "host.x:1/", "a\nb",
	};
	struct reference r;
	const char *hex;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(reference_parse(good[i].text, strlen(good[i].text), &r), 0);
		assert_string_equal(r.full, good[i].full);
		assert_string_equal(reference_short(r.full), good[i].shown);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (reference_parse(bad[i], strlen(bad[i]), &r) == 0)
			fail_msg("accepted \"%s\"", bad[i]);
	assert_true(reference_is_id("sha256:0123abcd", &hex));
	assert_string_equal(hex, "0123abcd");
	assert_false(reference_is_id("012", &hex));
	assert_false(reference_is_id("xyz0123", &hex));
}

static int make_archive(unsigned seed)
{
	struct tarbuild t;
	char name[32], text[32];

	tar_begin(&t, TAR_GZIP);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d%u/f%u", i % 7, i);
		snprintf(text, sizeof(text), "%u-%u", seed, i);
		tar_add(&t, name, S_IFREG | 0644, i, text, NULL);
	}
	return tar_end(&t);
}

/* Everything that the index names can be opened. */
static unsigned check_whole(struct store *s)
{
	json_t *index = store_read_index(s), *entry;
	unsigned count = 0;
	size_t i;

	assert_non_null(index);
	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		struct image img;

		assert_int_equal(images_read(s, json_string_value(json_object_get(entry, "digest")),
		                             &img, NULL, NULL),
		                 0);
		for (unsigned l = 0; l < img.layer_count; l++) {
			int fd = store_open_layer(s, img.diff_ids[l]);

			assert_true(fd >= 0);
			close(fd);
		}
		count++;
	}
	json_decref(index);
	return count;
}

static bool is_empty(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	bool empty = true;

	for (struct dirent *e; (e = readdir(d));)
		empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return empty;
}

static NORETURN void work(const char *home, int archive, unsigned round)
{
	struct store s;
	struct fail f = {{0}};
	struct import im = {
	    .source = archive, .progress = -1, .reference = "x", .platform = "linux/arm64"};
	json_t *done = json_array();
	char name[32];

	snprintf(name, sizeof(name), "image:%u", round % 3);
	im.reference = name;
	setpgid(0, 0);
	if (store_open(&s, home, &f) < 0 || import_run(&s, &im, &f) < 0 ||
	    images_tag(&s, name, "other", &f) < 0)
		_exit(1);
	if (round % 2 && images_remove(&s, name, true, done, &f) < 0)
		_exit(1);
	store_sweep(&s);
	_exit(0);
}

static void test_killed_writers(void **state)
{
	char home[] = "/tmp/carrick-store-XXXXXX";
	unsigned finished = 0, killed = 0;
	struct store s;
	struct fail f = {{0}};

	(void)state;
	assert_non_null(mkdtemp(home));
	for (unsigned round = 0; round < 40; round++) {
		int archive = make_archive(round), status;
		pid_t pid = fork();

		if (pid == 0)
			work(home, archive, round);
		setpgid(pid, pid);
		usleep(round * round * 250);
		kill(-pid, SIGKILL); /* with the process that unpacks */
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFSIGNALED(status))
			killed++;
		else if (WEXITSTATUS(status) == 0)
			finished++;
		close(archive);
		assert_int_equal(store_open(&s, home, &f), 0);
		check_whole(&s);
		/* The unpacking process may hold its lock until it has died as well. */
		for (int i = 0; i < 500 && !is_empty(s.tmp); i++) {
			usleep(10000);
			store_sweep(&s);
		}
		assert_true(is_empty(s.tmp));
		store_close(&s);
	}
	assert_true(killed > 0);
	print_message("%u finished, %u killed\n", finished, killed);
	assert_int_equal(store_open(&s, home, &f), 0);
	assert_int_equal(path_remove_contents(s.dir), 0);
	store_close(&s);
	rmdir(home);
}

/* Two services on one store, each with its own imports. */
static void test_two_writers(void **state)
{
	char home[] = "/tmp/carrick-store-XXXXXX", name[32];
	struct store s;
	struct fail f = {{0}};
	pid_t pid[4];
	int status;

	(void)state;
	assert_non_null(mkdtemp(home));
	for (unsigned i = 0; i < ARRAY_LEN(pid); i++) {
		int archive = make_archive(i / 2);

		pid[i] = fork();
		if (pid[i] == 0) {
			struct import im = {.source = archive,
			                    .progress = -1,
			                    .reference = name,
			                    .platform = "linux/arm64"};

			snprintf(name, sizeof(name), "writer:%u", i);
			_exit(store_open(&s, home, &f) < 0 || import_run(&s, &im, &f) < 0);
		}
		close(archive);
	}
	for (unsigned i = 0; i < ARRAY_LEN(pid); i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_open(&s, home, &f), 0);
	assert_int_equal(check_whole(&s), 4);
	assert_int_equal(path_remove_contents(s.dir), 0);
	store_close(&s);
	rmdir(home);
}

static void put_translations(struct store *s, const char *digest, const char *text, int expected)
{
	int fd = memfd_create("translations", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(translations_replace(s, digest, fd), expected);
	close(fd);
}

static void test_translations(void **state)
{
	static const char nobodys[] =
	    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char home[] = "/tmp/carrick-store-XXXXXX", buf[16] = "";
	struct import im = {.progress = -1, .reference = "x:1", .platform = "linux/arm64"};
	json_t *done = json_array();
	struct fail f = {{0}};
	uint64_t size = 0;
	struct store s;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(home));
	im.source = make_archive(0);
	assert_int_equal(store_open(&s, home, &f), 0);
	assert_int_equal(import_run(&s, &im, &f), 0);
	close(im.source);

	assert_int_equal(translations_open(&s, im.digest, &size), -LX_ENOENT);
	put_translations(&s, im.digest, "first", 0);
	put_translations(&s, im.digest, "second", 0);
	put_translations(&s, nobodys, "x", -LX_ENOENT);
	put_translations(&s, "../index.json", "x", -LX_EINVAL);
	fd = translations_open(&s, im.digest, &size);
	assert_true(fd >= 0);
	assert_int_equal(size, 6);
	assert_int_equal(read(fd, buf, sizeof(buf)), 6);
	assert_string_equal(buf, "second");
	assert_true(write(fd, "x", 1) < 0);
	close(fd);

	assert_int_equal(images_remove(&s, "x:1", true, done, &f), 0);
	json_decref(done);
	assert_int_equal(translations_open(&s, im.digest, &size), -LX_ENOENT);
	store_sweep(&s);
	assert_true(is_empty(s.tmp));
	assert_int_equal(path_remove_contents(s.dir), 0);
	store_close(&s);
	rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_killed_writers),
	    cmocka_unit_test(test_two_writers),
	    cmocka_unit_test(test_translations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
