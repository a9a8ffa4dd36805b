/*
 * test_remote.c: files that live in fsd, through the vfs: a real server on a thread, with and
 * without donated descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/namei.h"
#include "tests/lib/fsd_serve.h"
#include "tests/lib/vfs_box.h"

#include <cmocka.h>

static struct vfs_box box;
static struct fsd_served *served;
#define T (&box.task)

static void start(bool strict)
{
	struct superblock *sb;
	struct path root;

	vfs_box_init(&box);
	fs_context_put(box.task.fs);
	vfs_unmount_all(&box.guest);
	served = fsd_serve_start(strict);
	box.guest.fsd = fsd_serve_client(served);
	box.guest.fsd_bulk = fsd_serve_bulk(served);
	assert_int_equal(fs_remote_mount(&box.guest, 1, false, &sb), 0);
	assert_int_equal(vfs_mount_root(&box.guest, sb, &(struct mount *){NULL}), 0);
	assert_int_equal(vfs_root_path(&box.guest, &root), 0);
	assert_int_equal(fs_context_new(&root, &box.task.fs), 0);
	path_put(&root);
}

static int setup_direct(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int setup_strict(void **state)
{
	(void)state;
	start(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_box_release(&box);
	fsd_serve_stop(served);
	return 0;
}

static void assert_content(const char *name, const char *text)
{
	char buf[256];
	struct file *f;
	int64_t n;

	assert_int_equal(vbox_open(&box, name, LX_O_RDONLY, 0, &f), 0);
	n = vfs_read_kernel(f, buf, sizeof(buf) - 1, 0);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
	file_put(f);
}

static void reading(void **state)
{
	struct vfs_attr attr;
	struct file *f;
	char *buf = malloc(1u << 20);

	(void)state;
	assert_content("/etc/passwd", "root:x:0:0\n");
	assert_content("/link/passwd", "root:x:0:0\n");
	assert_content("/etc/passwd", "root:x:0:0\n");
	assert_int_equal(vbox_stat(&box, "/bin/sh", true, &attr), 0);
	assert_int_equal(attr.mode, LX_S_IFREG | 0755);
	assert_int_equal(attr.size, 3);
	assert_int_equal(vbox_stat(&box, "/none", true, &attr), -LX_ENOENT);
	assert_int_equal(vbox_open(&box, "/big", LX_O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_read_kernel(f, buf, 1u << 20, 0), 1u << 20);
	for (unsigned i = 0; i < 1u << 20; i++) {
		if (buf[i] != (char)((i * 7 & 0x3f) + 33))
			fail_msg("byte %u", i);
	}
	assert_int_equal(vfs_read_kernel(f, buf, 100, (1 << 20) - 10), 10);
	file_put(f);
	free(buf);
}

static void writing_copies_up(void **state)
{
	struct file *rd, *wr;
	struct vfs_attr attr;
	char buf[16];

	(void)state;
	/* A reader that was there before the copy-up sees what is written after it. */
	assert_int_equal(vbox_open(&box, "/etc/passwd", LX_O_RDONLY, 0, &rd), 0);
	assert_int_equal(vbox_open(&box, "/etc/passwd", LX_O_RDWR, 0, &wr), 0);
	assert_int_equal(vbox_write(&box, wr, "ROOT", 4, 0), 4);
	assert_int_equal(vfs_read_kernel(rd, buf, 5, 0), 5);
	assert_memory_equal(buf, "ROOT:", 5);
	wr->flags |= LX_O_APPEND;
	assert_int_equal(vbox_write(&box, wr, "more\n", 5, 0), 5);
	file_put(wr);
	file_put(rd);
	assert_content("/etc/passwd", "ROOT:x:0:0\nmore\n");
	assert_int_equal(vbox_stat(&box, "/etc/passwd", true, &attr), 0);
	assert_int_equal(attr.size, 16);
	assert_int_equal(vbox_open(&box, "/etc/passwd", LX_O_WRONLY | LX_O_TRUNC, 0, &wr), 0);
	file_put(wr);
	assert_content("/etc/passwd", "");
}

static void making_and_removing(void **state)
{
	struct vfs_attr attr, other;
	struct file *f;

	(void)state;
	assert_int_equal(vfs_mkdir(T, LX_AT_FDCWD, "/new", 0755), 0);
	assert_int_equal(vbox_make(&box, "/new/f", "content"), 0);
	assert_content("/new/f", "content");
	assert_int_equal(vfs_symlink(T, "f", LX_AT_FDCWD, "/new/s"), 0);
	assert_content("/new/s", "content");
	assert_int_equal(vfs_mknod(T, LX_AT_FDCWD, "/new/p", LX_S_IFIFO | 0600, 0, NULL), 0);
	assert_int_equal(vbox_stat(&box, "/new/p", true, &attr), 0);
	assert_true(LX_S_ISFIFO(attr.mode));
	assert_int_equal(vbox_open(&box, "/new/f", LX_O_RDWR, 0, &f), 0);
	assert_int_equal(vfs_link(T, &f->path, LX_AT_FDCWD, "/new/h"), 0);
	assert_int_equal(vbox_stat(&box, "/new/f", true, &attr), 0);
	assert_int_equal(vbox_stat(&box, "/new/h", true, &other), 0);
	assert_int_equal(attr.ino, other.ino);
	assert_int_equal(other.nlink, 2);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/new/f"), 0);
	assert_content("/new/h", "content");
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/new/h"), 0);
	/* Still open, and usable. */
	assert_int_equal(vbox_write(&box, f, "C", 1, 0), 1);
	assert_int_equal(vfs_getattr(f->inode, &attr), 0);
	assert_int_equal(attr.nlink, 0);
	assert_int_equal(attr.size, 7);
	file_put(f);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/new"), -LX_ENOTEMPTY);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/new/s"), 0);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/new/p"), 0);
	assert_int_equal(vfs_rmdir(T, LX_AT_FDCWD, "/new"), 0);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/bin/sh"), 0);
	assert_int_equal(vbox_stat(&box, "/bin/sh", true, &attr), -LX_ENOENT);
}

static void renaming(void **state)
{
	struct vfs_attr a, b;

	(void)state;
	assert_int_equal(vbox_stat(&box, "/etc/passwd", true, &a), 0);
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/etc/passwd", LX_AT_FDCWD, "/bin/sh", 0), 0);
	assert_int_equal(vbox_stat(&box, "/etc/passwd", true, &b), -LX_ENOENT);
	assert_content("/bin/sh", "root:x:0:0\n");
	assert_int_equal(vfs_rename(T, LX_AT_FDCWD, "/bin", LX_AT_FDCWD, "/etc/bin", 0), 0);
	assert_content("/etc/bin/sh", "root:x:0:0\n");
}

static void attributes(void **state)
{
	struct vfs_attr attr = {.mode = 0600, .uid = 12, .gid = 34, .mtime = 1000000000, .size = 4};
	struct path p;

	(void)state;
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/etc/passwd", WALK_FOLLOW, &p), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_MODE | VFS_SET_UID | VFS_SET_GID, &attr, NULL), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_SIZE, &attr, NULL), 0);
	assert_int_equal(vfs_setattr(T, &p, VFS_SET_MTIME, &attr, NULL), 0);
	path_put(&p);
	assert_int_equal(vbox_stat(&box, "/etc/passwd", true, &attr), 0);
	assert_int_equal(attr.mode, LX_S_IFREG | 0600);
	assert_int_equal(attr.uid, 12);
	assert_int_equal(attr.gid, 34);
	assert_int_equal(attr.size, 4);
	assert_int_equal(attr.mtime, 1000000000);
	assert_content("/etc/passwd", "root");
}

struct listing {
	unsigned count;
	char last[256];
};

static bool count_entry(void *opaque, const char *name, size_t len, uint64_t ino, uint8_t type,
			uint64_t next_pos)
{
	struct listing *l = opaque;

	(void)ino;
	(void)type;
	(void)next_pos;
	memcpy(l->last, name, len);
	l->last[len] = '\0';
	l->count++;
	return true;
}

static unsigned entries(const char *name)
{
	struct listing l = {0};
	struct file *f;

	assert_int_equal(vbox_open(&box, name, LX_O_RDONLY | LX_O_DIRECTORY, 0, &f), 0);
	f->pos = 2;
	assert_int_equal(f->ops->readdir(T, f, count_entry, &l), 0);
	file_put(f);
	return l.count;
}

static void listing(void **state)
{
	struct path p;

	(void)state;
	assert_int_equal(entries("/many"), 300);
	assert_int_equal(vfs_unlink(T, LX_AT_FDCWD, "/many/7"), 0);
	assert_int_equal(entries("/many"), 299);
	assert_int_equal(vbox_make(&box, "/many/new", ""), 0);
	assert_int_equal(entries("/many"), 300);
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/many/7", 0, &p), -LX_ENOENT);
}

static void extended_attributes(void **state)
{
	struct path p;
	char buf[64];

	(void)state;
	assert_int_equal(path_walk(T, LX_AT_FDCWD, "/etc/passwd", WALK_FOLLOW, &p), 0);
	assert_int_equal(inode_at(&p)->ops->setxattr(inode_at(&p), "user.x", "value", 5, 0), 0);
	assert_int_equal(inode_at(&p)->ops->getxattr(inode_at(&p), "user.x", NULL, 0), 5);
	assert_int_equal(inode_at(&p)->ops->getxattr(inode_at(&p), "user.x", buf, 3), -LX_ERANGE);
	assert_int_equal(inode_at(&p)->ops->getxattr(inode_at(&p), "user.x", buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "value", 5);
	assert_int_equal(inode_at(&p)->ops->getxattr(inode_at(&p), "user.y", buf, sizeof(buf)), -LX_ENODATA);
	assert_int_equal(inode_at(&p)->ops->listxattr(inode_at(&p), buf, sizeof(buf)), 7);
	assert_int_equal(inode_at(&p)->ops->removexattr(inode_at(&p), "user.x"), 0);
	path_put(&p);
}

/* More open files, one after another, than handles are kept. */
static void handles_are_bounded(void **state)
{
	char name[32];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 300; i++) {
			struct file *f;

			snprintf(name, sizeof(name), "/many/%d", i);
			assert_int_equal(vbox_open(&box, name, round == 1 ? LX_O_RDWR : LX_O_RDONLY, 0, &f), 0);
			file_put(f);
		}
		dentry_set_limit(100);
		dentry_shrink();
	}
	dentry_set_limit(49152);
}

static void mapped_files_stay_coherent(void **state)
{
	struct pagecache *pc;
	struct file *f;
	uint64_t pa;
	char buf[16];

	(void)state;
	assert_int_equal(vbox_open(&box, "/etc/passwd", LX_O_RDWR, 0, &f), 0);
	assert_int_equal(f->ops->mapping(f, &pc), 0);
	assert_int_equal(pagecache_get_page(pc, 0, &pa), 0);
	assert_memory_equal(frame_host(box.guest.arena, pa), "root:x:0:0\n", 11);
	assert_int_equal(vbox_write(&box, f, "ROOT", 4, 0), 4);
	assert_memory_equal(frame_host(box.guest.arena, pa), "ROOT:x:0:0\n", 11);
	assert_int_equal(vbox_write(&box, f, "tail", 4, 4096), 4);
	assert_int_equal(vfs_read_kernel(f, buf, 4, 4096), 4);
	assert_memory_equal(buf, "tail", 4);
	assert_int_equal(vfs_read_kernel(f, buf, 4, 2000), 4);
	assert_memory_equal(buf, "\0\0\0\0", 4);
	assert_int_equal(f->inode->size, 4100);
	frame_put(box.guest.arena, pa);
	assert_int_equal(f->ops->fsync(f, true), 0);
	file_put(f);
	assert_int_equal(vbox_open(&box, "/etc/passwd", LX_O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_read_kernel(f, buf, 5, 0), 5);
	assert_memory_equal(buf, "ROOT:", 5);
	file_put(f);
}

#define BOTH(f)                                                          \
	{#f " direct", f, setup_direct, teardown, NULL}, {               \
		#f " strict", f, setup_strict, teardown, NULL            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(reading),		    BOTH(writing_copies_up),
		BOTH(making_and_removing),  BOTH(renaming),
		BOTH(attributes),	    BOTH(listing),
		BOTH(extended_attributes),  BOTH(handles_are_bounded),
		BOTH(mapped_files_stay_coherent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
