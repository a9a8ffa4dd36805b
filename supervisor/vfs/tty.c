/*
 * tty.c: terminals as open files: reading, writing and polling both sides (see tty_impl.h).
 */
#include "supervisor/vfs/tty_impl.h"

#define CHUNK 1024u

static const struct file_ops tty_slave_fops, tty_master_fops;

static struct tty *tty_of(const struct ldisc *ld)
{
	return container_of((struct ldisc *)(uintptr_t)ld, struct tty, ld);
}

struct tty_file *tty_file_of(const struct file *f)
{
	return f->priv;
}

bool file_is_tty(const struct file *f)
{
	return f->ops == &tty_slave_fops || f->ops == &tty_master_fops;
}

/* ---- queues ---- */

uint32_t queue_room(const struct tty_queue *q)
{
	return TTY_QUEUE - q->count;
}

size_t queue_put(struct tty_queue *q, const uint8_t *p, size_t n)
{
	size_t put = MIN(n, (size_t)queue_room(q));

	for (size_t i = 0; i < put; i++)
		q->bytes[(q->head + q->count + i) % TTY_QUEUE] = p[i];
	q->count += (uint32_t)put;
	return put;
}

size_t queue_peek(const struct tty_queue *q, uint8_t *p, size_t n)
{
	size_t got = MIN(n, (size_t)q->count);

	for (size_t i = 0; i < got; i++)
		p[i] = q->bytes[(q->head + i) % TTY_QUEUE];
	return got;
}

void queue_drop(struct tty_queue *q, size_t n)
{
	n = MIN(n, (size_t)q->count);
	q->head = (q->head + (uint32_t)n) % TTY_QUEUE;
	q->count -= (uint32_t)n;
}

/* ---- what the discipline asks of its terminal ---- */

static void host_output(struct ldisc *ld, const uint8_t *p, size_t n)
{
	queue_put(&tty_of(ld)->out, p, n);
}

static void host_signal(struct ldisc *ld, int sig)
{
	tty_note_signal_locked(tty_of(ld), sig);
}

static void host_flush_output(struct ldisc *ld)
{
	tty_flush_output_locked(tty_of(ld));
}

void tty_flush_output_locked(struct tty *tty)
{
	/* What has reached the master's own buffer is not taken back. */
	tty->out.count = MIN(tty->out.count, TTY_DELIVERED);
	tty_set_packet_status_locked(tty, LX_TIOCPKT_FLUSHWRITE);
	waitq_wake(&tty->write_wait, LX_POLL_WRITABLE);
}

static void host_flow(struct ldisc *ld, bool stop)
{
	struct tty *tty = tty_of(ld);

	tty_set_packet_status_locked(tty, stop ? LX_TIOCPKT_STOP : LX_TIOCPKT_START);
	if (!stop)
		waitq_wake(&tty->write_wait, LX_POLL_WRITABLE);
}

static const struct ldisc_host tty_ldisc_host = {
	.output = host_output,
	.signal = host_signal,
	.flush_output = host_flush_output,
	.flow = host_flow,
};

void tty_set_packet_status_locked(struct tty *tty, uint8_t bits)
{
	const uint8_t flow = LX_TIOCPKT_STOP | LX_TIOCPKT_START;

	if (!tty->packet_mode)
		return;
	if (bits & flow)
		tty->packet_status &= (uint8_t)~flow;
	tty->packet_status |= bits;
	waitq_wake(&tty->master_read, LX_POLL_READABLE | LX_POLLPRI);
}

/* ---- life ---- */

int tty_new(struct guest *g, struct tty **out)
{
	struct tty *tty = calloc(1, sizeof(*tty));

	if (!tty)
		return -LX_ENOMEM;
	tty->guest = g;
	tty->refs = 1;
	tty->relay_fd = -1;
	tty->wake_pipe[0] = tty->wake_pipe[1] = -1;
	pthread_mutex_init(&tty->lock, NULL);
	ldisc_init(&tty->ld, &tty_ldisc_host);
	waitq_init(&tty->read_wait);
	waitq_init(&tty->write_wait);
	waitq_init(&tty->master_read);
	waitq_init(&tty->master_write);
	*out = tty;
	return 0;
}

struct tty *tty_get(struct tty *tty)
{
	__atomic_add_fetch(&tty->refs, 1, __ATOMIC_RELAXED);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (__atomic_sub_fetch(&tty->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (tty->inode)
		inode_put(tty->inode);
	waitq_release(&tty->read_wait);
	waitq_release(&tty->write_wait);
	waitq_release(&tty->master_read);
	waitq_release(&tty->master_write);
	pthread_mutex_destroy(&tty->lock);
	free(tty);
}

void tty_lock(struct tty *tty)
{
	pthread_mutex_lock(&tty->lock);
}

void tty_note_signal_locked(struct tty *tty, int sig)
{
	tty->signals |= (uint64_t)1 << (sig - 1);
	tty->signal_pgrp = tty->pgrp;
}

void tty_unlock(struct tty *tty)
{
	uint64_t signals = tty->signals;
	int32_t pgrp = tty->signal_pgrp;

	tty->signals = 0;
	pthread_mutex_unlock(&tty->lock);
	while (signals) {
		int sig = __builtin_ctzll(signals) + 1;

		signals &= signals - 1;
		if (pgrp > 0)
			signal_send_pgrp(tty->guest, pgrp, sig, NULL);
	}
}

bool tty_file_hung_locked(const struct tty_file *tf)
{
	return !tf->master && tf->hangups != tf->tty->hangups;
}

/* ---- moving bytes ---- */

void tty_output_ready_locked(struct tty *tty)
{
	if (tty->out.count == 0)
		return;
	if (tty->is_console)
		tty_console_send_locked(tty);
	else
		waitq_wake(&tty->master_read, LX_POLL_READABLE);
}

void tty_pump_locked(struct tty *tty)
{
	uint8_t buf[256];
	bool had = ldisc_has_input(&tty->ld), moved = false;
	size_t n, used;

	do {
		n = queue_peek(&tty->in, buf, sizeof(buf));
		used = n > 0 ? ldisc_receive(&tty->ld, buf, n) : 0;
		queue_drop(&tty->in, used);
		moved = moved || used > 0;
	} while (used > 0);
	if (!moved)
		return;
	tty_output_ready_locked(tty); /* echo */
	waitq_wake(&tty->master_write, LX_POLL_WRITABLE);
	if (tty->is_console)
		tty_console_send_locked(tty); /* its thread may read again */
	if (ldisc_has_input(&tty->ld) || had)
		waitq_wake(&tty->read_wait, LX_POLL_READABLE);
}

size_t tty_type(struct tty *tty, const uint8_t *p, size_t n)
{
	size_t used;

	tty_lock(tty);
	used = queue_put(&tty->in, p, n);
	tty_pump_locked(tty);
	if (used < n)
		used += queue_put(&tty->in, p + used, n - used);
	tty_unlock(tty);
	return used;
}

/* ---- reading the slave side ---- */

/* What wakes a reader: input, or the end of the terminal. */
static bool slave_read_ready(struct tty_file *tf)
{
	bool yes;

	tty_lock(tf->tty);
	tty_pump_locked(tf->tty);
	yes = ldisc_has_input(&tf->tty->ld) || tty_file_hung_locked(tf);
	tty_unlock(tf->tty);
	return yes;
}

struct tty_read {
	bool hung, canonical, line_done;
	unsigned min;
	int64_t time_ns;
	size_t n;
};

/* Takes what is there, at most n bytes, and tells how the terminal is set. */
static void slave_take(struct tty_file *tf, uint8_t *buf, size_t n, struct tty_read *r)
{
	struct tty *tty = tf->tty;

	*r = (struct tty_read){0};
	tty_lock(tty);
	r->hung = tty_file_hung_locked(tf);
	r->canonical = tty->ld.tio.c_lflag & LX_ICANON;
	r->min = tty->ld.tio.c_cc[LX_VMIN];
	r->time_ns = (int64_t)tty->ld.tio.c_cc[LX_VTIME] * 100000000;
	tty_pump_locked(tty);
	if (!r->hung && ldisc_has_input(&tty->ld)) {
		r->n = ldisc_read(&tty->ld, buf, n, &r->line_done);
		tty_pump_locked(tty);
	}
	tty_unlock(tty);
}

/* Is the read over, having got `done` bytes so far? */
static bool read_complete(const struct tty_read *r, const struct uio *u, int64_t done)
{
	if (r->hung || u->left == 0)
		return true;
	if (r->canonical)
		return r->line_done || done > 0;
	if (r->min > 0)
		return done >= (int64_t)r->min;
	return done > 0 || r->time_ns == 0;
}

static int64_t slave_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct tty_file *tf = tty_file_of(f);
	int64_t done = 0, deadline = WAIT_FOREVER, ret;
	uint8_t buf[CHUNK];
	struct tty_read r;
	bool first = true;

	(void)pos;
	ret = tty_check_background(t, tf->tty, LX_SIGTTIN);
	if (ret < 0)
		return ret;
	while (u->left > 0) {
		slave_take(tf, buf, MIN(u->left, sizeof(buf)), &r);
		if (r.n > 0) {
			ret = uio_to(u, buf, r.n);
			if (ret < 0)
				return done > 0 ? done : ret;
			done += ret;
			if (r.canonical && !r.line_done && r.n == sizeof(buf))
				continue; /* a long line */
		}
		if (read_complete(&r, u, done))
			break;
		if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK)
			return done > 0 ? done : -LX_EAGAIN;
		if (!r.canonical && r.time_ns > 0 && (r.n > 0 || (first && r.min == 0)))
			deadline = deadline_after(r.time_ns);
		first = false;
		ret = WAIT_EVENT(t, &tf->tty->read_wait, slave_read_ready(tf), deadline);
		if (ret == -LX_ETIMEDOUT)
			break;
		if (ret < 0)
			return done > 0 ? done : ret;
	}
	return done;
}

/* ---- writing the slave side ---- */

static bool output_held(const struct tty *tty)
{
	return tty->ld.stopped || tty->output_off;
}

static uint32_t output_room(const struct tty *tty)
{
	uint32_t room = queue_room(&tty->out);

	return room > TTY_ECHO_SPACE ? room - TTY_ECHO_SPACE : 0;
}

static bool slave_write_ready(struct tty_file *tf)
{
	bool yes;

	tty_lock(tf->tty);
	yes = (!output_held(tf->tty) && output_room(tf->tty) >= 8) || tty_file_hung_locked(tf);
	tty_unlock(tf->tty);
	return yes;
}

/* Bytes that went out, -LX_EAGAIN when none could, -LX_EIO. */
static int64_t slave_write_some(struct tty_file *tf, const uint8_t *p, size_t n)
{
	struct tty *tty = tf->tty;
	int64_t ret = -LX_EAGAIN;
	size_t used;

	tty_lock(tty);
	if (tty_file_hung_locked(tf)) {
		ret = -LX_EIO;
	} else if (!output_held(tty)) {
		used = ldisc_write(&tty->ld, p, n, output_room(tty));
		if (used > 0)
			ret = (int64_t)used;
		tty_output_ready_locked(tty);
	}
	tty_unlock(tty);
	return ret;
}

/* All n bytes of p, waiting as need be; what went out, or an error if nothing did. */
static int64_t slave_write_all(struct task *t, struct file *f, const uint8_t *p, size_t n)
{
	struct tty_file *tf = tty_file_of(f);
	int64_t done = 0, ret;

	while (done < (int64_t)n) {
		ret = slave_write_some(tf, p + done, n - (size_t)done);
		if (ret > 0) {
			done += ret;
			continue;
		}
		if (ret == -LX_EAGAIN &&
		    !(__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK))
			ret = WAIT_EVENT(t, &tf->tty->write_wait, slave_write_ready(tf),
					 WAIT_FOREVER);
		if (ret < 0)
			return done > 0 ? done : ret;
	}
	return done;
}

static bool tostop(struct tty *tty)
{
	bool yes;

	tty_lock(tty);
	yes = tty->ld.tio.c_lflag & LX_TOSTOP;
	tty_unlock(tty);
	return yes;
}

static int64_t slave_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct tty_file *tf = tty_file_of(f);
	uint8_t buf[CHUNK];
	int64_t done = 0, n, ret;

	(void)pos;
	if (tostop(tf->tty)) {
		ret = tty_check_background(t, tf->tty, LX_SIGTTOU);
		if (ret < 0)
			return ret;
	}
	while (u->left > 0) {
		n = uio_from(u, buf, sizeof(buf));
		if (n <= 0)
			return done > 0 ? done : n;
		ret = slave_write_all(t, f, buf, (size_t)n);
		if (ret < 0)
			return done > 0 ? done : ret;
		done += ret;
		if (ret < n)
			break;
	}
	return done;
}

static uint32_t slave_poll(struct file *f, struct poll_table *pt)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;
	uint32_t events = 0, want = 1;

	poll_wait(f, &tty->read_wait, pt);
	poll_wait(f, &tty->write_wait, pt);
	tty_lock(tty);
	if (tty_file_hung_locked(tf)) {
		events = LX_POLL_READABLE | LX_POLL_WRITABLE | LX_POLLERR | LX_POLLHUP;
	} else {
		tty_pump_locked(tty);
		if (!(tty->ld.tio.c_lflag & LX_ICANON) && tty->ld.tio.c_cc[LX_VTIME] == 0)
			want = MAX(tty->ld.tio.c_cc[LX_VMIN], 1);
		if (ldisc_has_input(&tty->ld) &&
		    ((tty->ld.tio.c_lflag & LX_ICANON) || ldisc_readable(&tty->ld) >= want))
			events |= LX_POLL_READABLE;
		if (!output_held(tty) && output_room(tty) >= 256)
			events |= LX_POLL_WRITABLE;
	}
	tty_unlock(tty);
	return events;
}

static void slave_release(struct file *f)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;

	tty_lock(tty);
	if (--tty->slaves == 0)
		waitq_wake(&tty->master_read, LX_POLLIN | LX_POLLHUP);
	tty_unlock(tty);
	tty_put(tty);
	free(tf);
}

static const struct file_ops tty_slave_fops = {
	.read = slave_read,
	.write = slave_write,
	.poll = slave_poll,
	.ioctl = tty_ioctl,
	.release = slave_release,
	.seekless = true,
};

/* ---- the master side ---- */

static bool slave_gone(const struct tty *tty)
{
	return tty->slave_was_open && tty->slaves == 0;
}

static bool master_read_ready(struct tty *tty)
{
	bool yes;

	tty_lock(tty);
	yes = tty->out.count > 0 || tty->packet_status || slave_gone(tty);
	tty_unlock(tty);
	return yes;
}

/* One attempt: bytes into buf (the status byte of packet mode is the first), -LX_EAGAIN, -LX_EIO. */
static int64_t master_take(struct tty *tty, uint8_t *buf, size_t n)
{
	int64_t ret;

	tty_lock(tty);
	if (tty->packet_mode && tty->packet_status) {
		buf[0] = tty->packet_status;
		tty->packet_status = 0;
		ret = 1;
	} else if (tty->out.count > 0) {
		size_t skip = tty->packet_mode ? 1 : 0, got;

		buf[0] = LX_TIOCPKT_DATA;
		got = queue_peek(&tty->out, buf + skip, n - skip);
		queue_drop(&tty->out, got);
		ret = (int64_t)(got + skip);
		if (output_room(tty) >= 256)
			waitq_wake(&tty->write_wait, LX_POLL_WRITABLE);
	} else {
		ret = slave_gone(tty) ? -LX_EIO : -LX_EAGAIN;
	}
	tty_unlock(tty);
	return ret;
}

static int64_t master_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct tty *tty = tty_file_of(f)->tty;
	uint8_t buf[CHUNK];
	int64_t done = 0, ret;

	(void)pos;
	while (u->left > 0) {
		ret = master_take(tty, buf, MIN(u->left, sizeof(buf)));
		if (ret > 0) {
			ret = uio_to(u, buf, (uint64_t)ret);
			if (ret < 0)
				return done > 0 ? done : ret;
			done += ret;
			if (__atomic_load_n(&tty->packet_mode, __ATOMIC_RELAXED) || ret < CHUNK)
				return done;
			continue;
		}
		if (done > 0)
			return done;
		if (ret == -LX_EAGAIN &&
		    !(__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK))
			ret = WAIT_EVENT(t, &tty->master_read, master_read_ready(tty), WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
	return done;
}

static bool master_write_ready(struct tty *tty)
{
	bool yes;

	tty_lock(tty);
	yes = queue_room(&tty->in) > 0;
	tty_unlock(tty);
	return yes;
}

static int64_t master_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct tty *tty = tty_file_of(f)->tty;
	uint8_t buf[CHUNK];
	int64_t done = 0, n = 0, off = 0, ret;

	(void)pos;
	while (off < n || u->left > 0) {
		if (off == n) {
			n = uio_from(u, buf, sizeof(buf));
			if (n <= 0)
				return done > 0 ? done : n;
			off = 0;
		}
		ret = (int64_t)tty_type(tty, buf + off, (size_t)(n - off));
		off += ret;
		done += ret;
		if (off == n)
			continue;
		if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK)
			return done > 0 ? done : -LX_EAGAIN;
		ret = WAIT_EVENT(t, &tty->master_write, master_write_ready(tty), WAIT_FOREVER);
		if (ret < 0)
			return done > 0 ? done : ret;
	}
	return done;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *tty = tty_file_of(f)->tty;
	uint32_t events = 0;

	poll_wait(f, &tty->master_read, pt);
	poll_wait(f, &tty->master_write, pt);
	tty_lock(tty);
	if (tty->out.count > 0)
		events |= LX_POLL_READABLE;
	if (tty->packet_mode && tty->packet_status)
		events |= LX_POLL_READABLE | LX_POLLPRI;
	if (slave_gone(tty))
		events |= LX_POLLHUP;
	if (queue_room(&tty->in) > 0)
		events |= LX_POLL_WRITABLE;
	tty_unlock(tty);
	return events;
}

static void master_release(struct file *f)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;

	tty_lock(tty);
	tty->master_closed = true;
	tty_unlock(tty);
	pts_remove(tty->guest, tty);
	tty_hangup(tty);
	tty_put(tty);
	free(tf);
}

static const struct file_ops tty_master_fops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = tty_ioctl,
	.release = master_release,
	.seekless = true,
};

/* ---- opening ---- */

int tty_open_slave(struct task *t, struct tty *tty, struct file *file)
{
	struct tty_file *tf = calloc(1, sizeof(*tf));
	int ret = 0;

	if (!tf)
		return -LX_ENOMEM;
	tty_lock(tty);
	if (tty->master_closed || tty->locked) {
		ret = -LX_EIO;
	} else if (tty->exclusive && tty->slaves > 0 && !cred_capable(t->cred, LX_CAP_SYS_ADMIN)) {
		ret = -LX_EBUSY;
	} else {
		tf->tty = tty_get(tty);
		tf->hangups = tty->hangups;
		tty->slaves++;
		tty->slave_was_open = true;
	}
	tty_unlock(tty);
	if (ret < 0) {
		free(tf);
		return ret;
	}
	file->ops = &tty_slave_fops;
	file->priv = tf;
	tty_acquire_on_open(t, tty, file->flags);
	return 0;
}

int tty_open_master(struct tty *tty, struct file *file)
{
	struct tty_file *tf = calloc(1, sizeof(*tf));

	if (!tf)
		return -LX_ENOMEM;
	tf->tty = tty_get(tty);
	tf->master = true;
	file->ops = &tty_master_fops;
	file->priv = tf;
	return 0;
}
