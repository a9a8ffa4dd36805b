/*
 * vfs.h: the file-system layer: inodes, dentries, mounts, path walk, open files.
 *
 * A file system (fs_remote for fsd, tmpfs, proc, sys, dev, devpts, pipefs, sockfs...) makes
 * inodes with operations.  The dentry tree caches names, positive and negative.  Objects are
 * reference counted with _get/_put.
 */
#ifndef SUPERVISOR_VFS_VFS_H
#define SUPERVISOR_VFS_VFS_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/wait.h"

struct cred;
struct dentry;
struct fd_table;
struct file;
struct guest;
struct inode;
struct mount;
struct poll_table;
struct superblock;
struct task;

/* Attributes in the guest's terms; times in ns since 1970. */
struct vfs_attr {
	uint64_t ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev, size, blocks;
	uint32_t blksize;
	int64_t atime, mtime, ctime, btime;
};

#define VFS_SET_MODE      1u
#define VFS_SET_UID       2u
#define VFS_SET_GID       4u
#define VFS_SET_SIZE      8u
#define VFS_SET_ATIME     16u
#define VFS_SET_MTIME     32u
#define VFS_SET_ATIME_NOW 64u
#define VFS_SET_MTIME_NOW 128u

/* Called for each entry by a readdir; returns false when the caller's buffer is full. */
typedef bool vfs_filldir(void *opaque, const char *name, size_t len, uint64_t ino, uint8_t type,
                         uint64_t next_pos);

/*
 * Operations of an inode.  Permissions have been checked by the caller.  dir->dir_lock is held
 * shared for lookup and exclusively for those that change the directory (rename: both).
 * setattr keeps the inode's fields in step.  A missing operation gives the error in brackets.
 */
struct inode_ops {
	/* [ENOTDIR] The inode named in dir, with a reference; -LX_ENOENT. */
	int (*lookup)(struct inode *dir, const char *name, struct inode **out);
	/* [EPERM] Creates a regular file / directory / special file and returns its inode. */
	int (*create)(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
	              struct inode **out);
	int (*mkdir)(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
	             struct inode **out);
	int (*mknod)(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
	             const struct cred *cred, struct inode **out);
	int (*symlink)(struct inode *dir, const char *name, const char *target,
	               const struct cred *cred, struct inode **out);
	int (*link)(struct inode *dir, const char *name, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, struct inode *victim);
	int (*rmdir)(struct inode *dir, const char *name, struct inode *victim);
	/* moved is what name stands for; victim what newname stands for, or NULL. */
	int (*rename)(struct inode *dir, const char *name, struct inode *moved, struct inode *newdir,
		      const char *newname, struct inode *victim, uint32_t flags);
	int (*tmpfile)(struct inode *dir, uint32_t mode, const struct cred *cred,
	               struct inode **out);
	/* [EINVAL] A new string (malloc) in *out; for magic links (procfs) use follow. */
	int (*readlink)(struct task *t, struct inode *inode, char **out);
	/* For magic links: the object itself, with references; overrides readlink when walking. */
	int (*follow)(struct task *t, struct inode *inode, struct mount **mnt,
	              struct dentry **dentry);
	/* [fields of the inode] */
	int (*getattr)(struct inode *inode, struct vfs_attr *out);
	/* [EPERM] mask: VFS_SET_*. */
	int (*setattr)(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
	               struct file *file);
	/* [mode bits and the caller's credentials] */
	int (*permission)(struct task *t, struct inode *inode, int mask);
	/* [ENOTSUP] Values up to 64 KiB; size 0 asks for the length. */
	int64_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
	                int flags);
	int64_t (*listxattr)(struct inode *inode, char *list, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
	/* [inode->fops] Fills file->ops and file->priv for a fresh open. */
	int (*open)(struct task *t, struct inode *inode, struct file *file);
	/* The last reference went away. */
	void (*release)(struct inode *inode);
};

#define INODE_DEAD 1u /* a removed directory: nothing can be made in it */

/* The attributes change under lock.  mode, uid, gid and size are also read without it (path walk,
 * page cache): they are stored with inode_set_mode, inode_set_owner and inode_set_size. */
struct inode {
	uint32_t refs;  /* atomic */
	uint32_t flags; /* atomic; INODE_* */
	uint32_t mode, nlink, uid, gid;
	uint64_t ino, rdev, size, blocks;
	uint32_t blksize;
	int64_t atime, mtime, ctime, btime;
	struct superblock *sb;
	const struct inode_ops *ops;
	const struct file_ops *fops;
	pthread_mutex_t lock;
	pthread_rwlock_t dir_lock; /* directories: their entries */
	char *link;                /* atomic; target of a symbolic link once read; immutable */
	struct pagecache *cache;   /* NULL until first mapped (memory file systems: always there) */
	uint32_t writers;          /* opens for writing; exec and ETXTBSY */
	uint32_t deny_write;       /* running executables */
	struct list_head locks;    /* POSIX, OFD and flock locks: vfs/locks.c */
	struct inotify_mark_list *marks;
	void *pipe;   /* fifo: its struct pipe while open */
	void *socket; /* bound AF_UNIX socket */
	void *priv;
};

#define SB_RDONLY     1u
#define SB_NODCACHE   2u /* entries come and go by themselves (procfs): names are not cached */
#define SB_REVALIDATE 4u /* others write to it too (bind mounts): names are checked at each use */

/* One file system.  Inodes and mounts hold references. */
struct superblock {
	uint32_t refs; /* atomic */
	char type[16]; /* "tmpfs", as in /proc/mounts */
	struct guest *guest;
	uint64_t dev; /* st_dev */
	uint32_t mounts;    /* atomic; with the last one, root goes */
	struct inode *root; /* a reference */
	uint32_t magic; /* statfs(2) f_type */
	uint32_t flags; /* SB_* */
	char *options;  /* for /proc/mounts, without the mount's flags; may be NULL */
	void *priv;
	/* [zeros] Fills a struct lx_statfs but for f_type, f_fsid and f_flags. */
	int (*statfs)(struct superblock *sb, struct inode *inode, void *lx_statfs);
	int (*sync)(struct superblock *sb);     /* [nothing to do] */
	void (*release)(struct superblock *sb); /* the last reference went away */
};

/* A place in the tree.  mnt is NULL for objects without a name (pipes, sockets...). */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};
void path_get(const struct path *p);
void path_put(struct path *p);
struct inode *inode_at(const struct path *p);

/* Open files. */
struct file_ops {
	/* Transfers through u at *pos (advanced); bytes or negative errno.  [EINVAL] */
	int64_t (*read)(struct task *t, struct file *f, struct uio *u, int64_t *pos);
	int64_t (*write)(struct task *t, struct file *f, struct uio *u, int64_t *pos);
	/* [by the inode's size] The new position, which becomes pos; pos_lock is held.
	 * Directories are asked for absolute positions only (SEEK_SET). */
	int64_t (*lseek)(struct task *t, struct file *f, int64_t offset, int whence);
	/* From pos (2 on: "." and ".." are the caller's); moves it on.  pos_lock is held. */
	int (*readdir)(struct task *t, struct file *f, vfs_filldir *fill, void *opaque);
	/* What is ready now (POLL* bits); registers pt's interest (pt may be NULL). [always ready]
	 */
	uint32_t (*poll)(struct file *f, struct poll_table *pt);
	int64_t (*ioctl)(struct task *t, struct file *f, uint32_t request,
	                 uint64_t arg); /* [ENOTTY] */
	/* The page cache for mmap, or a negative errno. [ENODEV] */
	int (*mapping)(struct file *f, struct pagecache **out);
	int (*fsync)(struct file *f, bool data_only); /* [EINVAL] */
	int64_t (*fallocate)(struct file *f, uint32_t mode, int64_t offset, int64_t len);
	/* F_SETFL changed flags; close of one descriptor; last reference. */
	void (*flags_changed)(struct file *f, uint32_t old_flags);
	void (*flush)(struct task *t, struct file *f);
	void (*release)(struct file *f);
	/* Text for /proc/PID/fdinfo, appended to buf of size n. */
	size_t (*fdinfo)(struct file *f, char *buf, size_t n);
	bool seekless; /* no position: pipes, sockets, ttys (ESPIPE) */
};

struct file {
	uint32_t refs;  /* atomic */
	uint32_t flags; /* O_*: access mode and status flags; F_SETFL changes them under pos_lock */
	const struct file_ops *ops;
	struct path path;
	struct inode *inode;
	int64_t pos;
	pthread_mutex_t pos_lock;     /* pos, for files with one */
	const struct cred *cred;      /* of the opener */
	struct list_head epoll_links; /* interests of epoll instances: sys/poll.c */
	struct {
		int32_t pid;
		int type;
		int signal;
	} owner;        /* F_SETOWN, F_SETSIG */
	uint32_t holds; /* FILE_HOLDS_*, vfs/file.h */
	void *priv;
};
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* A file without a name (pipe, socket, eventfd...): label such as "pipe:[12]" or
 * "anon_inode:[eventfd]" shows in /proc/PID/fd. */
int file_new_anon(struct guest *g, const struct file_ops *ops, void *priv, uint32_t flags,
		  uint32_t mode, const char *label, struct file **out) MUST_CHECK;
/* Another open file on the object of other (the second end of a pipe). */
int file_new_same(struct file *other, const struct file_ops *ops, void *priv, uint32_t flags,
		  struct file **out) MUST_CHECK;

/* The same over an inode that may have several files (the two ends of a pipe); a reference to
 * the inode is taken. */
int inode_new_anon(struct guest *g, const struct inode_ops *ops, uint32_t mode,
                   struct inode **out) MUST_CHECK;
int file_new_inode(struct inode *inode, const struct file_ops *ops, void *priv, uint32_t flags,
                   const char *label, struct file **out) MUST_CHECK;

/* poll(2): a poll_table collects waiters; file->ops->poll calls poll_wait for each queue. */
void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt);
uint32_t file_poll(struct file *f, struct poll_table *pt);

/* Descriptor tables. */
int fd_table_new(struct fd_table **out) MUST_CHECK;
int fd_table_copy(struct fd_table *t, struct fd_table **out) MUST_CHECK;
struct fd_table *fd_table_get(struct fd_table *t);
/* How many descriptors there is room for now: all are below. */
uint32_t fd_table_size(struct fd_table *t);
void fd_table_put(struct task *task, struct fd_table *t);
void fd_table_close_on_exec(struct task *task, struct fd_table *t);
/* The lowest free descriptor >= min gets f (the reference is consumed on success). */
int64_t fd_install(struct task *t, struct file *f, int min, bool cloexec) MUST_CHECK;
/* The open file behind fd, with a reference; NULL: EBADF. */
struct file *fd_file(struct task *t, int fd);
struct file *fd_table_file(struct fd_table *t, int fd);
int64_t fd_close(struct task *t, int fd);
/* Closes (or marks close-on-exec) all from first to last. */
void fd_close_range(struct task *t, uint32_t first, uint32_t last, bool cloexec);
int fd_get_cloexec(struct task *t, int fd) MUST_CHECK; /* 0, 1, -LX_EBADF */
int fd_set_cloexec(struct task *t, int fd, bool cloexec) MUST_CHECK;
bool fd_table_shared(const struct fd_table *t);
int64_t fd_dup2(struct task *t, int oldfd, int newfd, bool cloexec);
/* Visits the descriptors of another task (procfs). */
void fd_table_for_each(struct fd_table *t,
                       int (*visit)(void *opaque, int fd, struct file *f, bool cloexec),
                       void *opaque);

/* Root and working directory, umask; shared with CLONE_FS. */
struct fs_context {
	uint32_t refs;
	pthread_mutex_t lock;
	struct path root, cwd; /* change by fs_context_set only: lock and the tree's write lock */
	uint32_t umask;
};
static inline uint32_t fs_umask(const struct fs_context *fs)
{
	return __atomic_load_n(&fs->umask, __ATOMIC_RELAXED);
}
/* Replaces place, root or cwd of fs, by p, whose references are taken over. */
void fs_context_set(struct fs_context *fs, struct path *place, const struct path *p);
int fs_context_new(const struct path *root, struct fs_context **out) MUST_CHECK;
int fs_context_copy(struct fs_context *fs, struct fs_context **out) MUST_CHECK;
struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);

/* Path walk.  dirfd: LX_AT_FDCWD or a descriptor. */
#define WALK_FOLLOW    1u /* follow a symbolic link at the end */
#define WALK_DIRECTORY 2u /* the result must be a directory */
#define WALK_EMPTY     4u /* AT_EMPTY_PATH: "" names dirfd itself */
#define WALK_NO_XDEV   8u
#define WALK_NO_MAGIC  16u
#define WALK_NO_LINKS  32u
#define WALK_BENEATH   64u
#define WALK_IN_ROOT   128u
int path_walk(struct task *t, int dirfd, const char *name, uint32_t flags,
              struct path *out) MUST_CHECK;
/* The same with a name in guest memory. */
int path_walk_user(struct task *t, int dirfd, struct guest_ptr name, uint32_t flags, struct path *out)
	MUST_CHECK;
/* The parent directory of name and its last component (into last, at most 255 bytes and NUL);
 * "." ".." and "/" as last components are given as they are. */
int path_walk_parent(struct task *t, int dirfd, const char *name, struct path *parent,
                     char last[256], bool *trailing_slash) MUST_CHECK;
/* Copies a guest path in: *out from malloc. */
int path_from_user(struct task *t, struct guest_ptr p, char **out) MUST_CHECK;
/* Absolute name as seen from root, for getcwd and /proc; malloc. " (deleted)" is appended when
 * unlinked; "(unreachable)" is put before when outside root. */
int path_name(struct task *t, const struct path *p, char **out) MUST_CHECK;

/* The whole of open(2) without the descriptor. */
int vfs_open(struct task *t, int dirfd, const char *name, uint32_t flags, uint32_t mode,
             uint32_t walk, struct file **out) MUST_CHECK;
/* Opens for execve: regular file, execute permission, not noexec, holds deny_write until put. */
int vfs_open_exec(struct task *t, int dirfd, const char *name, uint32_t walk,
                  struct file **out) MUST_CHECK;
int64_t vfs_read_kernel(struct file *f, void *buf, size_t n, int64_t pos) MUST_CHECK;
int vfs_getattr(struct inode *inode, struct vfs_attr *out) MUST_CHECK;
/* mask: 4 read, 2 write, 1 execute/search; effective (fs) ids. */
int vfs_permission(struct task *t, struct inode *inode, int mask) MUST_CHECK;

/* Changes of the tree; permissions are checked. */
int vfs_mknod(struct task *t, int dirfd, const char *name, uint32_t mode, uint64_t rdev,
              struct path *out) MUST_CHECK; /* out may be NULL; -LX_EEXIST */
int vfs_mkdir(struct task *t, int dirfd, const char *name, uint32_t mode) MUST_CHECK;
int vfs_unlink(struct task *t, int dirfd, const char *name) MUST_CHECK;
/* chown, chmod, truncate and times by mask VFS_SET_*; checks permissions. */
int vfs_setattr(struct task *t, const struct path *p, uint32_t mask, const struct vfs_attr *attr,
                struct file *file) MUST_CHECK;
/* The object at p, opened. */
int vfs_open_path(struct task *t, const struct path *p, uint32_t flags,
                  struct file **out) MUST_CHECK;
/* Writes everything dirty back (sync(2), and before the guest ends). */
void vfs_sync_all(struct guest *g);

/* Mounts. */
/* Both take over the reference to sb, also when they fail. */
int vfs_mount_root(struct guest *g, struct superblock *sb, struct mount **out) MUST_CHECK;
/* The place of the guest's root, with references, for the first task's fs_context. */
int vfs_root_path(struct guest *g, struct path *out) MUST_CHECK;
/* Takes all mounts away, when no task is left. */
void vfs_unmount_all(struct guest *g);
/* flags: MS_* of common/lx/statfs.h. */
int vfs_mount_at(struct guest *g, const struct path *at, struct superblock *sb, uint32_t flags,
                 const char *source) MUST_CHECK;
/* Visits the mounts that t can see, for /proc/PID/mounts and mountinfo.  Strings last for the call.
 */
struct mount_info {
	int id, parent_id;
	uint64_t dev;
	uint32_t flags; /* MS_* */
	const char *root, *target, *source, *type, *options;
};
int vfs_for_each_mount(struct task *t, int (*visit)(void *opaque, const struct mount_info *m),
                       void *opaque);

/* Inodes of memory file systems: fields from mode and cred, fresh ino, times now. */
int64_t vfs_now(void); /* CLOCK_REALTIME in ns, as coarse as file times are */
void inode_set_mode(struct inode *i, uint32_t mode);
void inode_set_owner(struct inode *i, uint32_t uid, uint32_t gid);
static inline uint32_t inode_mode(const struct inode *i)
{
	return __atomic_load_n(&i->mode, __ATOMIC_RELAXED);
}
void inode_set_size(struct inode *i, uint64_t size);
uint64_t inode_size(const struct inode *i);
int inode_new(struct superblock *sb, const struct inode_ops *ops, const struct file_ops *fops,
              uint32_t mode, struct inode **out) MUST_CHECK;
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
int superblock_new(struct guest *g, const char *type_name, uint32_t magic,
                   struct superblock **out) MUST_CHECK;

/* inotify hook: mask IN_*; name NULL for the object itself. */
void vfs_notify(struct inode *inode, struct dentry *dentry, uint32_t mask, const char *name);

/* File systems; each makes a superblock with its root inode. */
int fs_remote_mount(struct guest *g, uint64_t root_node, bool read_only,
                    struct superblock **out) MUST_CHECK;
int fs_tmp_mount(struct guest *g, const char *options, struct superblock **out) MUST_CHECK;
int fs_proc_mount(struct guest *g, struct superblock **out) MUST_CHECK;
int fs_sys_mount(struct guest *g, struct superblock **out) MUST_CHECK;
int fs_dev_mount(struct guest *g, struct superblock **out) MUST_CHECK;
int fs_pts_mount(struct guest *g, struct superblock **out) MUST_CHECK;
/* Forgets the guest's table of terminals, none of which is open any more. */
void fs_pts_release(struct guest *g);

/* Opens a fifo, or an anonymous pipe again: fills file->ops and file->priv.  Blocks until the
 * other side is opened too, as fifo(7) says; called with no lock held.  -LX_ENXIO,
 * -LX_ERESTARTSYS, -LX_ENOMEM. */
int fifo_open(struct task *t, struct inode *inode, struct file *file) MUST_CHECK;

/* A character device driver: opens of major:minor fill the file. */
int chardev_register(uint32_t major, uint32_t minor_first, uint32_t minor_count,
		     int (*open)(struct task *t, struct inode *inode, struct file *file)) MUST_CHECK;
/* Opens an inode of type S_IFCHR by its rdev: fills file->ops and file->priv.  Called with no
 * lock held.  -LX_ENXIO when no driver serves the number. */
int chardev_open(struct task *t, struct inode *inode, struct file *file) MUST_CHECK;

/* An open file over a descriptor the monitor handed over (stdin, stdout, stderr without a
 * terminal); it owns host_fd. */
int file_new_host(struct guest *g, int host_fd, uint32_t flags, struct file **out) MUST_CHECK;

#endif
