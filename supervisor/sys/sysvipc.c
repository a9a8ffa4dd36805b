/*
 * sysvipc.c: keys, identifiers and permissions of System V objects.  sysvipc(7).
 */
#include "supervisor/sys/sysvipc.h"

#include "supervisor/task/cred.h"

/* All of a guest's. */
struct ipc_space {
	struct ipc_table *table[IPC_KINDS];
};

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

struct ipc_table *ipc_table_if_any(struct guest *g, enum ipc_kind kind)
{
	struct ipc_space *space = __atomic_load_n(&g->ipc, __ATOMIC_ACQUIRE);

	return space ? __atomic_load_n(&space->table[kind], __ATOMIC_ACQUIRE) : NULL;
}

struct ipc_table *ipc_table(struct guest *g, enum ipc_kind kind, void (*destroy)(struct ipc_object *))
{
	struct ipc_table *tt = ipc_table_if_any(g, kind);

	if (tt)
		return tt;
	pthread_mutex_lock(&making);
	if (!g->ipc)
		__atomic_store_n(&g->ipc, calloc(1, sizeof(struct ipc_space)), __ATOMIC_RELEASE);
	tt = g->ipc ? g->ipc->table[kind] : NULL;
	if (g->ipc && !tt) {
		tt = calloc(1, sizeof(*tt));
		if (tt) {
			pthread_mutex_init(&tt->lock, NULL);
			tt->destroy = destroy;
			__atomic_store_n(&g->ipc->table[kind], tt, __ATOMIC_RELEASE);
		}
	}
	pthread_mutex_unlock(&making);
	return tt;
}

int ipc_find_locked(struct ipc_table *tt, int id, struct ipc_object **out)
{
	struct ipc_object *o = id < 0 ? NULL : tt->slot[id % IPC_SLOTS];

	if (!o)
		return -LX_EINVAL;
	*out = o;
	return o->id == id ? 0 : -LX_EIDRM;
}

int ipc_permitted(struct task *t, const struct ipc_object *o, uint32_t want)
{
	const struct cred *c = t->cred;
	uint32_t granted = o->mode;

	if (c->euid == o->uid || c->euid == o->cuid)
		granted >>= 6;
	else if (cred_in_group(c, o->gid) || cred_in_group(c, o->cgid))
		granted >>= 3;
	return (want & ~granted & 7) && !cred_capable(c, LX_CAP_IPC_OWNER) ? -LX_EACCES : 0;
}

int ipc_owned(struct task *t, const struct ipc_object *o)
{
	const struct cred *c = t->cred;

	return c->euid == o->uid || c->euid == o->cuid || cred_capable(c, LX_CAP_SYS_ADMIN) ? 0 : -LX_EPERM;
}

int64_t ipc_get_locked(struct ipc_table *tt, struct task *t, int32_t key, uint32_t flags, bool *create,
		       struct ipc_object **out)
{
	uint32_t want = flags >> 6 | flags >> 3 | flags;

	*create = key == LX_IPC_PRIVATE;
	for (unsigned i = 0; i < IPC_SLOTS && !*create; i++) {
		struct ipc_object *o = tt->slot[i];

		if (!o || o->key != key || o->key == LX_IPC_PRIVATE)
			continue;
		if ((flags & LX_IPC_CREAT) && (flags & LX_IPC_EXCL))
			return -LX_EEXIST;
		*out = o;
		return ipc_permitted(t, o, want & 7) < 0 ? -LX_EACCES : o->id;
	}
	*create |= (flags & LX_IPC_CREAT) != 0;
	return -LX_ENOENT;
}

int64_t ipc_seconds(void)
{
	return clock_now(LX_CLOCK_REALTIME) / 1000000000;
}

int64_t ipc_add_locked(struct ipc_table *tt, struct task *t, struct ipc_object *o, int32_t key, uint32_t flags)
{
	for (unsigned i = 0; i < IPC_SLOTS; i++) {
		if (tt->slot[i])
			continue;
		tt->slot[i] = o;
		tt->count++;
		*o = (struct ipc_object){
			.refs = 1,
			.id = (int32_t)(tt->seq * (uint32_t)IPC_SLOTS + i),
			.key = key,
			.uid = t->cred->euid,
			.gid = t->cred->egid,
			.cuid = t->cred->euid,
			.cgid = t->cred->egid,
			.mode = flags & 0777,
			.ctime = ipc_seconds(),
		};
		waitq_init(&o->wait);
		tt->seq = (tt->seq + 1) & 0x7fff;
		return o->id;
	}
	return -LX_ENOSPC;
}

void ipc_put_locked(struct ipc_table *tt, struct ipc_object *o)
{
	if (--o->refs != 0)
		return;
	waitq_release(&o->wait);
	tt->destroy(o);
}

void ipc_remove_locked(struct ipc_table *tt, struct ipc_object *o)
{
	tt->slot[o->id % IPC_SLOTS] = NULL;
	tt->count--;
	o->id = -1;
	waitq_wake(&o->wait, 0);
	ipc_put_locked(tt, o);
}

void ipc_fill_perm(const struct ipc_object *o, struct lx_ipc_perm *out)
{
	*out = (struct lx_ipc_perm){
		.key = o->key,
		.uid = o->uid,
		.gid = o->gid,
		.cuid = o->cuid,
		.cgid = o->cgid,
		.mode = o->mode,
		.seq = (uint16_t)(o->id / IPC_SLOTS),
	};
}

void ipc_set_perm(struct ipc_object *o, const struct lx_ipc_perm *p)
{
	o->uid = p->uid;
	o->gid = p->gid;
	o->mode = (o->mode & ~0777u) | (p->mode & 0777);
	o->ctime = ipc_seconds();
}

void ipc_release(struct guest *g)
{
	for (unsigned kind = 0; g->ipc && kind < IPC_KINDS; kind++) {
		struct ipc_table *tt = g->ipc->table[kind];

		for (unsigned i = 0; tt && i < IPC_SLOTS; i++)
			if (tt->slot[i])
				ipc_remove_locked(tt, tt->slot[i]);
		if (tt)
			pthread_mutex_destroy(&tt->lock);
		free(tt);
	}
	free(g->ipc);
	g->ipc = NULL;
}
