/*
 * reap.c: waiting for children.  wait(2), wait4(2).
 */
#include "common/lx/errno.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"

static bool selected(const struct task *t, const struct tgroup *child, const struct wait_request *req)
{
	bool clone_child = __atomic_load_n(&child->exit_signal, __ATOMIC_RELAXED) != LX_SIGCHLD;

	if (req->which == WAIT_PID && child->tgid != req->id)
		return false;
	if (req->which == WAIT_PGID && child->pgid != req->id)
		return false;
	if ((req->options & LX_WNOTHREAD) && child->parent_tid != t->tid)
		return false;
	return (req->options & LX_WALL) || clone_child == ((req->options & LX_WCLONE) != 0);
}

static void fill(struct tgroup *child, struct wait_result *out)
{
	const struct cred *cred = task_get_cred(child->leader);

	*out = (struct wait_result){.pid = child->tgid, .uid = cred->uid};
	cred_put(cred);
}

static void fill_usage(struct tgroup *child, struct wait_result *out)
{
	out->utime = child->utime_ns + child->cutime_ns;
	out->stime = child->stime_ns + child->cstime_ns;
	out->maxrss = MAX(child->maxrss, child->cmaxrss);
	out->minflt = child->minflt;
	out->majflt = child->majflt;
	out->nvcsw = child->nvcsw;
	out->nivcsw = child->nivcsw;
}

static void fill_zombie(struct tgroup *child, struct wait_result *out)
{
	int32_t code = child->exit_code;

	fill(child, out);
	fill_usage(child, out);
	out->wait_status = code;
	out->code = code & 0x7f ? (code & 0x80 ? LX_CLD_DUMPED : LX_CLD_KILLED) : LX_CLD_EXITED;
	out->status = code & 0x7f ? code & 0x7f : (code >> 8) & 0xff;
}

/* A stop or continue that has yet to be reported.  Table lock held. */
static bool take_job_event(struct tgroup *child, uint32_t options, struct wait_result *out)
{
	bool consume = !(options & LX_WNOWAIT);
	int code = 0, sig = 0;

	pthread_mutex_lock(&child->lock);
	if ((options & LX_WSTOPPED) && child->stopped && child->stop_report) {
		code = LX_CLD_STOPPED;
		sig = child->stop_signal;
		child->stop_report = !consume;
	} else if ((options & LX_WCONTINUED) && child->continued_report) {
		code = LX_CLD_CONTINUED;
		sig = LX_SIGCONT;
		child->continued_report = !consume;
	}
	pthread_mutex_unlock(&child->lock);
	if (!code)
		return false;
	fill(child, out);
	fill_usage(child, out);
	out->code = code;
	out->status = sig;
	out->wait_status = code == LX_CLD_CONTINUED ? 0xffff : sig << 8 | 0x7f;
	return true;
}

static void account_locked(struct tgroup *parent, const struct wait_result *r)
{
	pthread_mutex_lock(&parent->lock);
	parent->cutime_ns += r->utime;
	parent->cstime_ns += r->stime;
	parent->cmaxrss = MAX(parent->cmaxrss, r->maxrss);
	pthread_mutex_unlock(&parent->lock);
}

/* One look at the children: 1 found, 0 nothing yet, -LX_ECHILD.  *reaped is to be put. */
static int scan(struct task *t, const struct wait_request *req, struct wait_result *out,
		struct tgroup **reaped)
{
	struct tgroup *tg = t->group, *child;
	int result = -LX_ECHILD;

	task_table_lock(t->guest);
	list_for_each_entry(child, &tg->children, sibling) {
		if (!selected(t, child, req))
			continue;
		result = 0;
		if (child->zombie) {
			if (!(req->options & LX_WEXITED))
				continue;
			fill_zombie(child, out);
			if (!(req->options & LX_WNOWAIT)) {
				account_locked(tg, out);
				tgroup_reap_locked(child);
				child->parent = NULL;
				*reaped = child;
			}
			result = 1;
			break;
		}
		if (take_job_event(child, req->options, out)) {
			result = 1;
			break;
		}
	}
	task_table_unlock(t->guest);
	return result;
}

int64_t task_wait(struct task *t, const struct wait_request *req, struct wait_result *out)
{
	struct tgroup *reaped = NULL;
	int found = scan(t, req, out, &reaped), err = 0;

	if (found == 0) {
		*out = (struct wait_result){0};
		if (req->options & LX_WNOHANG)
			return 0;
		if (req->nonblock)
			return -LX_EAGAIN;
		err = WAIT_EVENT(t, &t->group->child_wait,
				 (found = scan(t, req, out, &reaped)) != 0, WAIT_FOREVER);
	}
	if (reaped)
		tgroup_reaped_put(reaped);
	if (err < 0)
		return err;
	return MIN(found, 0);
}
