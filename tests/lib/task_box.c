/* task_box.c: a guest of one process to test system calls in. */
#include "tests/lib/task_box.h"

#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/pid.h"

#define SCRATCH (1u << 20)

void task_box_thread(struct task_box *b, struct task *t, int32_t tid)
{
	*t = (struct task){.guest = &b->guest,
			   .group = &b->group,
			   .cred = &b->cred,
			   .mm = b->task.mm,
			   .files = b->task.files,
			   .refs = 1,
			   .tid = tid};
	list_init(&t->pending.queue);
	list_init(&t->group_link);
}

int task_box_new(struct task_box **out)
{
	struct task_box *b = calloc(1, sizeof(*b));
	int64_t va;

	if (!b || arena_new(64 << 20, &b->guest.arena) != 0)
		return -1;
	pthread_mutex_init(&b->group.lock, NULL);
	waitq_init(&b->group.signal_wait);
	waitq_init(&b->group.child_wait);
	waitq_init(&b->group.exit_wait);
	list_init(&b->group.tasks);
	list_init(&b->group.shared_pending.queue);
	b->group.guest = &b->guest;
	b->group.tgid = 1;
	b->group.refs = 1000;
	for (size_t i = 0; i < ARRAY_LEN(b->group.rlimit); i++)
		b->group.rlimit[i].cur = b->group.rlimit[i].max = 1024;
	b->cred.refs = 1000;
	b->cred.cap_effective = UINT64_MAX;
	task_box_thread(b, &b->task, 1);
	b->group.leader = &b->task;
	if (mm_new(&b->guest, &b->task.mm) != 0 || fd_table_new(&b->task.files) != 0)
		return -1;
	va = mm_map(b->task.mm, 0, SCRATCH, LX_PROT_READ | LX_PROT_WRITE,
		    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS, NULL, 0);
	if (va < 0)
		return -1;
	b->mem = (uint64_t)va;
	*out = b;
	return 0;
}

void task_box_free(struct task_box *b)
{
	fd_table_put(&b->task, b->task.files);
	fs_pts_release(&b->guest);
	if (b->guest.tasks)
		task_table_free(b->guest.tasks);
	mm_put(b->task.mm);
	arena_free(b->guest.arena);
	free(b);
}

int64_t taskbox_call(struct task *t, sys_fn *fn, const uint64_t v[6])
{
	struct sys_args a;

	memcpy(a.v, v, sizeof(a.v));
	return fn(t, &a);
}

uint64_t taskbox_put(struct task_box *b, size_t offset, const void *p, size_t n)
{
	if (copy_to_user(b->task.mm, guest_ptr(b->mem + offset), p, n) < 0)
		return 0;
	return b->mem + offset;
}

void taskbox_get(struct task_box *b, size_t offset, void *p, size_t n)
{
	if (copy_from_user(b->task.mm, p, guest_ptr(b->mem + offset), n) < 0)
		memset(p, 0xee, n);
}

static int64_t transfer(struct task *t, int fd, void *p, size_t n, bool write)
{
	struct file *f = fd_file(t, fd);
	struct uio u;
	int64_t ret;

	if (!f)
		return -LX_EBADF;
	uio_init_kernel(&u, p, n);
	ret = write ? f->ops->write(t, f, &u, &f->pos) : f->ops->read(t, f, &u, &f->pos);
	uio_release(&u);
	file_put(f);
	return ret;
}

int64_t taskbox_read(struct task *t, int fd, void *p, size_t n)
{
	return transfer(t, fd, p, n, false);
}

int64_t taskbox_write(struct task *t, int fd, const void *p, size_t n)
{
	return transfer(t, fd, (void *)(uintptr_t)p, n, true);
}
