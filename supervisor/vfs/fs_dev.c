/*
 * fs_dev.c: /dev, and the table of character device drivers.
 *
 * /dev is a tmpfs that is filled with nodes when it is made, as container engines do it, so
 * that programs can add and remove names.  Opening a node, on whatever file system it lies,
 * asks the driver that registered its number.
 */
#include "supervisor/vfs/chardev.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"

#define DRIVERS_MAX 32u

struct driver {
	uint32_t major, first, count;
	int (*open)(struct task *t, struct inode *inode, struct file *file);
};

/* Rows below ndrivers never change; a new one is filled under the lock, then counted. */
static pthread_mutex_t drivers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct driver drivers[DRIVERS_MAX];
static unsigned ndrivers; /* atomic */

int chardev_register(uint32_t major, uint32_t minor_first, uint32_t minor_count,
		     int (*open)(struct task *t, struct inode *inode, struct file *file))
{
	unsigned n, i;

	pthread_mutex_lock(&drivers_lock);
	n = ndrivers;
	for (i = 0; i < n; i++)
		if (drivers[i].major == major && drivers[i].first == minor_first)
			break;
	if (i == n && n < DRIVERS_MAX) {
		drivers[n] = (struct driver){major, minor_first, minor_count, open};
		__atomic_store_n(&ndrivers, n + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&drivers_lock);
	return i < DRIVERS_MAX ? 0 : -LX_ENOSPC;
}

int chardev_open(struct task *t, struct inode *inode, struct file *file)
{
	uint32_t major = lx_major(inode->rdev), minor = lx_minor(inode->rdev);

	for (unsigned i = 0; i < __atomic_load_n(&ndrivers, __ATOMIC_ACQUIRE); i++) {
		const struct driver *d = &drivers[i];

		if (d->major == major && minor >= d->first && minor - d->first < d->count)
			return d->open(t, inode, file);
	}
	return -LX_ENXIO;
}

struct dev_node {
	const char *name;
	uint32_t mode;
	uint32_t major, minor;
	const char *target; /* symbolic links */
};

static const struct dev_node dev_nodes[] = {
	{"null", LX_S_IFCHR | 0666, 1, 3, NULL},
	{"zero", LX_S_IFCHR | 0666, 1, 5, NULL},
	{"full", LX_S_IFCHR | 0666, 1, 7, NULL},
	{"random", LX_S_IFCHR | 0666, 1, 8, NULL},
	{"urandom", LX_S_IFCHR | 0666, 1, 9, NULL},
	{"tty", LX_S_IFCHR | 0666, 5, 0, NULL},
	{"console", LX_S_IFCHR | 0620, 5, 1, NULL},
	{"ptmx", LX_S_IFLNK | 0777, 0, 0, "pts/ptmx"},
	{"fd", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd"},
	{"stdin", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/0"},
	{"stdout", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/1"},
	{"stderr", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/2"},
	{"core", LX_S_IFLNK | 0777, 0, 0, "/proc/kcore"},
	{"pts", LX_S_IFDIR | 0755, 0, 0, NULL},
	{"shm", LX_S_IFDIR | 01777, 0, 0, NULL},
	{"mqueue", LX_S_IFDIR | 01777, 0, 0, NULL},
};

static int dev_make(struct inode *root, const struct dev_node *n, const struct cred *cred)
{
	struct inode *made = NULL;
	int ret;

	switch (n->mode & LX_S_IFMT) {
	case LX_S_IFLNK:
		ret = root->ops->symlink(root, n->name, n->target, cred, &made);
		break;
	case LX_S_IFDIR:
		ret = root->ops->mkdir(root, n->name, n->mode, cred, &made);
		break;
	default:
		ret = root->ops->mknod(root, n->name, n->mode, lx_makedev(n->major, n->minor), cred,
				       &made);
	}
	if (ret == 0)
		inode_put(made);
	return ret;
}

int fs_dev_mount(struct guest *g, struct superblock **out)
{
	static const struct cred owner = {.refs = 1};
	struct superblock *sb;
	int ret = memdev_register();

	if (ret < 0)
		return ret;
	ret = fs_tmp_mount(g, "mode=755,size=65536k", &sb);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_LEN(dev_nodes); i++) {
		ret = dev_make(sb->root, &dev_nodes[i], &owner);
		if (ret < 0) {
			superblock_put(sb);
			return ret;
		}
	}
	*out = sb;
	return 0;
}
