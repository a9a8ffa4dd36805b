/*
 * fs_proc.c: procfs: its root, the directories of processes and threads, and the links to the
 * caller's own.  proc(5).
 *
 * Nothing of it is cached: each look makes objects anew, which name their process by number and
 * start time, so that one that has ended gives ESRCH rather than a successor's data.
 */
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/proc.h"

#define PROC_ROOT_INO 1

static const struct synth_node pid_node, task_dir_node, tid_node;

int proc_parse_pid(const char *name, int32_t *out)
{
	int64_t n = 0;

	if (name[0] < '1' || name[0] > '9') {
		if (strcmp(name, "0") != 0)
			return -LX_ENOENT;
	}
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || n > INT32_MAX)
			return -LX_ENOENT;
		n = n * 10 + (*name - '0');
	}
	if (n > INT32_MAX)
		return -LX_ENOENT;
	*out = (int32_t)n;
	return 0;
}

/* ---- finding processes ---- */

/* The first thread, also of a zombie; with a reference. */
static struct task *group_leader(struct tgroup *tg)
{
	struct task *t;

	pthread_mutex_lock(&tg->lock);
	t = tg->leader ? task_get(tg->leader) : NULL;
	pthread_mutex_unlock(&tg->lock);
	return t;
}

int proc_get(const struct synth_ctx *c, struct proc_ref *out)
{
	out->tg = tgroup_find(c->g, c->id.pid);
	if (!out->tg)
		return -LX_ESRCH;
	if (out->tg->start_ns != c->id.start_ns)
		goto gone;
	out->t = c->id.tid ? task_find(c->g, c->id.tid) : group_leader(out->tg);
	if (!out->t)
		goto gone;
	if (out->t->group == out->tg)
		return 0;
	task_put(out->t);
gone:
	tgroup_put(out->tg);
	return -LX_ESRCH;
}

void proc_put(struct proc_ref *r)
{
	task_put(r->t);
	tgroup_put(r->tg);
}

int proc_get_inspect(const struct synth_ctx *c, struct proc_ref *out)
{
	int ret = proc_get(c, out);

	if (ret < 0)
		return ret;
	if (c->t && !task_may_inspect(c->t, out->t)) {
		proc_put(out);
		return -LX_EACCES;
	}
	return 0;
}

int proc_get_mm(const struct synth_ctx *c, struct proc_ref *r, struct mm **mm)
{
	int ret = proc_get_inspect(c, r);

	if (ret == 0)
		*mm = task_get_mm(r->t);
	return ret;
}

/* ---- process directories ---- */

/* The inode of a directory about process tg: its effective user owns it. */
static int process_inode(const struct synth_ctx *c, const struct synth_node *node, struct task *t,
			 int32_t tid, struct inode **out)
{
	const struct cred *cred = task_get_cred(t);
	struct synth_id id = {
		.pid = t->group->tgid, .tid = tid, .start_ns = t->group->start_ns};
	uint32_t uid = 0, gid = 0;

	if (cred) {
		uid = cred->euid;
		gid = cred->egid;
		cred_put(cred);
	}
	return synth_inode(c->sb, node, &id, uid, gid, out);
}

static int pid_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	struct tgroup *tg;
	struct task *t;
	int32_t pid;
	int ret = proc_parse_pid(name, &pid);

	if (ret < 0)
		return ret;
	tg = tgroup_find(c->g, pid);
	t = tg ? group_leader(tg) : task_find(c->g, pid);
	if (tg)
		tgroup_put(tg);
	if (!t)
		return -LX_ENOENT;
	/* A thread's number works too, though it is not listed. */
	ret = process_inode(c, &pid_node, t, pid == t->group->tgid ? 0 : pid, out);
	task_put(t);
	return ret;
}

struct lister {
	struct synth_list *l;
	int ret;
};

static int list_group(void *opaque, struct tgroup *tg)
{
	struct lister *ls = opaque;
	char name[16];

	snprintf(name, sizeof(name), "%d", tg->tgid);
	ls->ret = synth_list_add(ls->l, name, LX_S_IFDIR);
	return ls->ret;
}

static int pid_list(const struct synth_ctx *c, struct synth_list *l)
{
	struct lister ls = {.l = l};

	tgroup_for_each(c->g, list_group, &ls);
	return ls.ret;
}

static int tid_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	struct proc_ref r;
	struct task *t;
	int32_t tid;
	int ret = proc_parse_pid(name, &tid);

	if (ret < 0)
		return ret;
	ret = proc_get(c, &r);
	if (ret < 0)
		return ret;
	t = task_find(c->g, tid);
	if (t && t->group == r.tg)
		ret = process_inode(c, &tid_node, t, tid, out);
	else
		ret = -LX_ENOENT;
	if (t)
		task_put(t);
	proc_put(&r);
	return ret;
}

static int list_task(void *opaque, struct task *t)
{
	struct lister *ls = opaque;
	char name[16];

	snprintf(name, sizeof(name), "%d", t->tid);
	ls->ret = synth_list_add(ls->l, name, LX_S_IFDIR);
	return ls->ret;
}

static int tid_list(const struct synth_ctx *c, struct synth_list *l)
{
	struct lister ls = {.l = l};
	struct proc_ref r;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	tgroup_for_each_task(r.tg, list_task, &ls);
	proc_put(&r);
	return ls.ret;
}

static int task_dir_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	struct proc_ref r;
	int ret;

	if (strcmp(name, "task") != 0)
		return -LX_ENOENT;
	ret = proc_get(c, &r);
	if (ret < 0)
		return -LX_ENOENT;
	ret = process_inode(c, &task_dir_node, r.t, 0, out);
	proc_put(&r);
	return ret;
}

static int task_dir_list(const struct synth_ctx *c, struct synth_list *l)
{
	(void)c;
	return synth_list_add(l, "task", LX_S_IFDIR);
}

static const struct synth_node pid_node = {.name = "pid",
					   .mode = LX_S_IFDIR | 0555,
					   .children = proc_pid_nodes,
					   .lookup = task_dir_lookup,
					   .list = task_dir_list};
static const struct synth_node task_dir_node = {
	.name = "task", .mode = LX_S_IFDIR | 0555, .lookup = tid_lookup, .list = tid_list};
static const struct synth_node tid_node = {
	.name = "tid", .mode = LX_S_IFDIR | 0555, .children = proc_tid_nodes};

/* ---- the caller's own ---- */

static int self_readlink(const struct synth_ctx *c, char **out)
{
	char text[16];

	if (!c->t)
		return -LX_ENOENT;
	snprintf(text, sizeof(text), "%d", c->t->group->tgid);
	*out = strdup(text);
	return *out ? 0 : -LX_ENOMEM;
}

static int thread_self_readlink(const struct synth_ctx *c, char **out)
{
	char text[40];

	if (!c->t)
		return -LX_ENOENT;
	snprintf(text, sizeof(text), "%d/task/%d", c->t->group->tgid, c->t->tid);
	*out = strdup(text);
	return *out ? 0 : -LX_ENOMEM;
}

static const struct synth_node link_nodes[] = {
	{.name = "self", .mode = LX_S_IFLNK | 0777, .readlink = self_readlink},
	{.name = "thread-self", .mode = LX_S_IFLNK | 0777, .readlink = thread_self_readlink},
	{.name = NULL},
};

static int root_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	for (const struct synth_node *n = link_nodes; n->name; n++) {
		if (strcmp(n->name, name) == 0)
			return synth_inode(c->sb, n, &c->id, 0, 0, out);
	}
	return pid_lookup(c, name, out);
}

static int root_list(const struct synth_ctx *c, struct synth_list *l)
{
	for (const struct synth_node *n = link_nodes; n->name; n++) {
		int ret = synth_list_add(l, n->name, n->mode);

		if (ret < 0)
			return ret;
	}
	return pid_list(c, l);
}

static const struct synth_node root_node = {.name = "/",
					    .mode = LX_S_IFDIR | 0555,
					    .children = proc_root_nodes,
					    .lookup = root_lookup,
					    .list = root_list};

int fs_proc_mount(struct guest *g, struct superblock **out)
{
	static const struct synth_id none;
	struct superblock *sb;
	int ret = superblock_new(g, "proc", LX_PROC_SUPER_MAGIC, &sb);

	if (ret < 0)
		return ret;
	sb->flags = SB_NODCACHE;
	ret = synth_inode(sb, &root_node, &none, 0, 0, &sb->root);
	if (ret < 0) {
		superblock_put(sb);
		return ret;
	}
	sb->root->ino = PROC_ROOT_INO;
	*out = sb;
	return 0;
}
