/*
 * proc_fd.c: /proc/PID/fd and fdinfo, and the links exe, cwd, root and ns/: all that leads
 * from a process to objects.  Walking such a link gives the object itself, whatever its name
 * says now.
 */
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/proc.h"

static const struct synth_node fd_link_node, fdinfo_node;

/* Hands out references to where an open file is. */
static void give_path(const struct path *p, struct mount **mnt, struct dentry **dentry)
{
	struct path copy = *p;

	path_get(&copy);
	*mnt = copy.mnt;
	*dentry = copy.dentry;
}

/* ---- descriptors ---- */

/* The open file that a node is about, with a reference. */
static int fd_get(const struct synth_ctx *c, int fd, struct file **out)
{
	struct fd_table *table;
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret == -LX_ESRCH ? -LX_ENOENT : ret;
	table = task_get_files(r.t);
	*out = table ? fd_table_file(table, fd) : NULL;
	if (table)
		fd_table_put(NULL, table);
	proc_put(&r);
	return *out ? 0 : -LX_ENOENT;
}

static int fd_readlink(const struct synth_ctx *c, char **out)
{
	struct file *f;
	int ret = fd_get(c, c->id.fd, &f);

	if (ret < 0)
		return ret;
	ret = path_name(c->t, &f->path, out);
	file_put(f);
	return ret;
}

static int fd_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry)
{
	struct file *f;
	int ret = fd_get(c, c->id.fd, &f);

	if (ret < 0)
		return ret;
	give_path(&f->path, mnt, dentry);
	file_put(f);
	return 0;
}

static int fd_inode(const struct synth_ctx *c, const struct synth_node *node, const char *name,
		    struct inode **out)
{
	struct synth_id id = c->id;
	struct file *f;
	uint32_t mode;
	int ret = proc_parse_pid(name, &id.fd);

	if (ret == 0)
		ret = fd_get(c, id.fd, &f);
	if (ret < 0)
		return ret;
	mode = node->mode;
	if (node == &fd_link_node) {
		mode |= lx_flags_readable(f->flags) ? 0500 : 0;
		mode |= lx_flags_writable(f->flags) ? 0300 : 0;
	}
	file_put(f);
	ret = synth_inode(c->sb, node, &id, c->uid, c->gid, out);
	if (ret == 0)
		inode_set_mode(*out, mode);
	return ret;
}

int proc_fd_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	return fd_inode(c, &fd_link_node, name, out);
}

int proc_fdinfo_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	return fd_inode(c, &fdinfo_node, name, out);
}

struct fd_lister {
	struct synth_list *l;
	int ret;
};

static int list_fd(void *opaque, int fd, struct file *f, bool cloexec)
{
	struct fd_lister *ls = opaque;
	char name[16];

	(void)f;
	(void)cloexec;
	snprintf(name, sizeof(name), "%d", fd);
	ls->ret = synth_list_add(ls->l, name, LX_S_IFLNK);
	return ls->ret;
}

int proc_fd_list(const struct synth_ctx *c, struct synth_list *l)
{
	struct fd_lister ls = {.l = l};
	struct fd_table *table;
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	table = task_get_files(r.t);
	if (table) {
		fd_table_for_each(table, list_fd, &ls);
		fd_table_put(NULL, table);
	}
	proc_put(&r);
	return ls.ret;
}

struct cloexec_search {
	int fd;
	bool cloexec;
};

static int find_cloexec(void *opaque, int fd, struct file *f, bool cloexec)
{
	struct cloexec_search *search = opaque;

	(void)f;
	if (fd == search->fd)
		search->cloexec = cloexec;
	return fd >= search->fd;
}

static bool fd_cloexec(const struct synth_ctx *c)
{
	struct cloexec_search search = {.fd = c->id.fd};
	struct fd_table *table;
	struct proc_ref r;

	if (proc_get(c, &r) < 0)
		return false;
	table = task_get_files(r.t);
	if (table) {
		fd_table_for_each(table, find_cloexec, &search);
		fd_table_put(NULL, table);
	}
	proc_put(&r);
	return search.cloexec;
}

static int show_fdinfo(const struct synth_ctx *c, struct seqbuf *s)
{
	uint32_t flags;
	struct file *f;
	char more[4096];
	int ret = fd_get(c, c->id.fd, &f);

	if (ret < 0)
		return ret;
	flags = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
	if (fd_cloexec(c))
		flags |= LX_O_CLOEXEC;
	seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
		   (long long)__atomic_load_n(&f->pos, __ATOMIC_RELAXED), flags,
		   f->path.mnt ? f->path.mnt->id : 1, (unsigned long long)f->inode->ino);
	if (f->ops && f->ops->fdinfo)
		seq_write(s, more, f->ops->fdinfo(f, more, sizeof(more)));
	file_put(f);
	return 0;
}

static const struct synth_node fd_link_node = {
	.name = "fd", .mode = LX_S_IFLNK, .readlink = fd_readlink, .follow = fd_follow};
static const struct synth_node fdinfo_node = {
	.name = "fdinfo", .mode = LX_S_IFREG | 0400, .show = show_fdinfo};

/* ---- exe, cwd, root ---- */

int proc_exe_readlink(const struct synth_ctx *c, char **out)
{
	struct proc_ref r;
	struct file *f;
	char *path = NULL;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	f = tgroup_get_exe(r.tg, &path);
	proc_put(&r);
	if (!f) {
		free(path);
		return -LX_ENOENT;
	}
	ret = path_name(c->t, &f->path, out);
	file_put(f);
	free(path);
	return ret;
}

int proc_exe_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry)
{
	struct proc_ref r;
	struct file *f;
	char *path = NULL;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	f = tgroup_get_exe(r.tg, &path);
	proc_put(&r);
	free(path);
	if (!f)
		return -LX_ENOENT;
	give_path(&f->path, mnt, dentry);
	file_put(f);
	return 0;
}

/* The working directory or root of the node's process; path_put when done. */
static int context_path(const struct synth_ctx *c, bool root, struct path *out)
{
	struct fs_context *fs;
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	fs = task_get_fs(r.t);
	proc_put(&r);
	if (!fs)
		return -LX_ENOENT;
	pthread_mutex_lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	pthread_mutex_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int context_readlink(const struct synth_ctx *c, bool root, char **out)
{
	struct path p;
	int ret = context_path(c, root, &p);

	if (ret < 0)
		return ret;
	ret = path_name(c->t, &p, out);
	path_put(&p);
	return ret;
}

static int context_follow(const struct synth_ctx *c, bool root, struct mount **mnt,
			  struct dentry **dentry)
{
	struct path p;
	int ret = context_path(c, root, &p);

	if (ret < 0)
		return ret;
	*mnt = p.mnt; /* the references go with them */
	*dentry = p.dentry;
	return 0;
}

int proc_cwd_readlink(const struct synth_ctx *c, char **out)
{
	return context_readlink(c, false, out);
}

int proc_cwd_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry)
{
	return context_follow(c, false, mnt, dentry);
}

int proc_root_readlink(const struct synth_ctx *c, char **out)
{
	return context_readlink(c, true, out);
}

int proc_root_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry)
{
	return context_follow(c, true, mnt, dentry);
}

/* ---- namespaces ---- */

/* The container has one of each kind; the numbers are those of Linux's first ones. */
struct ns_kind {
	const char *name, *kind;
	uint32_t number;
};

static const struct ns_kind ns_kinds[] = {
	{"cgroup", "cgroup", 4026531835u},	{"ipc", "ipc", 4026531839u},
	{"mnt", "mnt", 4026531841u},		{"net", "net", 4026531840u},
	{"pid", "pid", 4026531836u},		{"pid_for_children", "pid", 4026531836u},
	{"time", "time", 4026531834u},		{"time_for_children", "time", 4026531834u},
	{"user", "user", 4026531837u},		{"uts", "uts", 4026531838u},
};

static void ns_label(const struct ns_kind *k, char out[40])
{
	snprintf(out, 40, "%s:[%u]", k->kind, k->number);
}

static int ns_readlink(const struct synth_ctx *c, char **out)
{
	char label[40];

	ns_label(&ns_kinds[c->id.fd], label);
	*out = strdup(label);
	return *out ? 0 : -LX_ENOMEM;
}

static const struct synth_node ns_object_node = {.name = "ns", .mode = LX_S_IFREG | 0444};

static int ns_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry)
{
	const struct ns_kind *k = &ns_kinds[c->id.fd];
	struct synth_id id = {0};
	struct inode *inode;
	char label[40];
	int ret = synth_inode(c->sb, &ns_object_node, &id, 0, 0, &inode);

	if (ret < 0)
		return ret;
	inode->ino = k->number;
	ns_label(k, label);
	ret = dentry_new(NULL, label, strlen(label), inode, dentry);
	if (ret < 0) {
		inode_put(inode);
		return ret;
	}
	__atomic_fetch_or(&(*dentry)->flags, DENTRY_ANON, __ATOMIC_RELAXED);
	*mnt = NULL;
	return 0;
}

static const struct synth_node ns_link_node = {
	.name = "ns", .mode = LX_S_IFLNK | 0777, .readlink = ns_readlink, .follow = ns_follow};

int proc_ns_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	struct synth_id id = c->id;

	for (size_t i = 0; i < ARRAY_LEN(ns_kinds); i++) {
		if (strcmp(ns_kinds[i].name, name) != 0)
			continue;
		id.fd = (int32_t)i;
		return synth_inode(c->sb, &ns_link_node, &id, c->uid, c->gid, out);
	}
	return -LX_ENOENT;
}

int proc_ns_list(const struct synth_ctx *c, struct synth_list *l)
{
	int ret = 0;

	(void)c;
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(ns_kinds); i++)
		ret = synth_list_add(l, ns_kinds[i].name, LX_S_IFLNK);
	return ret;
}
