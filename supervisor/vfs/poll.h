/*
 * poll.h: how a caller of file->ops->poll learns which queues to wait on.
 *
 * A poll operation calls poll_wait(f, queue, pt) for each queue that will announce a change,
 * then returns what is ready now.  The caller decides what registering means: poll(2) queues
 * a waiter of the sleeping task, epoll a waiter that puts the file on its ready list, and a
 * mere look passes no table (or one without add).
 */
#ifndef SUPERVISOR_VFS_POLL_H
#define SUPERVISOR_VFS_POLL_H

#include "supervisor/vfs/vfs.h"

struct poll_table {
	/* Registers interest in q on behalf of f; NULL: only look. */
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);
	struct task *task; /* who asks (signalfd looks at its signals); may be NULL */
	uint32_t events;   /* what the caller is interested in; objects may ignore it */
};

/* One file of a poll(2) or select(2). */
struct poll_item {
	struct file *file; /* a reference of the caller's; NULL: skipped */
	uint32_t events;   /* wanted; POLLERR and POLLHUP are always reported */
	uint32_t revents;
};

/*
 * Waits until at least one of n items is ready, and fills revents.  deadline: CLOCK_MONOTONIC
 * nanoseconds, WAIT_FOREVER, or 0 for a mere look.  Returns the number of ready items (0 at the
 * deadline), -LX_ERESTARTNOHAND or -LX_ENOMEM.
 */
int64_t poll_items_wait(struct task *t, struct poll_item *items, size_t n, int64_t deadline)
	MUST_CHECK;

/* Removes every epoll interest in f: called by file_put for the last reference, before
 * ops->release.  Cheap when there is none. */
void epoll_forget_file(struct file *f);

#endif
