/*
 * poll.c: asking files what they are ready for, and sleeping until one of many is: the core
 * that poll(2) and select(2) share.
 */
#include "supervisor/vfs/poll.h"

#include "common/lx/errno.h"
#include "common/lx/poll.h"

/* Waiters come in chunks, since a queued waiter must not move. */
#define CHUNK_WAITERS 16u

struct poll_chunk {
	struct poll_chunk *next;
	unsigned used;
	struct waiter waiters[CHUNK_WAITERS];
};

struct poll_sleep {
	struct poll_table table;
	struct poll_chunk first; /* enough for most calls */
	struct poll_chunk *last;
	bool no_memory;
};

void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->add)
		pt->add(pt, f, q);
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops->poll)
		return LX_POLL_READABLE | LX_POLL_WRITABLE;
	return f->ops->poll(f, pt);
}

static void sleep_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_sleep *ps = container_of(pt, struct poll_sleep, table);
	struct poll_chunk *c = ps->last;
	struct waiter *w;

	(void)f;
	if (c->used == CHUNK_WAITERS) {
		c = calloc(1, sizeof(*c));
		if (!c) {
			ps->no_memory = true;
			return;
		}
		ps->last->next = c;
		ps->last = c;
	}
	w = &c->waiters[c->used++];
	waiter_init(w, pt->task);
	waitq_add(q, w);
}

static void sleep_release(struct poll_sleep *ps)
{
	struct poll_chunk *c = &ps->first, *next;

	for (; c; c = next) {
		next = c->next;
		for (unsigned i = 0; i < c->used; i++)
			waitq_remove(&c->waiters[i]);
		if (c != &ps->first)
			free(c);
	}
}

/* One look at every file; registers with the table unless it has no add. */
static int64_t poll_scan(struct poll_sleep *ps, struct poll_item *items, size_t n)
{
	int64_t ready = 0;

	for (size_t i = 0; i < n; i++) {
		struct poll_item *it = &items[i];

		it->revents = 0;
		if (!it->file)
			continue;
		ps->table.events = it->events | LX_POLLERR | LX_POLLHUP;
		it->revents = file_poll(it->file, &ps->table) & ps->table.events;
		if (it->revents) {
			ready++;
			ps->table.add = NULL; /* no sleep will follow */
		}
	}
	return ready;
}

int64_t poll_items_wait(struct task *t, struct poll_item *items, size_t n, int64_t deadline)
{
	struct poll_sleep ps = {.table = {.add = sleep_add, .task = t}};
	int64_t ready;
	int err = 0;

	ps.last = &ps.first;
	if (deadline <= 0)
		ps.table.add = NULL;
	for (;;) {
		task_sleep_prepare(t);
		ready = poll_scan(&ps, items, n);
		ps.table.add = NULL;
		if (ready > 0 || err < 0 || deadline <= 0)
			break;
		if (ps.no_memory) {
			err = -LX_ENOMEM;
			break;
		}
		err = task_sleep(t, deadline);
	}
	sleep_release(&ps);
	if (ready > 0 || err == 0 || err == -LX_ETIMEDOUT)
		return ready;
	return err == -LX_ERESTARTSYS ? -LX_ERESTARTNOHAND : err;
}
