/*
 * vfs_box.h: a task with a tmpfs for its root, enough of a guest for tests of the vfs.
 */
#ifndef TESTS_LIB_VFS_BOX_H
#define TESTS_LIB_VFS_BOX_H

#include "supervisor/guest.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/vfs.h"

struct vfs_box {
	struct guest guest;
	struct tgroup group;
	struct task task;
	struct cred root, user; /* uid 0 with all capabilities; uid and gid 1000 with none */
};

void vfs_box_init(struct vfs_box *b);
void vfs_box_release(struct vfs_box *b);
/* Acts as root or as user from here on. */
void vfs_box_become(struct vfs_box *b, bool root);
/* A second task: of the same process (its own host thread is the caller's business). */
void vfs_box_second(struct vfs_box *b, struct task *t);

/* Shorthands; each returns what the vfs returned. */
int vbox_open(struct vfs_box *b, const char *name, uint32_t flags, uint32_t mode, struct file **out);
int vbox_make(struct vfs_box *b, const char *name, const char *content); /* a file, mode 0644 */
int vbox_stat(struct vfs_box *b, const char *name, bool follow, struct vfs_attr *out);
int64_t vbox_write(struct vfs_box *b, struct file *f, const void *data, size_t n, int64_t pos);

#endif
