/*
 * tty_ioctl.c: ioctl_tty(2): attributes, window size, flushing and flow control, packet mode.
 * Job control is in tty_job.c.  Both sides act on the one discipline of the pair.
 */
#include "supervisor/vfs/tty_impl.h"

#define SIGNALS_OF_TIOCSIG ((1u << 2) | (1u << 3) | (1u << 20)) /* INT, QUIT, TSTP */

/* ---- attributes ---- */

static const uint32_t speeds[] = {0,    50,   75,   110,  134,  150,   200,   300,
				  600,  1200, 1800, 2400, 4800, 9600,  19200, 38400};
static const uint32_t high_speeds[] = {0,       57600,   115200,  230400,  460800,  500000,
				       576000,  921600,  1000000, 1152000, 1500000, 2000000,
				       2500000, 3000000, 3500000, 4000000};

/* The speed that c_cflag names; fallback for BOTHER. */
static uint32_t speed_of(uint32_t cbaud, uint32_t fallback)
{
	if ((cbaud & LX_CBAUD) == LX_BOTHER)
		return fallback;
	return cbaud & LX_BOTHER ? high_speeds[cbaud & 15] : speeds[cbaud & 15];
}

static bool has_flow_keys(const struct lx_termios2 *tio)
{
	return (tio->c_iflag & LX_IXON) && tio->c_cc[LX_VSTART] == 17 && tio->c_cc[LX_VSTOP] == 19;
}

/* Sets attributes; what a pseudo-terminal cannot have is put right. */
static void set_termios(struct tty *tty, struct lx_termios2 *tio, bool flush)
{
	bool flow = has_flow_keys(tio), had_flow, extproc;

	tio->c_cflag = (tio->c_cflag & ~(LX_CSIZE | LX_PARENB)) | LX_CS8 | LX_CREAD;
	tio->c_ospeed = speed_of(tio->c_cflag, tio->c_ospeed);
	if ((tio->c_cflag & LX_CIBAUD) == 0)
		tio->c_ispeed = tio->c_ospeed;
	else
		tio->c_ispeed = speed_of(tio->c_cflag >> 16, tio->c_ispeed);
	tty_lock(tty);
	had_flow = has_flow_keys(&tty->ld.tio);
	extproc = (tty->ld.tio.c_lflag ^ tio->c_lflag) & LX_EXTPROC;
	if (flush) {
		ldisc_flush_input(&tty->ld);
		queue_drop(&tty->in, tty->in.count);
		tty_set_packet_status_locked(tty, LX_TIOCPKT_FLUSHREAD);
		waitq_wake(&tty->master_write, LX_POLL_WRITABLE);
	}
	ldisc_set_termios(&tty->ld, tio);
	if (flow != had_flow) {
		tty->packet_status &= (uint8_t)~(LX_TIOCPKT_DOSTOP | LX_TIOCPKT_NOSTOP);
		tty_set_packet_status_locked(tty, flow ? LX_TIOCPKT_DOSTOP : LX_TIOCPKT_NOSTOP);
	}
	if (extproc)
		tty_set_packet_status_locked(tty, LX_TIOCPKT_IOCTL);
	tty_pump_locked(tty);
	waitq_wake(&tty->read_wait, 0); /* what a reader waits for may be another thing now */
	tty_unlock(tty);
}

static void get_termios(struct tty *tty, struct lx_termios2 *tio)
{
	tty_lock(tty);
	*tio = tty->ld.tio;
	tty_unlock(tty);
}

static int64_t attributes_to_user(struct task *t, struct tty *tty, uint32_t request, uint64_t arg)
{
	struct lx_termios2 tio;
	struct lx_termio old = {0};

	get_termios(tty, &tio);
	if (request == LX_TCGETS2)
		return copy_to_user(t->mm, guest_ptr(arg), &tio, sizeof(tio));
	if (request == LX_TCGETS) /* the shorter form is the beginning of the longer one */
		return copy_to_user(t->mm, guest_ptr(arg), &tio, sizeof(struct lx_termios));
	old.c_iflag = (uint16_t)tio.c_iflag;
	old.c_oflag = (uint16_t)tio.c_oflag;
	old.c_cflag = (uint16_t)tio.c_cflag;
	old.c_lflag = (uint16_t)tio.c_lflag;
	old.c_line = tio.c_line;
	memcpy(old.c_cc, tio.c_cc, sizeof(old.c_cc));
	return copy_to_user(t->mm, guest_ptr(arg), &old, sizeof(old));
}

static int64_t attributes_from_user(struct task *t, struct tty *tty, uint32_t request, uint64_t arg)
{
	bool flush = request == LX_TCSETSF || request == LX_TCSETSF2 || request == LX_TCSETAF;
	struct lx_termios2 tio;
	struct lx_termio old;
	int64_t ret = tty_check_background(t, tty, LX_SIGTTOU);

	if (ret < 0)
		return ret;
	get_termios(tty, &tio);
	switch (request) {
	case LX_TCSETA:
	case LX_TCSETAW:
	case LX_TCSETAF:
		ret = copy_from_user(t->mm, &old, guest_ptr(arg), sizeof(old));
		if (ret < 0)
			return ret;
		tio.c_iflag = (tio.c_iflag & 0xffff0000u) | old.c_iflag;
		tio.c_oflag = (tio.c_oflag & 0xffff0000u) | old.c_oflag;
		tio.c_cflag = (tio.c_cflag & 0xffff0000u) | old.c_cflag;
		tio.c_lflag = (tio.c_lflag & 0xffff0000u) | old.c_lflag;
		tio.c_line = old.c_line;
		memcpy(tio.c_cc, old.c_cc, sizeof(old.c_cc));
		break;
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
		ret = copy_from_user(t->mm, &tio, guest_ptr(arg), sizeof(struct lx_termios));
		break;
	default:
		ret = copy_from_user(t->mm, &tio, guest_ptr(arg), sizeof(tio));
	}
	if (ret < 0)
		return ret;
	set_termios(tty, &tio, flush);
	return 0;
}

/* ---- window size ---- */

void tty_set_size(struct tty *tty, const struct lx_winsize *size)
{
	tty_lock(tty);
	if (memcmp(&tty->size, size, sizeof(*size)) != 0) {
		tty->size = *size;
		tty_note_signal_locked(tty, LX_SIGWINCH);
	}
	tty_unlock(tty);
}

static int64_t winsize_ioctl(struct task *t, struct tty *tty, bool set, uint64_t arg)
{
	struct lx_winsize size;
	int ret;

	if (set) {
		ret = copy_from_user(t->mm, &size, guest_ptr(arg), sizeof(size));
		if (ret == 0)
			tty_set_size(tty, &size);
		return ret;
	}
	tty_lock(tty);
	size = tty->size;
	tty_unlock(tty);
	return copy_to_user(t->mm, guest_ptr(arg), &size, sizeof(size));
}

/* ---- queues and flow ---- */

static void flush_to_slave(struct tty *tty)
{
	ldisc_flush_input(&tty->ld);
	queue_drop(&tty->in, tty->in.count);
	tty_set_packet_status_locked(tty, LX_TIOCPKT_FLUSHREAD);
	waitq_wake(&tty->master_write, LX_POLL_WRITABLE);
}

/* A side's input is what comes towards it. */
static int64_t flush_ioctl(struct task *t, struct tty_file *tf, uint64_t arg)
{
	int ret = tf->master ? 0 : tty_check_background(t, tf->tty, LX_SIGTTOU);
	bool input, output;

	if (ret < 0)
		return ret;
	if (arg != LX_TCIFLUSH && arg != LX_TCOFLUSH && arg != LX_TCIOFLUSH)
		return -LX_EINVAL;
	input = arg != LX_TCOFLUSH;
	output = arg != LX_TCIFLUSH;
	tty_lock(tf->tty);
	if (tf->master ? output : input)
		flush_to_slave(tf->tty);
	if (tf->master && input)
		queue_drop(&tf->tty->out, tf->tty->out.count);
	if (tf->master ? input : output)
		tty_flush_output_locked(tf->tty);
	tty_unlock(tf->tty);
	return 0;
}

static int64_t flow_ioctl(struct task *t, struct tty *tty, uint64_t arg)
{
	int64_t ret = tty_check_background(t, tty, LX_SIGTTOU);
	uint8_t c;

	if (ret < 0)
		return ret;
	tty_lock(tty);
	switch (arg) {
	case LX_TCOOFF:
		if (!tty->output_off)
			tty_set_packet_status_locked(tty, LX_TIOCPKT_STOP);
		tty->output_off = true;
		break;
	case LX_TCOON:
		if (tty->output_off)
			tty_set_packet_status_locked(tty, LX_TIOCPKT_START);
		tty->output_off = false;
		waitq_wake(&tty->write_wait, LX_POLL_WRITABLE);
		break;
	case LX_TCIOFF:
	case LX_TCION:
		c = tty->ld.tio.c_cc[arg == LX_TCIOFF ? LX_VSTOP : LX_VSTART];
		if (c != LX_POSIX_VDISABLE)
			queue_put(&tty->out, &c, 1);
		tty_output_ready_locked(tty);
		break;
	default:
		ret = -LX_EINVAL;
	}
	tty_unlock(tty);
	return ret;
}

static int64_t readable_ioctl(struct task *t, struct tty_file *tf, uint64_t arg)
{
	uint32_t n;

	tty_lock(tf->tty);
	tty_pump_locked(tf->tty);
	n = tf->master ? tf->tty->out.count : ldisc_readable(&tf->tty->ld);
	tty_unlock(tf->tty);
	return put_user_u32(t->mm, guest_ptr(arg), n);
}

/* ---- the master's own ---- */

static int64_t set_flag(struct task *t, struct tty *tty, bool *flag, uint64_t arg)
{
	uint32_t value;
	int ret = get_user_u32(t->mm, &value, guest_ptr(arg));

	if (ret < 0)
		return ret;
	tty_lock(tty);
	__atomic_store_n(flag, value != 0, __ATOMIC_RELAXED);
	if (!tty->packet_mode)
		tty->packet_status = 0;
	tty_unlock(tty);
	return 0;
}

static int64_t get_flag(struct task *t, struct tty *tty, const bool *flag, uint64_t arg)
{
	uint32_t value;

	tty_lock(tty);
	value = *flag;
	tty_unlock(tty);
	return put_user_u32(t->mm, guest_ptr(arg), value);
}

static int64_t master_ioctl(struct task *t, struct tty *tty, uint32_t request, uint64_t arg)
{
	switch (request) {
	case LX_TIOCGPTN:
		return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)tty->index);
	case LX_TIOCSPTLCK:
		return set_flag(t, tty, &tty->locked, arg);
	case LX_TIOCGPTLCK:
		return get_flag(t, tty, &tty->locked, arg);
	case LX_TIOCPKT:
		return set_flag(t, tty, &tty->packet_mode, arg);
	case LX_TIOCGPKT:
		return get_flag(t, tty, &tty->packet_mode, arg);
	case LX_TIOCGPTPEER:
		return pts_open_peer(t, tty, (uint32_t)arg);
	case LX_TIOCSIG:
		if (arg > 31 || !(SIGNALS_OF_TIOCSIG >> arg & 1))
			return -LX_EINVAL;
		tty_lock(tty);
		tty_note_signal_locked(tty, (int)arg);
		tty_unlock(tty);
		return 0;
	default:
		return -LX_ENOTTY;
	}
}

static int64_t set_exclusive(struct tty *tty, bool on)
{
	tty_lock(tty);
	tty->exclusive = on;
	tty_unlock(tty);
	return 0;
}

static int64_t set_discipline(struct task *t, uint64_t arg)
{
	uint32_t value;
	int ret = get_user_u32(t->mm, &value, guest_ptr(arg));

	if (ret < 0)
		return ret;
	return value == LX_N_TTY ? 0 : -LX_EINVAL;
}

static bool tty_file_hung(const struct tty_file *tf)
{
	bool hung;

	tty_lock(tf->tty);
	hung = tty_file_hung_locked(tf);
	tty_unlock(tf->tty);
	return hung;
}

int64_t tty_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;

	if (tty_file_hung(tf))
		return request == LX_TIOCSPGRP ? -LX_ENOTTY : -LX_EIO;
	switch (request) {
	case LX_TCGETS:
	case LX_TCGETS2:
	case LX_TCGETA:
		return attributes_to_user(t, tty, request, arg);
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
	case LX_TCSETS2:
	case LX_TCSETSW2:
	case LX_TCSETSF2:
	case LX_TCSETA:
	case LX_TCSETAW:
	case LX_TCSETAF:
		return attributes_from_user(t, tty, request, arg);
	case LX_TIOCGWINSZ:
	case LX_TIOCSWINSZ:
		return winsize_ioctl(t, tty, request == LX_TIOCSWINSZ, arg);
	case LX_TCFLSH:
		return flush_ioctl(t, tf, arg);
	case LX_TCXONC:
		return flow_ioctl(t, tty, arg);
	case LX_TCSBRK:
	case LX_TCSBRKP:
	case LX_TIOCSBRK:
	case LX_TIOCCBRK:
		/* Output is handed on at once: there is nothing to drain, and no line to break. */
		return tty_check_background(t, tty, LX_SIGTTOU);
	case LX_FIONREAD:
		return readable_ioctl(t, tf, arg);
	case LX_TIOCOUTQ:
		return put_user_u32(t->mm, guest_ptr(arg), 0);
	case LX_TIOCSTI:
		return -LX_EIO; /* as where the sysctl dev.tty.legacy_tiocsti is off */
	case LX_TIOCEXCL:
		return set_exclusive(tty, true);
	case LX_TIOCNXCL:
		return set_exclusive(tty, false);
	case LX_TIOCGEXCL:
		return get_flag(t, tty, &tty->exclusive, arg);
	case LX_TIOCGETD:
		return put_user_u32(t->mm, guest_ptr(arg), LX_N_TTY);
	case LX_TIOCSETD:
		return set_discipline(t, arg);
	case LX_TIOCGDEV:
		return put_user_u32(t->mm, guest_ptr(arg),
				    (uint32_t)lx_makedev(PTS_MAJOR, (uint32_t)tty->index));
	case LX_TIOCVHANGUP:
		if (!cred_capable(t->cred, LX_CAP_SYS_ADMIN))
			return -LX_EPERM;
		tty_hangup(tty);
		return 0;
	case LX_TIOCSCTTY:
	case LX_TIOCNOTTY:
	case LX_TIOCGPGRP:
	case LX_TIOCSPGRP:
	case LX_TIOCGSID:
		return tty_job_ioctl(t, tf, request, arg);
	default:
		return tf->master ? master_ioctl(t, tty, request, arg) : -LX_ENOTTY;
	}
}
