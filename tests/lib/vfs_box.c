/* vfs_box.c: a task with a tmpfs for its root. */
#include "tests/lib/vfs_box.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "common/lx/fcntl.h"

void vfs_box_init(struct vfs_box *b)
{
	struct superblock *sb;
	struct mount *m;
	struct path root;

	memset(b, 0, sizeof(*b));
	assert_int_equal(arena_new(256u << 20, &b->guest.arena), 0);
	b->root = (struct cred){.refs = 1000, .cap_permitted = ~0ull, .cap_effective = ~0ull};
	b->user = (struct cred){.refs = 1000,
				.uid = 1000,
				.euid = 1000,
				.suid = 1000,
				.fsuid = 1000,
				.gid = 1000,
				.egid = 1000,
				.sgid = 1000,
				.fsgid = 1000};
	pthread_mutex_init(&b->group.lock, NULL);
	list_init(&b->group.tasks);
	b->group.tgid = 1;
	for (size_t i = 0; i < ARRAY_LEN(b->group.rlimit); i++)
		b->group.rlimit[i].cur = b->group.rlimit[i].max = UINT64_MAX;
	b->group.rlimit[7].cur = 1024;
	b->task.guest = &b->guest;
	b->task.group = &b->group;
	b->task.cred = &b->root;
	assert_int_equal(fs_tmp_mount(&b->guest, "mode=755", &sb), 0);
	assert_int_equal(vfs_mount_root(&b->guest, sb, &m), 0);
	assert_int_equal(vfs_root_path(&b->guest, &root), 0);
	assert_int_equal(fs_context_new(&root, &b->task.fs), 0);
	path_put(&root);
	assert_int_equal(fd_table_new(&b->task.files), 0);
}

void vfs_box_release(struct vfs_box *b)
{
	fd_table_put(&b->task, b->task.files);
	fs_context_put(b->task.fs);
	vfs_unmount_all(&b->guest);
	arena_free(b->guest.arena);
}

void vfs_box_become(struct vfs_box *b, bool root)
{
	b->task.cred = root ? &b->root : &b->user;
}

void vfs_box_second(struct vfs_box *b, struct task *t)
{
	memset(t, 0, sizeof(*t));
	t->guest = &b->guest;
	t->group = &b->group;
	t->cred = b->task.cred;
	t->fs = b->task.fs;
	t->files = b->task.files;
}

int vbox_open(struct vfs_box *b, const char *name, uint32_t flags, uint32_t mode, struct file **out)
{
	return vfs_open(&b->task, LX_AT_FDCWD, name, flags, mode, 0, out);
}

int64_t vbox_write(struct vfs_box *b, struct file *f, const void *data, size_t n, int64_t pos)
{
	union {
		const void *in;
		void *out;
	} p = {data};
	struct uio u;
	int64_t r;

	uio_init_kernel(&u, p.out, n);
	r = f->ops->write(&b->task, f, &u, &pos);
	uio_release(&u);
	return r;
}

int vbox_make(struct vfs_box *b, const char *name, const char *content)
{
	struct file *f;
	int64_t r = vbox_open(b, name, LX_O_WRONLY | LX_O_CREAT | LX_O_TRUNC, 0644, &f);

	if (r < 0)
		return (int)r;
	r = content[0] ? vbox_write(b, f, content, strlen(content), 0) : 0;
	file_put(f);
	return r < 0 ? (int)r : 0;
}

int vbox_stat(struct vfs_box *b, const char *name, bool follow, struct vfs_attr *out)
{
	struct path p;
	int r = path_walk(&b->task, LX_AT_FDCWD, name, follow ? WALK_FOLLOW : 0, &p);

	if (r < 0)
		return r;
	r = vfs_getattr(inode_at(&p), out);
	path_put(&p);
	return r;
}
