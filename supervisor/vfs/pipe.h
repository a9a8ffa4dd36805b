/*
 * pipe.h: pipes and fifos.
 */
#ifndef SUPERVISOR_VFS_PIPE_H
#define SUPERVISOR_VFS_PIPE_H

#include "supervisor/vfs/vfs.h"

/* The greatest write that is never mixed with another's. */
#define PIPE_ATOMIC 4096u

/* A new anonymous pipe; flags: O_NONBLOCK and O_DIRECT (packets) for both ends. */
int pipe_new(struct guest *g, uint32_t flags, struct file **read_end, struct file **write_end)
	MUST_CHECK;

bool file_is_pipe(const struct file *f);
/* F_GETPIPE_SZ and F_SETPIPE_SZ: the capacity in bytes; -LX_EBADF when f is no pipe,
 * -LX_EPERM, -LX_EBUSY, -LX_EINVAL. */
int64_t pipe_capacity(struct file *f);
int64_t pipe_set_capacity(struct task *t, struct file *f, uint64_t bytes);

/*
 * For splice(2) and tee(2): copies up to n bytes from the front of the pipe into buf without
 * taking them (bytes, 0 at end of file, -LX_EAGAIN when empty), and takes n bytes away.
 */
int64_t pipe_peek(struct file *f, void *buf, size_t n) MUST_CHECK;
void pipe_discard(struct file *f, size_t n);
/* Waits until the pipe can be read, or has room when for_write; as read(2) and write(2) wait. */
int pipe_wait(struct task *t, struct file *f, bool for_write) MUST_CHECK;

#endif
