/*
 * sysvipc.h: what System V's shared memory, semaphores and message queues have in common: keys,
 * identifiers, permissions.  sysvipc(7), ipc(2).
 *
 * Each kind has a table whose lock protects the table and every object in it.  An object that is
 * waited on is referenced, so that removing it wakes its waiters before it is freed.
 */
#ifndef SUPERVISOR_SYS_SYSVIPC_H
#define SUPERVISOR_SYS_SYSVIPC_H

#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

#define LX_IPC_CREAT   01000u
#define LX_IPC_EXCL    02000u
#define LX_IPC_NOWAIT  04000u
#define LX_IPC_PRIVATE 0
#define LX_IPC_RMID    0
#define LX_IPC_SET     1
#define LX_IPC_STAT    2
#define LX_IPC_INFO    3
#define LX_IPC_64      0x100 /* or'ed to the command by some C libraries */

/* struct ipc64_perm of 64-bit Linux. */
struct lx_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad0;
	uint32_t pad1;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct lx_ipc_perm) == 48, "struct ipc64_perm");

struct ipc_object {
	uint32_t refs; /* table lock */
	int32_t id;    /* -1 once removed */
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	struct waitq wait; /* semaphores, messages: anything changed */
	int64_t ctime;     /* seconds */
};

#define IPC_SLOTS 4096

struct ipc_table {
	pthread_mutex_t lock;
	struct ipc_object *slot[IPC_SLOTS];
	uint16_t seq;
	uint32_t count;
	void (*destroy)(struct ipc_object *o); /* frees it; table lock held */
};

enum ipc_kind { IPC_KIND_SHM, IPC_KIND_SEM, IPC_KIND_MSG, IPC_KINDS };

/* The guest's table, made at the first use; NULL: no memory. */
struct ipc_table *ipc_table(struct guest *g, enum ipc_kind kind, void (*destroy)(struct ipc_object *));
/* The table if it has been made. */
struct ipc_table *ipc_table_if_any(struct guest *g, enum ipc_kind kind);

/* Removes every object and the tables themselves, when no task is left. */
void ipc_release(struct guest *g);

/* By identifier; -LX_EINVAL, -LX_EIDRM. */
int ipc_find_locked(struct ipc_table *tt, int id, struct ipc_object **out) MUST_CHECK;
/* What get(2) does with a key: an existing object's id after a permission check, or -LX_ENOENT
 * with *create true when a new one is to be added. */
int64_t ipc_get_locked(struct ipc_table *tt, struct task *t, int32_t key, uint32_t flags, bool *create,
		       struct ipc_object **out);
/* Gives a fresh object its id; -LX_ENOSPC. */
int64_t ipc_add_locked(struct ipc_table *tt, struct task *t, struct ipc_object *o, int32_t key, uint32_t flags);
void ipc_put_locked(struct ipc_table *tt, struct ipc_object *o);
/* Removes it from the table and wakes who waits. */
void ipc_remove_locked(struct ipc_table *tt, struct ipc_object *o);
/* want: 4 read, 2 write. 0 or -LX_EACCES. */
int ipc_permitted(struct task *t, const struct ipc_object *o, uint32_t want) MUST_CHECK;
/* May t change or remove it?  0 or -LX_EPERM. */
int ipc_owned(struct task *t, const struct ipc_object *o) MUST_CHECK;
void ipc_fill_perm(const struct ipc_object *o, struct lx_ipc_perm *out);
void ipc_set_perm(struct ipc_object *o, const struct lx_ipc_perm *p);
int64_t ipc_seconds(void); /* now, since 1970 */

/* A process ends: its semaphore adjustments are undone. */
void sem_exit(struct tgroup *tg);

#endif
