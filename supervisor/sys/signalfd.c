/*
 * signalfd.c: signalfd4(2).  Reading takes pending signals of the reading task and its process,
 * whoever opened the descriptor.
 *
 * Those who poll wait on the queue of a process; an epoll instance may do so for longer than
 * the process lives, so the descriptor keeps the processes that have polled it.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/poll.h"

/* signalfd(2). */
struct lx_signalfd_siginfo {
	uint32_t ssi_signo;
	int32_t ssi_errno, ssi_code;
	uint32_t ssi_pid, ssi_uid;
	int32_t ssi_fd;
	uint32_t ssi_tid, ssi_band, ssi_overrun, ssi_trapno;
	int32_t ssi_status, ssi_int;
	uint64_t ssi_ptr, ssi_utime, ssi_stime, ssi_addr;
	uint16_t ssi_addr_lsb, pad2;
	int32_t ssi_syscall;
	uint64_t ssi_call_addr;
	uint32_t ssi_arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct lx_signalfd_siginfo) == 128, "signalfd_siginfo is 128 bytes");

struct polled_group {
	struct polled_group *next;
	struct tgroup *tg;
};

struct signalfd {
	pthread_mutex_t lock;
	struct lx_sigset mask;
	struct polled_group *polled;
};

static const struct file_ops signalfd_fops;

static struct lx_sigset mask_of(struct signalfd *s)
{
	struct lx_sigset mask;

	pthread_mutex_lock(&s->lock);
	mask = s->mask;
	pthread_mutex_unlock(&s->lock);
	return mask;
}

static void fill(struct lx_signalfd_siginfo *out, const struct lx_siginfo *in)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = (uint32_t)in->si_signo;
	out->ssi_errno = in->si_errno;
	out->ssi_code = in->si_code;
	if (in->si_code == LX_SI_TIMER) {
		out->ssi_tid = (uint32_t)in->u.timer.tid;
		out->ssi_overrun = (uint32_t)in->u.timer.overrun;
		out->ssi_ptr = in->u.timer.value;
		out->ssi_int = (int32_t)in->u.timer.value;
	} else if (in->si_code <= 0) {
		out->ssi_pid = (uint32_t)in->u.rt.pid;
		out->ssi_uid = in->u.rt.uid;
		out->ssi_ptr = in->u.rt.value;
		out->ssi_int = (int32_t)in->u.rt.value;
	} else if (in->si_signo == LX_SIGCHLD) {
		out->ssi_pid = (uint32_t)in->u.chld.pid;
		out->ssi_uid = in->u.chld.uid;
		out->ssi_status = in->u.chld.status;
		out->ssi_utime = (uint64_t)in->u.chld.utime;
		out->ssi_stime = (uint64_t)in->u.chld.stime;
	} else if (in->si_signo == LX_SIGIO) {
		out->ssi_band = (uint32_t)in->u.poll.band;
		out->ssi_fd = in->u.poll.fd;
	} else if (in->si_signo == LX_SIGSEGV || in->si_signo == LX_SIGBUS ||
		   in->si_signo == LX_SIGILL || in->si_signo == LX_SIGFPE ||
		   in->si_signo == LX_SIGTRAP) {
		out->ssi_addr = in->u.fault.addr;
	}
}

static int64_t signalfd_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct signalfd *s = f->priv;
	bool nonblock = __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK;
	struct lx_signalfd_siginfo out;
	struct lx_siginfo info;
	int64_t done = 0, ret;

	(void)pos;
	if (u->left < sizeof(out))
		return -LX_EINVAL;
	while (u->left >= sizeof(out)) {
		int sig = signal_dequeue(t, mask_of(s), &info);

		if (sig == 0) {
			if (done > 0 || nonblock)
				return done > 0 ? done : -LX_EAGAIN;
			ret = WAIT_EVENT(t, signal_waitq(t),
					 signal_pending_set(t, mask_of(s)).bits != 0, WAIT_FOREVER);
			if (ret < 0)
				return ret;
			continue;
		}
		fill(&out, &info);
		ret = uio_to(u, &out, sizeof(out));
		if (ret < 0)
			return done > 0 ? done : ret;
		done += ret;
	}
	return done;
}

/* Keeps the process, whose queue somebody is about to wait on; false without memory. */
static bool keep_group(struct signalfd *s, struct tgroup *tg)
{
	struct polled_group *p;

	pthread_mutex_lock(&s->lock);
	for (p = s->polled; p && p->tg != tg; p = p->next)
		;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (p) {
			p->tg = tgroup_get(tg);
			p->next = s->polled;
			s->polled = p;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return p != NULL;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->priv;

	if (!pt || !pt->task)
		return 0;
	if (pt->add && keep_group(s, pt->task->group))
		poll_wait(f, signal_waitq(pt->task), pt);
	return signal_pending_set(pt->task, mask_of(s)).bits ? LX_POLLIN : 0;
}

static void signalfd_free(struct signalfd *s)
{
	struct polled_group *p, *next;

	for (p = s->polled; p; p = next) {
		next = p->next;
		tgroup_put(p->tg);
		free(p);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void signalfd_release(struct file *f)
{
	signalfd_free(f->priv);
}

static size_t signalfd_fdinfo(struct file *f, char *buf, size_t n)
{
	int len = snprintf(buf, n, "sigmask:\t%016llx\n",
			   (unsigned long long)mask_of(f->priv).bits);

	return len < 0 ? 0 : MIN((size_t)len, n - 1);
}

static const struct file_ops signalfd_fops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.fdinfo = signalfd_fdinfo,
	.seekless = true,
};

/* Gives an existing signalfd another mask. */
static int64_t signalfd_change(struct task *t, int fd, struct lx_sigset mask)
{
	struct file *f = fd_file(t, fd);
	struct signalfd *s;

	if (!f)
		return -LX_EBADF;
	if (f->ops != &signalfd_fops) {
		file_put(f);
		return -LX_EINVAL;
	}
	s = f->priv;
	pthread_mutex_lock(&s->lock);
	s->mask = mask;
	pthread_mutex_unlock(&s->lock);
	waitq_wake(signal_waitq(t), 0);
	file_put(f);
	return fd;
}

int64_t sys_signalfd4(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3);
	struct lx_sigset mask;
	struct signalfd *s;
	struct file *f;
	int64_t ret;

	if (flags & ~(LX_O_NONBLOCK | LX_O_CLOEXEC))
		return -LX_EINVAL;
	if (a->v[2] != sizeof(mask))
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &mask, arg_ptr(a, 1), sizeof(mask)) < 0)
		return -LX_EFAULT;
	mask.bits &= ~SIGSET_UNBLOCKABLE;
	if (arg_int(a, 0) != -1)
		return signalfd_change(t, arg_int(a, 0), mask);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -LX_ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->mask = mask;
	ret = file_new_anon(t->guest, &signalfd_fops, s, LX_O_RDWR | (flags & LX_O_NONBLOCK), 0600,
			    "anon_inode:[signalfd]", &f);
	if (ret < 0) {
		signalfd_free(s);
		return ret;
	}
	ret = fd_install(t, f, 0, flags & LX_O_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}
