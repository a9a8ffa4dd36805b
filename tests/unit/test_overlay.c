/* test_overlay.c: layers, whiteouts, copy-up, renames and handles of a session, case by case. */
#include <setjmp.h>
#include <stdarg.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "tests/lib/fsd_box.h"

#include <cmocka.h>

static void make(struct fsd_box *b, const char *path, const char *text)
{
	uint64_t h;

	assert_int_equal(
	    box_open_file(b, path, LX_O_CREAT | LX_O_EXCL | LX_O_WRONLY, 0644, &h, NULL), 0);
	assert_int_equal(box_close_file(b, h), 0);
	if (*text)
		assert_int_equal(box_write(b, path, 0, text), (int64_t)strlen(text));
}

static void check_text(struct fsd_box *b, const char *path, const char *text)
{
	char buf[4096] = "";

	assert_true(box_read(b, path, buf, sizeof(buf)) >= 0);
	assert_string_equal(buf, text);
}

static void check_list(struct fsd_box *b, const char *path, const char *list)
{
	char buf[8192];

	assert_int_equal(box_list(b, path, buf, sizeof(buf)), 0);
	assert_string_equal(buf, list);
}

/* One layer below with a directory, files and a hard link; an empty upper. */
static void setup(struct fsd_box *b)
{
	box_init(b);
	box_open(b);
	assert_int_equal(box_mkdir(b, "d", 0755), 0);
	assert_int_equal(box_mkdir(b, "d/e", 0755), 0);
	make(b, "d/f", "lower");
	make(b, "d/e/g", "deep");
	make(b, "a", "one");
	assert_int_equal(box_link(b, "a", "b"), 0);
	assert_int_equal(box_symlink(b, "d/f", "s", 0), 0);
	box_seal(b);
	box_open(b);
}

static void reopen(struct fsd_box *b)
{
	box_close(b);
	box_open(b);
}

static void test_reads_lower(void **state)
{
	struct fsd_box b;
	struct ipc_attr attr;
	char buf[4096];

	(void)state;
	setup(&b);
	check_list(&b, "", "f:a f:b d:d l:s ");
	check_text(&b, "d/f", "lower");
	assert_int_equal(box_readlink(&b, "s", buf), 0);
	assert_string_equal(buf, "d/f");
	assert_int_equal(box_stat(&b, "a", &attr), 0);
	assert_int_equal(attr.nlink, 2);
	assert_int_equal(attr.mode, S_IFREG | 0644);
	assert_int_equal(box_stat(&b, "nothing", &attr), -LX_ENOENT);
	assert_int_equal(box_stat(&b, "a/x", &attr), -LX_ENOTDIR);
	box_release(&b);
}

static void test_copy_up_keeps_identity(void **state)
{
	struct fsd_box b;
	struct ipc_attr before, after, dir_before, dir_after;

	(void)state;
	setup(&b);
	assert_int_equal(box_stat(&b, "d/f", &before), 0);
	assert_int_equal(box_stat(&b, "d", &dir_before), 0);
	assert_int_equal(box_write(&b, "d/f", 0, "UPPER"), 5);
	assert_int_equal(box_stat(&b, "d/f", &after), 0);
	assert_int_equal(box_stat(&b, "d", &dir_after), 0);
	assert_int_equal(before.ino, after.ino);
	assert_int_equal(dir_before.ino, dir_after.ino);
	assert_int_equal(dir_before.mtime, dir_after.mtime);
	reopen(&b);
	check_text(&b, "d/f", "UPPER");
	assert_int_equal(box_stat(&b, "d/f", &after), 0);
	assert_int_equal(before.ino, after.ino);
	check_list(&b, "d", "d:e f:f ");
	box_release(&b);
}

static void test_hard_link_across_copy_up(void **state)
{
	struct fsd_box b;
	struct ipc_attr a, c;

	(void)state;
	setup(&b);
	assert_int_equal(box_write(&b, "a", 0, "ONE!"), 4);
	check_text(&b, "b", "ONE!");
	assert_int_equal(box_stat(&b, "a", &a), 0);
	assert_int_equal(box_stat(&b, "b", &c), 0);
	assert_int_equal(a.ino, c.ino);
	assert_int_equal(a.nlink, 2);
	reopen(&b);
	check_text(&b, "b", "ONE!");
	assert_int_equal(box_link(&b, "b", "d/c"), 0);
	assert_int_equal(box_stat(&b, "a", &a), 0);
	assert_int_equal(a.nlink, 3);
	assert_int_equal(box_unlink(&b, "a"), 0);
	reopen(&b);
	assert_int_equal(box_stat(&b, "a", &a), -LX_ENOENT);
	assert_int_equal(box_stat(&b, "d/c", &a), 0);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(box_rename(&b, "b", "moved", 0), 0);
	assert_int_equal(box_write(&b, "moved", 0, "TWO!"), 4);
	check_text(&b, "d/c", "TWO!");
	box_release(&b);
}

static void test_whiteouts(void **state)
{
	struct fsd_box b;
	struct ipc_attr attr;

	(void)state;
	setup(&b);
	assert_int_equal(box_unlink(&b, "d/f"), 0);
	check_list(&b, "d", "d:e ");
	assert_int_equal(box_rmdir(&b, "d"), -LX_ENOTEMPTY);
	assert_int_equal(box_unlink(&b, "d/e/g"), 0);
	assert_int_equal(box_rmdir(&b, "d/e"), 0);
	assert_int_equal(box_rmdir(&b, "d"), 0);
	reopen(&b);
	assert_int_equal(box_stat(&b, "d", &attr), -LX_ENOENT);
	check_list(&b, "", "f:a f:b l:s ");
	/* A new directory of the same name shows nothing of the old one. */
	assert_int_equal(box_mkdir(&b, "d", 0700), 0);
	check_list(&b, "d", "");
	make(&b, "d/f", "new");
	reopen(&b);
	check_list(&b, "d", "f:f ");
	check_text(&b, "d/f", "new");
	box_release(&b);
}

static void test_rename_lower_directory(void **state)
{
	struct fsd_box b;
	struct ipc_attr before, after;

	(void)state;
	setup(&b);
	assert_int_equal(box_stat(&b, "d", &before), 0);
	assert_int_equal(box_rename(&b, "d", "x", 0), 0);
	check_text(&b, "x/f", "lower");
	check_list(&b, "x", "d:e f:f ");
	assert_int_equal(box_rename(&b, "x/e", "e", 0), 0);
	check_text(&b, "e/g", "deep");
	check_list(&b, "x", "f:f ");
	reopen(&b);
	check_list(&b, "", "f:a f:b d:e l:s d:x ");
	check_text(&b, "e/g", "deep");
	check_text(&b, "x/f", "lower");
	assert_int_equal(box_stat(&b, "x", &after), 0);
	assert_int_equal(before.ino, after.ino);
	assert_int_equal(box_write(&b, "x/f", 0, "LOWER"), 5);
	assert_int_equal(box_mkdir(&b, "d", 0755), 0);
	check_list(&b, "d", "");
	reopen(&b);
	check_list(&b, "d", "");
	check_text(&b, "x/f", "LOWER");
	box_release(&b);
}

static void test_rename_rules(void **state)
{
	struct fsd_box b;

	(void)state;
	setup(&b);
	make(&b, "n", "n");
	assert_int_equal(box_rename(&b, "d", "d/e/x", 0), -LX_EINVAL);
	assert_int_equal(box_rename(&b, "a", "d", 0), -LX_EISDIR);
	assert_int_equal(box_rename(&b, "d", "a", 0), -LX_ENOTDIR);
	assert_int_equal(box_rename(&b, "d/e", "d", 0), -LX_ENOTEMPTY);
	assert_int_equal(box_rename(&b, "n", "a", 1), -LX_EEXIST);
	assert_int_equal(box_rename(&b, "n", "gone", 2), -LX_ENOENT);
	assert_int_equal(box_rename(&b, "a", "b", 0), 0); /* two names of one file */
	check_list(&b, "", "f:a f:b d:d f:n l:s ");
	assert_int_equal(box_rename(&b, "n", "d/e", 2), 0);
	check_list(&b, "n", "f:g ");
	check_text(&b, "d/e", "n");
	reopen(&b);
	check_text(&b, "n/g", "deep");
	check_text(&b, "d/e", "n");
	box_release(&b);
}

static void test_open_unlinked(void **state)
{
	struct fsd_box b;
	struct fsd_write_req req = {.data = ipc_bytes_of("still here")};
	struct fsd_write_rep rep;
	struct ipc_fds none = {.count = 0};
	struct fsd_getattr_req get;
	struct fsd_getattr_rep got;
	uint64_t h;
	int fd;

	(void)state;
	setup(&b);
	make(&b, "t", "");
	assert_int_equal(box_node(&b, "t", &get.node), 0);
	assert_int_equal(box_open_file(&b, "t", LX_O_RDWR, 0, &h, &fd), 0);
	assert_true(fd >= 0);
	assert_int_equal(box_unlink(&b, "t"), 0);
	req.handle = h;
	assert_int_equal(fsd_do_write(&b.session, &req, &rep, &none, &none), 10);
	assert_int_equal(fsd_do_getattr(&b.session, &get, &got, &none, &none), 0);
	assert_int_equal(got.attr.size, 10);
	assert_int_equal(got.attr.nlink, 0);
	make(&b, "t", "other");
	assert_int_equal(box_close_file(&b, h), 0);
	check_text(&b, "t", "other");
	close(fd);
	box_release(&b);
}

static void test_donated_access_mode(void **state)
{
	struct fsd_box b;
	uint64_t h;
	int fd;

	(void)state;
	setup(&b);
	assert_int_equal(box_open_file(&b, "a", LX_O_RDONLY, 0, &h, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	assert_int_equal(box_close_file(&b, h), 0);
	assert_int_equal(box_open_file(&b, "a", LX_O_WRONLY, 0, &h, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	close(fd);
	assert_int_equal(box_close_file(&b, h), 0);
	box_close(&b);
	b.strict = true;
	box_open(&b);
	assert_int_equal(box_open_file(&b, "a", LX_O_RDONLY, 0, &h, &fd), 0);
	assert_int_equal(fd, -1);
	box_release(&b);
}

static void test_special_files_and_owners(void **state)
{
	struct fsd_box b;
	struct ipc_attr attr;
	char buf[4096];

	(void)state;
	setup(&b);
	assert_int_equal(box_mknod(&b, "null", S_IFCHR | 0666, meta_makedev(1, 3)), 0);
	assert_int_equal(box_mknod(&b, "fifo", S_IFIFO | 0600, 0), 0);
	assert_int_equal(box_symlink(&b, "target", "mine", 1000), 0);
	assert_int_equal(box_chown(&b, "s", 7, 8), 0);
	assert_int_equal(box_chown(&b, "d/f", 5, 6), 0);
	assert_int_equal(box_chmod(&b, "d/f", 04755), 0);
	reopen(&b);
	check_list(&b, "", "f:a f:b d:d p:fifo l:mine c:null l:s ");
	assert_int_equal(box_stat(&b, "null", &attr), 0);
	assert_int_equal(attr.mode, S_IFCHR | 0666);
	assert_int_equal(attr.rdev, meta_makedev(1, 3));
	assert_int_equal(box_stat(&b, "mine", &attr), 0);
	assert_int_equal(attr.uid, 1000);
	assert_int_equal(box_readlink(&b, "mine", buf), 0);
	assert_string_equal(buf, "target");
	assert_int_equal(box_stat(&b, "s", &attr), 0);
	assert_int_equal(attr.mode, S_IFLNK | 0777);
	assert_int_equal(attr.gid, 8);
	assert_int_equal(attr.size, 3);
	assert_int_equal(box_stat(&b, "d/f", &attr), 0);
	assert_int_equal(attr.uid, 5);
	assert_int_equal(attr.mode, S_IFREG | 04755);
	box_release(&b);
}

static void test_xattrs(void **state)
{
	struct fsd_box b;
	char buf[256];

	(void)state;
	setup(&b);
	assert_int_equal(box_setxattr(&b, "a", "user.k", "v"), 0);
	assert_int_equal(box_setxattr(&b, "a", "security.capability", "cap"), 0);
	assert_int_equal(box_setxattr(&b, "a", "user.containers.override_stat", "guest's"), 0);
	assert_int_equal(box_setxattr(&b, "a", "system.posix_acl_access", "x"), -LX_EOPNOTSUPP);
	assert_int_equal(box_setxattr(&b, "s", "user.k", "v"), -LX_EPERM);
	reopen(&b);
	assert_int_equal(box_getxattr(&b, "b", "user.k", buf, sizeof(buf)), 1);
	assert_int_equal(box_getxattr(&b, "a", "security.capability", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "cap");
	assert_int_equal(box_getxattr(&b, "a", "user.containers.override_stat", buf, sizeof(buf)),
	                 7);
	assert_string_equal(buf, "guest's");
	assert_int_equal(box_getxattr(&b, "a", "user.none", buf, sizeof(buf)), -LX_ENODATA);
	box_release(&b);
}

static void test_read_only_and_bad_names(void **state)
{
	struct fsd_lookup_req req = {.dir = 1};
	struct fsd_lookup_rep rep;
	struct ipc_fds none = {.count = 0};
	struct fsd_box b;
	uint64_t h;

	(void)state;
	setup(&b);
	req.name = ipc_bytes_of("..");
	assert_int_equal(fsd_do_lookup(&b.session, &req, &rep, &none, &none), -LX_EINVAL);
	req.name = ipc_bytes_of("d/f");
	assert_int_equal(fsd_do_lookup(&b.session, &req, &rep, &none, &none), -LX_EINVAL);
	req.name = ipc_bytes_of("a");
	req.dir = 999;
	assert_int_equal(fsd_do_lookup(&b.session, &req, &rep, &none, &none), -LX_ESTALE);
	assert_int_equal(box_close_file(&b, 12345), -LX_EBADF);
	b.session.mounts[0].readonly = true;
	assert_int_equal(box_mkdir(&b, "new", 0755), -LX_EROFS);
	assert_int_equal(box_unlink(&b, "a"), -LX_EROFS);
	assert_int_equal(box_chmod(&b, "a", 0600), -LX_EROFS);
	assert_int_equal(box_rename(&b, "a", "z", 0), -LX_EROFS);
	assert_int_equal(box_open_file(&b, "a", LX_O_RDWR, 0, &h, NULL), -LX_EROFS);
	assert_int_equal(box_open_file(&b, "a", LX_O_TRUNC, 0, &h, NULL), -LX_EROFS);
	check_text(&b, "a", "one");
	box_release(&b);
}

static void test_deep_tree(void **state)
{
	struct fsd_mkdir_req req = {.dir = 1, .name = ipc_bytes_of("n"), .mode = 0755};
	struct fsd_mkdir_rep rep;
	struct ipc_fds none = {.count = 0};
	struct fsd_box b;

	(void)state;
	setup(&b);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(fsd_do_mkdir(&b.session, &req, &rep, &none, &none), 0);
		session_tidy(&b.session);
		req.dir = rep.node;
	}
	box_release(&b); /* removing it needs few descriptors and little stack */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reads_lower),
	    cmocka_unit_test(test_copy_up_keeps_identity),
	    cmocka_unit_test(test_hard_link_across_copy_up),
	    cmocka_unit_test(test_whiteouts),
	    cmocka_unit_test(test_rename_lower_directory),
	    cmocka_unit_test(test_rename_rules),
	    cmocka_unit_test(test_open_unlinked),
	    cmocka_unit_test(test_donated_access_mode),
	    cmocka_unit_test(test_special_files_and_owners),
	    cmocka_unit_test(test_xattrs),
	    cmocka_unit_test(test_read_only_and_bad_names),
	    cmocka_unit_test(test_deep_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
