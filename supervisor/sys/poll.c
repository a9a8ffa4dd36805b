/*
 * poll.c: ppoll(2) and pselect6(2).  Both make a list of files and let vfs/poll.c wait.
 */
#include "supervisor/vfs/poll.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/pollargs.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

#define INLINE_FDS 16u /* calls with so few need no allocation */

/* ---- arguments that several calls share ---- */

int poll_deadline_from_user(struct task *t, struct guest_ptr p, int64_t *deadline)
{
	struct lx_timespec ts;
	int64_t ns;

	*deadline = WAIT_FOREVER;
	if (guest_ptr_null(p))
		return 0;
	if (copy_from_user(t->mm, &ts, p, sizeof(ts)) < 0)
		return -LX_EFAULT;
	ns = lx_timespec_ns(&ts);
	if (ns < 0)
		return (int)ns;
	*deadline = ns == 0 ? 0 : deadline_after(ns);
	return 0;
}

int poll_sigmask_from_user(struct task *t, struct guest_ptr p, uint64_t size)
{
	struct lx_sigset mask;

	if (guest_ptr_null(p))
		return 0;
	if (size != sizeof(mask))
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &mask, p, sizeof(mask)) < 0)
		return -LX_EFAULT;
	signal_set_temporary_mask(t, mask);
	return 1;
}

/* Linux tells how much time was left; failing to do so is not reported. */
static void write_back_timeout(struct task *t, struct guest_ptr p, int64_t deadline)
{
	struct lx_timespec ts = {0};
	int64_t left;

	if (guest_ptr_null(p) || deadline == WAIT_FOREVER)
		return;
	left = deadline > 0 ? deadline - now_ns() : 0;
	if (left > 0)
		ts = lx_ns_timespec(left);
	if (copy_to_user(t->mm, p, &ts, sizeof(ts)) < 0)
		return;
}

static void items_put(struct poll_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].file)
			file_put(items[i].file);
	}
}

/* ---- ppoll ---- */

struct poll_call {
	struct lx_pollfd *fds;
	struct poll_item *items;
	size_t n;
	struct lx_pollfd inline_fds[INLINE_FDS];
	struct poll_item inline_items[INLINE_FDS];
};

static int poll_call_init(struct task *t, struct poll_call *c, struct guest_ptr p, uint32_t n)
{
	c->n = n;
	c->fds = c->inline_fds;
	c->items = c->inline_items;
	if (n > task_rlimit(t, LX_RLIMIT_NOFILE))
		return -LX_EINVAL;
	if (n > INLINE_FDS) {
		c->fds = calloc(n, sizeof(*c->fds));
		c->items = calloc(n, sizeof(*c->items));
		if (!c->fds || !c->items)
			return -LX_ENOMEM;
	}
	return copy_from_user(t->mm, c->fds, p, n * sizeof(*c->fds));
}

static void poll_call_release(struct poll_call *c)
{
	if (c->fds != c->inline_fds)
		free(c->fds);
	if (c->items != c->inline_items)
		free(c->items);
}

static int64_t poll_call_run(struct task *t, struct poll_call *c, int64_t deadline)
{
	int64_t bad = 0, ret;

	for (size_t i = 0; i < c->n; i++) {
		c->items[i] = (struct poll_item){.events = (uint16_t)c->fds[i].events};
		c->fds[i].revents = 0;
		if (c->fds[i].fd < 0)
			continue;
		c->items[i].file = fd_file(t, c->fds[i].fd);
		if (!c->items[i].file) {
			c->fds[i].revents = LX_POLLNVAL;
			bad++;
		}
	}
	ret = poll_items_wait(t, c->items, c->n, bad > 0 ? 0 : deadline);
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].file)
			c->fds[i].revents = (int16_t)c->items[i].revents;
	}
	items_put(c->items, c->n);
	return ret < 0 ? ret : ret + bad;
}

static int64_t do_poll(struct task *t, struct guest_ptr p, uint32_t n, int64_t deadline)
{
	struct poll_call c;
	int64_t ret = poll_call_init(t, &c, p, n);

	if (ret == 0)
		ret = poll_call_run(t, &c, deadline);
	for (size_t i = 0; ret >= 0 && i < c.n; i++) {
		struct guest_ptr at = guest_ptr_add(p, i * sizeof(c.fds[0]) +
							       offsetof(struct lx_pollfd, revents));

		if (copy_to_user(t->mm, at, &c.fds[i].revents, sizeof(c.fds[i].revents)) < 0)
			ret = -LX_EFAULT;
	}
	poll_call_release(&c);
	return ret;
}

int64_t sys_ppoll(struct task *t, const struct sys_args *a)
{
	int64_t deadline, ret;
	int masked;

	ret = poll_deadline_from_user(t, arg_ptr(a, 2), &deadline);
	if (ret < 0)
		return ret;
	masked = poll_sigmask_from_user(t, arg_ptr(a, 3), a->v[4]);
	if (masked < 0)
		return masked;
	ret = do_poll(t, arg_ptr(a, 0), arg_u32(a, 1), deadline);
	if (masked && ret != -LX_ERESTARTNOHAND)
		signal_drop_temporary_mask(t);
	write_back_timeout(t, arg_ptr(a, 2), deadline);
	return ret;
}

/* ---- pselect6 ---- */

#define SELECT_IN  (LX_POLL_READABLE | LX_POLLRDBAND | LX_POLLHUP | LX_POLLERR)
#define SELECT_OUT (LX_POLL_WRITABLE | LX_POLLWRBAND | LX_POLLERR)
#define SELECT_EX  LX_POLLPRI

/* The three sets, each of `words` words; missing ones are zero. */
struct select_call {
	uint32_t nfds, words;
	uint64_t *sets; /* in, out, ex */
	struct poll_item *items;
	int *fds;
	size_t n;
};

static const uint32_t select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};

static int select_copy_in(struct task *t, struct select_call *c, const struct guest_ptr p[3])
{
	size_t bytes = c->words * sizeof(uint64_t);

	for (unsigned s = 0; s < 3; s++) {
		if (guest_ptr_null(p[s]))
			continue;
		if (copy_from_user(t->mm, c->sets + s * c->words, p[s], bytes) < 0)
			return -LX_EFAULT;
	}
	return 0;
}

/* Which events are wanted of descriptor fd. */
static uint32_t select_wanted(const struct select_call *c, uint32_t fd)
{
	uint32_t events = 0;

	for (unsigned s = 0; s < 3; s++) {
		if (c->sets[s * c->words + fd / 64] >> (fd % 64) & 1)
			events |= select_events[s];
	}
	return events;
}

static int select_collect(struct task *t, struct select_call *c)
{
	size_t wanted = 0;

	for (uint32_t fd = 0; fd < c->nfds; fd++)
		wanted += select_wanted(c, fd) != 0;
	c->items = calloc(wanted + 1, sizeof(*c->items));
	c->fds = calloc(wanted + 1, sizeof(*c->fds));
	if (!c->items || !c->fds)
		return -LX_ENOMEM;
	for (uint32_t fd = 0; fd < c->nfds; fd++) {
		struct poll_item *it = &c->items[c->n];

		it->events = select_wanted(c, fd);
		if (!it->events)
			continue;
		it->file = fd_file(t, (int)fd);
		if (!it->file)
			return -LX_EBADF;
		c->fds[c->n++] = (int)fd;
	}
	return 0;
}

/* Turns what is ready into the result sets; the number of bits set. */
static int64_t select_fill(struct select_call *c)
{
	uint64_t *wanted = c->sets, *result = c->sets + (size_t)3 * c->words;
	int64_t bits = 0;

	for (size_t i = 0; i < c->n; i++) {
		uint32_t fd = (uint32_t)c->fds[i];
		uint64_t bit = (uint64_t)1 << (fd % 64);

		for (unsigned s = 0; s < 3; s++) {
			if (!(wanted[s * c->words + fd / 64] & bit) ||
			    !(c->items[i].revents & select_events[s]))
				continue;
			result[s * c->words + fd / 64] |= bit;
			bits++;
		}
	}
	return bits;
}

static int select_copy_out(struct task *t, struct select_call *c, const struct guest_ptr p[3])
{
	size_t bytes = c->words * sizeof(uint64_t);

	for (unsigned s = 0; s < 3; s++) {
		if (guest_ptr_null(p[s]))
			continue;
		if (copy_to_user(t->mm, p[s], c->sets + (size_t)(3 + s) * c->words, bytes) < 0)
			return -LX_EFAULT;
	}
	return 0;
}

/* POLLERR and POLLHUP end the sleep even for a set that does not report them: sleep again. */
static int64_t select_wait(struct task *t, struct select_call *c, int64_t deadline)
{
	int64_t ret;

	do {
		ret = poll_items_wait(t, c->items, c->n, deadline);
		if (ret <= 0)
			return ret;
		ret = select_fill(c);
		for (size_t i = 0; ret == 0 && i < c->n; i++) {
			if (c->items[i].revents) { /* it has nothing to say: no longer ask it */
				file_put(c->items[i].file);
				c->items[i].file = NULL;
			}
		}
	} while (ret == 0 && deadline > 0);
	return ret;
}

static int64_t do_select(struct task *t, int nfds, const struct guest_ptr p[3], int64_t deadline)
{
	struct select_call c = {0};
	int64_t ret;

	if (nfds < 0)
		return -LX_EINVAL;
	c.nfds = MIN((uint32_t)nfds, fd_table_size(t->files)); /* none is above */
	c.words = (c.nfds + 63) / 64;
	c.sets = calloc((size_t)6 * c.words + 1, sizeof(uint64_t));
	if (!c.sets)
		return -LX_ENOMEM;
	ret = select_copy_in(t, &c, p);
	if (ret == 0)
		ret = select_collect(t, &c);
	if (ret == 0)
		ret = select_wait(t, &c, deadline);
	if (ret >= 0 && select_copy_out(t, &c, p) < 0)
		ret = -LX_EFAULT;
	if (c.items)
		items_put(c.items, c.n);
	free(c.items);
	free(c.fds);
	free(c.sets);
	return ret;
}

int64_t sys_pselect6(struct task *t, const struct sys_args *a)
{
	const struct guest_ptr sets[3] = {arg_ptr(a, 1), arg_ptr(a, 2), arg_ptr(a, 3)};
	uint64_t mask[2] = {0, 0}; /* address and size */
	int64_t deadline, ret;
	int masked;

	ret = poll_deadline_from_user(t, arg_ptr(a, 4), &deadline);
	if (ret < 0)
		return ret;
	if (a->v[5] != 0 && copy_from_user(t->mm, mask, arg_ptr(a, 5), sizeof(mask)) < 0)
		return -LX_EFAULT;
	masked = poll_sigmask_from_user(t, guest_ptr(mask[0]), mask[1]);
	if (masked < 0)
		return masked;
	ret = do_select(t, arg_int(a, 0), sets, deadline);
	if (masked && ret != -LX_ERESTARTNOHAND)
		signal_drop_temporary_mask(t);
	write_back_timeout(t, arg_ptr(a, 4), deadline);
	return ret;
}
