/* rw.h: reading and writing open files, as the calls of several sources do it. */
#ifndef SUPERVISOR_SYS_RW_H
#define SUPERVISOR_SYS_RW_H

#include "supervisor/vfs/vfs.h"

/* Transfers at *pos, or at the file's own position when pos is NULL, with all checks. */
int64_t rw_read(struct task *t, struct file *f, struct uio *u, int64_t *pos) MUST_CHECK;
int64_t rw_write(struct task *t, struct file *f, struct uio *u, int64_t *pos) MUST_CHECK;
/* How many of n bytes at pos RLIMIT_FSIZE allows; -LX_EFBIG (and SIGXFSZ is sent) for none. */
int64_t rw_size_limit(struct task *t, int64_t pos, uint64_t n) MUST_CHECK;

#endif
