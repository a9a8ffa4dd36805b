/*
 * fs_pts.c: devpts: /dev/pts with its ptmx and one node for each pseudo-terminal whose master
 * is open; the table of these; and the drivers of the terminals' device numbers.
 *
 * Opening ptmx (5:2) makes a pair and takes the lowest free index; the node 136:index opens the
 * slave, wherever it lies; /dev/tty (5:0) is the caller's controlling terminal and /dev/console
 * (5:1) the container's console.  All mounts show the same terminals.
 */
#include "common/lx/statfs.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/tty_impl.h"

#define TTY_AUX_MAJOR 5
#define MINOR_TTY     0
#define MINOR_CONSOLE 1
#define MINOR_PTMX    2
#define TTY_GID       5
#define PTMX_INO      2

struct pts_table {
	pthread_mutex_t lock; /* everything here, tty.inode and tty.index */
	struct tty *tty[PTS_MAX];
	struct superblock *sb; /* the first mount's, kept */
	struct tty *console;
};

/* Made on first use. */
static struct pts_table *table_of(struct guest *g)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct pts_table *table;

	pthread_mutex_lock(&lock);
	if (!g->ptys) {
		g->ptys = calloc(1, sizeof(*g->ptys));
		if (g->ptys)
			pthread_mutex_init(&g->ptys->lock, NULL);
	}
	table = g->ptys;
	pthread_mutex_unlock(&lock);
	return table;
}

int pts_add(struct guest *g, struct tty *tty)
{
	struct pts_table *table = table_of(g);
	int ret = -LX_ENOSPC;

	if (!table)
		return -LX_ENOMEM;
	pthread_mutex_lock(&table->lock);
	for (int32_t i = 0; i < PTS_MAX; i++) {
		if (table->tty[i])
			continue;
		table->tty[i] = tty_get(tty);
		tty->index = i;
		if (tty->is_console)
			table->console = tty;
		ret = 0;
		break;
	}
	pthread_mutex_unlock(&table->lock);
	return ret;
}

void pts_remove(struct guest *g, struct tty *tty)
{
	struct pts_table *table = table_of(g);
	bool found = false;

	if (!table)
		return;
	pthread_mutex_lock(&table->lock);
	if (tty->index >= 0 && tty->index < PTS_MAX && table->tty[tty->index] == tty) {
		table->tty[tty->index] = NULL;
		found = true;
	}
	pthread_mutex_unlock(&table->lock);
	if (found)
		tty_put(tty);
}

struct tty *pts_find(struct guest *g, int32_t index)
{
	struct pts_table *table = table_of(g);
	struct tty *tty = NULL;

	if (!table || index < 0 || index >= PTS_MAX)
		return NULL;
	pthread_mutex_lock(&table->lock);
	if (table->tty[index])
		tty = tty_get(table->tty[index]);
	pthread_mutex_unlock(&table->lock);
	return tty;
}

struct tty *tty_console_get(struct guest *g)
{
	struct pts_table *table = table_of(g);
	struct tty *tty = NULL;

	if (!table)
		return NULL;
	pthread_mutex_lock(&table->lock);
	if (table->console)
		tty = tty_get(table->console);
	pthread_mutex_unlock(&table->lock);
	return tty;
}

/* ---- the file system ---- */

static const struct inode_ops pts_node_ops;

static int pts_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
		       struct file *file)
{
	(void)file;
	pthread_mutex_lock(&inode->lock);
	if (mask & VFS_SET_MODE)
		inode_set_mode(inode, (inode->mode & LX_S_IFMT) | (attr->mode & 07777));
	inode_set_owner(inode, mask & VFS_SET_UID ? attr->uid : inode->uid,
			mask & VFS_SET_GID ? attr->gid : inode->gid);
	if (mask & VFS_SET_ATIME)
		inode->atime = attr->atime;
	if (mask & VFS_SET_MTIME)
		inode->mtime = attr->mtime;
	inode->ctime = vfs_now();
	if (mask & VFS_SET_ATIME_NOW)
		inode->atime = inode->ctime;
	if (mask & VFS_SET_MTIME_NOW)
		inode->mtime = inode->ctime;
	pthread_mutex_unlock(&inode->lock);
	return 0;
}

static int pts_inode(struct superblock *sb, uint32_t mode, uint32_t major, uint32_t minor,
		     struct inode **out)
{
	int ret = inode_new(sb, &pts_node_ops, NULL, mode, out);

	if (ret < 0)
		return ret;
	(*out)->rdev = lx_makedev(major, minor);
	(*out)->blksize = 1024;
	return 0;
}

/* The terminal's inode, made on first sight.  The table's lock is held. */
static int tty_inode_locked(struct superblock *sb, struct tty *tty, struct inode **out)
{
	int ret = 0;

	if (!tty->inode) {
		ret = pts_inode(sb, LX_S_IFCHR | 0620, PTS_MAJOR, (uint32_t)tty->index, &tty->inode);
		if (ret < 0)
			return ret;
		tty->inode->ino = (uint64_t)tty->index + 3;
		tty->inode->uid = tty->uid;
		tty->inode->gid = TTY_GID;
	}
	*out = inode_get(tty->inode);
	return 0;
}

/* The number that a canonical decimal name stands for, or -1. */
static int32_t parse_index(const char *name)
{
	int32_t n = 0;

	if (!name[0] || (name[0] == '0' && name[1]))
		return -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || n >= PTS_MAX)
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n < PTS_MAX ? n : -1;
}

static int pts_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct pts_table *table = dir->sb->priv;
	int32_t index = parse_index(name);
	int ret = -LX_ENOENT;

	if (strcmp(name, "ptmx") == 0) {
		ret = pts_inode(dir->sb, LX_S_IFCHR | 0666, TTY_AUX_MAJOR, MINOR_PTMX, out);
		if (ret == 0)
			(*out)->ino = PTMX_INO;
		return ret;
	}
	if (index < 0)
		return -LX_ENOENT;
	pthread_mutex_lock(&table->lock);
	if (table->tty[index])
		ret = tty_inode_locked(dir->sb, table->tty[index], out);
	pthread_mutex_unlock(&table->lock);
	return ret;
}

static bool pts_exists(struct pts_table *table, int32_t index)
{
	bool yes;

	pthread_mutex_lock(&table->lock);
	yes = table->tty[index] != NULL;
	pthread_mutex_unlock(&table->lock);
	return yes;
}

/* Position 2 is ptmx, then 3 + index. */
static int pts_readdir(struct task *t, struct file *f, vfs_filldir *fill, void *opaque)
{
	struct pts_table *table = f->inode->sb->priv;
	char name[16];

	(void)t;
	if (f->pos == 2) {
		if (!fill(opaque, "ptmx", 4, PTMX_INO, LX_DT(LX_S_IFCHR), 3))
			return 0;
		f->pos = 3;
	}
	for (; f->pos >= 3 && f->pos < 3 + PTS_MAX; f->pos++) {
		int32_t index = (int32_t)(f->pos - 3);

		if (!pts_exists(table, index))
			continue;
		snprintf(name, sizeof(name), "%d", index);
		if (!fill(opaque, name, strlen(name), (uint64_t)index + 3, LX_DT(LX_S_IFCHR),
			  (uint64_t)f->pos + 1))
			return 0;
	}
	return 0;
}

static int64_t pts_dir_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	(void)t;
	(void)f;
	(void)whence;
	return offset;
}

static const struct file_ops pts_dir_fops = {.readdir = pts_readdir, .lseek = pts_dir_lseek};
static const struct inode_ops pts_dir_ops = {.lookup = pts_lookup, .setattr = pts_setattr};
static const struct inode_ops pts_node_ops = {.setattr = pts_setattr};

/* ---- the drivers ---- */

static int ptmx_open(struct task *t, struct file *file)
{
	struct tty *tty;
	int ret = tty_new(t->guest, &tty);

	if (ret < 0)
		return ret;
	tty->locked = true;
	tty->uid = t->cred->fsuid;
	ret = pts_add(t->guest, tty);
	if (ret == 0) {
		ret = tty_open_master(tty, file);
		if (ret < 0)
			pts_remove(t->guest, tty);
	}
	tty_put(tty);
	return ret;
}

static int open_and_put(struct task *t, struct tty *tty, struct file *file, int if_none)
{
	int ret = if_none;

	if (tty) {
		ret = tty_open_slave(t, tty, file);
		tty_put(tty);
	}
	return ret;
}

static int aux_open(struct task *t, struct inode *inode, struct file *file)
{
	switch (lx_minor(inode->rdev)) {
	case MINOR_TTY:
		return open_and_put(t, session_get_tty(t), file, -LX_ENXIO);
	case MINOR_CONSOLE:
		return open_and_put(t, tty_console_get(t->guest), file, -LX_ENODEV);
	case MINOR_PTMX:
		return ptmx_open(t, file);
	default:
		return -LX_ENXIO;
	}
}

static int pts_open(struct task *t, struct inode *inode, struct file *file)
{
	return open_and_put(t, pts_find(t->guest, (int32_t)lx_minor(inode->rdev)), file, -LX_EIO);
}

int64_t pts_open_peer(struct task *t, struct tty *tty, uint32_t flags)
{
	char name[32];
	struct file *f;
	int64_t ret;

	snprintf(name, sizeof(name), "/dev/pts/%d", tty->index);
	ret = vfs_open(t, LX_AT_FDCWD, name, (flags & ~LX_O_CREAT) | LX_O_NOCTTY, 0, 0, &f);
	if (ret < 0)
		return ret;
	ret = fd_install(t, f, 0, flags & LX_O_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}

int fs_pts_mount(struct guest *g, struct superblock **out)
{
	struct pts_table *table = table_of(g);
	struct superblock *sb;
	int ret;

	if (!table)
		return -LX_ENOMEM;
	if (table->sb) {
		superblock_get(table->sb);
		*out = table->sb;
		return 0;
	}
	ret = chardev_register(PTS_MAJOR, 0, PTS_MAX, pts_open);
	if (ret == 0)
		ret = chardev_register(TTY_AUX_MAJOR, MINOR_TTY, 3, aux_open);
	if (ret == 0)
		ret = superblock_new(g, "devpts", LX_DEVPTS_SUPER_MAGIC, &sb);
	if (ret < 0)
		return ret;
	sb->flags = SB_NODCACHE;
	sb->options = strdup("gid=5,mode=620,ptmxmode=666");
	sb->priv = table;
	ret = inode_new(sb, &pts_dir_ops, &pts_dir_fops, LX_S_IFDIR | 0755, &sb->root);
	if (ret < 0) {
		superblock_put(sb);
		return ret;
	}
	sb->root->nlink = 2;
	sb->mounts = 1; /* the table's: the root stays when nothing shows it, for the next mount */
	superblock_get(sb);
	table->sb = sb;
	*out = sb;
	return 0;
}

void fs_pts_release(struct guest *g)
{
	struct pts_table *table = g->ptys;

	if (!table)
		return;
	if (table->sb) {
		inode_put(table->sb->root);
		superblock_put(table->sb);
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
	g->ptys = NULL;
}
