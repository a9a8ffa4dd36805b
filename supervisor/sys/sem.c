/*
 * sem.c: System V semaphores.  semget(2), semop(2), semctl(2).
 *
 * A call's operations happen all at once or not at all: they are tried on the values under the
 * table's lock, and a caller that must wait tries again whenever anything of the set changed.
 */
#include "supervisor/sys/sysvipc.h"

#define LX_SEM_UNDO 0x1000
#define LX_GETPID   11
#define LX_GETVAL   12
#define LX_GETALL   13
#define LX_GETNCNT  14
#define LX_GETZCNT  15
#define LX_SETVAL   16
#define LX_SETALL   17
#define LX_SEM_STAT 18
#define LX_SEM_INFO 19
#define LX_SEM_STAT_ANY 20
#define SEM_PER_SET 32000u
#define SEM_OPS     500u
#define SEM_MAX     32767

struct sem {
	int32_t value, pid;
	uint32_t ncnt, zcnt; /* who waits for more, for zero */
};

/* What is to be added to the values when a process ends. */
struct undo {
	struct list_head link; /* semset.undo */
	struct tgroup *group;  /* not a reference: removed by sem_exit */
	int32_t adjust[];      /* one a semaphore */
};

struct semset {
	struct ipc_object o;
	uint32_t n;
	struct list_head undo;
	int64_t otime;
	struct sem sem[];
};

struct lx_sembuf {
	uint16_t num;
	int16_t op, flags;
};

struct lx_semid_ds {
	struct lx_ipc_perm perm;
	int64_t otime, ctime;
	uint64_t nsems, unused[2];
};
_Static_assert(sizeof(struct lx_semid_ds) == 88, "struct semid64_ds");

static struct semset *set_of(struct ipc_object *o)
{
	return container_of(o, struct semset, o);
}

static void destroy(struct ipc_object *o)
{
	struct semset *s = set_of(o);
	struct undo *u, *next;

	list_for_each_entry_safe(u, next, &s->undo, link)
		free(u);
	free(s);
}

static struct ipc_table *table(struct task *t)
{
	return ipc_table(t->guest, IPC_KIND_SEM, destroy);
}

int64_t sys_semget(struct task *t, const struct sys_args *a)
{
	int32_t key = arg_int(a, 0), n = arg_int(a, 1);
	struct ipc_table *tt = table(t);
	struct ipc_object *o;
	struct semset *s;
	bool create;
	int64_t id;

	if (n < 0 || (uint32_t)n > SEM_PER_SET)
		return -LX_EINVAL;
	s = calloc(1, sizeof(*s) + (size_t)n * sizeof(s->sem[0]));
	if (!tt || !s) {
		free(s);
		return -LX_ENOMEM;
	}
	s->n = (uint32_t)n;
	list_init(&s->undo);
	pthread_mutex_lock(&tt->lock);
	id = ipc_get_locked(tt, t, key, arg_u32(a, 2), &create, &o);
	if (id >= 0 && (uint32_t)n > set_of(o)->n)
		id = -LX_EINVAL;
	if (id == -LX_ENOENT && create) {
		id = n == 0 ? -LX_EINVAL : ipc_add_locked(tt, t, &s->o, key, arg_u32(a, 2));
		if (id >= 0)
			s = NULL;
	}
	pthread_mutex_unlock(&tt->lock);
	free(s);
	return id;
}

/* The caller's adjustments for a set, made if need be. */
static struct undo *undo_of(struct semset *s, struct tgroup *tg)
{
	struct undo *u;

	list_for_each_entry(u, &s->undo, link)
		if (u->group == tg)
			return u;
	u = calloc(1, sizeof(*u) + s->n * sizeof(u->adjust[0]));
	if (!u)
		return NULL;
	u->group = tg;
	list_add_tail(&u->link, &s->undo);
	__atomic_store_n(&tg->has_sem_undo, true, __ATOMIC_RELAXED);
	return u;
}

struct semop_call {
	struct task *task;
	struct ipc_table *tt;
	struct semset *set; /* a reference */
	const struct lx_sembuf *op;
	uint32_t n;
	int blocked_on; /* index of the operation that has to wait, or -1 */
};

#define WOULD_BLOCK 1

static void rollback(struct semop_call *c, uint32_t done)
{
	while (done-- > 0)
		c->set->sem[c->op[done].num].value -= c->op[done].op;
}

/* 0 done, WOULD_BLOCK, or a negative errno; on anything but 0 the values are as before. */
static int64_t apply(struct semop_call *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct sem *sem = &c->set->sem[c->op[i].num];
		int32_t op = c->op[i].op;
		bool wait = op == 0 ? sem->value != 0 : sem->value + op < 0;

		if (wait || sem->value + op > SEM_MAX) {
			rollback(c, i);
			c->blocked_on = (int)i;
			if (!wait)
				return -LX_ERANGE;
			return (uint16_t)c->op[i].flags & LX_IPC_NOWAIT ? -LX_EAGAIN : WOULD_BLOCK;
		}
		sem->value += op;
	}
	return 0;
}

static int64_t commit(struct semop_call *c)
{
	struct undo *u = NULL;

	for (uint32_t i = 0; i < c->n; i++) {
		if (!(c->op[i].flags & LX_SEM_UNDO) || u)
			continue;
		u = undo_of(c->set, c->task->group);
		if (!u) {
			rollback(c, c->n);
			return -LX_ENOMEM;
		}
	}
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->op[i].flags & LX_SEM_UNDO)
			u->adjust[c->op[i].num] -= c->op[i].op;
		c->set->sem[c->op[i].num].pid = c->task->group->tgid;
	}
	c->set->otime = ipc_seconds();
	waitq_wake(&c->set->o.wait, 0);
	return 0;
}

static int64_t try_ops(struct semop_call *c)
{
	int64_t r = -LX_EIDRM;

	pthread_mutex_lock(&c->tt->lock);
	if (c->set->o.id >= 0) {
		r = apply(c);
		if (r == 0)
			r = commit(c);
	}
	pthread_mutex_unlock(&c->tt->lock);
	return r;
}

/* GETNCNT and GETZCNT show who waits. */
static void count_waiter(struct semop_call *c, uint32_t by)
{
	const struct lx_sembuf *op = &c->op[c->blocked_on];

	pthread_mutex_lock(&c->tt->lock);
	if (op->op == 0)
		c->set->sem[op->num].zcnt += by;
	else
		c->set->sem[op->num].ncnt += by;
	pthread_mutex_unlock(&c->tt->lock);
}

static int64_t run_ops(struct semop_call *c, int64_t deadline)
{
	int64_t r = try_ops(c);
	int first, err;

	if (r != WOULD_BLOCK)
		return r;
	first = c->blocked_on;
	count_waiter(c, 1);
	err = WAIT_EVENT(c->task, &c->set->o.wait, (r = try_ops(c)) != WOULD_BLOCK, deadline);
	c->blocked_on = first;
	count_waiter(c, UINT32_MAX);
	if (err == 0)
		return r;
	return err == -LX_ETIMEDOUT ? -LX_EAGAIN : -LX_EINTR; /* never restarted: semop(2) */
}

static int64_t check_ops(const struct semop_call *c)
{
	uint32_t want = 4;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->op[i].num >= c->set->n)
			return -LX_EFBIG;
		if (c->op[i].op != 0)
			want = 2;
	}
	return ipc_permitted(c->task, &c->set->o, want);
}

static int64_t semop_common(struct task *t, const struct sys_args *a, int64_t deadline)
{
	uint32_t n = arg_u32(a, 2);
	struct lx_sembuf op[SEM_OPS];
	struct semop_call c = {.task = t, .tt = table(t), .op = op, .n = n, .blocked_on = -1};
	struct ipc_object *o;
	int64_t r;

	if (n < 1 || arg_int(a, 0) < 0)
		return -LX_EINVAL;
	if (n > SEM_OPS)
		return -LX_E2BIG;
	if (!c.tt)
		return -LX_ENOMEM;
	if (copy_from_user(t->mm, op, arg_ptr(a, 1), n * sizeof(op[0])) < 0)
		return -LX_EFAULT;
	pthread_mutex_lock(&c.tt->lock);
	r = ipc_find_locked(c.tt, arg_int(a, 0), &o);
	if (r == 0) {
		c.set = set_of(o);
		r = check_ops(&c);
		if (r == 0)
			o->refs++;
	}
	pthread_mutex_unlock(&c.tt->lock);
	if (r < 0)
		return r;
	r = run_ops(&c, deadline);
	pthread_mutex_lock(&c.tt->lock);
	ipc_put_locked(c.tt, &c.set->o);
	pthread_mutex_unlock(&c.tt->lock);
	return r;
}

int64_t sys_semop(struct task *t, const struct sys_args *a)
{
	return semop_common(t, a, WAIT_FOREVER);
}

int64_t sys_semtimedop(struct task *t, const struct sys_args *a)
{
	struct lx_timespec ts;
	int64_t ns;

	if (guest_ptr_null(arg_ptr(a, 3)))
		return semop_common(t, a, WAIT_FOREVER);
	if (copy_from_user(t->mm, &ts, arg_ptr(a, 3), sizeof(ts)) < 0)
		return -LX_EFAULT;
	ns = lx_timespec_ns(&ts);
	return ns < 0 ? ns : semop_common(t, a, deadline_after(ns));
}

static void forget_undo(struct semset *s, uint32_t first, uint32_t n)
{
	struct undo *u;

	list_for_each_entry(u, &s->undo, link)
		memset(&u->adjust[first], 0, n * sizeof(u->adjust[0]));
}

static int64_t set_value(struct task *t, struct semset *s, uint32_t num, int32_t value)
{
	int err = ipc_permitted(t, &s->o, 2);

	if (err < 0)
		return err;
	if (value < 0 || value > SEM_MAX)
		return -LX_ERANGE;
	s->sem[num].value = value;
	s->sem[num].pid = t->group->tgid;
	s->o.ctime = ipc_seconds();
	forget_undo(s, num, 1);
	waitq_wake(&s->o.wait, 0);
	return 0;
}

static int64_t one_value(struct task *t, struct semset *s, int cmd, uint32_t num, uint64_t arg)
{
	int err;

	if (num >= s->n)
		return -LX_EINVAL;
	if (cmd == LX_SETVAL)
		return set_value(t, s, num, (int32_t)arg);
	err = ipc_permitted(t, &s->o, 4);
	if (err < 0)
		return err;
	switch (cmd) {
	case LX_GETVAL:
		return s->sem[num].value;
	case LX_GETPID:
		return s->sem[num].pid;
	case LX_GETNCNT:
		return s->sem[num].ncnt;
	default:
		return s->sem[num].zcnt;
	}
}

/* values: room for all of the set, for GETALL and SETALL; n what it has room for. */
static int64_t control_locked(struct task *t, struct ipc_table *tt, struct semset *s, int cmd,
			      const struct sys_args *a, struct lx_semid_ds *ds, uint16_t *values, uint32_t n)
{
	int64_t r;

	switch (cmd) {
	case LX_GETALL:
		r = ipc_permitted(t, &s->o, 4);
		for (uint32_t i = 0; r == 0 && i < MIN(n, s->n); i++)
			values[i] = (uint16_t)s->sem[i].value;
		return r;
	case LX_SETALL:
		r = ipc_permitted(t, &s->o, 2);
		for (uint32_t i = 0; r == 0 && i < MIN(n, s->n); i++)
			if (values[i] > SEM_MAX)
				r = -LX_ERANGE;
		for (uint32_t i = 0; r == 0 && i < MIN(n, s->n); i++)
			r = set_value(t, s, i, values[i]);
		return r;
	case LX_IPC_STAT:
	case LX_SEM_STAT:
	case LX_SEM_STAT_ANY:
		r = cmd == LX_SEM_STAT_ANY ? 0 : ipc_permitted(t, &s->o, 4);
		*ds = (struct lx_semid_ds){.otime = s->otime, .ctime = s->o.ctime, .nsems = s->n};
		ipc_fill_perm(&s->o, &ds->perm);
		return r;
	case LX_IPC_SET:
		r = ipc_owned(t, &s->o);
		if (r == 0)
			ipc_set_perm(&s->o, &ds->perm);
		return r;
	case LX_IPC_RMID:
		r = ipc_owned(t, &s->o);
		if (r == 0)
			ipc_remove_locked(tt, &s->o);
		return r;
	default:
		return one_value(t, s, cmd, arg_u32(a, 1), a->v[3]);
	}
}

/* How many values GETALL and SETALL move: the set's size, looked up first. */
static int64_t size_of_set(struct ipc_table *tt, int id)
{
	struct ipc_object *o;
	int64_t n;

	pthread_mutex_lock(&tt->lock);
	n = ipc_find_locked(tt, id, &o);
	if (n == 0)
		n = set_of(o)->n;
	pthread_mutex_unlock(&tt->lock);
	return n;
}

static int64_t control(struct task *t, struct ipc_table *tt, int cmd, const struct sys_args *a,
		       struct lx_semid_ds *ds, uint16_t *values, uint32_t n)
{
	bool by_index = cmd == LX_SEM_STAT || cmd == LX_SEM_STAT_ANY;
	struct ipc_object *o = NULL;
	int64_t r, id;

	pthread_mutex_lock(&tt->lock);
	if (by_index) {
		o = arg_u32(a, 0) < IPC_SLOTS ? tt->slot[arg_u32(a, 0)] : NULL;
		r = o ? 0 : -LX_EINVAL;
	} else {
		r = ipc_find_locked(tt, arg_int(a, 0), &o);
	}
	if (r == 0) {
		id = o->id;
		r = control_locked(t, tt, set_of(o), cmd, a, ds, values, n);
		if (r == 0 && by_index)
			r = id;
	}
	pthread_mutex_unlock(&tt->lock);
	return r;
}

static int64_t info(struct task *t, struct guest_ptr p, int cmd)
{
	struct ipc_table *tt = ipc_table_if_any(t->guest, IPC_KIND_SEM);
	/* struct seminfo: map, sets, semaphores, undos, per set, operations, undo entries, size... */
	int32_t v[10] = {INT32_MAX, IPC_SLOTS, INT32_MAX, INT32_MAX, SEM_PER_SET, SEM_OPS, SEM_OPS, 20, SEM_MAX, SEM_MAX};

	if (cmd == LX_SEM_INFO) {
		v[7] = tt ? (int32_t)tt->count : 0;
		v[9] = 0;
	}
	return copy_to_user(t->mm, p, v, sizeof(v)) < 0 ? -LX_EFAULT : IPC_SLOTS - 1;
}

int64_t sys_semctl(struct task *t, const struct sys_args *a)
{
	int cmd = arg_int(a, 2) & ~LX_IPC_64;
	struct ipc_table *tt = table(t);
	struct guest_ptr p = arg_ptr(a, 3);
	struct lx_semid_ds ds = {0};
	uint16_t *values = NULL;
	bool all = cmd == LX_GETALL || cmd == LX_SETALL;
	bool stat = cmd == LX_IPC_STAT || cmd == LX_SEM_STAT || cmd == LX_SEM_STAT_ANY;
	int64_t n = 0, r = 0;

	if (!tt)
		return -LX_ENOMEM;
	if (cmd == LX_IPC_INFO || cmd == LX_SEM_INFO)
		return info(t, p, cmd);
	if (!stat && cmd != LX_IPC_SET && cmd != LX_IPC_RMID && (cmd < LX_GETPID || cmd > LX_SETALL))
		return -LX_EINVAL;
	if (cmd == LX_IPC_SET && copy_from_user(t->mm, &ds, p, sizeof(ds)) < 0)
		return -LX_EFAULT;
	if (all) {
		n = size_of_set(tt, arg_int(a, 0));
		if (n < 0)
			return n;
		values = calloc((size_t)n, sizeof(*values));
		if (!values)
			return -LX_ENOMEM;
		if (cmd == LX_SETALL)
			r = copy_from_user(t->mm, values, p, (size_t)n * sizeof(*values));
	}
	if (r == 0)
		r = control(t, tt, cmd, a, &ds, values, (uint32_t)n);
	if (r >= 0 && cmd == LX_GETALL)
		r = copy_to_user(t->mm, p, values, (size_t)n * sizeof(*values));
	if (r >= 0 && stat && copy_to_user(t->mm, p, &ds, sizeof(ds)) < 0)
		r = -LX_EFAULT;
	free(values);
	return r;
}

static void undo_set(struct semset *s, struct tgroup *tg)
{
	struct undo *u, *next;

	list_for_each_entry_safe(u, next, &s->undo, link) {
		if (u->group != tg)
			continue;
		for (uint32_t i = 0; i < s->n; i++) {
			int32_t v = s->sem[i].value + u->adjust[i];

			if (u->adjust[i])
				s->sem[i].pid = tg->tgid;
			s->sem[i].value = v < 0 ? 0 : MIN(v, SEM_MAX);
		}
		list_del_init(&u->link);
		free(u);
		waitq_wake(&s->o.wait, 0);
	}
}

void sem_exit(struct tgroup *tg)
{
	struct ipc_table *tt = ipc_table_if_any(tg->guest, IPC_KIND_SEM);

	if (!tt || !__atomic_load_n(&tg->has_sem_undo, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&tt->lock);
	for (unsigned i = 0; i < IPC_SLOTS; i++)
		if (tt->slot[i])
			undo_set(set_of(tt->slot[i]), tg);
	pthread_mutex_unlock(&tt->lock);
}
