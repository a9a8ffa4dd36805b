/*
 * locks.c: locks on files, fcntl(2) and flock(2).
 *
 * A lock is a range of an inode with an owner: the descriptor table for POSIX locks, the open
 * file for the others.  POSIX and open-file-description locks exclude each other; flock locks
 * are apart.  One mutex covers all; whoever waits looks again after every release.
 */
#include "supervisor/vfs/locks.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/task/task.h"

enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };

struct file_lock {
	struct list_head link; /* inode.locks */
	struct list_head all;
	struct inode *inode; /* outlives the lock: the owner has it open */
	const void *owner;
	enum lock_kind kind;
	int type; /* LX_F_RDLCK or LX_F_WRLCK */
	int32_t pid;
	int64_t start, end; /* end inclusive; INT64_MAX: to the end of the file */
};

/* Somebody asleep for a POSIX lock, for finding deadlocks. */
struct lock_waiter {
	struct list_head link;
	const void *owner, *blocker;
};

static pthread_mutex_t locks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list_head all_locks = LIST_HEAD_INIT(all_locks);
static struct list_head waiters = LIST_HEAD_INIT(waiters);
static struct waitq locks_wait = {PTHREAD_MUTEX_INITIALIZER, LIST_HEAD_INIT(locks_wait.waiters)};
static uint32_t lock_count; /* atomic */

static void lock_free(struct file_lock *l)
{
	list_del_init(&l->link);
	list_del_init(&l->all);
	free(l);
	__atomic_fetch_sub(&lock_count, 1, __ATOMIC_RELAXED);
}

static struct file_lock *lock_add(const struct file_lock *like)
{
	struct file_lock *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	*l = *like;
	list_add_tail(&l->link, &l->inode->locks);
	list_add_tail(&l->all, &all_locks);
	__atomic_fetch_add(&lock_count, 1, __ATOMIC_RELAXED);
	return l;
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	if (same_owner(a, b) || (a->kind == LOCK_FLOCK) != (b->kind == LOCK_FLOCK))
		return false;
	if (a->type == LX_F_RDLCK && b->type == LX_F_RDLCK)
		return false;
	return a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry (l, &want->inode->locks, link) {
		if (conflicts(l, want))
			return l;
	}
	return NULL;
}

/* The range of fl in absolute terms. */
static int to_range(struct file *f, const struct lx_flock *fl, struct file_lock *out)
{
	int64_t base = 0, start, end;

	switch (fl->l_whence) {
	case LX_SEEK_SET:
		break;
	case LX_SEEK_CUR:
		pthread_mutex_lock(&f->pos_lock);
		base = f->pos;
		pthread_mutex_unlock(&f->pos_lock);
		break;
	case LX_SEEK_END: {
		struct vfs_attr attr;
		int r = vfs_getattr(f->inode, &attr);

		if (r < 0)
			return r;
		base = (int64_t)attr.size;
		break;
	}
	default:
		return -LX_EINVAL;
	}
	if (add_overflows(base, fl->l_start, &start))
		return -LX_EOVERFLOW;
	if (start < 0)
		return -LX_EINVAL;
	if (fl->l_len > 0) {
		if (add_overflows(start, fl->l_len - 1, &end))
			return -LX_EOVERFLOW;
	} else if (fl->l_len < 0) {
		end = start - 1;
		if (add_overflows(start, fl->l_len, &start) || start < 0)
			return -LX_EINVAL;
	} else {
		end = INT64_MAX;
	}
	out->start = start;
	out->end = end;
	return 0;
}

static int describe(struct task *t, struct file *f, const struct lx_flock *fl, bool ofd,
                    struct file_lock *out)
{
	if (fl->l_type != LX_F_RDLCK && fl->l_type != LX_F_WRLCK && fl->l_type != LX_F_UNLCK)
		return -LX_EINVAL;
	if (ofd && fl->l_pid != 0)
		return -LX_EINVAL;
	*out = (struct file_lock){.inode = f->inode,
	                          .owner = ofd ? (const void *)f : (const void *)t->files,
	                          .kind = ofd ? LOCK_OFD : LOCK_POSIX,
	                          .type = fl->l_type,
	                          .pid = ofd ? -1 : t->group->tgid};
	return to_range(f, fl, out);
}

int locks_get(struct task *t, struct file *f, struct lx_flock *fl, bool ofd)
{
	struct file_lock want, *l;
	int r = describe(t, f, fl, ofd, &want);

	if (r < 0)
		return r;
	if (want.type == LX_F_UNLCK)
		return -LX_EINVAL;
	pthread_mutex_lock(&locks_mutex);
	l = find_conflict(&want);
	if (!l) {
		fl->l_type = LX_F_UNLCK;
	} else {
		fl->l_type = (int16_t)l->type;
		fl->l_whence = LX_SEEK_SET;
		fl->l_start = l->start;
		fl->l_len = l->end == INT64_MAX ? 0 : l->end - l->start + 1;
		fl->l_pid = l->pid;
	}
	pthread_mutex_unlock(&locks_mutex);
	return 0;
}

/* Cuts [start, end] out of the owner's locks of l's inode.  tail: memory for a split. */
static void cut(const struct file_lock *range, bool *split_failed)
{
	struct file_lock *l, *next;

	list_for_each_entry_safe (l, next, &range->inode->locks, link) {
		if (!same_owner(l, range) || l->end < range->start || l->start > range->end)
			continue;
		if (l->start < range->start && l->end > range->end) {
			struct file_lock tail = *l;

			tail.start = range->end + 1;
			if (!lock_add(&tail)) {
				*split_failed = true;
				return;
			}
			l->end = range->start - 1;
		} else if (l->start < range->start) {
			l->end = range->start - 1;
		} else if (l->end > range->end) {
			l->start = range->end + 1;
		} else {
			lock_free(l);
		}
	}
}

/* Joins the new lock with neighbours of the same owner and type. */
static void merge(struct file_lock *n)
{
	struct file_lock *l, *next;

	list_for_each_entry_safe (l, next, &n->inode->locks, link) {
		if (l == n || !same_owner(l, n) || l->type != n->type)
			continue;
		if (l->end != INT64_MAX && l->end + 1 == n->start)
			n->start = l->start;
		else if (n->end != INT64_MAX && n->end + 1 == l->start)
			n->end = l->end;
		else
			continue;
		lock_free(l);
	}
}

/* locks_mutex is held, and nothing conflicts. */
static int apply(const struct file_lock *want)
{
	bool split_failed = false;
	struct file_lock *l;

	cut(want, &split_failed);
	if (split_failed)
		return -LX_ENOLCK;
	if (want->type == LX_F_UNLCK)
		return 0;
	l = lock_add(want);
	if (!l)
		return -LX_ENOLCK;
	merge(l);
	return 0;
}

/* Whether owner's waiting for blocker would close a circle. */
static bool deadlock(const void *owner, const void *blocker)
{
	for (unsigned depth = 0; depth < 1000; depth++) {
		const void *next = NULL;
		struct lock_waiter *w;

		if (blocker == owner)
			return true;
		list_for_each_entry (w, &waiters, link) {
			if (w->owner == blocker)
				next = w->blocker;
		}
		if (!next)
			return false;
		blocker = next;
	}
	return false;
}

/* One attempt: 0, -LX_EAGAIN, -LX_EDEADLK, -LX_ENOLCK. */
static int try_lock(const struct file_lock *want, struct lock_waiter *w)
{
	struct file_lock *blocker;
	int r;

	pthread_mutex_lock(&locks_mutex);
	blocker = want->type == LX_F_UNLCK ? NULL : find_conflict(want);
	if (!blocker) {
		r = apply(want);
	} else {
		r = -LX_EAGAIN;
		if (w && want->kind == LOCK_POSIX && blocker->kind == LOCK_POSIX) {
			w->blocker = blocker->owner;
			if (deadlock(want->owner, blocker->owner))
				r = -LX_EDEADLK;
		} else if (w) {
			w->blocker = NULL;
		}
	}
	pthread_mutex_unlock(&locks_mutex);
	if (r == 0)
		waitq_wake(&locks_wait, 0);
	return r;
}

static int wait_lock(struct task *t, const struct file_lock *want)
{
	struct lock_waiter w = {.owner = want->owner};
	int r, got = -LX_EAGAIN;

	pthread_mutex_lock(&locks_mutex);
	list_add_tail(&w.link, &waiters);
	pthread_mutex_unlock(&locks_mutex);
	r = WAIT_EVENT(t, &locks_wait, (got = try_lock(want, &w)) != -LX_EAGAIN, WAIT_FOREVER);
	pthread_mutex_lock(&locks_mutex);
	list_del_init(&w.link);
	pthread_mutex_unlock(&locks_mutex);
	return r < 0 ? r : got;
}

int locks_set(struct task *t, struct file *f, const struct lx_flock *fl, bool ofd, bool wait)
{
	struct file_lock want;
	int r = describe(t, f, fl, ofd, &want);

	if (r < 0)
		return r;
	if ((want.type == LX_F_RDLCK && !lx_flags_readable(f->flags)) ||
	    (want.type == LX_F_WRLCK && !lx_flags_writable(f->flags)))
		return -LX_EBADF;
	r = try_lock(&want, NULL);
	return r == -LX_EAGAIN && wait ? wait_lock(t, &want) : r;
}

int locks_flock(struct task *t, struct file *f, int op)
{
	struct file_lock want = {.inode = f->inode,
	                         .owner = f,
	                         .kind = LOCK_FLOCK,
	                         .pid = t->group->tgid,
	                         .start = 0,
	                         .end = INT64_MAX};
	int r;

	if (op & LX_LOCK_MAND) /* once meant something: ignored since Linux 5.15 */
		return 0;
	switch (op & ~LX_LOCK_NB) {
	case LX_LOCK_SH:
		want.type = LX_F_RDLCK;
		break;
	case LX_LOCK_EX:
		want.type = LX_F_WRLCK;
		break;
	case LX_LOCK_UN:
		want.type = LX_F_UNLCK;
		break;
	default:
		return -LX_EINVAL;
	}
	r = try_lock(&want, NULL);
	if (r != -LX_EAGAIN)
		return r;
	if (op & LX_LOCK_NB)
		return -LX_EAGAIN;
	return wait_lock(t, &want);
}

static void remove_owned(struct inode *inode, const void *owner, bool posix)
{
	struct file_lock *l, *next;
	bool any = false;

	if (__atomic_load_n(&lock_count, __ATOMIC_RELAXED) == 0)
		return;
	pthread_mutex_lock(&locks_mutex);
	list_for_each_entry_safe (l, next, &inode->locks, link) {
		if (l->owner == owner && (l->kind == LOCK_POSIX) == posix) {
			lock_free(l);
			any = true;
		}
	}
	pthread_mutex_unlock(&locks_mutex);
	if (any)
		waitq_wake(&locks_wait, 0);
}

void locks_remove_posix(struct file *f, struct fd_table *owner)
{
	remove_owned(f->inode, owner, true);
}

void locks_remove_file(struct file *f)
{
	remove_owned(f->inode, f, false);
}

void locks_for_each(void (*visit)(void *opaque, const char *line), void *opaque)
{
	static const char *const kinds[] = {"POSIX ", "OFDLCK", "FLOCK "};
	struct file_lock *l;
	unsigned n = 0;

	pthread_mutex_lock(&locks_mutex);
	list_for_each_entry (l, &all_locks, all) {
		char line[160], end[24] = "EOF";

		if (l->end != INT64_MAX)
			snprintf(end, sizeof(end), "%lld", (long long)l->end);
		snprintf(line, sizeof(line), "%u: %s  ADVISORY  %s %d %02x:%02x:%llu %lld %s", ++n,
		         kinds[l->kind], l->type == LX_F_RDLCK ? "READ " : "WRITE", l->pid,
		         lx_major(l->inode->sb->dev), lx_minor(l->inode->sb->dev),
		         (unsigned long long)l->inode->ino, (long long)l->start, end);
		visit(opaque, line);
	}
	pthread_mutex_unlock(&locks_mutex);
}
