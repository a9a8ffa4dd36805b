/*
 * guest.h: the state of the one container that a supervisor serves, and the order of locks.
 *
 * Lock order: a lock may be taken while holding only locks that stand above it here.
 *
 *   pid table (task_table.lock)
 *   thread group and the signal state of its tasks (tgroup.lock)
 *   signal actions (sighand.lock)
 *   System V tables (sysvipc.h)
 *   futex bucket (by address; held while the futex word, read before, is read again)
 *   file.pos_lock (held while a call with a position moves bytes, which may fault)
 *   mm.lock (VMAs; shared for faults, exclusive for changes)
 *   fd table (fd_table.lock)
 *   rename lock of a file system, then inode.dir_lock (two only under the rename lock)
 *   mount table, dentry tree (tree_read_lock, tree_write_lock)
 *   inode.lock
 *   pagecache.lock
 *   mm.pt_lock (page-table entries)
 *   object locks: pipe, socket, tty, epoll, eventfd ... (never two of one kind, but by address)
 *   waitq.lock
 *   frame allocator; list of page caches
 *
 * No lock is held across a wait for an event, nor across an IPC call, except inode.lock,
 * file.pos_lock and vfs-level directory locks, which exist to serialise exactly that.
 * Guest memory is touched (which can fault, and so take mm.lock) with no lock below mm.lock
 * held, except by functions whose name ends in _nofault.
 */
#ifndef SUPERVISOR_GUEST_H
#define SUPERVISOR_GUEST_H

#include <pthread.h>

#include "common/base.h"
#include "vcpu/vcpu.h"

struct arena;
struct boot;
struct ipc_bulk;
struct ipc_client;
struct ipc_space;
struct mount;
struct observer;
struct pts_table;
struct task;
struct task_table;
struct guest_spec;

/* The names of uname(2) that can be set. */
struct uts {
	pthread_mutex_t lock;
	char nodename[65], domainname[65];
};

struct guest {
	const struct guest_spec *spec;
	struct observer *observer; /* of system calls; NULL: nobody watches */
	struct vcpu_engine *engine;
	struct vcpu_features features;
	struct arena *arena;      /* guest-physical memory */
	struct ipc_client *fsd;   /* this guest's sessions */
	struct ipc_client *netd;
	struct ipc_bulk *netd_bulk; /* shared memory of the session with netd; NULL: none */
	struct ipc_bulk *fsd_bulk; /* shared memory of the session with fsd; NULL: none */
	struct mount *root_mount; /* the mount at "/" */
	struct task_table *tasks; /* pids, processes, sessions: task/pid.h */
	struct uts uts;
	struct pts_table *ptys;   /* pseudo-terminals and the console: vfs/fs_pts.c */
	int aot_wishes;           /* a file for vcpu_aot_wish at the end, or -1 */
	uint32_t ncpus;           /* CPUs the guest sees: 1 to 64 */
	struct boot *boot;        /* boot/guest.c */
	struct ipc_space *ipc;    /* System V objects: sys/sysvipc.c; atomic, NULL until used */
	int64_t boot_ns;          /* CLOCK_MONOTONIC at start: uptime counts from here */
	uint8_t aslr_seed[16];
};

/* The CPUs that the guest sees: as many as --cpus allows (rounded up), or the host's; 1..64. */
uint32_t guest_cpu_count(const struct guest *g);
/* The memory that the guest sees, in bytes: in all, and still free. */
void guest_memory(const struct guest *g, uint64_t *total, uint64_t *available);

#endif
