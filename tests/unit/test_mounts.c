/* test_mounts.c: containers of the store: binds, volumes, host directories as roots, crash
 * leftovers. */
#include <setjmp.h>
#include <stdarg.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "fsd/images.h"
#include "fsd/import.h"
#include "fsd/mounts.h"
#include "fsd/path.h"
#include "tests/lib/fsd_box.h"
#include "tests/lib/tarbuild.h"

#include <cmocka.h>

static char home[64], outside[64];
static struct store store;
static int host; /* the directory to mount */

static int setup(void **state)
{
	struct fail f = {0};

	(void)state;
	snprintf(home, sizeof(home), "/tmp/carrick-store-XXXXXX");
	snprintf(outside, sizeof(outside), "/tmp/carrick-host-XXXXXX");
	if (!mkdtemp(home) || !mkdtemp(outside))
		return -1;
	umask(0);
	host = open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store_open(&store, home, &f);
}

static int teardown(void **state)
{
	int r = path_remove_contents(store.dir) | path_remove_contents(host);

	(void)state;
	store_close(&store);
	close(host);
	rmdir(home);
	rmdir(outside);
	return r;
}

static void host_file(const char *name, const char *text, mode_t mode)
{
	int fd = openat(host, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void make_image(void)
{
	struct tarbuild t;
	struct import im = {.progress = -1, .reference = "test", .platform = "linux/arm64"};
	struct fail f = {0};

	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "etc/f", S_IFREG | 0644, 0, "image", NULL);
	im.source = tar_end(&t);
	assert_int_equal(import_run(&store, &im, &f), 0);
	close(im.source);
}

/* A session over a container of "test" (or the host directory), in a box whose root is mount i. */
static json_t *open_container(struct fsd_box *b, struct container *c, bool image, const char *binds,
                              const int *fds, unsigned count)
{
	static struct image img;
	struct mounts_request req = {.container = c,
	                             .root_fd = host,
	                             .binds = binds,
	                             .binds_len = strlen(binds),
	                             .bind_fds = fds,
	                             .bind_count = count};
	struct fail f = {0};
	json_t *json;

	if (image) {
		snprintf(c->reference, sizeof(c->reference), "test");
		assert_int_equal(images_find(&store, "test", c->digest, &f), 0);
		assert_int_equal(images_read(&store, c->digest, &img, NULL, NULL), 0);
		req.image = &img;
	}
	assert_int_equal(container_create(&store, c, &f), 0);
	*b = (struct fsd_box){.fd = -1};
	if (mounts_open(&store, &req, &b->session, &json, &f) < 0)
		fail_msg("%s", f.text);
	return json;
}

static int64_t look(struct fsd_box *b, uint64_t dir, const char *name, struct fsd_lookup_rep *rep)
{
	struct fsd_lookup_req req = {.dir = dir, .name = ipc_bytes_of(name)};
	struct ipc_fds none = {.count = 0};

	return fsd_do_lookup(&b->session, &req, rep, &none, &none);
}

static int64_t open_at(struct fsd_box *b, uint64_t node, uint32_t flags, int *fd)
{
	struct ipc_fds none = {.count = 0}, out = {.count = 0};
	struct fsd_open_req req = {node, flags};
	struct fsd_open_rep rep;
	int64_t r = fsd_do_open(&b->session, &req, &rep, &none, &out);

	*fd = r == 0 ? out.fd[0] : -1;
	return r;
}

static int64_t create_at(struct fsd_box *b, uint64_t dir, const char *name, uint32_t mode,
                         uint32_t uid)
{
	struct ipc_fds none = {.count = 0}, out = {.count = 0};
	struct fsd_create_req req = {.dir = dir,
	                             .name = ipc_bytes_of(name),
	                             .open_flags = LX_O_CREAT | LX_O_RDWR,
	                             .mode = mode,
	                             .uid = uid,
	                             .gid = uid};
	struct fsd_create_rep rep;
	int64_t r = fsd_do_create(&b->session, &req, &rep, &none, &out);

	ipc_fds_close(&out);
	return r;
}

static void test_bind_directory(void **state)
{
	struct container c = {.remove = true};
	struct fsd_lookup_rep rep;
	struct fsd_box b;
	struct stat st;
	uint64_t root;
	json_t *json;
	int fd;

	(void)state;
	make_image();
	host_file("shared", "one", 0644);
	assert_int_equal(symlinkat("/etc/passwd", host, "link"), 0);
	json = open_container(&b, &c, true, "[{\"target\":\"/mnt\",\"readonly\":false}]", &host, 1);
	root = (uint64_t)json_integer_value(json_object_get(json_array_get(json, 0), "node"));
	json_decref(json);
	assert_int_equal(look(&b, root, "shared", &rep), 0);
	assert_int_equal(rep.attr.size, 3);
	assert_int_equal(rep.attr.uid, 0); /* the user's own files are root's in the guest */
	assert_int_equal(look(&b, root, "link", &rep), 0);
	assert_int_equal(rep.attr.mode & S_IFMT, S_IFLNK);
	/* The host may change it at any time. */
	host_file("later", "x", 0600);
	assert_int_equal(look(&b, root, "later", &rep), 0);
	assert_int_equal(rep.attr.mode, S_IFREG | 0600);
	assert_int_equal(renameat(host, "later", host, "shared"), 0);
	assert_int_equal(look(&b, root, "shared", &rep), 0);
	assert_int_equal(rep.attr.size, 1);
	assert_int_equal(look(&b, root, "later", &rep), -LX_ENOENT);
	assert_int_equal(unlinkat(host, "shared", 0), 0);
	assert_int_equal(look(&b, root, "shared", &rep), -LX_ENOENT);
	/* What the guest makes is the host's to see, with the guest's mode. */
	assert_int_equal(create_at(&b, root, "made", 0751, 0), 0);
	assert_int_equal(fstatat(host, "made", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(create_at(&b, root, "other", 0600, 4711), 0);
	assert_int_equal(look(&b, root, "other", &rep), 0);
	assert_int_equal(rep.attr.uid, 4711);
	assert_int_equal(open_at(&b, rep.node, LX_O_WRONLY, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	close(fd);
	session_release(&b.session);
	container_done(&store, &c);
}

static void test_bind_read_only_and_file(void **state)
{
	struct container c = {.remove = true};
	struct fsd_lookup_rep rep;
	struct fsd_setattr_req set = {.mask = 8, .size = 0};
	struct fsd_setattr_rep set_rep;
	struct ipc_fds none = {.count = 0};
	struct fsd_box b;
	uint64_t dir, file;
	json_t *json;
	int fds[2], fd;

	(void)state;
	make_image();
	host_file("f", "text", 0644);
	fds[0] = host;
	fds[1] = openat(host, "f", O_PATH | O_CLOEXEC);
	json = open_container(
	    &b, &c, true,
	    "[{\"target\":\"/mnt\",\"readonly\":true},{\"target\":\"/v\",\"volume\":\"data\"},"
	    "{\"target\":\"/f\",\"readonly\":false}]",
	    fds, 2);
	close(fds[1]);
	dir = (uint64_t)json_integer_value(json_object_get(json_array_get(json, 0), "node"));
	file = (uint64_t)json_integer_value(json_object_get(json_array_get(json, 2), "node"));
	json_decref(json);
	assert_int_equal(create_at(&b, dir, "new", 0644, 0), -LX_EROFS);
	assert_int_equal(look(&b, dir, "f", &rep), 0);
	assert_int_equal(open_at(&b, rep.node, LX_O_RDWR, &fd), -LX_EROFS);
	assert_int_equal(open_at(&b, rep.node, LX_O_RDONLY, &fd), 0);
	close(fd);
	assert_int_equal(open_at(&b, file, LX_O_RDWR, &fd), 0);
	assert_int_equal(write(fd, "TEXT!", 5), 5);
	close(fd);
	set.node = file;
	assert_int_equal(fsd_do_setattr(&b.session, &set, &set_rep, &none, &none), 0);
	assert_int_equal(set_rep.attr.size, 0);
	assert_int_equal(look(&b, file, "x", &rep), -LX_ENOTDIR);
	session_release(&b.session);
	container_done(&store, &c);
}

static void test_volume_persists(void **state)
{
	(void)state;
	make_image();
	for (int i = 0; i < 2; i++) {
		struct container c = {.remove = true};
		struct fsd_lookup_rep rep;
		struct fsd_box b;
		json_t *json = open_container(&b, &c, true,
		                              "[{\"target\":\"/v\",\"volume\":\"data\"}]", NULL, 0);
		uint64_t root =
		    (uint64_t)json_integer_value(json_object_get(json_array_get(json, 0), "node"));

		json_decref(json);
		assert_int_equal(create_at(&b, root, "kept", 0604, 7), 0);
		assert_int_equal(look(&b, root, "kept", &rep), 0);
		assert_int_equal(rep.attr.uid, 7);
		assert_int_equal(rep.attr.mode, S_IFREG | 0604);
		session_release(&b.session);
		container_done(&store, &c);
	}
}

/* Two guests with one volume see each other's files, also an open one that the other unlinks. */
static void test_volume_shared(void **state)
{
	static const char binds[] = "[{\"target\":\"/v\",\"volume\":\"data\"}]";
	struct container c[2] = {{.remove = true}, {.remove = true}};
	struct fsd_lookup_rep rep;
	struct fsd_unlink_rep un_rep;
	struct ipc_fds none = {.count = 0};
	struct fsd_unlink_req un = {.name = ipc_bytes_of("f")};
	struct fsd_box b[2];
	uint64_t root = 0;
	int fd;

	(void)state;
	make_image();
	for (int i = 0; i < 2; i++) {
		json_t *json = open_container(&b[i], &c[i], true, binds, NULL, 0);

		root =
		    (uint64_t)json_integer_value(json_object_get(json_array_get(json, 0), "node"));
		json_decref(json);
		if (i)
			break;
		assert_int_equal(create_at(&b[0], root, "f", 0644, 0), 0);
		assert_int_equal(look(&b[0], root, "f", &rep), 0);
		assert_int_equal(open_at(&b[0], rep.node, LX_O_RDWR, &fd), 0);
		un.dir = root;
		assert_int_equal(fsd_do_unlink(&b[0].session, &un, &un_rep, &none, &none), 0);
		assert_int_equal(create_at(&b[0], root, "g", 0644, 0), 0);
	}
	/* The second session's start left the first one's hidden file alone. */
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(look(&b[1], root, "g", &rep), 0);
	un.name = ipc_bytes_of("g");
	un.dir = root;
	assert_int_equal(fsd_do_unlink(&b[1].session, &un, &un_rep, &none, &none), 0);
	assert_int_equal(look(&b[0], root, "g", &rep), -LX_ENOENT);
	assert_int_equal(create_at(&b[1], root, "g", 0600, 9), 0);
	assert_int_equal(look(&b[0], root, "g", &rep), 0);
	assert_int_equal(rep.attr.uid, 9);
	for (int i = 0; i < 2; i++) {
		session_release(&b[i].session);
		container_done(&store, &c[i]);
	}
}

static void test_host_root(void **state)
{
	struct container c = {.remove = true};
	struct fsd_lookup_rep rep;
	struct fsd_box b;
	struct stat st;
	char buf[64];

	(void)state;
	host_file("prog", "#!", 0755);
	assert_int_equal(mkfifoat(host, "fifo", 0600), 0);
	json_decref(open_container(&b, &c, false, "[]", NULL, 0));
	assert_int_equal(look(&b, 1, "prog", &rep), 0);
	assert_int_equal(rep.attr.mode, S_IFREG | 0755);
	assert_int_equal(look(&b, 1, "fifo", &rep), 0); /* no whiteout, there */
	assert_int_equal(rep.attr.mode & S_IFMT, S_IFIFO);
	assert_int_equal(box_write(&b, "prog", 0, "changed"), 7);
	assert_int_equal(box_unlink(&b, "fifo"), 0);
	assert_int_equal(box_list(&b, "", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "f:prog ");
	assert_int_equal(fstatat(host, "prog", &st, 0), 0);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(fstatat(host, "fifo", &st, 0), 0);
	session_release(&b.session);
	container_done(&store, &c);
}

static void test_containers(void **state)
{
	struct container a = {.name = "web", .dir = -1}, twin = {.name = "web", .dir = -1},
	                 again = {.dir = -1};
	struct fail f = {0};
	struct fsd_box b;
	json_t *list;

	(void)state;
	make_image();
	json_decref(open_container(&b, &a, true, "[]", NULL, 0));
	assert_int_equal(container_create(&store, &twin, &f), -LX_EEXIST);
	assert_int_equal(box_write(&b, "etc/f", 0, "mine!"), 5);
	assert_int_equal(container_remove(&store, "web", &f), -LX_EBUSY);
	list = json_array();
	assert_int_equal(images_remove(&store, "test", false, list, &f), -LX_EBUSY);
	json_decref(list);
	session_release(&b.session);
	container_done(&store, &a);
	/* Taken up again by its id: the same upper. */
	memcpy(again.name, a.id, sizeof(a.id));
	json_decref(open_container(&b, &again, true, "[]", NULL, 0));
	{
		char buf[64];

		assert_int_equal(box_read(&b, "etc/f", buf, sizeof(buf)), 5);
		assert_string_equal(buf, "mine!");
	}
	session_release(&b.session);
	container_done(&store, &again);
	assert_int_equal(container_remove(&store, "web", &f), 0);
	store_sweep(&store);
	list = container_list(&store);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

/* What a crash may leave is gone after the next start; what is whole stays. */
static void test_leftovers(void **state)
{
	char stage[33];
	struct store again;
	struct fail f = {0};
	struct container c = {.remove = true};
	struct fsd_box b;
	int fd;

	(void)state;
	make_image();
	json_decref(open_container(&b, &c, true, "[]", NULL, 0));
	session_release(&b.session);
	close(c.dir); /* its worker and parent died */
	assert_int_equal(mkdirat(store.containers, "incomplete", 0700), 0);
	assert_int_equal(mkdirat(store.tmp, "leftover", 0700), 0);
	assert_int_equal(path_make_dirs(store.tmp, "leftover/a/b/c"), 0);
	assert_int_equal(path_write_file(store.tmp, "file", "x", 1, false), 0);
	assert_int_equal(store_stage(&store, stage, &fd), 0); /* an import under way */
	assert_int_equal(store_open(&again, home, &f), 0);
	assert_int_equal(faccessat(store.tmp, stage, F_OK, 0), 0);
	assert_int_equal(faccessat(store.tmp, "leftover", F_OK, 0), -1);
	assert_int_equal(faccessat(store.tmp, "file", F_OK, 0), -1);
	assert_int_equal(faccessat(store.containers, "incomplete", F_OK, 0), -1);
	assert_int_equal(faccessat(store.containers, c.id, F_OK, 0), -1);
	assert_int_equal(images_find(&again, "test", c.digest, &f), 0);
	close(fd);
	store_sweep(&again);
	assert_int_equal(faccessat(store.tmp, stage, F_OK, 0), -1);
	store_close(&again);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_bind_directory),  TEST(test_bind_read_only_and_file),
	    TEST(test_volume_persists), TEST(test_volume_shared),
	    TEST(test_host_root),       TEST(test_containers),
	    TEST(test_leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
