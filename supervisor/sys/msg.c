/*
 * msg.c: System V message queues.  msgget(2), msgop(2), msgctl(2).
 */
#include "supervisor/sys/sysvipc.h"

#define LX_MSG_NOERROR 010000u
#define LX_MSG_EXCEPT  020000u
#define LX_MSG_COPY    040000u
#define LX_MSG_STAT    11
#define LX_MSG_INFO    12
#define LX_MSG_STAT_ANY 13
#define MSG_MAX        8192u
#define QUEUE_BYTES    16384u

struct message {
	struct list_head link;
	int64_t type;
	uint32_t len;
	uint8_t data[];
};

struct queue {
	struct ipc_object o;
	struct list_head messages;
	uint64_t bytes, count, limit;
	int64_t stime, rtime;
	int32_t lspid, lrpid;
};

struct lx_msqid_ds {
	struct lx_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct lx_msqid_ds) == 120, "struct msqid64_ds");

static struct queue *queue_of(struct ipc_object *o)
{
	return container_of(o, struct queue, o);
}

static void destroy(struct ipc_object *o)
{
	struct queue *q = queue_of(o);
	struct message *m, *next;

	list_for_each_entry_safe(m, next, &q->messages, link)
		free(m);
	free(q);
}

static struct ipc_table *table(struct task *t)
{
	return ipc_table(t->guest, IPC_KIND_MSG, destroy);
}

int64_t sys_msgget(struct task *t, const struct sys_args *a)
{
	struct ipc_table *tt = table(t);
	struct queue *q = calloc(1, sizeof(*q));
	struct ipc_object *o;
	bool create;
	int64_t id;

	if (!tt || !q) {
		free(q);
		return -LX_ENOMEM;
	}
	list_init(&q->messages);
	q->limit = QUEUE_BYTES;
	pthread_mutex_lock(&tt->lock);
	id = ipc_get_locked(tt, t, arg_int(a, 0), arg_u32(a, 1), &create, &o);
	if (id == -LX_ENOENT && create) {
		id = ipc_add_locked(tt, t, &q->o, arg_int(a, 0), arg_u32(a, 1));
		if (id >= 0)
			q = NULL;
	}
	pthread_mutex_unlock(&tt->lock);
	free(q);
	return id;
}

/* The queue with that id, referenced, if t may use it so. */
static int64_t queue_get(struct task *t, struct ipc_table *tt, int id, uint32_t want, struct queue **out)
{
	struct ipc_object *o;
	int64_t r;

	pthread_mutex_lock(&tt->lock);
	r = ipc_find_locked(tt, id, &o);
	if (r == 0)
		r = ipc_permitted(t, o, want);
	if (r == 0) {
		o->refs++;
		*out = queue_of(o);
	}
	pthread_mutex_unlock(&tt->lock);
	return r;
}

static void queue_put(struct ipc_table *tt, struct queue *q)
{
	pthread_mutex_lock(&tt->lock);
	ipc_put_locked(tt, &q->o);
	pthread_mutex_unlock(&tt->lock);
}

/* -LX_EAGAIN when full. */
static int64_t try_send(struct task *t, struct ipc_table *tt, struct queue *q, struct message *m)
{
	int64_t r = -LX_EAGAIN;

	pthread_mutex_lock(&tt->lock);
	if (q->o.id < 0) {
		r = -LX_EIDRM;
	} else if (q->bytes + m->len <= q->limit && q->count < q->limit) {
		list_add_tail(&m->link, &q->messages);
		q->bytes += m->len;
		q->count++;
		q->lspid = t->group->tgid;
		q->stime = ipc_seconds();
		waitq_wake(&q->o.wait, 0);
		r = 0;
	}
	pthread_mutex_unlock(&tt->lock);
	return r;
}

static int64_t read_message(struct task *t, struct guest_ptr p, uint64_t size, struct message **out)
{
	struct message *m = malloc(sizeof(*m) + size);
	uint64_t type;

	if (!m)
		return -LX_ENOMEM;
	if (get_user_u64(t->mm, &type, p) < 0 || copy_from_user(t->mm, m->data, guest_ptr_add(p, 8), size) < 0) {
		free(m);
		return -LX_EFAULT;
	}
	if ((int64_t)type < 1) {
		free(m);
		return -LX_EINVAL;
	}
	m->type = (int64_t)type;
	m->len = (uint32_t)size;
	*out = m;
	return 0;
}

int64_t sys_msgsnd(struct task *t, const struct sys_args *a)
{
	struct ipc_table *tt = table(t);
	struct message *m;
	struct queue *q;
	int64_t r;
	int err;

	if (!tt)
		return -LX_ENOMEM;
	if (a->v[2] > MSG_MAX || arg_int(a, 0) < 0)
		return -LX_EINVAL;
	r = read_message(t, arg_ptr(a, 1), a->v[2], &m);
	if (r < 0)
		return r;
	r = queue_get(t, tt, arg_int(a, 0), 2, &q);
	if (r == 0) {
		r = try_send(t, tt, q, m);
		if (r == -LX_EAGAIN && !(arg_u32(a, 3) & LX_IPC_NOWAIT)) {
			err = WAIT_EVENT(t, &q->o.wait, (r = try_send(t, tt, q, m)) != -LX_EAGAIN, WAIT_FOREVER);
			if (err < 0)
				r = -LX_ERESTARTNOHAND;
		}
		queue_put(tt, q);
	}
	if (r < 0)
		free(m);
	return r;
}

static struct message *choose(struct queue *q, int64_t type, bool except)
{
	struct message *m, *best = NULL;

	list_for_each_entry(m, &q->messages, link) {
		if (type == 0 || (type > 0 && (m->type == type) != except))
			return m;
		/* The lowest type up to -type, the first of those. */
		if (type < 0 && m->type <= (type == INT64_MIN ? INT64_MAX : -type) &&
		    (!best || m->type < best->type))
			best = m;
	}
	return best;
}

struct receive {
	struct task *task;
	struct ipc_table *tt;
	struct queue *queue;
	uint64_t size;
	int64_t type;
	uint32_t flags;
	struct message *got;
};

static int64_t try_receive(struct receive *rx)
{
	struct queue *q = rx->queue;
	struct message *m;
	int64_t r = 0;

	pthread_mutex_lock(&rx->tt->lock);
	m = q->o.id < 0 ? NULL : choose(q, rx->type, (rx->flags & LX_MSG_EXCEPT) != 0);
	if (q->o.id < 0) {
		r = -LX_EIDRM;
	} else if (!m) {
		r = -LX_ENOMSG;
	} else if (m->len > rx->size && !(rx->flags & LX_MSG_NOERROR)) {
		r = -LX_E2BIG;
	} else {
		list_del_init(&m->link);
		q->bytes -= m->len;
		q->count--;
		q->lrpid = rx->task->group->tgid;
		q->rtime = ipc_seconds();
		waitq_wake(&q->o.wait, 0);
		rx->got = m;
	}
	pthread_mutex_unlock(&rx->tt->lock);
	return r;
}

int64_t sys_msgrcv(struct task *t, const struct sys_args *a)
{
	struct receive rx = {
		.task = t, .tt = table(t), .size = a->v[2], .type = (int64_t)a->v[3], .flags = arg_u32(a, 4)};
	int64_t r;
	int err;

	if (!rx.tt)
		return -LX_ENOMEM;
	if ((int64_t)rx.size < 0 || arg_int(a, 0) < 0)
		return -LX_EINVAL;
	if (rx.flags & LX_MSG_COPY)
		return -LX_ENOSYS; /* as a kernel without checkpoint/restore */
	r = queue_get(t, rx.tt, arg_int(a, 0), 4, &rx.queue);
	if (r < 0)
		return r;
	r = try_receive(&rx);
	if (r == -LX_ENOMSG && !(rx.flags & LX_IPC_NOWAIT)) {
		err = WAIT_EVENT(t, &rx.queue->o.wait, (r = try_receive(&rx)) != -LX_ENOMSG, WAIT_FOREVER);
		if (err < 0)
			r = -LX_ERESTARTNOHAND;
	}
	queue_put(rx.tt, rx.queue);
	if (r == 0) {
		uint64_t n = MIN(rx.size, (uint64_t)rx.got->len);

		r = (int64_t)n;
		if (put_user_u64(t->mm, arg_ptr(a, 1), (uint64_t)rx.got->type) < 0 ||
		    copy_to_user(t->mm, guest_ptr_add(arg_ptr(a, 1), 8), rx.got->data, n) < 0)
			r = -LX_EFAULT;
		free(rx.got);
	}
	return r;
}

static int64_t control_locked(struct task *t, struct ipc_table *tt, struct queue *q, int cmd, struct lx_msqid_ds *ds)
{
	int64_t r;

	switch (cmd) {
	case LX_IPC_SET:
		r = ipc_owned(t, &q->o);
		if (r == 0 && ds->qbytes > QUEUE_BYTES)
			r = -LX_EPERM;
		if (r == 0) {
			q->limit = ds->qbytes;
			ipc_set_perm(&q->o, &ds->perm);
			waitq_wake(&q->o.wait, 0);
		}
		return r;
	case LX_IPC_RMID:
		r = ipc_owned(t, &q->o);
		if (r == 0)
			ipc_remove_locked(tt, &q->o);
		return r;
	default:
		r = cmd == LX_MSG_STAT_ANY ? 0 : ipc_permitted(t, &q->o, 4);
		*ds = (struct lx_msqid_ds){
			.stime = q->stime,
			.rtime = q->rtime,
			.ctime = q->o.ctime,
			.cbytes = q->bytes,
			.qnum = q->count,
			.qbytes = q->limit,
			.lspid = q->lspid,
			.lrpid = q->lrpid,
		};
		ipc_fill_perm(&q->o, &ds->perm);
		return r;
	}
}

static int64_t info(struct task *t, struct ipc_table *tt, struct guest_ptr p, int cmd)
{
	/* struct msginfo: pool, map, max, bytes, queues, segment size, messages; segments */
	int32_t v[8] = {IPC_SLOTS * (int)QUEUE_BYTES / 1024, QUEUE_BYTES, MSG_MAX, QUEUE_BYTES, IPC_SLOTS, 16, QUEUE_BYTES, 0xffff};

	if (cmd == LX_MSG_INFO)
		v[0] = (int32_t)tt->count;
	return copy_to_user(t->mm, p, v, 30) < 0 ? -LX_EFAULT : IPC_SLOTS - 1;
}

int64_t sys_msgctl(struct task *t, const struct sys_args *a)
{
	int cmd = arg_int(a, 1) & ~LX_IPC_64;
	bool by_index = cmd == LX_MSG_STAT || cmd == LX_MSG_STAT_ANY, stat = by_index || cmd == LX_IPC_STAT;
	struct ipc_table *tt = table(t);
	struct ipc_object *o = NULL;
	struct lx_msqid_ds ds = {0};
	int64_t r, id;

	if (!tt)
		return -LX_ENOMEM;
	if (cmd == LX_IPC_INFO || cmd == LX_MSG_INFO)
		return info(t, tt, arg_ptr(a, 2), cmd);
	if (!stat && cmd != LX_IPC_SET && cmd != LX_IPC_RMID)
		return -LX_EINVAL;
	if (cmd == LX_IPC_SET && copy_from_user(t->mm, &ds, arg_ptr(a, 2), sizeof(ds)) < 0)
		return -LX_EFAULT;
	pthread_mutex_lock(&tt->lock);
	if (by_index) {
		o = arg_u32(a, 0) < IPC_SLOTS ? tt->slot[arg_u32(a, 0)] : NULL;
		r = o ? 0 : -LX_EINVAL;
	} else {
		r = ipc_find_locked(tt, arg_int(a, 0), &o);
	}
	id = o ? o->id : 0;
	if (r == 0)
		r = control_locked(t, tt, queue_of(o), cmd, &ds);
	pthread_mutex_unlock(&tt->lock);
	if (r == 0 && stat && copy_to_user(t->mm, arg_ptr(a, 2), &ds, sizeof(ds)) < 0)
		return -LX_EFAULT;
	return r == 0 && by_index ? id : r;
}
