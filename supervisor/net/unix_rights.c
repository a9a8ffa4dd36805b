/*
 * unix_rights.c: descriptors in flight, and what happens when nobody can receive them any more.
 *
 * A socket whose descriptor was sent to itself, or two sent to each other, and then closed, is
 * kept alive by its own queue.  As such circles can only consist of sockets all of whose file
 * references are in-flight messages, they are found by marking: every socket that something else
 * refers to is reachable, and so is what reachable sockets' queues carry; the rest is garbage,
 * and emptying its queues frees it.  Entering and leaving flight happens under unix_topology, so
 * the counts cannot change in between; a file reference gained otherwise makes a socket reachable,
 * which only delays its end until the next collection.
 */
#include "supervisor/net/unix.h"

static struct list_head all_sockets = LIST_HEAD_INIT(all_sockets); /* under unix_topology */
static unsigned total_inflight;                                    /* under unix_topology */

struct unix_msg *unix_msg_new(uint32_t len)
{
	struct unix_msg *msg = malloc(sizeof(*msg) + len);

	if (msg) {
		*msg = (struct unix_msg){.len = len, .charge = len + 256};
		list_init(&msg->link);
	}
	return msg;
}

static struct unix_sock *unix_of_file(const struct file *f)
{
	struct socket *s = socket_of_file(f);

	return s && s->domain == LX_AF_UNIX ? unix_of(s) : NULL;
}

static void count_locked(struct file **files, unsigned n, int by)
{
	for (unsigned i = 0; i < n; i++) {
		struct unix_sock *u = unix_of_file(files[i]);

		if (u) {
			u->inflight += (unsigned)by;
			total_inflight += (unsigned)by;
		}
	}
}

int unix_rights_attach(struct sock_msg *m, struct unix_msg *msg)
{
	if (m->nfiles == 0)
		return 0;
	msg->files = malloc(m->nfiles * sizeof(*msg->files));
	if (!msg->files)
		return -LX_ENOMEM;
	memcpy(msg->files, m->files, m->nfiles * sizeof(*msg->files));
	msg->nfiles = m->nfiles;
	m->nfiles = 0;
	pthread_mutex_lock(&unix_topology);
	count_locked(msg->files, msg->nfiles, 1);
	pthread_mutex_unlock(&unix_topology);
	return 0;
}

int unix_rights_take(struct unix_msg *msg, bool keep, struct file ***files, unsigned *n)
{
	*files = NULL;
	*n = 0;
	if (msg->nfiles == 0)
		return 0;
	*files = malloc(msg->nfiles * sizeof(**files));
	if (!*files)
		return -LX_ENOMEM;
	pthread_mutex_lock(&unix_topology);
	memcpy(*files, msg->files, msg->nfiles * sizeof(**files));
	*n = msg->nfiles;
	if (keep) {
		for (unsigned i = 0; i < *n; i++)
			file_get((*files)[i]);
	} else {
		count_locked(msg->files, msg->nfiles, -1);
		msg->nfiles = 0;
	}
	pthread_mutex_unlock(&unix_topology);
	return 0;
}

void unix_msg_free(struct unix_msg *msg)
{
	if (msg->nfiles > 0) {
		pthread_mutex_lock(&unix_topology);
		count_locked(msg->files, msg->nfiles, -1);
		pthread_mutex_unlock(&unix_topology);
		for (unsigned i = 0; i < msg->nfiles; i++)
			file_put(msg->files[i]);
	}
	free(msg->files);
	unix_addr_put(msg->from);
	free(msg);
}

void unix_track_locked(struct unix_sock *u)
{
	list_add_tail(&u->all_link, &all_sockets);
}

void unix_for_each(void (*visit)(struct unix_sock *u, void *opaque), void *opaque)
{
	struct unix_sock *u;

	pthread_mutex_lock(&unix_topology);
	list_for_each_entry (u, &all_sockets, all_link)
		visit(u, opaque);
	pthread_mutex_unlock(&unix_topology);
}

/* Reached only through something else: nothing but messages refers to the socket's file, or it
 * has none yet because it waits for its listener's accept. */
static bool depends(const struct unix_sock *u)
{
	const struct file *f = u->s.file;

	if (!list_empty(&u->pending_link))
		return true;
	return u->inflight > 0 && f && __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) == u->inflight;
}

/* Marks what u leads to: what its queue carries, and connections that wait for accept.  True if
 * something new became reachable. */
static bool mark_next(struct unix_sock *u)
{
	struct unix_sock *n;
	struct unix_msg *msg;
	bool found = false;

	list_for_each_entry (n, &u->pending, pending_link)
		if (!n->reachable)
			n->reachable = found = true;
	pthread_mutex_lock(&u->lock);
	list_for_each_entry (msg, &u->queue, link)
		for (unsigned i = 0; i < msg->nfiles; i++) {
			struct unix_sock *v = unix_of_file(msg->files[i]);

			if (v && !v->reachable)
				v->reachable = found = true;
		}
	pthread_mutex_unlock(&u->lock);
	return found;
}

/* Moves the queues of unreachable sockets to `garbage`. */
static void take_garbage_locked(struct list_head *garbage)
{
	struct unix_sock *u;
	bool again = true;

	list_for_each_entry (u, &all_sockets, all_link)
		u->reachable = !depends(u);
	while (again) {
		again = false;
		list_for_each_entry (u, &all_sockets, all_link)
			again = (u->reachable && mark_next(u)) || again;
	}
	list_for_each_entry (u, &all_sockets, all_link) {
		if (u->reachable)
			continue;
		pthread_mutex_lock(&u->lock);
		while (!list_empty(&u->queue)) {
			struct unix_msg *msg = list_first_entry(&u->queue, struct unix_msg, link);

			list_del_init(&msg->link);
			list_add_tail(&msg->link, garbage);
		}
		u->queued = u->queue_len = 0;
		pthread_mutex_unlock(&u->lock);
	}
}

void unix_collect_garbage(void)
{
	struct list_head garbage = LIST_HEAD_INIT(garbage);
	struct unix_msg *msg, *next;

	pthread_mutex_lock(&unix_topology);
	if (total_inflight > 0)
		take_garbage_locked(&garbage);
	pthread_mutex_unlock(&unix_topology);
	list_for_each_entry_safe (msg, next, &garbage, link) {
		list_del_init(&msg->link);
		unix_msg_free(msg);
	}
}

bool unix_nothing_left(void)
{
	bool r;

	pthread_mutex_lock(&unix_topology);
	r = list_empty(&all_sockets) && total_inflight == 0;
	pthread_mutex_unlock(&unix_topology);
	return r;
}
