/*
 * tty_job.c: job control: which session a terminal controls, which process group is in its
 * foreground, what background processes may do, and hangup.  credentials(7), ioctl_tty(2).
 */
#include "supervisor/vfs/tty_impl.h"

/* Is tty the controlling terminal of t's process? */
static bool controls(struct task *t, struct tty *tty)
{
	struct tty *own = session_get_tty(t);
	bool yes = own == tty;

	if (own)
		tty_put(own);
	return yes;
}

int tty_check_background(struct task *t, struct tty *tty, int sig)
{
	int32_t pgid, sid, foreground;

	if (!t || !controls(t, tty))
		return 0;
	tgroup_ids(t->group, &pgid, &sid);
	tty_lock(tty);
	foreground = tty->pgrp;
	tty_unlock(tty);
	if (foreground == 0 || foreground == pgid)
		return 0;
	if (signal_ignored_or_blocked(t, sig))
		return sig == LX_SIGTTIN ? -LX_EIO : 0;
	if (pgrp_is_orphaned(t->guest, pgid))
		return -LX_EIO;
	signal_send_pgrp(t->guest, pgid, sig, NULL);
	return -LX_ERESTARTSYS;
}

/* Gives the session of t, its leader, the terminal, if that serves no session. */
static bool acquire(struct task *t, struct tty *tty)
{
	int32_t pgid, sid;
	bool got;

	tgroup_ids(t->group, &pgid, &sid);
	tty_lock(tty);
	got = tty->session == 0 && !tty->master_closed;
	if (got) {
		tty->session = sid;
		tty->pgrp = pgid;
	}
	tty_unlock(tty);
	if (got)
		session_set_tty(t, tty_get(tty));
	return got;
}

static bool leads_without_tty(struct task *t)
{
	int32_t pgid, sid;
	struct tty *own;

	tgroup_ids(t->group, &pgid, &sid);
	if (sid != t->group->tgid)
		return false;
	own = session_get_tty(t);
	if (own)
		tty_put(own);
	return !own;
}

void tty_acquire_on_open(struct task *t, struct tty *tty, uint32_t flags)
{
	if ((flags & LX_O_NOCTTY) || !lx_flags_readable(flags) || !leads_without_tty(t))
		return;
	acquire(t, tty);
}

/* The session that has the terminal loses it. */
static void take_from_session(struct tty *tty)
{
	int32_t session;

	tty_lock(tty);
	session = tty->session;
	tty->session = 0;
	tty->pgrp = 0;
	tty_unlock(tty);
	if (session > 0)
		session_clear_tty(tty->guest, session, tty);
}

static int64_t set_controlling(struct task *t, struct tty *tty, uint64_t arg)
{
	bool admin = cred_capable(t->cred, LX_CAP_SYS_ADMIN);
	int32_t pgid, sid, session;

	tgroup_ids(t->group, &pgid, &sid);
	tty_lock(tty);
	session = tty->session;
	tty_unlock(tty);
	if (sid == t->group->tgid && session == sid)
		return 0;
	if (!leads_without_tty(t))
		return -LX_EPERM;
	if (session > 0) {
		if (arg != 1 || !admin)
			return -LX_EPERM;
		take_from_session(tty);
	}
	return acquire(t, tty) ? 0 : -LX_EPERM;
}

static int64_t set_foreground(struct task *t, struct tty *tty, uint64_t arg)
{
	int32_t pgid, sid, wanted;
	uint32_t value;
	int64_t ret = tty_check_background(t, tty, LX_SIGTTOU);

	if (ret < 0)
		return ret == -LX_EIO ? -LX_ENOTTY : ret;
	tgroup_ids(t->group, &pgid, &sid);
	if (!controls(t, tty))
		return -LX_ENOTTY;
	ret = get_user_u32(t->mm, &value, guest_ptr(arg));
	if (ret < 0)
		return ret;
	wanted = (int32_t)value;
	if (wanted < 0)
		return -LX_EINVAL;
	if (!pgrp_in_session(t->guest, wanted, sid))
		return pgrp_exists(t->guest, wanted) ? -LX_EPERM : -LX_ESRCH;
	tty_lock(tty);
	if (tty->session == sid)
		tty->pgrp = wanted;
	else
		ret = -LX_ENOTTY;
	tty_unlock(tty);
	return ret;
}

int64_t tty_job_ioctl(struct task *t, struct tty_file *tf, uint32_t request, uint64_t arg)
{
	struct tty *tty = tf->tty;
	int32_t session, pgrp;

	switch (request) {
	case LX_TIOCSCTTY:
		return tf->master ? -LX_EINVAL : set_controlling(t, tty, arg);
	case LX_TIOCNOTTY:
		if (!controls(t, tty))
			return -LX_ENOTTY;
		tty_disassociate(t->group, false);
		return 0;
	case LX_TIOCSPGRP:
		return set_foreground(t, tty, arg);
	default:
		break;
	}
	if (!tf->master && !controls(t, tty))
		return -LX_ENOTTY;
	tty_lock(tty);
	session = tty->session;
	pgrp = tty->pgrp;
	tty_unlock(tty);
	if (request == LX_TIOCGPGRP)
		return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)pgrp);
	return session > 0 ? put_user_u32(t->mm, guest_ptr(arg), (uint32_t)session) : -LX_ENOTTY;
}

static void signal_leader(struct guest *g, int32_t session)
{
	struct tgroup *leader = tgroup_find(g, session);

	if (!leader)
		return;
	signal_send_group(leader, LX_SIGHUP, NULL);
	signal_send_group(leader, LX_SIGCONT, NULL);
	tgroup_put(leader);
}

void tty_hangup(struct tty *tty)
{
	int32_t session;

	tty_lock(tty);
	session = tty->session;
	tty->session = 0;
	tty->pgrp = 0;
	tty->hangups++; /* the files stay open, and count as such for the master */
	ldisc_init(&tty->ld, tty->ld.host);
	queue_drop(&tty->in, tty->in.count);
	waitq_wake(&tty->read_wait, LX_POLLIN | LX_POLLHUP | LX_POLLERR);
	waitq_wake(&tty->write_wait, LX_POLLOUT | LX_POLLHUP | LX_POLLERR);
	waitq_wake(&tty->master_read, LX_POLLIN | LX_POLLHUP);
	waitq_wake(&tty->master_write, LX_POLLOUT);
	tty_unlock(tty);
	if (session > 0) {
		signal_leader(tty->guest, session);
		session_clear_tty(tty->guest, session, tty);
	}
}

void tty_disassociate(struct tgroup *tg, bool on_exit)
{
	struct tty *tty = tgroup_take_tty(tg);
	int32_t pgid, sid, pgrp = 0;

	if (!tty)
		return;
	tgroup_ids(tg, &pgid, &sid);
	if (sid == tg->tgid) {
		tty_lock(tty);
		if (tty->session == sid)
			pgrp = tty->pgrp;
		tty_unlock(tty);
		/* The files stay usable: a pseudo-terminal hangs up when its master is closed. */
		if (pgrp > 0) {
			signal_send_pgrp(tg->guest, pgrp, LX_SIGHUP, NULL);
			if (!on_exit)
				signal_send_pgrp(tg->guest, pgrp, LX_SIGCONT, NULL);
			take_from_session(tty);
		}
	}
	tty_put(tty);
}

void tty_describe(struct tty *tty, uint32_t *dev, int32_t *pgrp)
{
	*dev = 0;
	*pgrp = -1;
	if (!tty)
		return;
	*dev = (uint32_t)lx_makedev(PTS_MAJOR, (uint32_t)tty->index);
	tty_lock(tty);
	*pgrp = tty->pgrp > 0 ? tty->pgrp : -1;
	tty_unlock(tty);
}
