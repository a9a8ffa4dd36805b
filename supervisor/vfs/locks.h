/*
 * locks.h: locks on files: POSIX record locks (owned by a descriptor table), open-file-description
 * locks and flock(2) locks (owned by an open file).
 */
#ifndef SUPERVISOR_VFS_LOCKS_H
#define SUPERVISOR_VFS_LOCKS_H

#include "supervisor/vfs/vfs.h"

struct lx_flock;

/* fcntl(2) F_GETLK, F_SETLK, F_SETLKW (ofd: their F_OFD_ forms).  fl is in terms of its l_whence.
 */
int locks_get(struct task *t, struct file *f, struct lx_flock *fl, bool ofd) MUST_CHECK;
int locks_set(struct task *t, struct file *f, const struct lx_flock *fl, bool ofd,
              bool wait) MUST_CHECK;
/* flock(2): op is LOCK_SH, LOCK_EX or LOCK_UN, possibly with LOCK_NB. */
int locks_flock(struct task *t, struct file *f, int op) MUST_CHECK;

/* A descriptor of owner that refers to f's inode was closed: its POSIX locks there go. */
void locks_remove_posix(struct file *f, struct fd_table *owner);
/* The last reference to f goes away. */
void locks_remove_file(struct file *f);

/* Visits every lock, for /proc/locks; one line each, without the newline. */
void locks_for_each(void (*visit)(void *opaque, const char *line), void *opaque);

#endif
