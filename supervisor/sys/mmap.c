/*
 * mmap.c: the system calls of memory: mapping, protection, advice, locking, residency, and
 * access to another process's memory.  They fetch their arguments and limits; supervisor/mm does
 * the work.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/mman.h"
#include "supervisor/mm/mm.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/vfs.h"
#include "vcpu/pte.h"

/* Tells the address space the process's limits of this moment. */
static struct mm *limited_mm(struct task *t)
{
	uint64_t memlock = task_rlimit(t, LX_RLIMIT_MEMLOCK);

	if (cred_capable(t->cred, LX_CAP_IPC_LOCK))
		memlock = UINT64_MAX;
	mm_set_limits(t->mm, task_rlimit(t, LX_RLIMIT_AS), task_rlimit(t, LX_RLIMIT_DATA),
	              task_rlimit(t, LX_RLIMIT_STACK), memlock);
	return t->mm;
}

int64_t sys_brk(struct task *t, const struct sys_args *a)
{
	return mm_brk(limited_mm(t), a->v[0]);
}

int64_t sys_mmap(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3);
	struct file *file = NULL;
	int64_t ret;

	if (a->v[5] & ~PAGE_MASK)
		return -LX_EINVAL;
	if (!(flags & LX_MAP_ANONYMOUS)) {
		file = fd_file(t, arg_int(a, 4));
		if (!file)
			return -LX_EBADF;
		if (file->flags & LX_O_PATH) {
			file_put(file);
			return -LX_EBADF;
		}
	}
	ret = mm_map(limited_mm(t), a->v[0], a->v[1], arg_u32(a, 2), flags, file, a->v[5]);
	if (file)
		file_put(file);
	return ret;
}

int64_t sys_munmap(struct task *t, const struct sys_args *a)
{
	return mm_unmap(t->mm, a->v[0], a->v[1]);
}

int64_t sys_mremap(struct task *t, const struct sys_args *a)
{
	return mm_remap(limited_mm(t), a->v[0], a->v[1], a->v[2], arg_u32(a, 3), a->v[4]);
}

int64_t sys_mprotect(struct task *t, const struct sys_args *a)
{
	if (a->v[2] > UINT32_MAX)
		return -LX_EINVAL;
	return mm_protect(limited_mm(t), a->v[0], a->v[1], arg_u32(a, 2));
}

int64_t sys_madvise(struct task *t, const struct sys_args *a)
{
	return mm_advise(t->mm, a->v[0], a->v[1], arg_int(a, 2));
}

int64_t sys_msync(struct task *t, const struct sys_args *a)
{
	return mm_sync(t->mm, a->v[0], a->v[1], arg_int(a, 2));
}

int64_t sys_mincore(struct task *t, const struct sys_args *a)
{
	uint64_t addr = a->v[0], len = a->v[1], pages = (len >> 12) + ((len & ~PAGE_MASK) != 0);
	struct guest_ptr out = arg_ptr(a, 2);
	uint8_t vec[512];

	if (addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if (addr >> 48 || len >> 48)
		return -LX_ENOMEM;
	while (pages > 0) {
		uint64_t n = pages < sizeof(vec) ? pages : sizeof(vec);
		int64_t r = mm_residency(t->mm, addr, n, vec);

		if (r < 0)
			return r;
		if (copy_to_user(t->mm, out, vec, n) != 0)
			return -LX_EFAULT;
		pages -= n;
		addr += n << 12;
		out = guest_ptr_add(out, n);
	}
	return 0;
}

/* May the process lock memory at all? */
static bool may_lock(struct task *t)
{
	return task_rlimit(t, LX_RLIMIT_MEMLOCK) != 0 || cred_capable(t->cred, LX_CAP_IPC_LOCK);
}

int64_t sys_mlock(struct task *t, const struct sys_args *a)
{
	if (!may_lock(t))
		return -LX_EPERM;
	return mm_lock(limited_mm(t), a->v[0], a->v[1], true, false);
}

int64_t sys_mlock2(struct task *t, const struct sys_args *a)
{
	if (arg_u32(a, 2) & ~LX_MLOCK_ONFAULT)
		return -LX_EINVAL;
	if (!may_lock(t))
		return -LX_EPERM;
	return mm_lock(limited_mm(t), a->v[0], a->v[1], true, arg_u32(a, 2) & LX_MLOCK_ONFAULT);
}

int64_t sys_munlock(struct task *t, const struct sys_args *a)
{
	return mm_lock(t->mm, a->v[0], a->v[1], false, false);
}

int64_t sys_mlockall(struct task *t, const struct sys_args *a)
{
	int flags = arg_int(a, 0);

	if (flags == 0 || flags == LX_MCL_ONFAULT ||
	    flags & ~(LX_MCL_CURRENT | LX_MCL_FUTURE | LX_MCL_ONFAULT))
		return -LX_EINVAL;
	if (!may_lock(t))
		return -LX_EPERM;
	return mm_lock_all(limited_mm(t), flags & LX_MCL_CURRENT, flags & LX_MCL_FUTURE,
	                   flags & LX_MCL_ONFAULT);
}

int64_t sys_munlockall(struct task *t, const struct sys_args *a)
{
	(void)a;
	return mm_lock_all(t->mm, false, false, false);
}

/* The memory of process pid, with a reference, if t may look into it. */
static int other_mm(struct task *t, int pid, struct mm **out)
{
	struct task *other = task_find(t->guest, pid);
	int err = 0;

	if (!other)
		return -LX_ESRCH;
	if (!task_may_inspect(t, other)) {
		err = -LX_EPERM;
	} else {
		*out = task_get_mm(other);
		if (!*out)
			err = -LX_ESRCH;
	}
	task_put(other);
	return err;
}

#define VM_CHUNK 65536u

/* Moves bytes from one description to the other until one of them ends or is not accessible. */
static int64_t pump(struct uio *from, struct uio *to)
{
	uint8_t *buf = malloc(VM_CHUNK);
	uint64_t total = from->left < to->left ? from->left : to->left, done = 0;
	int64_t r = 0;

	if (!buf)
		return -LX_ENOMEM;
	while (done < total) {
		uint64_t n = total - done < VM_CHUNK ? total - done : VM_CHUNK;
		int64_t w;

		r = uio_from(from, buf, n);
		if (r <= 0)
			break;
		w = uio_to(to, buf, (uint64_t)r);
		if (w < 0) {
			r = w;
			break;
		}
		done += (uint64_t)w;
		if ((uint64_t)w < n)
			break;
	}
	free(buf);
	return done > 0 ? (int64_t)done : r;
}

static int64_t process_vm(struct task *t, const struct sys_args *a, bool write)
{
	struct uio local, remote;
	struct mm *mm;
	int64_t ret;
	int err;

	if (a->v[5] != 0)
		return -LX_EINVAL;
	err = uio_init_iovec(&local, t->mm, arg_ptr(a, 1), a->v[2]);
	if (err)
		return err;
	err = uio_init_iovec(&remote, t->mm, arg_ptr(a, 3), a->v[4]);
	if (err)
		goto out_local;
	err = other_mm(t, arg_int(a, 0), &mm);
	if (err)
		goto out_remote;
	/* The vector was ours to read; what it describes is the other's. */
	remote.mm = mm;
	ret = write ? pump(&local, &remote) : pump(&remote, &local);
	mm_put(mm);
	uio_release(&remote);
	uio_release(&local);
	return ret;
out_remote:
	uio_release(&remote);
out_local:
	uio_release(&local);
	return err;
}

int64_t sys_process_vm_readv(struct task *t, const struct sys_args *a)
{
	return process_vm(t, a, false);
}

int64_t sys_process_vm_writev(struct task *t, const struct sys_args *a)
{
	return process_vm(t, a, true);
}

int64_t sys_remap_file_pages(struct task *t, const struct sys_args *a)
{
	if (a->v[2] != 0)
		return -LX_EINVAL;
	return mm_remap_file(limited_mm(t), a->v[0] & PAGE_MASK, a->v[1] & PAGE_MASK, a->v[3]);
}

/* Advice for one piece of another process's memory; false: stop. */
static bool advise_piece(struct mm *mm, const struct uio_seg *s, int advice, int64_t *ret)
{
	int64_t r = mm_advise(mm, s->base, s->len, advice);

	if (r < 0) {
		if (*ret == 0)
			*ret = r;
		return false;
	}
	*ret += (int64_t)s->len;
	return true;
}

int64_t sys_process_madvise(struct task *t, const struct sys_args *a)
{
	struct file *file = fd_file(t, arg_int(a, 0));
	int advice = arg_int(a, 3);
	struct tgroup *group;
	struct task *other;
	struct mm *mm = NULL;
	struct uio u;
	int64_t ret;

	if (!file)
		return -LX_EBADF;
	ret = a->v[4] != 0 ? -LX_EINVAL : pidfd_group(file, &group);
	file_put(file);
	if (ret)
		return ret;
	other = task_find(t->guest, group->tgid);
	tgroup_put(group);
	if (!other)
		return -LX_ESRCH;
	if (!task_may_inspect(t, other))
		ret = -LX_EPERM;
	else if (advice != LX_MADV_COLD && advice != LX_MADV_PAGEOUT && advice != LX_MADV_WILLNEED)
		ret = -LX_EINVAL;
	else
		mm = task_get_mm(other);
	task_put(other);
	if (ret || !mm)
		return ret ? ret : -LX_ESRCH;
	ret = uio_init_iovec(&u, t->mm, arg_ptr(a, 1), a->v[2]);
	if (!ret) {
		for (unsigned i = 0; i < u.nseg; i++) {
			if (!advise_piece(mm, &u.seg[i], advice, &ret))
				break;
		}
		uio_release(&u);
	}
	mm_put(mm);
	return ret;
}
