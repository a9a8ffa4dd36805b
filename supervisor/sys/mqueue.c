/*
 * mqueue.c: POSIX message queues.  mq_overview(7): named queues of messages with priorities,
 * reached through descriptors.
 */
#include <poll.h>

#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/signal.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"
#include "supervisor/vfs/vfs.h"

#define MAX_QUEUES    256u /* /proc/sys/fs/mqueue/queues_max */
#define DEFAULT_COUNT 10u
#define DEFAULT_SIZE  8192u
#define HARD_COUNT    65536u
#define HARD_SIZE     (16u << 20)
#define HARD_BYTES    (UINT64_C(64) << 20)
#define PRIO_MAX_     32768u

struct lx_mq_attr {
	int64_t flags, maxmsg, msgsize, curmsgs, reserved[4];
};
_Static_assert(sizeof(struct lx_mq_attr) == 64, "struct mq_attr");

struct mq_message {
	struct list_head link;
	uint32_t prio, len;
	uint8_t data[];
};

struct mqueue {
	struct list_head link; /* mq_space.queues; unlinked: on no list */
	uint32_t refs;         /* space lock: the name and each open file */
	char name[256];
	uint32_t mode, uid, gid;
	pthread_mutex_t lock; /* the rest */
	struct list_head messages; /* by priority, then age */
	uint32_t count, maxmsg, msgsize;
	uint32_t receivers; /* sleeping in receive: no notification then */
	struct waitq wait;
	struct tgroup *notify; /* who asked to be told once: a reference */
	int notify_how, notify_sig;
	uint64_t notify_value;
};

/* One guest per supervisor; the names of its queues. */
static struct {
	pthread_mutex_t lock;
	struct list_head queues;
	uint32_t count;
} space = {PTHREAD_MUTEX_INITIALIZER, LIST_HEAD_INIT(space.queues), 0};

static void queue_put_locked(struct mqueue *q)
{
	struct mq_message *m, *next;

	if (--q->refs != 0)
		return;
	list_for_each_entry_safe(m, next, &q->messages, link)
		free(m);
	tgroup_put(q->notify);
	waitq_release(&q->wait);
	pthread_mutex_destroy(&q->lock);
	free(q);
	space.count--;
}

static void queue_put(struct mqueue *q)
{
	pthread_mutex_lock(&space.lock);
	queue_put_locked(q);
	pthread_mutex_unlock(&space.lock);
}

static uint32_t mq_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->priv;
	uint32_t events = 0;

	poll_wait(f, &q->wait, pt);
	pthread_mutex_lock(&q->lock);
	if (q->count > 0)
		events |= POLLIN | POLLRDNORM;
	if (q->count < q->maxmsg)
		events |= POLLOUT | POLLWRNORM;
	pthread_mutex_unlock(&q->lock);
	return events;
}

/* Closing any descriptor takes the process's notification back. */
static void mq_flush(struct task *t, struct file *f)
{
	struct mqueue *q = f->priv;
	struct tgroup *dropped = NULL;

	if (!t) /* procfs held the table of a process that ended meanwhile */
		return;
	pthread_mutex_lock(&q->lock);
	if (q->notify == t->group) {
		dropped = q->notify;
		q->notify = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	tgroup_put(dropped);
}

static void mq_release(struct file *f)
{
	queue_put(f->priv);
}

static const struct file_ops mq_ops = {
	.poll = mq_poll,
	.flush = mq_flush,
	.release = mq_release,
	.seekless = true,
};

static int64_t read_name(struct task *t, struct guest_ptr p, char name[256])
{
	int64_t n = strncpy_from_user(t->mm, name, p, 256);

	if (n < 0)
		return n;
	if (n == 0)
		return -LX_ENOENT;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return -LX_EACCES;
	return 0;
}

static struct mqueue *find_locked(const char *name)
{
	struct mqueue *q = NULL;

	list_for_each_entry(q, &space.queues, link)
		if (strcmp(q->name, name) == 0)
			return q;
	return NULL;
}

static int64_t check_attr(struct task *t, const struct lx_mq_attr *attr)
{
	bool may = cred_capable(t->cred, LX_CAP_SYS_RESOURCE);

	if (attr->maxmsg <= 0 || attr->msgsize <= 0 || attr->maxmsg > (may ? HARD_COUNT : DEFAULT_COUNT) ||
	    attr->msgsize > (may ? HARD_SIZE : DEFAULT_SIZE))
		return -LX_EINVAL;
	return (uint64_t)attr->maxmsg * (uint64_t)attr->msgsize > HARD_BYTES ? -LX_ENOMEM : 0;
}

static int64_t create_locked(struct task *t, const char *name, uint32_t mode, const struct lx_mq_attr *attr,
			     struct mqueue **out)
{
	struct mqueue *q = NULL;

	if (space.count >= MAX_QUEUES && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return -LX_ENOSPC;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -LX_ENOMEM;
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->refs = 1;
	q->mode = mode & 0777 & ~t->fs->umask;
	q->uid = t->cred->fsuid;
	q->gid = t->cred->fsgid;
	q->maxmsg = attr ? (uint32_t)attr->maxmsg : DEFAULT_COUNT;
	q->msgsize = attr ? (uint32_t)attr->msgsize : DEFAULT_SIZE;
	pthread_mutex_init(&q->lock, NULL);
	waitq_init(&q->wait);
	list_init(&q->messages);
	list_add_tail(&q->link, &space.queues);
	space.count++;
	*out = q;
	return 0;
}

static int64_t permitted(struct task *t, const struct mqueue *q, uint32_t flags)
{
	static const uint32_t wants[] = {4, 2, 6, 6};
	uint32_t want = wants[flags & LX_O_ACCMODE], granted = q->mode;

	if (t->cred->fsuid == q->uid)
		granted >>= 6;
	else if (cred_in_group(t->cred, q->gid))
		granted >>= 3;
	return (want & ~granted & 7) && !cred_capable(t->cred, LX_CAP_DAC_OVERRIDE) ? -LX_EACCES : 0;
}

/* The queue by name, made if asked for, with a reference. */
static int64_t open_queue(struct task *t, const char *name, uint32_t flags, uint32_t mode,
			  const struct lx_mq_attr *attr, struct mqueue **out)
{
	struct mqueue *q = NULL;
	int64_t r = 0;

	pthread_mutex_lock(&space.lock);
	q = find_locked(name);
	if (q && (flags & LX_O_CREAT) && (flags & LX_O_EXCL))
		r = -LX_EEXIST;
	else if (q)
		r = permitted(t, q, flags);
	else if (flags & LX_O_CREAT)
		r = create_locked(t, name, mode, attr, &q);
	else
		r = -LX_ENOENT;
	if (r == 0) {
		q->refs++;
		*out = q;
	}
	pthread_mutex_unlock(&space.lock);
	return r;
}

int64_t sys_mq_open(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct lx_mq_attr attr;
	bool have_attr = (flags & LX_O_CREAT) && !guest_ptr_null(arg_ptr(a, 3));
	char name[256], label[300];
	struct mqueue *q = NULL;
	struct file *f = NULL;
	int64_t r = read_name(t, arg_ptr(a, 0), name);

	if (r == 0 && have_attr && copy_from_user(t->mm, &attr, arg_ptr(a, 3), sizeof(attr)) < 0)
		r = -LX_EFAULT;
	if (r == 0 && have_attr)
		r = check_attr(t, &attr);
	if (r == 0)
		r = open_queue(t, name, flags, arg_u32(a, 2), have_attr ? &attr : NULL, &q);
	if (r < 0)
		return r;
	snprintf(label, sizeof(label), "/%s", name);
	r = file_new_anon(t->guest, &mq_ops, q, flags & (LX_O_ACCMODE | LX_O_NONBLOCK), LX_S_IFREG | q->mode,
			  label, &f);
	if (r < 0) {
		queue_put(q);
		return r;
	}
	r = fd_install(t, f, 0, true); /* always: mq_open(3) */
	if (r < 0)
		file_put(f);
	return r;
}

int64_t sys_mq_unlink(struct task *t, const struct sys_args *a)
{
	char name[256];
	struct mqueue *q = NULL;
	int64_t r = read_name(t, arg_ptr(a, 0), name);

	if (r < 0)
		return r;
	pthread_mutex_lock(&space.lock);
	q = find_locked(name);
	if (!q) {
		r = -LX_ENOENT;
	} else if (t->cred->fsuid != q->uid && !cred_capable(t->cred, LX_CAP_FOWNER)) {
		r = -LX_EACCES;
	} else {
		list_del_init(&q->link);
		queue_put_locked(q);
	}
	pthread_mutex_unlock(&space.lock);
	return r;
}

/* The queue behind a descriptor, held by the file in *f. */
static int64_t queue_of_fd(struct task *t, int fd, struct file **f, struct mqueue **out)
{
	*f = fd_file(t, fd);
	if (!*f)
		return -LX_EBADF;
	if ((*f)->ops != &mq_ops) {
		file_put(*f);
		return -LX_EBADF;
	}
	*out = (*f)->priv;
	return 0;
}

static int64_t read_deadline(struct task *t, struct guest_ptr p, int64_t *out)
{
	struct lx_timespec ts;
	int64_t ns;

	*out = WAIT_FOREVER;
	if (guest_ptr_null(p))
		return 0;
	if (copy_from_user(t->mm, &ts, p, sizeof(ts)) < 0)
		return -LX_EFAULT;
	ns = lx_timespec_ns(&ts);
	if (ns < 0)
		return ns;
	*out = clock_to_deadline(LX_CLOCK_REALTIME, ns);
	return 0;
}

static void insert(struct mqueue *q, struct mq_message *m)
{
	struct mq_message *before;

	list_for_each_entry(before, &q->messages, link)
		if (before->prio < m->prio)
			break;
	list_add_tail(&m->link, &before->link); /* or at the end: then before is the head */
	q->count++;
}

/* The queue was empty and nobody sleeps on it: tells who asked to be told. */
static struct tgroup *take_notify(struct mqueue *q, struct task *t, struct lx_siginfo *info)
{
	struct tgroup *tg = q->notify;

	if (!tg || q->receivers > 0 || q->count != 1)
		return NULL;
	q->notify = NULL;
	*info = signal_user_info(t, q->notify_sig, -3 /* SI_MESGQ */);
	info->u.rt.value = q->notify_value;
	return tg;
}

static int64_t try_send(struct task *t, struct mqueue *q, struct mq_message *m)
{
	struct lx_siginfo info;
	struct tgroup *tell = NULL;
	bool signal = false, full;

	pthread_mutex_lock(&q->lock);
	full = q->count >= q->maxmsg;
	if (!full) {
		insert(q, m);
		signal = q->notify_how == LX_SIGEV_SIGNAL;
		tell = take_notify(q, t, &info);
	}
	pthread_mutex_unlock(&q->lock);
	if (full)
		return -LX_EAGAIN;
	waitq_wake(&q->wait, 0);
	if (tell && signal)
		(void)signal_send_group(tell, info.si_signo, &info);
	tgroup_put(tell);
	return 0;
}

static int64_t send_message(struct task *t, struct file *f, struct mqueue *q, struct mq_message *m, int64_t deadline)
{
	int64_t r = try_send(t, q, m);
	int err;

	if (r != -LX_EAGAIN || (f->flags & LX_O_NONBLOCK))
		return r;
	err = WAIT_EVENT(t, &q->wait, (r = try_send(t, q, m)) != -LX_EAGAIN, deadline);
	return err < 0 ? err : r;
}

int64_t sys_mq_timedsend(struct task *t, const struct sys_args *a)
{
	uint64_t len = a->v[2];
	struct mq_message *m = NULL;
	struct mqueue *q = NULL;
	struct file *f = NULL;
	int64_t deadline, r;

	if (arg_u32(a, 3) >= PRIO_MAX_)
		return -LX_EINVAL;
	r = read_deadline(t, arg_ptr(a, 4), &deadline);
	if (r == 0)
		r = queue_of_fd(t, arg_int(a, 0), &f, &q);
	if (r < 0)
		return r;
	if (!lx_flags_writable(f->flags))
		r = -LX_EBADF;
	else if (len > q->msgsize)
		r = -LX_EMSGSIZE;
	else if (!(m = malloc(sizeof(*m) + len)))
		r = -LX_ENOMEM;
	else
		r = copy_from_user(t->mm, m->data, arg_ptr(a, 1), len);
	if (r == 0) {
		m->prio = arg_u32(a, 3);
		m->len = (uint32_t)len;
		r = send_message(t, f, q, m, deadline);
	}
	if (r < 0)
		free(m);
	file_put(f);
	return r;
}

static struct mq_message *try_receive(struct mqueue *q)
{
	struct mq_message *m = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->count > 0) {
		m = list_first_entry(&q->messages, struct mq_message, link);
		list_del_init(&m->link);
		q->count--;
	}
	pthread_mutex_unlock(&q->lock);
	if (m)
		waitq_wake(&q->wait, 0);
	return m;
}

static void count_receiver(struct mqueue *q, uint32_t by)
{
	pthread_mutex_lock(&q->lock);
	q->receivers += by;
	pthread_mutex_unlock(&q->lock);
}

static int64_t receive_message(struct task *t, struct file *f, struct mqueue *q, int64_t deadline,
			       struct mq_message **out)
{
	int err = 0;

	*out = try_receive(q);
	if (*out)
		return 0;
	if (f->flags & LX_O_NONBLOCK)
		return -LX_EAGAIN;
	count_receiver(q, 1);
	err = WAIT_EVENT(t, &q->wait, (*out = try_receive(q)) != NULL, deadline);
	count_receiver(q, UINT32_MAX);
	return err;
}

int64_t sys_mq_timedreceive(struct task *t, const struct sys_args *a)
{
	struct mq_message *m;
	struct mqueue *q = NULL;
	struct file *f = NULL;
	int64_t deadline, r = read_deadline(t, arg_ptr(a, 4), &deadline);

	if (r == 0)
		r = queue_of_fd(t, arg_int(a, 0), &f, &q);
	if (r < 0)
		return r;
	if (!lx_flags_readable(f->flags))
		r = -LX_EBADF;
	else if (a->v[2] < q->msgsize)
		r = -LX_EMSGSIZE;
	else
		r = receive_message(t, f, q, deadline, &m);
	file_put(f);
	if (r < 0)
		return r;
	r = m->len;
	if (copy_to_user(t->mm, arg_ptr(a, 1), m->data, m->len) < 0 ||
	    (!guest_ptr_null(arg_ptr(a, 3)) && put_user_u32(t->mm, arg_ptr(a, 3), m->prio) < 0))
		r = -LX_EFAULT;
	free(m);
	return r;
}

static int64_t set_notify(struct task *t, struct mqueue *q, int how, int sig, uint64_t value)
{
	int64_t r = 0;

	pthread_mutex_lock(&q->lock);
	if (q->notify) {
		r = -LX_EBUSY;
	} else {
		q->notify = tgroup_get(t->group);
		q->notify_how = how;
		q->notify_sig = sig;
		q->notify_value = value;
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

int64_t sys_mq_notify(struct task *t, const struct sys_args *a)
{
	struct {
		uint64_t value;
		int32_t signo, notify;
		uint8_t rest[48];
	} ev;
	bool set = !guest_ptr_null(arg_ptr(a, 1));
	struct mqueue *q = NULL;
	struct file *f = NULL;
	int64_t r;

	if (set) {
		if (copy_from_user(t->mm, &ev, arg_ptr(a, 1), sizeof(ev)) < 0)
			return -LX_EFAULT;
		/* SIGEV_THREAD goes through a netlink socket in Linux, which nobody has here. */
		if ((ev.notify != LX_SIGEV_SIGNAL && ev.notify != LX_SIGEV_NONE) ||
		    (ev.notify == LX_SIGEV_SIGNAL && (ev.signo < 1 || ev.signo > LX_NSIG)))
			return -LX_EINVAL;
	}
	r = queue_of_fd(t, arg_int(a, 0), &f, &q);
	if (r < 0)
		return r;
	if (set)
		r = set_notify(t, q, ev.notify, ev.signo, ev.value);
	else
		mq_flush(t, f);
	file_put(f);
	return r;
}

int64_t sys_mq_getsetattr(struct task *t, const struct sys_args *a)
{
	bool set = !guest_ptr_null(arg_ptr(a, 1));
	struct lx_mq_attr fresh, old = {0};
	struct mqueue *q = NULL;
	struct file *f = NULL;
	int64_t r;

	if (set && copy_from_user(t->mm, &fresh, arg_ptr(a, 1), sizeof(fresh)) < 0)
		return -LX_EFAULT;
	if (set && (fresh.flags & ~(int64_t)LX_O_NONBLOCK))
		return -LX_EINVAL;
	r = queue_of_fd(t, arg_int(a, 0), &f, &q);
	if (r < 0)
		return r;
	pthread_mutex_lock(&q->lock);
	old.maxmsg = q->maxmsg;
	old.msgsize = q->msgsize;
	old.curmsgs = q->count;
	pthread_mutex_unlock(&q->lock);
	pthread_mutex_lock(&f->pos_lock);
	old.flags = f->flags & LX_O_NONBLOCK;
	if (set)
		f->flags = (f->flags & ~LX_O_NONBLOCK) | (uint32_t)fresh.flags;
	pthread_mutex_unlock(&f->pos_lock);
	file_put(f);
	if (!guest_ptr_null(arg_ptr(a, 2)))
		r = copy_to_user(t->mm, arg_ptr(a, 2), &old, sizeof(old));
	return r;
}
