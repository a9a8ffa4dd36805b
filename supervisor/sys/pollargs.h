/* pollargs.h: arguments that poll, select and epoll calls have in common. */
#ifndef SUPERVISOR_SYS_POLLARGS_H
#define SUPERVISOR_SYS_POLLARGS_H

#include "supervisor/mm/uaccess.h"

struct task;

/* A relative timeout (struct timespec, may be NULL for none) as a deadline for poll_items_wait:
 * 0 means do not wait.  -LX_EFAULT, -LX_EINVAL. */
int poll_deadline_from_user(struct task *t, struct guest_ptr p, int64_t *deadline) MUST_CHECK;

/* Puts a temporary signal mask in place: 1 when it did, 0 when p is NULL.
 * -LX_EINVAL, -LX_EFAULT. */
int poll_sigmask_from_user(struct task *t, struct guest_ptr p, uint64_t size) MUST_CHECK;

#endif
