/*
 * init.c: the first task's way to the command: standard descriptors, working directory, user,
 * search along PATH, exec.  With --init the first process is a reaper of our own and the command
 * its child.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/stat.h"
#include "supervisor/boot/boot.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/process.h"
#include "supervisor/vfs/dcache.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int boot_fail(struct boot_failure *f, uint32_t status, const char *fmt, ...)
{
	va_list ap;

	if (!f->status) {
		f->status = status;
		va_start(ap, fmt);
		vsnprintf(f->message, sizeof(f->message), fmt, ap);
		va_end(ap);
	}
	return -LX_EINVAL;
}

static const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static char **copy_strings(char *const *v, const char *extra)
{
	size_t n = 0, i;
	char **out;

	while (v[n])
		n++;
	out = calloc(n + 2, sizeof(char *));
	for (i = 0; out && i < n; i++)
		out[i] = strdup(v[i]);
	if (out && extra)
		out[i] = strdup(extra);
	return out;
}

/* The environment of the specification, with HOME if it is missing there. */
static int build_args(const struct guest_spec *spec, const char *home, struct exec_args *out)
{
	char *extra = NULL;

	if (!env_get(spec->env, "HOME") && asprintf(&extra, "HOME=%s", home) < 0)
		return -LX_ENOMEM;
	*out = (struct exec_args){copy_strings(spec->argv, NULL), copy_strings(spec->env, extra), 0};
	free(extra);
	if (!out->argv || !out->envp) {
		exec_args_release(out);
		return -LX_ENOMEM;
	}
	while (out->argv[out->argc])
		out->argc++;
	return 0;
}

/* As Docker: the directory is made, then entered. */
static int enter_cwd(struct task *t, const char *cwd, struct boot_failure *f)
{
	char part[4096];
	size_t len = strlen(cwd);
	struct path p;
	int err;

	if (cwd[0] != '/' || len >= sizeof(part))
		return boot_fail(f, BOOT_EXIT_CANNOT_RUN, "the working directory %s is not an absolute path", cwd);
	for (size_t i = 1; i <= len; i++) {
		if (cwd[i] != '/' && cwd[i])
			continue;
		memcpy(part, cwd, i);
		part[i] = '\0';
		(void)!vfs_mkdir(t, LX_AT_FDCWD, part, 0755);
	}
	err = path_walk(t, LX_AT_FDCWD, cwd, WALK_FOLLOW | WALK_DIRECTORY, &p);
	if (err < 0)
		return boot_fail(f, BOOT_EXIT_CANNOT_RUN, "cannot change to the working directory %s: %s", cwd,
				 lx_errno_text(err));
	pthread_mutex_lock(&t->fs->lock);
	path_put(&t->fs->cwd);
	t->fs->cwd = p;
	pthread_mutex_unlock(&t->fs->lock);
	return 0;
}

static int become_user(struct task *t, const struct boot_user *u)
{
	struct cred *c;
	int err = cred_prepare(t, &c);

	if (err < 0)
		return err;
	c->uid = c->euid = c->suid = c->fsuid = u->uid;
	c->gid = c->egid = c->sgid = c->fsgid = u->gid;
	err = cred_set_groups(c, u->groups, u->ngroups);
	if (err < 0) {
		cred_put(c);
		return err;
	}
	if (u->uid != 0)
		c->cap_permitted = c->cap_effective = 0;
	cred_commit(t, c);
	return 0;
}

/* One candidate: 0 executed, -LX_ENOENT and kin when the next one may be tried. */
static int64_t try_exec(struct task *t, const char *path, struct exec_args *args)
{
	struct path p;
	struct vfs_attr attr;
	int err = path_walk(t, LX_AT_FDCWD, path, WALK_FOLLOW, &p);

	if (err < 0)
		return err;
	err = vfs_getattr(p.dentry->inode, &attr);
	path_put(&p);
	if (err == 0 && (attr.mode & LX_S_IFMT) == LX_S_IFDIR)
		return -LX_EISDIR;
	return err < 0 ? err : task_exec(t, LX_AT_FDCWD, path, WALK_FOLLOW, args);
}

static int64_t search_path(struct task *t, const char *dirs, struct exec_args *args)
{
	char path[4096];
	int64_t err, result = -LX_ENOENT;

	for (;;) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)MIN(len, sizeof(path)), dirs, len ? "/" : "./",
				 args->argv[0]);

		if (n > 0 && (size_t)n < sizeof(path)) {
			err = try_exec(t, path, args);
			if (err == 0 || (err != -LX_ENOENT && err != -LX_ENOTDIR && err != -LX_EACCES &&
					 err != -LX_EISDIR))
				return err;
			if (err == -LX_EACCES)
				result = err;
		}
		if (!dirs[len])
			return result;
		dirs += len + 1;
	}
}

static int exec_command(struct task *t, struct exec_args *args, struct boot_failure *f)
{
	const char *name = args->argv[0], *path = env_get(args->envp, "PATH");
	char *shown = strdup(name);
	int64_t err;
	bool slash = strchr(name, '/') != NULL;

	if (!*name)
		err = -LX_ENOENT;
	else if (slash)
		err = try_exec(t, name, args);
	else
		err = search_path(t, path ? path : DEFAULT_PATH, args);
	if (err == -LX_ENOENT || err == -LX_ENOTDIR)
		(void)boot_fail(f, BOOT_EXIT_NOT_FOUND,
				slash ? "cannot run %s: no such file in the container"
				      : "cannot run %s: no such command along the container's PATH",
				shown ? shown : "the command");
	else if (err == -LX_ENOEXEC)
		(void)boot_fail(f, BOOT_EXIT_CANNOT_RUN,
				"cannot run %s: it is not an arm64 program nor a script (exec format error)",
				shown ? shown : "the command");
	else if (err < 0)
		(void)boot_fail(f, BOOT_EXIT_CANNOT_RUN, "cannot run %s: %s", shown ? shown : "the command",
				lx_errno_text(err));
	free(shown);
	return MIN((int)err, 0);
}

int boot_exec(struct task *t, struct boot_failure *f)
{
	const struct guest_spec *spec = t->guest->spec;
	struct boot_user user;
	struct exec_args args;
	int err = boot_user_lookup(t, spec->user, &user, f);

	if (err == 0)
		err = enter_cwd(t, spec->cwd[0] ? spec->cwd : "/", f);
	if (err == 0 && (become_user(t, &user) < 0 || build_args(spec, user.home, &args) < 0))
		err = boot_fail(f, BOOT_EXIT_FAILED, "out of memory");
	boot_user_release(&user);
	if (err < 0)
		return err;
	err = exec_command(t, &args, f);
	exec_args_release(&args);
	return err;
}
