/*
 * system.c: the system as a whole: names, limits, usage, randomness, and the many calls that a
 * container may not make or a kernel without the feature refuses.
 */
#include <sys/random.h>

#include "supervisor/sys/rusage.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/task.h"

struct lx_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
_Static_assert(sizeof(struct lx_utsname) == 390, "struct new_utsname");

#define LX_PER_LINUX32 0x0008u
#define LX_UNAME26     0x0020000u

int64_t sys_uname(struct task *t, const struct sys_args *a)
{
	struct uts *names = &t->guest->uts;
	struct lx_utsname u = {
		.sysname = "Linux", .release = SYS_RELEASE, .version = SYS_VERSION, .machine = "aarch64"};

	pthread_mutex_lock(&names->lock);
	memcpy(u.nodename, names->nodename, sizeof(u.nodename));
	memcpy(u.domainname, names->domainname, sizeof(u.domainname));
	pthread_mutex_unlock(&names->lock);
	return copy_to_user(t->mm, arg_ptr(a, 0), &u, sizeof(u));
}

static int64_t set_name(struct task *t, const struct sys_args *a, char name[65])
{
	char fresh[65] = "";
	int len = arg_int(a, 1);

	if (!cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -LX_EPERM;
	if (len < 0 || len > 64)
		return -LX_EINVAL;
	if (copy_from_user(t->mm, fresh, arg_ptr(a, 0), (size_t)len) < 0)
		return -LX_EFAULT;
	pthread_mutex_lock(&t->guest->uts.lock);
	memcpy(name, fresh, sizeof(fresh));
	pthread_mutex_unlock(&t->guest->uts.lock);
	return 0;
}

int64_t sys_sethostname(struct task *t, const struct sys_args *a)
{
	return set_name(t, a, t->guest->uts.nodename);
}

int64_t sys_setdomainname(struct task *t, const struct sys_args *a)
{
	return set_name(t, a, t->guest->uts.domainname);
}

struct lx_rlimit {
	uint64_t cur, max;
};

static int64_t change_limit(struct task *t, struct tgroup *tg, unsigned resource, const struct lx_rlimit *n,
			    struct lx_rlimit *old)
{
	int64_t err = 0;

	if (resource >= ARRAY_LEN(tg->rlimit))
		return -LX_EINVAL;
	if (n && n->cur > n->max)
		return -LX_EINVAL;
	if (n && resource == LX_RLIMIT_NOFILE && n->max > SYS_NR_OPEN)
		return -LX_EPERM;
	pthread_mutex_lock(&tg->lock);
	if (old)
		*old = (struct lx_rlimit){tg->rlimit[resource].cur, tg->rlimit[resource].max};
	if (n && n->max > tg->rlimit[resource].max && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE)) {
		err = -LX_EPERM;
	} else if (n) {
		tg->rlimit[resource].cur = n->cur;
		tg->rlimit[resource].max = n->max;
	}
	pthread_mutex_unlock(&tg->lock);
	if (err == 0 && n && resource == LX_RLIMIT_CPU)
		itimer_cpu_limit_changed(tg);
	return err;
}

int64_t sys_getrlimit(struct task *t, const struct sys_args *a)
{
	struct lx_rlimit old;
	int64_t err = change_limit(t, t->group, arg_u32(a, 0), NULL, &old);

	return err < 0 ? err : copy_to_user(t->mm, arg_ptr(a, 1), &old, sizeof(old));
}

int64_t sys_setrlimit(struct task *t, const struct sys_args *a)
{
	struct lx_rlimit n;

	if (copy_from_user(t->mm, &n, arg_ptr(a, 1), sizeof(n)) < 0)
		return -LX_EFAULT;
	return change_limit(t, t->group, arg_u32(a, 0), &n, NULL);
}

static bool may_limit(struct task *t, struct task *other)
{
	const struct cred *mine = t->cred, *c;
	bool ok;

	if (other->group == t->group)
		return true;
	c = task_get_cred(other);
	ok = (mine->uid == c->uid && mine->uid == c->euid && mine->uid == c->suid && mine->gid == c->gid &&
	      mine->gid == c->egid && mine->gid == c->sgid) ||
	     cred_capable(mine, LX_CAP_SYS_RESOURCE);
	cred_put(c);
	return ok;
}

int64_t sys_prlimit64(struct task *t, const struct sys_args *a)
{
	int32_t pid = arg_int(a, 0);
	struct lx_rlimit n, old;
	bool change = !guest_ptr_null(arg_ptr(a, 2));
	struct task *other;
	int64_t err;

	if (change && copy_from_user(t->mm, &n, arg_ptr(a, 2), sizeof(n)) < 0)
		return -LX_EFAULT;
	other = pid ? task_find(t->guest, pid) : task_get(t);
	if (!other)
		return -LX_ESRCH;
	err = may_limit(t, other) ? change_limit(t, other->group, arg_u32(a, 1), change ? &n : NULL, &old)
				  : -LX_EPERM;
	task_put(other);
	if (err == 0 && !guest_ptr_null(arg_ptr(a, 3)))
		err = copy_to_user(t->mm, arg_ptr(a, 3), &old, sizeof(old));
	return err;
}

#define LX_RUSAGE_SELF     0
#define LX_RUSAGE_CHILDREN (-1)
#define LX_RUSAGE_THREAD   1

int64_t sys_getrusage(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg = t->group;
	struct lx_rusage ru = {0};
	struct mm_usage usage;
	int64_t utime, stime;

	task_note_cpu_time(t);
	switch (arg_int(a, 0)) {
	case LX_RUSAGE_SELF:
		tgroup_cpu_time(tg, &utime, &stime);
		break;
	case LX_RUSAGE_THREAD:
		task_cpu_time(t, &utime, &stime);
		break;
	case LX_RUSAGE_CHILDREN:
		pthread_mutex_lock(&tg->lock);
		utime = tg->cutime_ns;
		stime = tg->cstime_ns;
		ru.maxrss = (int64_t)(tg->cmaxrss / 1024);
		pthread_mutex_unlock(&tg->lock);
		break;
	default:
		return -LX_EINVAL;
	}
	ru.utime = rusage_timeval(utime);
	ru.stime = rusage_timeval(stime);
	if (arg_int(a, 0) != LX_RUSAGE_CHILDREN) {
		mm_get_usage(t->mm, &usage);
		ru.maxrss = (int64_t)(usage.peak_resident / 1024);
	}
	return copy_to_user(t->mm, arg_ptr(a, 1), &ru, sizeof(ru));
}

struct lx_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad3;
};
_Static_assert(sizeof(struct lx_sysinfo) == 112, "struct sysinfo");

int64_t sys_sysinfo(struct task *t, const struct sys_args *a)
{
	struct guest *g = t->guest;
	struct arena_stats stats;
	struct lx_sysinfo info = {.mem_unit = 1};

	arena_get_stats(g->arena, &stats);
	info.uptime = (now_ns() - g->boot_ns) / 1000000000;
	info.totalram = stats.frames_total * 4096;
	info.freeram = (stats.frames_total - MIN(stats.frames_used, stats.frames_total)) * 4096;
	info.bufferram = stats.frames_cache * 4096;
	info.procs = (uint16_t)MIN(task_count(g), 65535u);
	return copy_to_user(t->mm, arg_ptr(a, 0), &info, sizeof(info));
}

#define LX_GRND_NONBLOCK 1u
#define LX_GRND_RANDOM   2u
#define LX_GRND_INSECURE 4u

int64_t sys_getrandom(struct task *t, const struct sys_args *a)
{
	uint64_t left = MIN(a->v[1], (uint64_t)INT32_MAX), done = 0;
	uint32_t flags = arg_u32(a, 2);
	uint8_t buf[1024];

	if ((flags & ~7u) || (flags & (LX_GRND_RANDOM | LX_GRND_INSECURE)) == (LX_GRND_RANDOM | LX_GRND_INSECURE))
		return -LX_EINVAL;
	while (done < left) {
		size_t n = MIN(left - done, sizeof(buf));

		for (size_t at = 0; at < n; at += 256) /* getentropy's limit */
			if (getentropy(buf + at, MIN(n - at, (size_t)256)) < 0)
				return done ? (int64_t)done : -LX_EIO;
		if (copy_to_user(t->mm, guest_ptr_add(arg_ptr(a, 0), done), buf, n) < 0)
			return done ? (int64_t)done : -LX_EFAULT;
		done += n;
		if (signal_is_pending(t))
			break;
	}
	return (int64_t)done;
}

int64_t sys_personality(struct task *t, const struct sys_args *a)
{
	uint32_t fresh = arg_u32(a, 0), old = t->personality;

	if (fresh == UINT32_MAX)
		return old;
	/* The CPU shown to guests has no 32-bit state. */
	if ((fresh & 0xff) == LX_PER_LINUX32)
		return -LX_EINVAL;
	t->personality = fresh;
	return old;
}

/* syslog(2): there is no kernel log to read. */
int64_t sys_syslog(struct task *t, const struct sys_args *a)
{
	int type = arg_int(a, 0);

	if (type < 0 || type > 10)
		return -LX_EINVAL;
	return cred_capable(t->cred, LX_CAP_SYSLOG) || cred_capable(t->cred, LX_CAP_SYS_ADMIN) ? 0 : -LX_EPERM;
}

int64_t sys_vhangup(struct task *t, const struct sys_args *a)
{
	(void)a;
	return cred_capable(t->cred, LX_CAP_SYS_TTY_CONFIG) ? 0 : -LX_EPERM;
}

/* What needs a capability that no container has here. */
#define REFUSED(name)                                                   \
	int64_t sys_##name(struct task *t, const struct sys_args *a) \
	{                                                               \
		(void)t;                                                \
		(void)a;                                                \
		return -LX_EPERM;                                       \
	}
REFUSED(reboot)
REFUSED(swapon)
REFUSED(swapoff)
REFUSED(acct)
REFUSED(init_module)
REFUSED(finit_module)
REFUSED(delete_module)
REFUSED(kexec_load)
REFUSED(kexec_file_load)
REFUSED(quotactl)
REFUSED(quotactl_fd)
REFUSED(bpf)
REFUSED(perf_event_open)
REFUSED(userfaultfd)
