/*
 * mounts.c: the tree that a container's programs see: the root from fsd, the kernel's own file
 * systems, the specification's mounts, and the files in /etc that name the container.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/stat.h"
#include "common/lx/statfs.h"
#include "supervisor/boot/boot.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/mount.h"
#include "supervisor/vfs/vfs.h"

#define SAFE (LX_MS_NOSUID | LX_MS_NODEV | LX_MS_NOEXEC)
/* Where the files for /etc are made, before the real /dev/shm covers it. */
#define SCRATCH "/dev/shm"

/* Makes the directories of an absolute path; errors show when the path is used. */
static void make_parents(struct task *t, const char *path, bool last_too)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && (path[i] || !last_too))
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)!vfs_mkdir(t, LX_AT_FDCWD, part, 0755);
	}
}

/* The place to mount on, made if need be: a directory or an empty file. */
static int mount_point(struct task *t, const char *path, bool directory, struct path *out)
{
	int err = path_walk(t, LX_AT_FDCWD, path, WALK_FOLLOW, out);

	if (err != -LX_ENOENT)
		return err;
	make_parents(t, path, directory);
	if (!directory) {
		err = vfs_mknod(t, LX_AT_FDCWD, path, LX_S_IFREG | 0644, 0, NULL);
		if (err < 0)
			return err;
	}
	return path_walk(t, LX_AT_FDCWD, path, WALK_FOLLOW, out);
}

/* Mounts sb at path; takes over the reference to sb. */
static int mount_at(struct task *t, const char *path, struct superblock *sb, uint64_t flags, const char *source)
{
	bool directory = (sb->root->mode & LX_S_IFMT) == LX_S_IFDIR;
	struct path at;
	int err = mount_point(t, path, directory, &at);

	if (err == 0) {
		err = vfs_mount_at(t->guest, &at, sb, (uint32_t)flags, source);
		path_put(&at);
	} else {
		superblock_put(sb);
	}
	return err;
}

typedef int make_fs(struct guest *g, struct superblock **out);

static int tmp_shm(struct guest *g, struct superblock **out)
{
	return fs_tmp_mount(g, "mode=1777,size=65536k", out);
}

static const struct {
	const char *path;
	make_fs *make;
	uint64_t flags;
	const char *source;
} kernel_mounts[] = {
	{"/proc", fs_proc_mount, SAFE, "proc"},
	{"/dev", fs_dev_mount, LX_MS_NOSUID, "tmpfs"},
	{"/dev/pts", fs_pts_mount, LX_MS_NOSUID | LX_MS_NOEXEC, "devpts"},
	{"/sys", fs_sys_mount, SAFE | LX_MS_RDONLY, "sysfs"},
};

static int mount_kernel_fs(struct task *t, const char *path, make_fs *make, uint64_t flags,
			   const char *source, struct boot_failure *f)
{
	struct superblock *sb;
	int err = make(t->guest, &sb);

	if (err == 0)
		err = mount_at(t, path, sb, flags, source);
	if (err < 0)
		return boot_fail(f, BOOT_EXIT_FAILED, "cannot mount %s: %s", path, lx_errno_text(err));
	return 0;
}

static int write_file(struct task *t, const char *path, const char *text)
{
	struct file *file;
	struct uio u;
	int64_t pos = 0, n;
	int err = vfs_open(t, LX_AT_FDCWD, path, LX_O_WRONLY | LX_O_CREAT | LX_O_TRUNC, 0644, WALK_FOLLOW, &file);

	if (err < 0)
		return err;
	uio_init_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	n = u.left ? file->ops->write(t, file, &u, &pos) : 0;
	file_put(file);
	return n < 0 ? (int)n : 0;
}

/* Binds a file with this content over /etc/NAME, as Docker does.  A root that cannot take the
 * file simply keeps its own. */
static void bind_text(struct task *t, const char *name, const char *text)
{
	char scratch[64], target[64];
	struct path from, at;

	if (!text)
		return;
	snprintf(scratch, sizeof(scratch), SCRATCH "/%s", name);
	snprintf(target, sizeof(target), "/etc/%s", name);
	if (write_file(t, scratch, text) < 0 || path_walk(t, LX_AT_FDCWD, scratch, 0, &from) < 0)
		return;
	if (mount_point(t, target, false, &at) == 0) {
		(void)!mount_bind(&from, &at, false);
		path_put(&at);
	}
	path_put(&from);
}

static int bind_etc(struct task *t, struct boot_failure *f)
{
	const struct guest_spec *spec = t->guest->spec;
	char hostname[72], *hosts;
	struct path scratch;
	int err = mount_kernel_fs(t, SCRATCH, tmp_shm, 0, "tmpfs", f);

	if (err < 0)
		return err;
	snprintf(hostname, sizeof(hostname), "%.64s\n", spec->hostname);
	bind_text(t, "resolv.conf", spec->resolv_conf);
	/* The guest's own name resolves, as programs expect. */
	if (spec->hosts && asprintf(&hosts, "%s127.0.1.1\t%.64s\n", spec->hosts, spec->hostname) >= 0) {
		bind_text(t, "hosts", hosts);
		free(hosts);
	}
	bind_text(t, "hostname", hostname);
	if (path_walk(t, LX_AT_FDCWD, SCRATCH, 0, &scratch) < 0)
		return 0;
	(void)!mount_detach(scratch.mnt, true); /* the bound files live on */
	path_put(&scratch);
	return 0;
}

static int mount_extra(struct task *t, const struct guest_mount_spec *m, struct boot_failure *f)
{
	bool tmpfs = strcmp(m->type, "tmpfs") == 0;
	uint64_t flags = (m->read_only ? LX_MS_RDONLY : 0) | (tmpfs ? SAFE : 0);
	struct superblock *sb;
	int err;

	if (tmpfs && strstr(m->options, "exec") && !strstr(m->options, "noexec"))
		flags &= ~LX_MS_NOEXEC;
	if (tmpfs)
		err = fs_tmp_mount(t->guest, m->options[0] ? m->options : "mode=1777", &sb);
	else
		err = fs_remote_mount(t->guest, m->node, m->read_only, &sb);
	if (err == 0)
		err = mount_at(t, m->target, sb, flags, tmpfs ? "tmpfs" : "bind");
	if (err < 0)
		return boot_fail(f, BOOT_EXIT_FAILED, "cannot mount %s on %s: %s", m->type, m->target,
				 lx_errno_text(err));
	return 0;
}

static int mount_root(struct task *t, struct boot_failure *f)
{
	struct superblock *sb;
	struct mount *root;
	struct path at;
	int err = fs_remote_mount(t->guest, 1, false, &sb);

	if (err == 0)
		err = vfs_mount_root(t->guest, sb, &root);
	if (err < 0)
		return boot_fail(f, BOOT_EXIT_FAILED, "cannot mount the container's root: %s", lx_errno_text(err));
	at = (struct path){root, root->root};
	err = fs_context_new(&at, &t->fs);
	return err < 0 ? boot_fail(f, BOOT_EXIT_FAILED, "out of memory") : 0;
}

int boot_mounts(struct task *t, struct boot_failure *f)
{
	const struct guest_spec *spec = t->guest->spec;
	int err = mount_root(t, f);

	for (size_t i = 0; err == 0 && i < ARRAY_LEN(kernel_mounts); i++)
		err = mount_kernel_fs(t, kernel_mounts[i].path, kernel_mounts[i].make, kernel_mounts[i].flags,
				      kernel_mounts[i].source, f);
	if (err == 0)
		err = bind_etc(t, f);
	if (err == 0)
		err = mount_kernel_fs(t, "/dev/shm", tmp_shm, SAFE, "shm", f);
	for (size_t i = 0; err == 0 && i < spec->nmounts; i++)
		err = mount_extra(t, &spec->mounts[i], f);
	if (err == 0 && spec->read_only && mount_remount(t->guest->root_mount, LX_MS_RDONLY) < 0)
		err = boot_fail(f, BOOT_EXIT_FAILED, "cannot make the container's root read-only");
	return err;
}
