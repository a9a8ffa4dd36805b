/*
 * pidfd.c: descriptors that stand for a process.  pidfd_open(2): readable once it has ended.
 */
#include <poll.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/vfs/poll.h"
#include "supervisor/vfs/vfs.h"

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct tgroup *tg = f->priv;
	bool ended;

	poll_wait(f, &tg->exit_wait, pt);
	task_table_lock(tg->guest);
	ended = tg->zombie;
	task_table_unlock(tg->guest);
	return ended ? POLLIN | POLLRDNORM : 0;
}

static size_t pidfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct tgroup *tg = f->priv;
	int len = snprintf(buf, n, "Pid:\t%d\nNSpid:\t%d\n", tg->tgid, tg->tgid);

	return len < 0 ? 0 : MIN((size_t)len, n);
}

static void pidfd_release(struct file *f)
{
	tgroup_put(f->priv);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.fdinfo = pidfd_fdinfo,
	.release = pidfd_release,
	.seekless = true,
};

int pidfd_new(struct guest *g, struct tgroup *tg, bool nonblock, struct file **out)
{
	int err = file_new_anon(g, &pidfd_ops, tgroup_get(tg), LX_O_RDWR | (nonblock ? LX_O_NONBLOCK : 0),
				0600, "anon_inode:[pidfd]", out);

	if (err < 0)
		tgroup_put(tg);
	return err;
}

int pidfd_group(struct file *f, struct tgroup **out)
{
	if (f->ops != &pidfd_ops)
		return -LX_EBADF;
	*out = tgroup_get(f->priv);
	return 0;
}
