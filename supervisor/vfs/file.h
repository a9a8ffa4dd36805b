/*
 * file.h: the inside of open files.
 */
#ifndef SUPERVISOR_VFS_FILE_H
#define SUPERVISOR_VFS_FILE_H

#include "common/lx/statfs.h"
#include "supervisor/vfs/dcache.h"

/* inotify(7) bits that the core reports. */
#define VFS_IN_ACCESS        0x001u
#define VFS_IN_MODIFY        0x002u
#define VFS_IN_ATTRIB        0x004u
#define VFS_IN_CLOSE_WRITE   0x008u
#define VFS_IN_CLOSE_NOWRITE 0x010u
#define VFS_IN_OPEN          0x020u
#define VFS_IN_MOVED_FROM    0x040u
#define VFS_IN_MOVED_TO      0x080u
#define VFS_IN_CREATE        0x100u
#define VFS_IN_DELETE        0x200u
#define VFS_IN_DELETE_SELF   0x400u
#define VFS_IN_MOVE_SELF     0x800u
#define VFS_IN_ISDIR         0x40000000u

/* file.holds: what the open file counts for in its inode. */
#define FILE_HOLDS_WRITE 1u /* inode.writers */
#define FILE_HOLDS_DENY  2u /* inode.deny_write */

/* A file at p without operations; t (the opener) may be NULL.  file_put, or file_free when its
 * open failed. */
int file_alloc(struct task *t, const struct path *p, uint32_t flags, struct file **out) MUST_CHECK;
void file_free(struct file *f);
/* Counts an open for writing; -LX_ETXTBSY while the inode is being executed. */
int file_writer_get(struct inode *inode) MUST_CHECK;
void file_writer_put(struct inode *inode);

/* How many inotify watches there are: with none, nobody has to be told (inotify.c counts). */
extern uint32_t vfs_watch_count;
static inline void notify(struct inode *inode, struct dentry *d, uint32_t mask, const char *name)
{
	if (__atomic_load_n(&vfs_watch_count, __ATOMIC_RELAXED))
		vfs_notify(inode, d, mask, name);
}
static inline void file_notify(struct file *f, uint32_t mask)
{
	notify(f->inode, f->path.dentry, mask, NULL);
}

/* lseek(2) by the size of the inode, all of it data; pos_lock is held. */
int64_t vfs_lseek_generic(struct file *f, int64_t offset, int whence) MUST_CHECK;

/* The open file behind fd, with a reference; NULL also for O_PATH descriptors, which can do nothing. */
static inline struct file *fd_file_opened(struct task *t, int fd)
{
	struct file *f = fd_file(t, fd);

	if (f && (f->flags & LX_O_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

#endif
