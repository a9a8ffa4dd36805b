/* test_walk.c: path resolution, opening, and permissions, on a tmpfs. */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/statfs.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/mount.h"
#include "supervisor/vfs/namei.h"
#include "tests/lib/vfs_box.h"

#include <cmocka.h>

static struct vfs_box box;
#define T (&box.task)

static int setup(void **state)
{
	(void)state;
	vfs_box_init(&box);
	assert_int_equal(vfs_mkdir(T, LX_AT_FDCWD, "/a", 0755), 0);
	assert_int_equal(vfs_mkdir(T, LX_AT_FDCWD, "/a/b", 0755), 0);
	assert_int_equal(vbox_make(&box, "/a/f", "hello"), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_box_release(&box);
	return 0;
}

static int walk(const char *name, uint32_t flags)
{
	struct path p;
	int r = path_walk(T, LX_AT_FDCWD, name, flags, &p);

	if (r == 0)
		path_put(&p);
	return r;
}

static void assert_name(const char *walked, const char *expected)
{
	struct path p;
	char *name;

	assert_int_equal(path_walk(T, LX_AT_FDCWD, walked, WALK_FOLLOW, &p), 0);
	assert_int_equal(path_name(T, &p, &name), 0);
	assert_string_equal(name, expected);
	free(name);
	path_put(&p);
}

static void plain_paths(void **state)
{
	(void)state;
	assert_name("/", "/");
	assert_name("/a/b", "/a/b");
	assert_name("//a///b//", "/a/b");
	assert_name("/a/./b/../f", "/a/f");
	assert_name("/../../a", "/a");
	assert_int_equal(walk("/a/x", 0), -LX_ENOENT);
	assert_int_equal(walk("/a/x", 0), -LX_ENOENT); /* now from the cache */
	assert_int_equal(walk("/a/f/x", 0), -LX_ENOTDIR);
	assert_int_equal(walk("/a/f/", 0), -LX_ENOTDIR);
	assert_int_equal(walk("/a/f/.", 0), -LX_ENOTDIR);
	assert_int_equal(walk("", 0), -LX_ENOENT);
	assert_int_equal(walk("", WALK_EMPTY), 0);
	assert_int_equal(walk("/a/f", WALK_DIRECTORY), -LX_ENOTDIR);
}

static void long_and_odd_names(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[256] = '\0';
	assert_int_equal(vbox_make(&box, name, ""), 0);
	assert_int_equal(walk(name, 0), 0);
	name[256] = 'x';
	name[257] = '\0';
	assert_int_equal(walk(name, 0), -LX_ENAMETOOLONG);
	assert_int_equal(vbox_make(&box, name, ""), -LX_ENAMETOOLONG);
	assert_int_equal(vbox_make(&box, "/\xff\x80 \n", "odd"), 0);
	assert_int_equal(walk("/\xff\x80 \n", 0), 0);
}

static void symbolic_links(void **state)
{
	struct vfs_attr attr;

	(void)state;
	assert_int_equal(vfs_symlink(T, "a", LX_AT_FDCWD, "/l"), 0);
	assert_int_equal(vfs_symlink(T, "../a/f", LX_AT_FDCWD, "/a/lf"), 0);
	assert_int_equal(vfs_symlink(T, "/a/lf", LX_AT_FDCWD, "/abs"), 0);
	assert_int_equal(vfs_symlink(T, "nowhere", LX_AT_FDCWD, "/dangling"), 0);
	assert_int_equal(vfs_symlink(T, "loop2", LX_AT_FDCWD, "/loop1"), 0);
	assert_int_equal(vfs_symlink(T, "loop1", LX_AT_FDCWD, "/loop2"), 0);
	assert_name("/l/f", "/a/f");
	assert_name("/l", "/a");
	assert_name("/abs", "/a/f");
	assert_int_equal(vbox_stat(&box, "/l", false, &attr), 0);
	assert_true(LX_S_ISLNK(attr.mode));
	assert_int_equal(attr.size, 1);
	assert_int_equal(vbox_stat(&box, "/l/", false, &attr), 0);
	assert_true(LX_S_ISDIR(attr.mode));
	assert_int_equal(walk("/dangling", WALK_FOLLOW), -LX_ENOENT);
	assert_int_equal(walk("/dangling", 0), 0);
	assert_int_equal(walk("/loop1", WALK_FOLLOW), -LX_ELOOP);
	assert_int_equal(walk("/abs/", 0), -LX_ENOTDIR);
	assert_int_equal(walk("/l", WALK_FOLLOW | WALK_NO_LINKS), -LX_ELOOP);
}

static void forty_links_are_the_limit(void **state)
{
	char name[16], target[16];

	(void)state;
	assert_int_equal(vfs_symlink(T, "/a/f", LX_AT_FDCWD, "/c0"), 0);
	for (int i = 1; i <= 40; i++) {
		snprintf(name, sizeof(name), "/c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		assert_int_equal(vfs_symlink(T, target, LX_AT_FDCWD, name), 0);
	}
	assert_int_equal(walk("/c39", WALK_FOLLOW), 0);
	assert_int_equal(walk("/c40", WALK_FOLLOW), -LX_ELOOP);
}

static void creating(void **state)
{
	struct file *f;
	struct vfs_attr attr;

	(void)state;
	assert_int_equal(vbox_open(&box, "/n", LX_O_RDWR | LX_O_CREAT | LX_O_EXCL, 0666, &f), 0);
	file_put(f);
	assert_int_equal(vbox_stat(&box, "/n", true, &attr), 0);
	assert_int_equal(attr.mode, LX_S_IFREG | 0644);
	assert_int_equal(vbox_open(&box, "/n", LX_O_RDWR | LX_O_CREAT | LX_O_EXCL, 0666, &f), -LX_EEXIST);
	assert_int_equal(vbox_open(&box, "/a", LX_O_RDONLY | LX_O_CREAT, 0666, &f), -LX_EISDIR);
	assert_int_equal(vbox_open(&box, "/q/", LX_O_RDWR | LX_O_CREAT, 0666, &f), -LX_EISDIR);
	assert_int_equal(vbox_open(&box, "/no/q", LX_O_RDWR | LX_O_CREAT, 0666, &f), -LX_ENOENT);
	assert_int_equal(vbox_open(&box, "/a", LX_O_WRONLY, 0, &f), -LX_EISDIR);
	assert_int_equal(vbox_open(&box, "/n", LX_O_RDONLY | LX_O_DIRECTORY, 0, &f), -LX_ENOTDIR);
	/* Through a dangling link the target is made; with O_EXCL the link is in the way. */
	assert_int_equal(vfs_symlink(T, "made", LX_AT_FDCWD, "/dl"), 0);
	assert_int_equal(vbox_open(&box, "/dl", LX_O_RDWR | LX_O_CREAT | LX_O_EXCL, 0600, &f), -LX_EEXIST);
	assert_int_equal(vbox_open(&box, "/dl", LX_O_RDWR | LX_O_NOFOLLOW, 0, &f), -LX_ELOOP);
	assert_int_equal(vbox_open(&box, "/dl", LX_O_RDWR | LX_O_CREAT, 0600, &f), 0);
	file_put(f);
	assert_int_equal(walk("/made", 0), 0);
}

static void truncating_and_contents(void **state)
{
	struct vfs_attr attr;
	struct file *f;
	char buf[16];

	(void)state;
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_read_kernel(f, buf, sizeof(buf), 0), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(vfs_read_kernel(f, buf, sizeof(buf), 3), 2);
	file_put(f);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_WRONLY | LX_O_TRUNC, 0, &f), 0);
	file_put(f);
	assert_int_equal(vbox_stat(&box, "/a/f", true, &attr), 0);
	assert_int_equal(attr.size, 0);
}

static void permissions(void **state)
{
	struct file *f;

	(void)state;
	assert_int_equal(vfs_mkdir(T, LX_AT_FDCWD, "/secret", 0700), 0);
	assert_int_equal(vbox_make(&box, "/secret/s", "x"), 0);
	vfs_box_become(&box, false);
	assert_int_equal(walk("/secret", 0), 0);
	assert_int_equal(walk("/secret/s", 0), -LX_EACCES);
	assert_int_equal(walk("/secret/none", 0), -LX_EACCES);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_RDONLY, 0, &f), 0);
	file_put(f);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_WRONLY, 0, &f), -LX_EACCES);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_RDONLY | LX_O_TRUNC, 0, &f), -LX_EACCES);
	assert_int_equal(vbox_make(&box, "/a/new", ""), -LX_EACCES);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/f"), -LX_EACCES);
	vfs_box_become(&box, true);
}

static void sticky_directories(void **state)
{
	struct vfs_attr attr = {.mode = 01777};
	struct path p;

	(void)state;
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a", 0, &p), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_MODE, &attr, NULL), 0);
	path_put(&p);
	vfs_box_become(&box, false);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/f"), -LX_EPERM);
	assert_int_equal(vbox_make(&box, "/a/mine", ""), 0);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a/f", LX_AT_FDCWD, "/a/g", 0), -LX_EPERM);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/mine"), 0);
	vfs_box_become(&box, true);
}

static void set_id_bits_go(void **state)
{
	struct vfs_attr attr = {.mode = 06755, .uid = 1000, .gid = 1000};
	struct path p;

	(void)state;
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a/f", 0, &p), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_MODE, &attr, NULL), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_UID | VFS_SET_GID, &attr, NULL), 0);
	path_put(&p);
	assert_int_equal(vbox_stat(&box, "/a/f", true, &attr), 0);
	assert_int_equal(attr.mode, LX_S_IFREG | 0755);
	assert_int_equal(attr.uid, 1000);
}

static void mounts(void **state)
{
	struct superblock *sb;
	struct path at, p;
	struct mount *m;
	struct vfs_attr under, over;

	(void)state;
	assert_int_equal(vbox_stat(&box, "/a/b", true, &under), 0);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a/b", WALK_FOLLOW, &at), 0);
	assert_int_equal(fs_tmp_mount(&box.guest, "size=1m", &sb), 0);
	assert_int_equal(vfs_mount_at(&box.guest, &at, sb, 0, "tmpfs"), 0);
	path_put(&at);
	assert_int_equal(vbox_make(&box, "/a/b/inner", "x"), 0);
	assert_name("/a/b/inner", "/a/b/inner");
	assert_name("/a/b/..", "/a");
	assert_int_equal(vbox_stat(&box, "/a/b", true, &over), 0);
	assert_int_not_equal(under.ino, over.ino);
	assert_int_equal(walk("/a/b/inner", WALK_NO_XDEV), -LX_EXDEV);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/b"), -LX_EBUSY);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a/b/inner", LX_AT_FDCWD, "/out", 0), -LX_EXDEV);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a/b", WALK_FOLLOW, &p), 0);
	m = mount_get(p.mnt);
	assert_int_equal(mount_detach(m, false), -LX_EBUSY);
	path_put(&p);
	assert_int_equal(mount_detach(m, false), 0);
	mount_put(m);
	assert_int_equal(walk("/a/b/inner", 0), -LX_ENOENT);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/b"), 0);
}

static void binds_and_read_only(void **state)
{
	struct path from, at;
	struct file *f;

	(void)state;
	assert_int_equal(vfs_mkdir(T, LX_AT_FDCWD, "/view", 0755), 0);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a", WALK_FOLLOW, &from), 0);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/view", WALK_FOLLOW, &at), 0);
	assert_int_equal(mount_bind(&from, &at, false), 0);
	path_put(&from);
	path_put(&at);
	assert_name("/view/f", "/view/f");
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/view", WALK_FOLLOW, &at), 0);
	assert_int_equal(mount_remount(at.mnt, LX_MS_RDONLY), 0);
	path_put(&at);
	assert_int_equal(vbox_open(&box, "/view/f", LX_O_WRONLY, 0, &f), -LX_EROFS);
	assert_int_equal(vbox_make(&box, "/view/new", ""), -LX_EROFS);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/view/f"), -LX_EROFS);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_WRONLY, 0, &f), 0);
	file_put(f);
}

static void chroot_confines(void **state)
{
	struct path p, old;

	(void)state;
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a", WALK_FOLLOW, &p), 0);
	old = T->fs->root;
	T->fs->root = p;
	assert_name("/f", "/f");
	assert_name("/../../f", "/f");
	assert_int_equal(walk("/a", 0), -LX_ENOENT);
	T->fs->root = old;
	path_put(&p);
}

static void beneath(void **state)
{
	struct file *f;
	int fd;
	struct path p;

	(void)state;
	assert_int_equal(vfs_symlink(T, "/a/f", LX_AT_FDCWD, "/a/abs"), 0);
	assert_int_equal(vfs_symlink(T, "..", LX_AT_FDCWD, "/a/up"), 0);
	assert_int_equal(vbox_open(&box, "/a", LX_O_RDONLY | LX_O_DIRECTORY, 0, &f), 0);
	fd = (int)fd_install(T, f, 0, false);
	assert_true(fd >= 0);
	assert_int_equal(path_walk(T, fd, "f", WALK_BENEATH, &p), 0);
	path_put(&p);
	assert_int_equal(path_walk(T, fd, "../a/f", WALK_BENEATH, &p), -LX_EXDEV);
	assert_int_equal(path_walk(T, fd, "/a/f", WALK_BENEATH, &p), -LX_EXDEV);
	assert_int_equal(path_walk(T, fd, "abs", WALK_BENEATH | WALK_FOLLOW, &p), -LX_EXDEV);
	assert_int_equal(path_walk(T, fd, "up/a/f", WALK_BENEATH, &p), -LX_EXDEV);
	assert_int_equal(path_walk(T, fd, "/f", WALK_IN_ROOT, &p), 0);
	path_put(&p);
	assert_int_equal(path_walk(T, fd, "../../f", WALK_IN_ROOT, &p), 0);
	path_put(&p);
	assert_int_equal(path_walk(T, fd, "abs", WALK_IN_ROOT | WALK_FOLLOW, &p), -LX_ENOENT);
	assert_int_equal(fd_close(T, fd), 0);
}

static void renaming(void **state)
{
	struct vfs_attr one, two;

	(void)state;
	assert_int_equal(vbox_make(&box, "/r1", "1"), 0);
	assert_int_equal(vbox_make(&box, "/r2", "22"), 0);
	assert_int_equal(vbox_stat(&box, "/r1", true, &one), 0);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/r1", LX_AT_FDCWD, "/r2", LX_RENAME_NOREPLACE),
			 -LX_EEXIST);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/r1", LX_AT_FDCWD, "/r2", LX_RENAME_EXCHANGE), 0);
	assert_int_equal(vbox_stat(&box, "/r2", true, &two), 0);
	assert_int_equal(one.ino, two.ino);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/r2", LX_AT_FDCWD, "/a/b/r3", 0), 0);
	assert_int_equal(walk("/r2", 0), -LX_ENOENT);
	assert_int_equal(vbox_stat(&box, "/a/b/r3", true, &two), 0);
	assert_int_equal(one.ino, two.ino);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a", LX_AT_FDCWD, "/a/b/c", 0), -LX_EINVAL);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a/b", LX_AT_FDCWD, "/a", 0), -LX_ENOTEMPTY);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a/b", LX_AT_FDCWD, "/r1", 0), -LX_ENOTDIR);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/r1", LX_AT_FDCWD, "/a/b", 0), -LX_EISDIR);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/a/.", LX_AT_FDCWD, "/z", 0), -LX_EBUSY);
	assert_name("/a/b/../b/r3", "/a/b/r3");
}

static void removing(void **state)
{
	struct file *f;
	char *name;

	(void)state;
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/f"), -LX_ENOTDIR);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/b"), -LX_EISDIR);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a"), -LX_ENOTEMPTY);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/b/."), -LX_EINVAL);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/b/.."), -LX_ENOTEMPTY);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/"), -LX_EBUSY);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/f"), 0);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/a/f"), -LX_ENOENT);
	assert_int_equal(path_name(T, &f->path, &name), 0);
	assert_string_equal(name, "/a/f (deleted)");
	free(name);
	assert_int_equal(f->inode->nlink, 0);
	file_put(f);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a/b/"), 0);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/a"), 0);
}

static void executables_cannot_be_written(void **state)
{
	struct vfs_attr attr = {.mode = 0755};
	struct file *x, *f;
	struct path p;

	(void)state;
	assert_int_equal(vfs_open_exec(T, LX_AT_FDCWD, "/a/f", WALK_FOLLOW, &x), -LX_EACCES);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/a/f", 0, &p), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_MODE, &attr, NULL), 0);
	path_put(&p);
	assert_int_equal(vfs_open_exec(T, LX_AT_FDCWD, "/a/f", WALK_FOLLOW, &x), 0);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_WRONLY, 0, &f), -LX_ETXTBSY);
	file_put(x);
	assert_int_equal(vbox_open(&box, "/a/f", LX_O_WRONLY, 0, &f), 0);
	assert_int_equal(vfs_open_exec(T, LX_AT_FDCWD, "/a/f", WALK_FOLLOW, &x), -LX_ETXTBSY);
	file_put(f);
	assert_int_equal(vfs_open_exec(T, LX_AT_FDCWD, "/a", WALK_FOLLOW, &x), -LX_EACCES);
}

static void unnamed_files(void **state)
{
	struct file *f;
	struct path p;

	(void)state;
	assert_int_equal(vbox_open(&box, "/a", LX_O_TMPFILE | LX_O_RDWR, 0600, &f), 0);
	assert_int_equal(f->inode->nlink, 0);
	p = f->path;
	assert_int_equal(vfs_link(T, &p, LX_AT_FDCWD, "/a/named"), 0);
	assert_int_equal(f->inode->nlink, 1);
	file_put(f);
	assert_int_equal(walk("/a/named", 0), 0);
}

static void the_cache_is_bounded(void **state)
{
	char name[32];
	struct vfs_attr attr;

	(void)state;
	dentry_set_limit(200);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "/a/b/%d", i);
		if (i % 2)
			assert_int_equal(vbox_make(&box, name, "x"), 0);
		else
			assert_int_equal(walk(name, 0), -LX_ENOENT);
	}
	assert_true(dentry_count() <= 600);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "/a/b/%d", i);
		assert_int_equal(vbox_stat(&box, name, true, &attr), i % 2 ? 0 : -LX_ENOENT);
	}
	dentry_set_limit(49152);
}

struct racer {
	pthread_t thread;
	struct task task;
	int seed;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct path p;
	char from[32], to[32];

	for (int i = 0; i < 2000; i++) {
		struct file *f;

		snprintf(from, sizeof(from), "/a/%d", (i + r->seed) % 7);
		snprintf(to, sizeof(to), "/a/b/%d", (i * 3 + r->seed) % 5);
		if (vfs_open(&r->task, LX_AT_FDCWD, from, LX_O_CREAT | LX_O_RDWR, 0644, 0, &f) == 0)
			file_put(f);
		(void)!vfs_rename(&r->task, LX_AT_FDCWD, from, LX_AT_FDCWD, to, 0);
		if (path_walk(&r->task, LX_AT_FDCWD, to, 0, &p) == 0) {
			char *name;

			if (path_name(&r->task, &p, &name) == 0)
				free(name);
			path_put(&p);
		}
		(void)!vfs_unlink(&r->task, LX_AT_FDCWD, i % 2 ? to : from);
		if (i % 16 == r->seed) {
			(void)!vfs_mkdir(&r->task, LX_AT_FDCWD, "/a/d", 0755);
			(void)!vfs_rename(&r->task, LX_AT_FDCWD, "/a/d", LX_AT_FDCWD, "/a/b/d", 0);
			(void)!vfs_rmdir(&r->task, LX_AT_FDCWD, "/a/b/d");
		}
	}
	return NULL;
}

static void threads_race(void **state)
{
	struct racer r[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		vfs_box_second(&box, &r[i].task);
		r[i].seed = i;
		assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(r[i].thread, NULL);
	assert_name("/a/b", "/a/b");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_paths),
		TEST(long_and_odd_names),
		TEST(symbolic_links),
		TEST(forty_links_are_the_limit),
		TEST(creating),
		TEST(truncating_and_contents),
		TEST(permissions),
		TEST(sticky_directories),
		TEST(set_id_bits_go),
		TEST(mounts),
		TEST(binds_and_read_only),
		TEST(chroot_confines),
		TEST(beneath),
		TEST(renaming),
		TEST(removing),
		TEST(executables_cannot_be_written),
		TEST(unnamed_files),
		TEST(the_cache_is_bounded),
		TEST(threads_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
