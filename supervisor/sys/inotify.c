/*
 * inotify.c: inotify(7).
 *
 * A watch joins an instance with an inode, which it keeps alive; the inode's list of watches
 * hangs on inode->marks.  The vfs reports what happens through vfs_notify, which is not called
 * while nobody watches anything (vfs_watch_count).
 *
 * Locks: marks_lock (every list of watches), then inotify.lock (the queue of one instance).
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/poll.h"

#define IN_UNMOUNT     0x00002000u
#define IN_Q_OVERFLOW  0x00004000u
#define IN_IGNORED     0x00008000u
#define IN_ONLYDIR     0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD    0x20000000u
#define IN_ONESHOT     0x80000000u
#define IN_ALL_EVENTS  0x00000fffu
#define IN_VALID                                                                           \
	(IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | \
	 IN_MASK_ADD | IN_ONESHOT | IN_UNMOUNT)

#define QUEUE_MAX     16384u /* /proc/sys/fs/inotify/max_queued_events */
#define INSTANCES_MAX 128u   /* max_user_instances */
#define WATCHES_MAX   65536u /* max_user_watches */

struct lx_inotify_event {
	int32_t wd;
	uint32_t mask, cookie, len;
};
_Static_assert(sizeof(struct lx_inotify_event) == 16, "struct inotify_event is 16 bytes");

struct event {
	struct list_head link;
	struct lx_inotify_event head; /* len: with padding */
	char name[];                  /* head.len bytes, zero padded */
};

struct inotify {
	struct list_head watches; /* marks_lock */
	int32_t last_wd;          /* marks_lock */
	pthread_mutex_t lock;
	struct list_head events;
	uint32_t nevents;
	bool overflowed; /* the overflow event is in the queue */
	struct waitq wait;
};

struct watch {
	struct inotify *owner;
	struct inode *inode; /* a reference */
	struct list_head owner_link, inode_link;
	int32_t wd;
	uint32_t mask;
};

struct inotify_mark_list {
	struct list_head watches;
};

static uint32_t instances; /* atomic */
static pthread_mutex_t marks_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct file_ops inotify_fops;

/* ---- the queue ---- */

static size_t padded_length(const char *name)
{
	return name ? round_up_u64(strlen(name) + 1, sizeof(struct lx_inotify_event)) : 0;
}

static struct event *event_new(int32_t wd, uint32_t mask, uint32_t cookie, const char *name)
{
	size_t len = padded_length(name);
	struct event *e = calloc(1, sizeof(*e) + len);

	if (!e)
		return NULL;
	e->head = (struct lx_inotify_event){wd, mask, cookie, (uint32_t)len};
	if (name)
		memcpy(e->name, name, strlen(name));
	return e;
}

static bool same_event(const struct event *a, const struct event *b)
{
	return memcmp(&a->head, &b->head, sizeof(a->head)) == 0 &&
	       memcmp(a->name, b->name, a->head.len) == 0;
}

/* Queues an event; one equal to the last is dropped, and too many become an overflow. */
static void queue_event(struct inotify *in, int32_t wd, uint32_t mask, uint32_t cookie,
			const char *name)
{
	struct event *e = event_new(wd, mask, cookie, name);

	pthread_mutex_lock(&in->lock);
	if (e && in->nevents >= QUEUE_MAX) {
		free(e);
		e = in->overflowed ? NULL : event_new(-1, IN_Q_OVERFLOW, 0, NULL);
		in->overflowed = true;
	}
	if (e && !list_empty(&in->events) &&
	    same_event(list_entry(in->events.prev, struct event, link), e)) {
		free(e);
		e = NULL;
	}
	if (e) {
		list_add_tail(&e->link, &in->events);
		in->nevents++;
	}
	pthread_mutex_unlock(&in->lock);
	waitq_wake(&in->wait, LX_POLL_READABLE);
}

/* ---- watches ---- */

/* Takes the watch off its lists; the caller frees it without marks_lock. */
static void watch_detach_locked(struct watch *w)
{
	struct inotify_mark_list *marks = w->inode->marks;

	list_del_init(&w->owner_link);
	list_del_init(&w->inode_link);
	if (marks && list_empty(&marks->watches)) {
		w->inode->marks = NULL;
		free(marks);
	}
	__atomic_sub_fetch(&vfs_watch_count, 1, __ATOMIC_RELAXED);
}

static void watch_free(struct watch *w)
{
	inode_put(w->inode);
	free(w);
}

/* Tells the watches of one inode; those that end by it are moved to dead. */
static void notify_inode_locked(struct inode *inode, uint32_t mask, uint32_t cookie,
				const char *name, struct list_head *dead)
{
	struct watch *w, *next;

	if (!inode->marks)
		return;
	/* Detaching the last watch frees the list's head: look ahead only while it is there. */
	list_for_each_entry_safe(w, next, &inode->marks->watches, inode_link) {
		bool last = next == w || &next->inode_link == &inode->marks->watches;

		if (w->mask & mask & IN_ALL_EVENTS) {
			queue_event(w->owner, w->wd, mask, cookie, name);
			if ((w->mask & IN_ONESHOT) && !(mask & VFS_IN_DELETE_SELF)) {
				queue_event(w->owner, w->wd, IN_IGNORED, 0, NULL);
				watch_detach_locked(w);
				list_add(&w->owner_link, dead);
				if (last)
					break;
				continue;
			}
		}
		if (mask & VFS_IN_DELETE_SELF) {
			queue_event(w->owner, w->wd, IN_IGNORED, 0, NULL);
			watch_detach_locked(w);
			list_add(&w->owner_link, dead);
			if (last)
				break;
		}
	}
}

static void free_dead(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct watch *w = list_first_entry(dead, struct watch, owner_link);

		list_del_init(&w->owner_link);
		watch_free(w);
	}
}

/* The directory and name through which an object is known, for events that its directory's
 * watches are told of too. */
static struct inode *parent_of(struct dentry *d, char name[LX_NAME_MAX + 1])
{
	struct inode *parent = NULL;

	tree_read_lock();
	if (d && d->parent && d->parent->inode && !(dentry_flags(d) & (DENTRY_ANON | DENTRY_DELETED))) {
		size_t n = MIN((size_t)d->name_len, (size_t)LX_NAME_MAX);

		memcpy(name, d->name, n);
		name[n] = '\0';
		parent = inode_get(d->parent->inode);
	}
	tree_read_unlock();
	return parent;
}

/* The two halves of a rename are reported one after the other by the same thread. */
static uint32_t cookie_for(uint32_t mask)
{
	static uint32_t last; /* atomic */
	static __thread uint32_t current;

	if (mask & VFS_IN_MOVED_FROM)
		current = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	return mask & (VFS_IN_MOVED_FROM | VFS_IN_MOVED_TO) ? current : 0;
}

void vfs_notify(struct inode *inode, struct dentry *dentry, uint32_t mask, const char *name)
{
	const uint32_t self_only = VFS_IN_DELETE_SELF | VFS_IN_MOVE_SELF;
	char child[LX_NAME_MAX + 1];
	struct inode *parent = NULL;
	struct list_head dead;
	uint32_t cookie = cookie_for(mask);

	list_init(&dead);
	if (!name && LX_S_ISDIR(__atomic_load_n(&inode->mode, __ATOMIC_RELAXED)) &&
	    !(mask & self_only))
		mask |= VFS_IN_ISDIR;
	if (!name && dentry && !(mask & self_only))
		parent = parent_of(dentry, child);
	pthread_mutex_lock(&marks_lock);
	notify_inode_locked(inode, mask, cookie, name, &dead);
	if (parent)
		notify_inode_locked(parent, mask, cookie, child, &dead);
	pthread_mutex_unlock(&marks_lock);
	free_dead(&dead);
	if (parent)
		inode_put(parent);
}

/* ---- the instance as a file ---- */

/* The first event, taken off; -LX_EINVAL when its size exceeds room, -LX_EAGAIN. */
static int take_event(struct inotify *in, uint64_t room, struct event **out)
{
	struct event *e;
	int ret = -LX_EAGAIN;

	pthread_mutex_lock(&in->lock);
	if (!list_empty(&in->events)) {
		e = list_first_entry(&in->events, struct event, link);
		ret = -LX_EINVAL;
		if (sizeof(e->head) + e->head.len <= room) {
			list_del_init(&e->link);
			in->nevents--;
			if (e->head.mask & IN_Q_OVERFLOW)
				in->overflowed = false;
			*out = e;
			ret = 0;
		}
	}
	pthread_mutex_unlock(&in->lock);
	return ret;
}

static bool has_events(struct inotify *in)
{
	bool yes;

	pthread_mutex_lock(&in->lock);
	yes = !list_empty(&in->events);
	pthread_mutex_unlock(&in->lock);
	return yes;
}

static int64_t inotify_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct inotify *in = f->priv;
	struct event *e;
	int64_t done = 0, ret;

	(void)pos;
	for (;;) {
		ret = take_event(in, u->left, &e);
		if (ret == 0) {
			ret = uio_to(u, &e->head, sizeof(e->head) + e->head.len);
			free(e);
			if (ret < 0)
				return done > 0 ? done : ret;
			done += ret;
			continue;
		}
		if (done > 0 || ret == -LX_EINVAL)
			return done > 0 ? done : ret;
		if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK)
			return -LX_EAGAIN;
		ret = WAIT_EVENT(t, &in->wait, has_events(in), WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *in = f->priv;

	poll_wait(f, &in->wait, pt);
	return has_events(in) ? LX_POLL_READABLE : 0;
}

static int64_t inotify_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	struct inotify *in = f->priv;
	struct event *e;
	uint64_t n = 0;

	if (request != LX_FIONREAD)
		return -LX_ENOTTY;
	pthread_mutex_lock(&in->lock);
	list_for_each_entry(e, &in->events, link)
		n += sizeof(e->head) + e->head.len;
	pthread_mutex_unlock(&in->lock);
	return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)n);
}

static void inotify_free(struct inotify *in)
{
	while (!list_empty(&in->events)) {
		struct event *e = list_first_entry(&in->events, struct event, link);

		list_del_init(&e->link);
		free(e);
	}
	waitq_release(&in->wait);
	pthread_mutex_destroy(&in->lock);
	free(in);
	__atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->priv;
	struct list_head dead;

	list_init(&dead);
	pthread_mutex_lock(&marks_lock);
	while (!list_empty(&in->watches)) {
		struct watch *w = list_first_entry(&in->watches, struct watch, owner_link);

		watch_detach_locked(w);
		list_add(&w->owner_link, &dead);
	}
	pthread_mutex_unlock(&marks_lock);
	free_dead(&dead);
	inotify_free(in);
}

static size_t inotify_fdinfo(struct file *f, char *buf, size_t n)
{
	struct inotify *in = f->priv;
	struct watch *w;
	size_t used = 0;

	pthread_mutex_lock(&marks_lock);
	list_for_each_entry(w, &in->watches, owner_link) {
		int len = snprintf(buf + used, n - used, "inotify wd:%x ino:%llx sdev:%llx mask:%x\n",
				   w->wd, (unsigned long long)w->inode->ino,
				   (unsigned long long)w->inode->sb->dev, w->mask);

		if (len < 0 || (size_t)len >= n - used)
			break;
		used += (size_t)len;
	}
	pthread_mutex_unlock(&marks_lock);
	return used;
}

static const struct file_ops inotify_fops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.fdinfo = inotify_fdinfo,
	.seekless = true,
};

/* ---- the calls ---- */

int64_t sys_inotify_init1(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 0);
	struct inotify *in;
	struct file *f;
	int64_t ret;

	if (flags & ~(LX_O_NONBLOCK | LX_O_CLOEXEC))
		return -LX_EINVAL;
	if (__atomic_add_fetch(&instances, 1, __ATOMIC_RELAXED) > INSTANCES_MAX) {
		__atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
		return -LX_EMFILE;
	}
	in = calloc(1, sizeof(*in));
	if (!in) {
		__atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
		return -LX_ENOMEM;
	}
	list_init(&in->watches);
	list_init(&in->events);
	pthread_mutex_init(&in->lock, NULL);
	waitq_init(&in->wait);
	ret = file_new_anon(t->guest, &inotify_fops, in, flags & LX_O_NONBLOCK, 0600,
			    "anon_inode:inotify", &f);
	if (ret < 0) {
		inotify_free(in);
		return ret;
	}
	ret = fd_install(t, f, 0, flags & LX_O_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}

static int inotify_get(struct task *t, int fd, struct file **out)
{
	*out = fd_file(t, fd);
	if (!*out)
		return -LX_EBADF;
	if ((*out)->ops == &inotify_fops)
		return 0;
	file_put(*out);
	return -LX_EINVAL;
}

/* Changes the mask of the instance's watch of inode: its number, or 0 when there is none. */
static int32_t change_watch_locked(struct inotify *in, struct inode *inode, uint32_t mask)
{
	struct watch *w;

	if (!inode->marks)
		return 0;
	list_for_each_entry(w, &inode->marks->watches, inode_link) {
		if (w->owner != in)
			continue;
		if (mask & IN_MASK_CREATE)
			return -LX_EEXIST;
		w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
		return w->wd;
	}
	return 0;
}

static int32_t add_watch_locked(struct inotify *in, struct inode *inode, uint32_t mask)
{
	struct watch *w;

	if (__atomic_load_n(&vfs_watch_count, __ATOMIC_RELAXED) >= WATCHES_MAX ||
	    in->last_wd == INT32_MAX)
		return -LX_ENOSPC;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -LX_ENOMEM;
	if (!inode->marks) {
		inode->marks = calloc(1, sizeof(*inode->marks));
		if (!inode->marks) {
			free(w);
			return -LX_ENOMEM;
		}
		list_init(&inode->marks->watches);
	}
	w->owner = in;
	w->inode = inode_get(inode);
	w->wd = ++in->last_wd;
	w->mask = mask;
	list_add(&w->owner_link, &in->watches);
	list_add_tail(&w->inode_link, &inode->marks->watches);
	__atomic_add_fetch(&vfs_watch_count, 1, __ATOMIC_RELAXED);
	return w->wd;
}

static int64_t watch_path(struct task *t, struct inotify *in, const char *name, uint32_t mask)
{
	uint32_t walk = mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW;
	struct path p;
	int64_t ret;

	if (mask & IN_ONLYDIR)
		walk |= WALK_DIRECTORY;
	ret = path_walk(t, LX_AT_FDCWD, name, walk, &p);
	if (ret < 0)
		return ret;
	ret = vfs_permission(t, p.dentry->inode, LX_R_OK);
	if (ret == 0) {
		pthread_mutex_lock(&marks_lock);
		ret = change_watch_locked(in, p.dentry->inode, mask);
		if (ret == 0)
			ret = add_watch_locked(in, p.dentry->inode, mask);
		pthread_mutex_unlock(&marks_lock);
	}
	path_put(&p);
	return ret;
}

int64_t sys_inotify_add_watch(struct task *t, const struct sys_args *a)
{
	uint32_t mask = arg_u32(a, 2);
	struct file *f;
	char *name;
	int64_t ret;

	if (!(mask & IN_VALID) || ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		return -LX_EINVAL;
	ret = inotify_get(t, arg_int(a, 0), &f);
	if (ret < 0)
		return ret;
	ret = path_from_user(t, arg_ptr(a, 1), &name);
	if (ret == 0) {
		ret = watch_path(t, f->priv, name, mask);
		free(name);
	}
	file_put(f);
	return ret;
}

int64_t sys_inotify_rm_watch(struct task *t, const struct sys_args *a)
{
	struct watch *w, *found = NULL;
	struct inotify *in;
	struct file *f;
	int64_t ret = inotify_get(t, arg_int(a, 0), &f);

	if (ret < 0)
		return ret;
	in = f->priv;
	pthread_mutex_lock(&marks_lock);
	list_for_each_entry(w, &in->watches, owner_link) {
		if (w->wd == arg_int(a, 1)) {
			found = w;
			break;
		}
	}
	if (found)
		watch_detach_locked(found);
	pthread_mutex_unlock(&marks_lock);
	if (found) {
		queue_event(in, found->wd, IN_IGNORED, 0, NULL);
		watch_free(found);
	}
	file_put(f);
	return found ? 0 : -LX_EINVAL;
}
