/*
 * shm.c: System V shared memory.  shmget(2), shmop(2), shmctl(2).
 *
 * A segment is a nameless tmpfs file; attaching maps it shared.  The mappings hold references to
 * the file, so the number of attachments is the file's reference count less our own, and the
 * memory goes with the last of them.
 */
#include "common/lx/fcntl.h"
#include "common/lx/mman.h"
#include "supervisor/sys/sysvipc.h"
#include "supervisor/vfs/tmp.h"
#include "supervisor/vfs/vfs.h"

#define LX_SHM_RDONLY 010000u
#define LX_SHM_RND    020000u
#define LX_SHM_REMAP  040000u
#define LX_SHM_EXEC   0100000u
#define LX_SHM_DEST   01000u
#define LX_SHM_LOCK   11
#define LX_SHM_UNLOCK 12
#define LX_SHM_STAT   13
#define LX_SHM_INFO   14
#define LX_SHM_STAT_ANY 15
#define SHM_MAX       (UINT64_C(1) << 46)
#define PAGE          4096u

struct shm {
	struct ipc_object o;
	struct file *file;
	uint64_t size;
	int64_t atime, dtime;
	int32_t cpid, lpid;
};

struct lx_shmid_ds {
	struct lx_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused[2];
};
_Static_assert(sizeof(struct lx_shmid_ds) == 112, "struct shmid64_ds");

static void destroy(struct ipc_object *o)
{
	struct shm *s = container_of(o, struct shm, o);

	file_put(s->file);
	free(s);
}

static uint64_t attachments(const struct shm *s)
{
	return __atomic_load_n(&s->file->refs, __ATOMIC_RELAXED) - 1;
}

/* Segments marked for removal go when nobody is attached any more; there is no one to tell us, so
 * every call looks first. */
static struct ipc_table *table_swept(struct task *t)
{
	struct ipc_table *tt = ipc_table(t->guest, IPC_KIND_SHM, destroy);

	if (!tt)
		return NULL;
	pthread_mutex_lock(&tt->lock);
	for (unsigned i = 0; tt->count && i < IPC_SLOTS; i++) {
		struct shm *s = tt->slot[i] ? container_of(tt->slot[i], struct shm, o) : NULL;

		if (s && (s->o.mode & LX_SHM_DEST) && attachments(s) == 0)
			ipc_remove_locked(tt, &s->o);
	}
	return tt; /* locked */
}

static int new_segment(struct task *t, int32_t key, uint64_t size, struct shm **out)
{
	struct vfs_attr attr = {.size = size};
	struct shm *s = calloc(1, sizeof(*s));
	char name[16];
	int err;

	if (!s)
		return -LX_ENOMEM;
	snprintf(name, sizeof(name), "SYSV%08x", (uint32_t)key);
	err = tmp_new_memfd(t, name, LX_O_RDWR, 0, 0600, &s->file);
	if (err < 0) {
		free(s);
		return err;
	}
	err = s->file->inode->ops->setattr(s->file->inode, VFS_SET_SIZE, &attr, s->file);
	if (err < 0) {
		file_put(s->file);
		free(s);
		return err;
	}
	s->size = size;
	s->cpid = t->group->tgid;
	*out = s;
	return 0;
}

int64_t sys_shmget(struct task *t, const struct sys_args *a)
{
	int32_t key = arg_int(a, 0);
	uint64_t size = a->v[1];
	uint32_t flags = arg_u32(a, 2);
	struct ipc_table *tt = table_swept(t);
	struct ipc_object *o;
	struct shm *s = NULL;
	bool create;
	int64_t id;

	if (!tt)
		return -LX_ENOMEM;
	id = ipc_get_locked(tt, t, key, flags, &create, &o);
	if (id >= 0 && size > container_of(o, struct shm, o)->size)
		id = -LX_EINVAL;
	if (id == -LX_ENOENT && create) {
		id = size < 1 || size > SHM_MAX ? -LX_EINVAL : new_segment(t, key, size, &s);
		if (id == 0)
			id = ipc_add_locked(tt, t, &s->o, key, flags);
		if (id < 0 && s) {
			file_put(s->file);
			free(s);
		}
	}
	pthread_mutex_unlock(&tt->lock);
	return id;
}

static int64_t attach_checks(struct task *t, struct shm *s, uint64_t *va, uint32_t flags)
{
	uint32_t want = flags & LX_SHM_RDONLY ? 4 : 6;

	if (*va & (PAGE - 1)) {
		if (!(flags & LX_SHM_RND))
			return -LX_EINVAL;
		*va = round_down_u64(*va, PAGE);
	}
	if (*va == 0 && (flags & LX_SHM_REMAP))
		return -LX_EINVAL;
	return ipc_permitted(t, &s->o, want);
}

int64_t sys_shmat(struct task *t, const struct sys_args *a)
{
	uint64_t va = a->v[1];
	uint32_t flags = arg_u32(a, 2), map = LX_MAP_SHARED, prot = LX_PROT_READ;
	struct ipc_table *tt = table_swept(t);
	struct ipc_object *o;
	struct file *f = NULL;
	uint64_t size = 0;
	int64_t r;

	if (!tt)
		return -LX_ENOMEM;
	r = ipc_find_locked(tt, arg_int(a, 0), &o);
	if (r == 0)
		r = attach_checks(t, container_of(o, struct shm, o), &va, flags);
	if (r == 0) {
		struct shm *s = container_of(o, struct shm, o);

		f = file_get(s->file);
		size = s->size;
		s->lpid = t->group->tgid;
		s->atime = ipc_seconds();
	}
	pthread_mutex_unlock(&tt->lock);
	if (r < 0)
		return r;
	if (!(flags & LX_SHM_RDONLY))
		prot |= LX_PROT_WRITE;
	if (flags & LX_SHM_EXEC)
		prot |= LX_PROT_EXEC;
	if (va)
		map |= flags & LX_SHM_REMAP ? LX_MAP_FIXED : LX_MAP_FIXED_NOREPLACE;
	r = mm_map(t->mm, va, size, prot, map, f, 0);
	file_put(f);
	return r == -LX_EEXIST ? -LX_EINVAL : r;
}

/* The segment that is attached at an address. */
struct attached {
	struct ipc_table *tt;
	uint64_t va, size;
	struct shm *found;
};

static int match(void *opaque, const struct mm_vma_info *v)
{
	struct attached *at = opaque;

	if (v->start != at->va || !v->file || v->offset != 0)
		return v->start > at->va;
	for (unsigned i = 0; i < IPC_SLOTS; i++) {
		struct shm *s = at->tt->slot[i] ? container_of(at->tt->slot[i], struct shm, o) : NULL;

		if (s && s->file == v->file)
			at->found = s;
	}
	return 1;
}

int64_t sys_shmdt(struct task *t, const struct sys_args *a)
{
	struct attached at = {.va = a->v[0]};
	int64_t r = -LX_EINVAL;

	at.tt = table_swept(t);
	if (!at.tt)
		return -LX_ENOMEM;
	mm_for_each_vma(t->mm, match, &at);
	if (at.found) {
		at.size = at.found->size;
		at.found->dtime = ipc_seconds();
		at.found->lpid = t->group->tgid;
	}
	pthread_mutex_unlock(&at.tt->lock);
	if (at.found)
		r = mm_unmap(t->mm, at.va, round_up_u64(at.size, PAGE));
	return r;
}

static void fill_ds(const struct shm *s, struct lx_shmid_ds *ds)
{
	*ds = (struct lx_shmid_ds){
		.segsz = s->size,
		.atime = s->atime,
		.dtime = s->dtime,
		.ctime = s->o.ctime,
		.cpid = s->cpid,
		.lpid = s->lpid,
		.nattch = attachments(s),
	};
	ipc_fill_perm(&s->o, &ds->perm);
}

static int64_t control_locked(struct task *t, struct ipc_table *tt, struct shm *s, int cmd, struct lx_shmid_ds *ds)
{
	int64_t r;

	switch (cmd) {
	case LX_IPC_STAT:
	case LX_SHM_STAT:
		r = ipc_permitted(t, &s->o, 4);
		if (r == 0)
			fill_ds(s, ds);
		return r;
	case LX_SHM_STAT_ANY:
		fill_ds(s, ds);
		return 0;
	case LX_IPC_SET:
		r = ipc_owned(t, &s->o);
		if (r == 0)
			ipc_set_perm(&s->o, &ds->perm);
		return r;
	case LX_IPC_RMID:
		r = ipc_owned(t, &s->o);
		if (r < 0)
			return r;
		if (attachments(s) == 0) {
			ipc_remove_locked(tt, &s->o);
		} else {
			s->o.mode |= LX_SHM_DEST;
			s->o.key = LX_IPC_PRIVATE;
		}
		return 0;
	default:
		return ipc_owned(t, &s->o); /* SHM_LOCK, SHM_UNLOCK: memory is never swapped */
	}
}

static int64_t info(struct task *t, struct guest_ptr p, int cmd)
{
	/* struct shminfo64: max, min, number, per process, all; struct shm_info: used ids... */
	uint64_t limits[9] = {SHM_MAX, 1, IPC_SLOTS, IPC_SLOTS, SHM_MAX / PAGE};
	uint64_t used[6] = {0};
	struct ipc_table *tt = ipc_table_if_any(t->guest, IPC_KIND_SHM);

	used[0] = tt ? tt->count : 0;
	if (cmd == LX_IPC_INFO ? copy_to_user(t->mm, p, limits, sizeof(limits)) < 0
			       : copy_to_user(t->mm, p, used, sizeof(used)) < 0)
		return -LX_EFAULT;
	return IPC_SLOTS - 1;
}

int64_t sys_shmctl(struct task *t, const struct sys_args *a)
{
	int cmd = arg_int(a, 1) & ~LX_IPC_64;
	struct lx_shmid_ds ds;
	struct ipc_object *o = NULL;
	struct ipc_table *tt;
	bool stat = cmd == LX_IPC_STAT || cmd == LX_SHM_STAT || cmd == LX_SHM_STAT_ANY;
	int64_t r;

	if (cmd == LX_IPC_INFO || cmd == LX_SHM_INFO)
		return info(t, arg_ptr(a, 2), cmd);
	if (!stat && cmd != LX_IPC_SET && cmd != LX_IPC_RMID && cmd != LX_SHM_LOCK && cmd != LX_SHM_UNLOCK)
		return -LX_EINVAL;
	if (cmd == LX_IPC_SET && copy_from_user(t->mm, &ds, arg_ptr(a, 2), sizeof(ds)) < 0)
		return -LX_EFAULT;
	tt = table_swept(t);
	if (!tt)
		return -LX_ENOMEM;
	if (cmd == LX_SHM_STAT || cmd == LX_SHM_STAT_ANY) { /* by index, for ipcs(1) */
		o = arg_u32(a, 0) < IPC_SLOTS ? tt->slot[arg_u32(a, 0)] : NULL;
		r = o ? o->id : -LX_EINVAL;
	} else {
		r = ipc_find_locked(tt, arg_int(a, 0), &o);
	}
	if (r >= 0) {
		int64_t done = control_locked(t, tt, container_of(o, struct shm, o), cmd, &ds);

		r = done < 0 ? done : r;
	}
	pthread_mutex_unlock(&tt->lock);
	if (r >= 0 && stat && copy_to_user(t->mm, arg_ptr(a, 2), &ds, sizeof(ds)) < 0)
		return -LX_EFAULT;
	return r;
}
