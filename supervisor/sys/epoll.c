/*
 * epoll.c: epoll(7).
 *
 * An epoll instance keeps an item for each (file, descriptor) it was told about, in a hash
 * table, and a ready list.  Each item has waiters on the queues that its file's poll operation
 * named; their wake function puts the item on the ready list and wakes the instance's own
 * queue.  epoll_wait takes items off the list, asks their files what is really ready, reports
 * that, and puts level-triggered ones back; its cost depends on the ready items only.
 *
 * An item holds no reference to its file: when the last descriptor goes, file_put calls
 * epoll_forget_file.  An instance can watch others; adding one is refused if that would make
 * a loop or a chain of more than NEST_MAX links.
 *
 * Locks, outermost first: nest_lock, epoll.lock, link_lock; waitq.lock, epoll.ready_lock.
 */
#include "supervisor/vfs/poll.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/pollargs.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

#define NEST_MAX       4u /* links of a chain of instances */
#define INLINE_EVENTS  32u
#define BUCKETS_MIN    16u
#define INLINE_WAITERS 2u
#define EVENTS_ALWAYS  (LX_POLLERR | LX_POLLHUP)
/* What stays of the events when a one-shot item has fired. */
#define PRIVATE_BITS (LX_EPOLLWAKEUP | LX_EPOLLONESHOT | LX_EPOLLET | LX_EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK \
	(LX_POLLIN | LX_POLLOUT | LX_POLLRDNORM | LX_POLLWRNORM | EVENTS_ALWAYS | LX_EPOLLWAKEUP | \
	 LX_EPOLLET | LX_EPOLLEXCLUSIVE)

struct epoll {
	pthread_mutex_t lock; /* the table, and each item but for ready_lock's fields */
	struct list_head *buckets;
	uint32_t nbuckets, nitems;
	uint32_t refs; /* atomic: the open file, and epoll_forget_file while it works */
	pthread_mutex_t ready_lock; /* ready, item.on_ready, item.events; inside waitq.lock */
	struct list_head ready;
	struct waitq wait; /* epoll_wait sleepers and those who poll this instance */
	struct file *file; /* the instance's own; not a reference */
	uint64_t visit;    /* by the last search through nested instances; nest_lock */
	uint32_t visit_depth;
};

struct item_waiter {
	struct waiter w;
	struct epoll_item *item;
	struct item_waiter *next;
};

struct epoll_item {
	struct epoll *ep;
	struct file *file;
	int fd;
	struct list_head bucket_link;
	struct list_head file_link; /* file->epoll_links; link_lock */
	struct list_head ready_link;
	bool on_ready;
	uint32_t events;
	uint64_t data;
	struct item_waiter inline_waiters[INLINE_WAITERS];
	uint32_t ninline;
	struct item_waiter *more_waiters;
	bool no_memory;
};

static pthread_mutex_t link_lock = PTHREAD_MUTEX_INITIALIZER; /* every file->epoll_links */
static pthread_mutex_t nest_lock = PTHREAD_MUTEX_INITIALIZER; /* adding instances to instances */

static const struct file_ops epoll_fops;

static struct epoll *epoll_of(const struct file *f)
{
	return f->ops == &epoll_fops ? f->priv : NULL;
}

/* ---- readiness ---- */

/* A file announced events (0: unspecified).  Runs with its waitq's lock held. */
static void item_wake(struct waiter *w, uint32_t events)
{
	struct epoll_item *item = container_of(w, struct item_waiter, w)->item;
	struct epoll *ep = item->ep;
	bool wanted;

	pthread_mutex_lock(&ep->ready_lock);
	wanted = (item->events & ~PRIVATE_BITS) != 0 && (events == 0 || (events & item->events));
	if (wanted && !item->on_ready) {
		item->on_ready = true;
		list_add_tail(&item->ready_link, &ep->ready);
	}
	pthread_mutex_unlock(&ep->ready_lock);
	if (wanted)
		waitq_wake(&ep->wait, LX_POLL_READABLE);
}

struct item_table {
	struct poll_table pt;
	struct epoll_item *item;
};

static void item_add_waiter(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct epoll_item *item = container_of(pt, struct item_table, pt)->item;
	struct item_waiter *iw;

	(void)f;
	if (item->ninline < INLINE_WAITERS) {
		iw = &item->inline_waiters[item->ninline++];
	} else {
		iw = calloc(1, sizeof(*iw));
		if (!iw) {
			item->no_memory = true;
			return;
		}
		iw->next = item->more_waiters;
		item->more_waiters = iw;
	}
	waiter_init(&iw->w, NULL);
	iw->w.wake = item_wake;
	iw->item = item;
	waitq_add(q, &iw->w);
}

static void item_remove_waiters(struct epoll_item *item)
{
	struct item_waiter *iw, *next;

	for (uint32_t i = 0; i < item->ninline; i++)
		waitq_remove(&item->inline_waiters[i].w);
	for (iw = item->more_waiters; iw; iw = next) {
		next = iw->next;
		waitq_remove(&iw->w);
		free(iw);
	}
}

static bool epoll_has_ready(struct epoll *ep)
{
	bool yes;

	pthread_mutex_lock(&ep->ready_lock);
	yes = !list_empty(&ep->ready);
	pthread_mutex_unlock(&ep->ready_lock);
	return yes;
}

/* What the item's file is ready for, of what it is watched for. */
static uint32_t item_ready_events(struct epoll_item *item, struct task *t)
{
	struct poll_table look = {.task = t, .events = item->events};

	return file_poll(item->file, &look) & item->events;
}

/* ---- the table of items ---- */

static struct list_head *bucket_of(const struct epoll *ep, const struct file *f, int fd)
{
	uint64_t h = ((uint64_t)(uintptr_t)f >> 4) * 0x9e3779b97f4a7c15u + (uint32_t)fd * 0x85ebca6bu;

	return &ep->buckets[(h >> 32) & (ep->nbuckets - 1)];
}

static struct epoll_item *item_find(struct epoll *ep, struct file *f, int fd)
{
	struct epoll_item *item;

	list_for_each_entry(item, bucket_of(ep, f, fd), bucket_link) {
		if (item->file == f && item->fd == fd)
			return item;
	}
	return NULL;
}

static struct list_head *buckets_new(uint32_t n)
{
	struct list_head *b = calloc(n, sizeof(*b));

	for (uint32_t i = 0; b && i < n; i++)
		list_init(&b[i]);
	return b;
}

/* Doubles the table when it is crowded; without memory it stays as it is. */
static void table_grow(struct epoll *ep)
{
	struct list_head *old = ep->buckets, *bigger;
	uint32_t n = ep->nbuckets;
	struct epoll_item *item, *next;

	if (ep->nitems < n * 2 || n >= (1u << 20))
		return;
	bigger = buckets_new(n * 2);
	if (!bigger)
		return;
	ep->buckets = bigger;
	ep->nbuckets = n * 2;
	for (uint32_t i = 0; i < n; i++) {
		list_for_each_entry_safe(item, next, &old[i], bucket_link) {
			list_del_init(&item->bucket_link);
			list_add(&item->bucket_link, bucket_of(ep, item->file, item->fd));
		}
	}
	free(old);
}

/* Removes the item from everything and frees it; ep->lock is held. */
static void item_remove(struct epoll *ep, struct epoll_item *item)
{
	item_remove_waiters(item);
	pthread_mutex_lock(&ep->ready_lock);
	if (item->on_ready)
		list_del_init(&item->ready_link);
	pthread_mutex_unlock(&ep->ready_lock);
	pthread_mutex_lock(&link_lock);
	list_del_init(&item->file_link);
	pthread_mutex_unlock(&link_lock);
	list_del_init(&item->bucket_link);
	ep->nitems--;
	free(item);
}

static void epoll_put(struct epoll *ep)
{
	if (__atomic_sub_fetch(&ep->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	waitq_release(&ep->wait);
	pthread_mutex_destroy(&ep->lock);
	pthread_mutex_destroy(&ep->ready_lock);
	free(ep->buckets);
	free(ep);
}

/* The instance of some item of f, with a reference. */
static struct epoll *first_watcher(struct file *f)
{
	struct epoll *ep = NULL;

	pthread_mutex_lock(&link_lock);
	if (!list_empty(&f->epoll_links)) {
		ep = list_first_entry(&f->epoll_links, struct epoll_item, file_link)->ep;
		__atomic_add_fetch(&ep->refs, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&link_lock);
	return ep;
}

/* An item of ep for f, found through the file; ep->lock is held. */
static struct epoll_item *item_of_file(struct epoll *ep, struct file *f)
{
	struct epoll_item *item, *found = NULL;

	pthread_mutex_lock(&link_lock);
	list_for_each_entry(item, &f->epoll_links, file_link) {
		if (item->ep == ep) {
			found = item;
			break;
		}
	}
	pthread_mutex_unlock(&link_lock);
	return found;
}

void epoll_forget_file(struct file *f)
{
	struct epoll_item *item;
	struct epoll *ep;

	while ((ep = first_watcher(f)) != NULL) {
		pthread_mutex_lock(&ep->lock);
		while ((item = item_of_file(ep, f)) != NULL)
			item_remove(ep, item);
		pthread_mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

/* ---- the instance as a file ---- */

/* True when some item is really ready; items that are not leave the ready list. */
static bool epoll_really_ready(struct epoll *ep, struct task *t)
{
	struct epoll_item *item;
	bool found = false;

	pthread_mutex_lock(&ep->lock);
	for (;;) {
		pthread_mutex_lock(&ep->ready_lock);
		item = list_empty(&ep->ready)
			       ? NULL
			       : list_first_entry(&ep->ready, struct epoll_item, ready_link);
		if (item) {
			list_del_init(&item->ready_link);
			item->on_ready = false;
		}
		pthread_mutex_unlock(&ep->ready_lock);
		if (!item)
			break;
		found = item_ready_events(item, t) != 0;
		if (!found)
			continue;
		pthread_mutex_lock(&ep->ready_lock);
		if (!item->on_ready) {
			item->on_ready = true;
			list_add(&item->ready_link, &ep->ready);
		}
		pthread_mutex_unlock(&ep->ready_lock);
		break;
	}
	pthread_mutex_unlock(&ep->lock);
	return found;
}

static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;

	poll_wait(f, &ep->wait, pt);
	return epoll_really_ready(ep, pt ? pt->task : NULL) ? LX_POLL_READABLE : 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;

	pthread_mutex_lock(&ep->lock);
	for (uint32_t i = 0; i < ep->nbuckets; i++) {
		while (!list_empty(&ep->buckets[i]))
			item_remove(ep, list_first_entry(&ep->buckets[i], struct epoll_item,
							 bucket_link));
	}
	pthread_mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static size_t epoll_fdinfo(struct file *f, char *buf, size_t n)
{
	struct epoll *ep = f->priv;
	struct epoll_item *item;
	size_t used = 0;

	pthread_mutex_lock(&ep->lock);
	for (uint32_t i = 0; i < ep->nbuckets; i++) {
		list_for_each_entry(item, &ep->buckets[i], bucket_link) {
			int len = snprintf(buf + used, n - used, "tfd: %8d events: %8x data: %16llx\n",
					   item->fd, item->events, (unsigned long long)item->data);

			if (len < 0 || (size_t)len >= n - used)
				goto full;
			used += (size_t)len;
		}
	}
full:
	pthread_mutex_unlock(&ep->lock);
	return used;
}

static const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.fdinfo = epoll_fdinfo,
	.seekless = true,
};

int64_t sys_epoll_create1(struct task *t, const struct sys_args *a)
{
	struct epoll *ep;
	struct file *f;
	int64_t ret;

	if (arg_u32(a, 0) & ~LX_EPOLL_CLOEXEC)
		return -LX_EINVAL;
	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return -LX_ENOMEM;
	ep->nbuckets = BUCKETS_MIN;
	ep->buckets = buckets_new(BUCKETS_MIN);
	if (!ep->buckets) {
		free(ep);
		return -LX_ENOMEM;
	}
	ep->refs = 1;
	pthread_mutex_init(&ep->lock, NULL);
	pthread_mutex_init(&ep->ready_lock, NULL);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	ret = file_new_anon(t->guest, &epoll_fops, ep, LX_O_RDWR, 0600, "anon_inode:[eventpoll]", &f);
	if (ret < 0) {
		epoll_put(ep);
		return ret;
	}
	ep->file = f;
	ret = fd_install(t, f, 0, arg_u32(a, 0) & LX_EPOLL_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}

/* ---- epoll_ctl ---- */

/*
 * Length of the longest chain of instances from ep downwards, ep being at `depth`; more than
 * NEST_MAX when target is met.  An instance is looked into again only from a greater depth, so
 * the work is bounded however the instances watch each other.  nest_lock is held.
 */
static uint32_t depth_below(struct epoll *ep, const struct epoll *target, uint32_t depth,
			    uint64_t visit)
{
	struct epoll_item *item;
	uint32_t deepest = depth;

	if (ep == target || depth > NEST_MAX)
		return NEST_MAX + 1;
	if (ep->visit == visit && ep->visit_depth >= depth)
		return depth;
	ep->visit = visit;
	ep->visit_depth = depth;
	pthread_mutex_lock(&ep->lock);
	for (uint32_t i = 0; i < ep->nbuckets && deepest <= NEST_MAX; i++) {
		list_for_each_entry(item, &ep->buckets[i], bucket_link) {
			struct epoll *below = epoll_of(item->file);
			uint32_t d = below ? depth_below(below, target, depth + 1, visit) : 0;

			deepest = MAX(deepest, d);
		}
	}
	pthread_mutex_unlock(&ep->lock);
	return deepest;
}

/* The same upwards: through those that watch ep.  nest_lock and link_lock are held; the latter
 * keeps the watchers, and the files that watch them in turn, in place. */
static uint32_t depth_above(struct epoll *ep, uint32_t depth, uint64_t visit)
{
	struct epoll_item *item;
	uint32_t deepest = depth;

	if (depth > NEST_MAX || (ep->visit == visit && ep->visit_depth >= depth))
		return depth;
	ep->visit = visit;
	ep->visit_depth = depth;
	list_for_each_entry(item, &ep->file->epoll_links, file_link) {
		uint32_t d = depth_above(item->ep, depth + 1, visit);

		deepest = MAX(deepest, d);
	}
	return deepest;
}

/* May ep watch target?  nest_lock is held. */
static bool nesting_ok(struct epoll *ep, struct epoll *target)
{
	static uint64_t visits; /* under nest_lock */
	uint32_t below = depth_below(target, ep, 1, ++visits), above;

	pthread_mutex_lock(&link_lock);
	above = depth_above(ep, 0, ++visits);
	pthread_mutex_unlock(&link_lock);
	return below + above <= NEST_MAX;
}

/* Readies the item when its file already is. */
static void item_check_now(struct epoll *ep, struct epoll_item *item, uint32_t revents)
{
	if (!(revents & item->events))
		return;
	pthread_mutex_lock(&ep->ready_lock);
	if (!item->on_ready) {
		item->on_ready = true;
		list_add_tail(&item->ready_link, &ep->ready);
	}
	pthread_mutex_unlock(&ep->ready_lock);
	waitq_wake(&ep->wait, LX_POLL_READABLE);
}

static int epoll_add(struct task *t, struct epoll *ep, struct file *f, int fd,
		     const struct lx_epoll_event *ev)
{
	struct item_table table = {.pt = {.add = item_add_waiter, .task = t}};
	struct epoll_item *item;
	uint32_t revents;

	if (item_find(ep, f, fd))
		return -LX_EEXIST;
	item = calloc(1, sizeof(*item));
	if (!item)
		return -LX_ENOMEM;
	item->ep = ep;
	item->file = f;
	item->fd = fd;
	item->events = ev->events | EVENTS_ALWAYS;
	item->data = ev->data;
	list_init(&item->ready_link);
	ep->nitems++;
	table_grow(ep);
	list_add(&item->bucket_link, bucket_of(ep, f, fd));
	pthread_mutex_lock(&link_lock);
	list_add(&item->file_link, &f->epoll_links);
	pthread_mutex_unlock(&link_lock);
	table.item = item;
	table.pt.events = item->events;
	revents = file_poll(f, &table.pt);
	if (item->no_memory) {
		item_remove(ep, item);
		return -LX_ENOMEM;
	}
	item_check_now(ep, item, revents);
	return 0;
}

static int epoll_modify(struct task *t, struct epoll *ep, struct file *f, int fd,
			const struct lx_epoll_event *ev)
{
	struct epoll_item *item = item_find(ep, f, fd);
	struct poll_table look = {.task = t};

	if (!item)
		return -LX_ENOENT;
	if ((item->events & LX_EPOLLEXCLUSIVE) || (ev->events & LX_EPOLLEXCLUSIVE))
		return -LX_EINVAL;
	pthread_mutex_lock(&ep->ready_lock);
	item->events = ev->events | EVENTS_ALWAYS;
	pthread_mutex_unlock(&ep->ready_lock);
	item->data = ev->data;
	look.events = item->events;
	item_check_now(ep, item, file_poll(f, &look));
	return 0;
}

static int epoll_change(struct task *t, struct epoll *ep, struct file *f, int op, int fd,
			const struct lx_epoll_event *ev)
{
	struct epoll_item *item;
	int ret = 0;

	pthread_mutex_lock(&ep->lock);
	switch (op) {
	case LX_EPOLL_CTL_ADD:
		ret = epoll_add(t, ep, f, fd, ev);
		break;
	case LX_EPOLL_CTL_MOD:
		ret = epoll_modify(t, ep, f, fd, ev);
		break;
	case LX_EPOLL_CTL_DEL:
		item = item_find(ep, f, fd);
		if (item)
			item_remove(ep, item);
		else
			ret = -LX_ENOENT;
		break;
	default:
		ret = -LX_EINVAL;
	}
	pthread_mutex_unlock(&ep->lock);
	return ret;
}

static int epoll_ctl_checked(struct task *t, struct file *epf, struct file *f, int op, int fd,
			     struct lx_epoll_event *ev)
{
	struct epoll *ep = epoll_of(epf), *target = epoll_of(f);
	int ret;

	if (!f->ops->poll)
		return -LX_EPERM;
	if (!ep || f == epf)
		return -LX_EINVAL;
	if (op != LX_EPOLL_CTL_DEL && (ev->events & LX_EPOLLEXCLUSIVE)) {
		if (op == LX_EPOLL_CTL_MOD || target || (ev->events & ~EXCLUSIVE_OK))
			return -LX_EINVAL;
	}
	if (op != LX_EPOLL_CTL_ADD || !target)
		return epoll_change(t, ep, f, op, fd, ev);
	pthread_mutex_lock(&nest_lock);
	ret = nesting_ok(ep, target) ? epoll_change(t, ep, f, op, fd, ev) : -LX_ELOOP;
	pthread_mutex_unlock(&nest_lock);
	return ret;
}

int64_t sys_epoll_ctl(struct task *t, const struct sys_args *a)
{
	struct lx_epoll_event ev = {0};
	struct file *epf, *f;
	int64_t ret;

	if (arg_int(a, 1) != LX_EPOLL_CTL_DEL &&
	    copy_from_user(t->mm, &ev, arg_ptr(a, 3), sizeof(ev)) < 0)
		return -LX_EFAULT;
	epf = fd_file(t, arg_int(a, 0));
	if (!epf)
		return -LX_EBADF;
	f = fd_file(t, arg_int(a, 2));
	if (!f) {
		file_put(epf);
		return -LX_EBADF;
	}
	ret = epoll_ctl_checked(t, epf, f, arg_int(a, 1), arg_int(a, 2), &ev);
	file_put(f);
	file_put(epf);
	return ret;
}

/* ---- epoll_wait ---- */

/* Takes the first item off the list of those under examination. */
static struct epoll_item *take_first(struct epoll *ep, struct list_head *list)
{
	struct epoll_item *item = NULL;

	pthread_mutex_lock(&ep->ready_lock);
	if (!list_empty(list)) {
		item = list_first_entry(list, struct epoll_item, ready_link);
		list_del_init(&item->ready_link);
		item->on_ready = false;
	}
	pthread_mutex_unlock(&ep->ready_lock);
	return item;
}

/* Reports one ready item, and disarms or re-lists it as its mode says. */
static void report(struct epoll *ep, struct epoll_item *item, uint32_t revents,
		   struct lx_epoll_event *out)
{
	*out = (struct lx_epoll_event){.events = revents, .data = item->data};
	pthread_mutex_lock(&ep->ready_lock);
	if (item->events & LX_EPOLLONESHOT) {
		item->events &= PRIVATE_BITS;
	} else if (!(item->events & LX_EPOLLET) && !item->on_ready) {
		item->on_ready = true;
		list_add_tail(&item->ready_link, &ep->ready);
	}
	pthread_mutex_unlock(&ep->ready_lock);
}

static void move_all(struct list_head *from, struct list_head *to_front_of)
{
	while (!list_empty(from)) {
		struct list_head *last = from->prev;

		list_del_init(last);
		list_add(last, to_front_of);
	}
}

/* What is ready now, at most max; 0 when nothing is. */
static uint32_t epoll_collect(struct task *t, struct epoll *ep, struct lx_epoll_event *out,
			      uint32_t max)
{
	struct epoll_item *item;
	struct list_head examined;
	uint32_t n = 0;
	bool more;

	list_init(&examined);
	pthread_mutex_lock(&ep->lock);
	pthread_mutex_lock(&ep->ready_lock);
	move_all(&ep->ready, &examined);
	pthread_mutex_unlock(&ep->ready_lock);
	while (n < max && (item = take_first(ep, &examined)) != NULL) {
		uint32_t revents = item_ready_events(item, t);

		if (revents)
			report(ep, item, revents, &out[n++]);
	}
	pthread_mutex_lock(&ep->ready_lock);
	move_all(&examined, &ep->ready);
	more = !list_empty(&ep->ready);
	pthread_mutex_unlock(&ep->ready_lock);
	pthread_mutex_unlock(&ep->lock);
	if (more) /* for others who found the list empty meanwhile */
		waitq_wake(&ep->wait, LX_POLL_READABLE);
	return n;
}

static uint32_t epoll_count(struct epoll *ep)
{
	uint32_t n;

	pthread_mutex_lock(&ep->lock);
	n = ep->nitems;
	pthread_mutex_unlock(&ep->lock);
	return n;
}

static int64_t wait_and_collect(struct task *t, struct epoll *ep, struct lx_epoll_event *out,
				uint32_t max, int64_t deadline)
{
	int64_t n;

	for (;;) {
		n = epoll_collect(t, ep, out, max);
		if (n > 0 || deadline <= 0)
			return n;
		n = WAIT_EVENT(t, &ep->wait, epoll_has_ready(ep), deadline);
		if (n == -LX_ETIMEDOUT)
			deadline = 0; /* one last look */
		else if (n < 0)
			return -LX_EINTR;
	}
}

static int64_t epoll_wait_file(struct task *t, struct epoll *ep, struct guest_ptr events, int max,
			       int64_t deadline)
{
	struct lx_epoll_event few[INLINE_EVENTS], *out = few;
	uint32_t room = (uint32_t)max;
	int64_t ret;

	if (room > INLINE_EVENTS)
		room = MAX(INLINE_EVENTS, MIN(room, epoll_count(ep)));
	if (room > INLINE_EVENTS) {
		out = calloc(room, sizeof(*out));
		if (!out)
			return -LX_ENOMEM;
	}
	ret = wait_and_collect(t, ep, out, room, deadline);
	if (ret > 0 && copy_to_user(t->mm, events, out, (size_t)ret * sizeof(*out)) < 0)
		ret = -LX_EFAULT;
	if (out != few)
		free(out);
	return ret;
}

static int64_t do_epoll_wait(struct task *t, const struct sys_args *a, int64_t deadline)
{
	int max = arg_int(a, 2);
	struct file *f;
	int64_t ret;

	if (max <= 0 || max > INT32_MAX / (int)sizeof(struct lx_epoll_event))
		return -LX_EINVAL;
	f = fd_file(t, arg_int(a, 0));
	if (!f)
		return -LX_EBADF;
	if (epoll_of(f))
		ret = epoll_wait_file(t, epoll_of(f), arg_ptr(a, 1), max, deadline);
	else
		ret = -LX_EINVAL;
	file_put(f);
	return ret;
}

static int64_t epoll_wait_masked(struct task *t, const struct sys_args *a, int64_t deadline)
{
	int masked = poll_sigmask_from_user(t, arg_ptr(a, 4), a->v[5]);
	int64_t ret;

	if (masked < 0)
		return masked;
	ret = do_epoll_wait(t, a, deadline);
	if (masked && ret != -LX_EINTR)
		signal_drop_temporary_mask(t);
	return ret;
}

int64_t sys_epoll_pwait(struct task *t, const struct sys_args *a)
{
	int timeout = arg_int(a, 3);
	int64_t deadline = WAIT_FOREVER;

	if (timeout >= 0)
		deadline = timeout == 0 ? 0 : deadline_after((int64_t)timeout * 1000000);
	return epoll_wait_masked(t, a, deadline);
}

int64_t sys_epoll_pwait2(struct task *t, const struct sys_args *a)
{
	int64_t deadline;
	int ret = poll_deadline_from_user(t, arg_ptr(a, 3), &deadline);

	return ret < 0 ? ret : epoll_wait_masked(t, a, deadline);
}
