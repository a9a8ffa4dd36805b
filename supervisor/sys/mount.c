/*
 * mount.c: mount(2), umount2(2), pivot_root(2).  What a container's init systems, debootstrap, dpkg
 * and apt ask for: proc, sysfs, tmpfs, devpts and devtmpfs, bind mounts, remounts, moves.  The
 * propagation of mounts has no meaning with one mount namespace: asking for it succeeds.
 */
#include "supervisor/vfs/mount.h"

#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/statfs.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"

#define MOUNT_FLAGS                                                                             \
	(LX_MS_RDONLY | LX_MS_NOSUID | LX_MS_NODEV | LX_MS_NOEXEC | LX_MS_NOATIME |             \
	 LX_MS_NODIRATIME | LX_MS_RELATIME | LX_MS_NOSYMFOLLOW)

static int proc_mount(struct guest *g, const char *options, struct superblock **out)
{
	(void)options;
	return fs_proc_mount(g, out);
}

static int sys_fs_mount(struct guest *g, const char *options, struct superblock **out)
{
	(void)options;
	return fs_sys_mount(g, out);
}

static int dev_mount(struct guest *g, const char *options, struct superblock **out)
{
	(void)options;
	return fs_dev_mount(g, out);
}

static int pts_mount(struct guest *g, const char *options, struct superblock **out)
{
	(void)options;
	return fs_pts_mount(g, out);
}

static const struct {
	const char *name;
	int (*mount)(struct guest *g, const char *options, struct superblock **out);
} types[] = {
	{"tmpfs", fs_tmp_mount}, {"ramfs", fs_tmp_mount}, {"proc", proc_mount},
	{"sysfs", sys_fs_mount}, {"devtmpfs", dev_mount}, {"devpts", pts_mount},
};

static int mount_new_fs(struct task *t, const char *type, const char *source, const struct path *at,
			uint32_t flags, const char *options)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct superblock *sb;
		int r;

		if (strcmp(types[i].name, type))
			continue;
		r = types[i].mount(t->guest, options, &sb);
		return r < 0 ? r : vfs_mount_at(t->guest, at, sb, flags, source);
	}
	return -LX_ENODEV;
}

/* A string argument that may be NULL; *out is then an empty one. */
static int optional_string(struct task *t, struct guest_ptr p, char **out)
{
	if (guest_ptr_null(p)) {
		*out = strdup("");
		return *out ? 0 : -LX_ENOMEM;
	}
	return path_from_user(t, p, out);
}

struct mount_args {
	char *source, *target, *type, *options;
	uint64_t flags;
};

static int copy_args(struct task *t, const struct sys_args *a, struct mount_args *m)
{
	int r = optional_string(t, arg_ptr(a, 0), &m->source);

	if (r == 0)
		r = path_from_user(t, arg_ptr(a, 1), &m->target);
	if (r == 0)
		r = optional_string(t, arg_ptr(a, 2), &m->type);
	if (r == 0)
		r = optional_string(t, arg_ptr(a, 4), &m->options);
	m->flags = a->v[3];
	if ((m->flags & LX_MS_MGC_MSK) == LX_MS_MGC_VAL)
		m->flags &= ~LX_MS_MGC_MSK;
	return r;
}

/* The mount whose root is at p; NULL if there is none. */
static struct mount *mount_at(const struct path *p)
{
	return p->mnt && p->dentry == p->mnt->root ? p->mnt : NULL;
}

static int from_source(struct task *t, const struct mount_args *m, const struct path *at, bool move)
{
	struct path from;
	int r;

	if (!m->source[0])
		return -LX_EINVAL;
	r = path_walk(t, LX_AT_FDCWD, m->source, WALK_FOLLOW, &from);
	if (r < 0)
		return r;
	if (!move)
		r = mount_bind(&from, at, (m->flags & LX_MS_REC) != 0);
	else
		r = mount_at(&from) ? mount_move(mount_at(&from), at) : -LX_EINVAL;
	path_put(&from);
	return r;
}

static int do_mount(struct task *t, const struct mount_args *m, const struct path *at)
{
	const uint64_t propagation = LX_MS_SHARED | LX_MS_PRIVATE | LX_MS_SLAVE | LX_MS_UNBINDABLE;
	uint32_t flags = (uint32_t)(m->flags & MOUNT_FLAGS);

	if (m->flags & LX_MS_REMOUNT)
		return mount_at(at) ? mount_remount(mount_at(at), flags) : -LX_EINVAL;
	if (m->flags & LX_MS_BIND)
		return from_source(t, m, at, false);
	if (m->flags & propagation)
		return mount_at(at) ? 0 : -LX_EINVAL;
	if (m->flags & LX_MS_MOVE)
		return from_source(t, m, at, true);
	if (!m->type[0])
		return -LX_EINVAL;
	return mount_new_fs(t, m->type, m->source, at, flags, m->options);
}

int64_t sys_mount(struct task *t, const struct sys_args *a)
{
	struct mount_args m = {0};
	struct path at;
	int r = copy_args(t, a, &m);

	if (r == 0)
		r = path_walk(t, LX_AT_FDCWD, m.target, WALK_FOLLOW, &at);
	if (r == 0) {
		r = cred_capable(t->cred, LX_CAP_SYS_ADMIN) ? do_mount(t, &m, &at) : -LX_EPERM;
		path_put(&at);
	}
	free(m.source);
	free(m.target);
	free(m.type);
	free(m.options);
	return r;
}

int64_t sys_umount2(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct mount *m;
	struct path p;
	char *name;
	int64_t r;

	if (flags & ~(LX_MNT_FORCE | LX_MNT_DETACH | LX_MNT_EXPIRE | LX_UMOUNT_NOFOLLOW))
		return -LX_EINVAL;
	if ((flags & LX_MNT_EXPIRE) && (flags & (LX_MNT_FORCE | LX_MNT_DETACH)))
		return -LX_EINVAL;
	if (!cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -LX_EPERM;
	r = path_from_user(t, arg_ptr(a, 0), &name);
	if (r < 0)
		return r;
	r = path_walk(t, LX_AT_FDCWD, name, (flags & LX_UMOUNT_NOFOLLOW) ? 0 : WALK_FOLLOW, &p);
	free(name);
	if (r < 0)
		return r;
	m = mount_at(&p);
	if (!m) {
		path_put(&p);
		return -LX_EINVAL;
	}
	/* One reference is enough: the walk's on the dentry would count as a use. */
	mount_get(m);
	path_put(&p);
	r = mount_detach(m, (flags & LX_MNT_DETACH) != 0);
	mount_put(m);
	return r;
}

/* Moves whoever stands in the old root to the new one. */
struct pivot {
	struct path old, new;
};

static void pivot_place(struct fs_context *fs, struct path *place, const struct pivot *pv)
{
	struct path p = pv->new;
	bool there;

	pthread_mutex_lock(&fs->lock);
	there = place->mnt == pv->old.mnt && place->dentry == pv->old.dentry;
	pthread_mutex_unlock(&fs->lock);
	if (there) {
		path_get(&p);
		fs_context_set(fs, place, &p);
	}
}

static int pivot_group(void *opaque, struct tgroup *tg)
{
	const struct pivot *pv = opaque;
	struct task *t;

	pthread_mutex_lock(&tg->lock);
	list_for_each_entry(t, &tg->tasks, group_link) {
		if (t->fs) {
			pivot_place(t->fs, &t->fs->root, pv);
			pivot_place(t->fs, &t->fs->cwd, pv);
		}
	}
	pthread_mutex_unlock(&tg->lock);
	return 0;
}

static int do_pivot(struct task *t, const struct path *new_root, const struct path *put_old)
{
	struct pivot pv;
	struct mount *old;
	int r = mount_pivot(t->guest, new_root, put_old, &old);

	if (r < 0)
		return r;
	pv.old = (struct path){old, old->root};
	pv.new = *new_root;
	tgroup_for_each(t->guest, pivot_group, &pv);
	mount_put(old);
	return 0;
}

int64_t sys_pivot_root(struct task *t, const struct sys_args *a)
{
	struct path new_root, put_old;
	char *name;
	int64_t r;

	if (!cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -LX_EPERM;
	r = path_from_user(t, arg_ptr(a, 0), &name);
	if (r < 0)
		return r;
	r = path_walk(t, LX_AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &new_root);
	free(name);
	if (r < 0)
		return r;
	r = path_from_user(t, arg_ptr(a, 1), &name);
	if (r == 0) {
		r = path_walk(t, LX_AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &put_old);
		free(name);
	}
	if (r == 0) {
		r = do_pivot(t, &new_root, &put_old);
		path_put(&put_old);
	}
	path_put(&new_root);
	return r;
}
