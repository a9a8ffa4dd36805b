/*
 * tmp.h: memory files of tmpfs beyond the file system itself: memfd_create(2) and its seals, and
 * POSIX shared memory (/dev/shm is a tmpfs).
 */
#ifndef SUPERVISOR_VFS_TMP_H
#define SUPERVISOR_VFS_TMP_H

#include "supervisor/vfs/vfs.h"

/* A nameless file, shown as "/memfd:name (deleted)"; seals: F_SEAL_* it starts with. */
int tmp_new_memfd(struct task *t, const char *name, uint32_t flags, uint32_t seals, uint32_t mode,
		  struct file **out) MUST_CHECK;
/* fcntl(2) F_GET_SEALS and F_ADD_SEALS: -LX_EINVAL for files that have none, -LX_EPERM, -LX_EBUSY. */
int64_t tmp_get_seals(struct file *f);
int64_t tmp_add_seals(struct file *f, uint32_t seals);
/* Whether f may be mapped shared and writable (F_SEAL_WRITE): 0 or -LX_EPERM.  mm calls it. */
int tmp_check_map(struct file *f, bool shared_writable) MUST_CHECK;

#endif
