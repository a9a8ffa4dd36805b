/*
 * proc_pid.c: the tables of /proc/PID and /proc/PID/task/TID, and their small files.
 */
#include "common/lx/capability.h"
#include "supervisor/vfs/proc.h"

#define COMM_MAX 16u

static int show_text(struct seqbuf *s, const char *text)
{
	seq_puts(s, text);
	return 0;
}

/* ---- comm ---- */

static int show_comm(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	char comm[COMM_MAX];
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	task_get_comm(r.t, comm);
	seq_printf(s, "%.*s\n", (int)COMM_MAX - 1, comm);
	proc_put(&r);
	return 0;
}

/* A process may rename itself and its own threads. */
static int64_t store_comm(const struct synth_ctx *c, char *text, size_t n)
{
	size_t len = n < COMM_MAX - 1 ? n : COMM_MAX - 1;
	struct proc_ref r;
	int64_t ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	if (!c->t || c->t->group != r.tg) {
		ret = -LX_EINVAL;
	} else {
		if (len > 0 && text[len - 1] == '\n')
			len--;
		pthread_mutex_lock(&r.tg->lock);
		memset(r.t->comm, 0, sizeof(r.t->comm));
		memcpy(r.t->comm, text, len);
		pthread_mutex_unlock(&r.tg->lock);
		ret = (int64_t)n;
	}
	proc_put(&r);
	return ret;
}

/* ---- limits ---- */

struct limit_name {
	const char *name, *unit;
	unsigned resource;
};

static const struct limit_name limit_names[] = {
	{"Max cpu time", "seconds", LX_RLIMIT_CPU},
	{"Max file size", "bytes", LX_RLIMIT_FSIZE},
	{"Max data size", "bytes", LX_RLIMIT_DATA},
	{"Max stack size", "bytes", LX_RLIMIT_STACK},
	{"Max core file size", "bytes", LX_RLIMIT_CORE},
	{"Max resident set", "bytes", LX_RLIMIT_RSS},
	{"Max processes", "processes", LX_RLIMIT_NPROC},
	{"Max open files", "files", LX_RLIMIT_NOFILE},
	{"Max locked memory", "bytes", LX_RLIMIT_MEMLOCK},
	{"Max address space", "bytes", LX_RLIMIT_AS},
	{"Max file locks", "locks", LX_RLIMIT_LOCKS},
	{"Max pending signals", "signals", LX_RLIMIT_SIGPENDING},
	{"Max msgqueue size", "bytes", LX_RLIMIT_MSGQUEUE},
	{"Max nice priority", "", LX_RLIMIT_NICE},
	{"Max realtime priority", "", LX_RLIMIT_RTPRIO},
	{"Max realtime timeout", "us", LX_RLIMIT_RTTIME},
};

static void limit_value(struct seqbuf *s, uint64_t v)
{
	if (v == LX_RLIM_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20llu ", (unsigned long long)v);
}

static int show_limits(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < ARRAY_LEN(limit_names); i++) {
		uint64_t cur, max;

		pthread_mutex_lock(&r.tg->lock);
		cur = r.tg->rlimit[limit_names[i].resource].cur;
		max = r.tg->rlimit[limit_names[i].resource].max;
		pthread_mutex_unlock(&r.tg->lock);
		seq_printf(s, "%-25s ", limit_names[i].name);
		limit_value(s, cur);
		limit_value(s, max);
		seq_printf(s, "%-10s\n", limit_names[i].unit);
	}
	proc_put(&r);
	return 0;
}

/* ---- oom ---- */

#define OOM_ADJ_MIN (-1000)
#define OOM_ADJ_MAX 1000

static int show_oom_score_adj(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	seq_printf(s, "%d\n", __atomic_load_n(&r.tg->oom_score_adj, __ATOMIC_RELAXED));
	proc_put(&r);
	return 0;
}

static int64_t store_oom_score_adj(const struct synth_ctx *c, char *text, size_t n)
{
	struct proc_ref r;
	int64_t value, ret = synth_parse_number(text, &value);

	if (ret < 0 || value < OOM_ADJ_MIN || value > OOM_ADJ_MAX)
		return -LX_EINVAL;
	ret = proc_get(c, &r);
	if (ret < 0)
		return ret;
	if (value < __atomic_load_n(&r.tg->oom_score_adj, __ATOMIC_RELAXED) &&
	    !cred_capable(c->t->cred, LX_CAP_SYS_RESOURCE)) {
		ret = -LX_EACCES;
	} else {
		__atomic_store_n(&r.tg->oom_score_adj, (int32_t)value, __ATOMIC_RELAXED);
		ret = (int64_t)n;
	}
	proc_put(&r);
	return ret;
}

static int show_oom_score(const struct synth_ctx *c, struct seqbuf *s)
{
	uint64_t total, available;
	struct mm_usage u = {0};
	struct proc_ref r;
	struct mm *mm;
	int64_t score;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	guest_memory(c->g, &total, &available);
	mm = task_get_mm(r.t);
	if (mm) {
		mm_get_usage(mm, &u);
		mm_put(mm);
	}
	/* Two thirds of a thousand are where a process with neutral adjustment starts. */
	score = 667 + (total ? (int64_t)(u.resident / (total / 667 + 1)) : 0) +
		__atomic_load_n(&r.tg->oom_score_adj, __ATOMIC_RELAXED) * 2 / 3;
	seq_printf(s, "%lld\n", (long long)(score < 0 ? 0 : score));
	proc_put(&r);
	return 0;
}

/* ---- scheduling and accounting ---- */

static int show_sched(const struct synth_ctx *c, struct seqbuf *s)
{
	int64_t utime, stime;
	struct proc_ref r;
	char comm[COMM_MAX];
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	task_get_comm(r.t, comm);
	task_cpu_time(r.t, &utime, &stime);
	seq_printf(s, "%.15s (%d, #threads: %u)\n", comm, r.t->tid, r.tg->ntasks);
	seq_puts(s, "-------------------------------------------------------------------\n");
	seq_printf(s, "se.sum_exec_runtime                          :%22.6f\n",
		   (double)(utime + stime) / 1e6);
	seq_printf(s, "nr_switches                                  :%21llu\n",
		   (unsigned long long)(r.t->nvcsw + r.t->nivcsw));
	seq_printf(s, "nr_voluntary_switches                        :%21llu\n",
		   (unsigned long long)r.t->nvcsw);
	seq_printf(s, "nr_involuntary_switches                      :%21llu\n",
		   (unsigned long long)r.t->nivcsw);
	seq_printf(s, "policy                                       :%21u\n", r.t->sched_policy);
	seq_printf(s, "prio                                         :%21d\n", 120 + r.t->nice);
	proc_put(&r);
	return 0;
}

static int show_schedstat(const struct synth_ctx *c, struct seqbuf *s)
{
	int64_t utime, stime;
	struct proc_ref r;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	task_cpu_time(r.t, &utime, &stime);
	seq_printf(s, "%lld 0 %llu\n", (long long)(utime + stime),
		   (unsigned long long)(r.t->nvcsw + r.t->nivcsw));
	proc_put(&r);
	return 0;
}

static int show_io(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	proc_put(&r);
	return show_text(s, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\n"
			    "write_bytes: 0\ncancelled_write_bytes: 0\n");
}

static int show_personality(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	seq_printf(s, "%08x\n", r.t->personality);
	proc_put(&r);
	return 0;
}

static int show_timerslack(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	seq_printf(s, "%u\n", r.t->timer_slack);
	proc_put(&r);
	return 0;
}

/* ---- identity ---- */

static int64_t store_ignored(const struct synth_ctx *c, char *text, size_t n)
{
	(void)c;
	(void)text;
	return (int64_t)n;
}

static int show_syscall(const struct synth_ctx *c, struct seqbuf *s)
{
	struct proc_ref r;
	int ret = proc_get_inspect(c, &r);

	if (ret < 0)
		return ret;
	proc_put(&r);
	return show_text(s, "running\n");
}

/* No security module is there to have attributes. */
static int show_no_attr(const struct synth_ctx *c, struct seqbuf *s)
{
	(void)c;
	(void)s;
	return -LX_EINVAL;
}

const struct synth_node proc_attr_nodes[] = {
	{.name = "current", .mode = LX_S_IFREG | 0666, .show = show_no_attr},
	{.name = "exec", .mode = LX_S_IFREG | 0666, .show = show_no_attr},
	{.name = "fscreate", .mode = LX_S_IFREG | 0666, .show = show_no_attr},
	{.name = "keycreate", .mode = LX_S_IFREG | 0666, .show = show_no_attr},
	{.name = "prev", .mode = LX_S_IFREG | 0444, .show = show_no_attr},
	{.name = "sockcreate", .mode = LX_S_IFREG | 0666, .show = show_no_attr},
	{.name = NULL},
};

/* ---- the tables ---- */

#define DIR  LX_S_IFDIR
#define REG  LX_S_IFREG
#define LINK LX_S_IFLNK

/* What a process and a thread have alike. */
#define COMMON_NODES                                                                               \
	{.name = "attr", .mode = DIR | 0555, .children = proc_attr_nodes},                         \
	{.name = "auxv", .mode = REG | 0400, .show = proc_show_auxv},                              \
	{.name = "cgroup", .mode = REG | 0444, .show = synth_show_text, .text = "0::/\n"},                               \
	{.name = "cmdline", .mode = REG | 0444, .show = proc_show_cmdline},                        \
	{.name = "comm", .mode = REG | 0644, .show = show_comm, .store = store_comm},              \
	{.name = "cpuset", .mode = REG | 0444, .show = synth_show_text, .text = "/\n"},                               \
	{.name = "cwd", .mode = LINK | 0777, .readlink = proc_cwd_readlink,                        \
	 .follow = proc_cwd_follow},                                                               \
	{.name = "environ", .mode = REG | 0400, .show = proc_show_environ},                        \
	{.name = "exe", .mode = LINK | 0777, .readlink = proc_exe_readlink,                        \
	 .follow = proc_exe_follow},                                                               \
	{.name = "fd", .mode = DIR | 0500, .lookup = proc_fd_lookup, .list = proc_fd_list},        \
	{.name = "fdinfo", .mode = DIR | 0555, .lookup = proc_fdinfo_lookup,                       \
	 .list = proc_fd_list},                                                                    \
	{.name = "gid_map", .mode = REG | 0644, .show = synth_show_text, .text = "         0          0 4294967295\n"},                              \
	{.name = "io", .mode = REG | 0400, .show = show_io},                                       \
	{.name = "limits", .mode = REG | 0444, .show = show_limits},                               \
	{.name = "loginuid", .mode = REG | 0644, .show = synth_show_text, .text = "4294967295", .store = store_ignored},     \
	{.name = "maps", .mode = REG | 0444, .show = proc_show_maps},                              \
	{.name = "mem", .mode = REG | 0600, .fops = &proc_mem_fops},                               \
	{.name = "mountinfo", .mode = REG | 0444, .show = proc_show_mountinfo},                    \
	{.name = "mounts", .mode = REG | 0444, .show = proc_show_mounts},                          \
	{.name = "net", .mode = DIR | 0555, .children = proc_net_nodes},                           \
	{.name = "ns", .mode = DIR | 0511, .lookup = proc_ns_lookup, .list = proc_ns_list},        \
	{.name = "oom_score", .mode = REG | 0444, .show = show_oom_score},                         \
	{.name = "oom_score_adj", .mode = REG | 0644, .show = show_oom_score_adj,                  \
	 .store = store_oom_score_adj},                                                            \
	{.name = "personality", .mode = REG | 0400, .show = show_personality},                     \
	{.name = "projid_map", .mode = REG | 0644, .show = synth_show_text, .text = "         0          0 4294967295\n"},                           \
	{.name = "root", .mode = LINK | 0777, .readlink = proc_root_readlink,                      \
	 .follow = proc_root_follow},                                                              \
	{.name = "sched", .mode = REG | 0644, .show = show_sched},                                 \
	{.name = "schedstat", .mode = REG | 0444, .show = show_schedstat},                         \
	{.name = "sessionid", .mode = REG | 0444, .show = synth_show_text, .text = "4294967295"},                            \
	{.name = "setgroups", .mode = REG | 0644, .show = synth_show_text, .text = "allow\n"},                         \
	{.name = "smaps", .mode = REG | 0444, .show = proc_show_smaps},                            \
	{.name = "smaps_rollup", .mode = REG | 0444, .show = proc_show_smaps_rollup},              \
	{.name = "stat", .mode = REG | 0444, .show = proc_show_stat},                              \
	{.name = "statm", .mode = REG | 0444, .show = proc_show_statm},                            \
	{.name = "status", .mode = REG | 0444, .show = proc_show_status},                          \
	{.name = "syscall", .mode = REG | 0400, .show = show_syscall},                             \
	{.name = "uid_map", .mode = REG | 0644, .show = synth_show_text, .text = "         0          0 4294967295\n"},                              \
	{.name = "wchan", .mode = REG | 0444, .show = synth_show_text, .text = "0"}

const struct synth_node proc_pid_nodes[] = {
	COMMON_NODES,
	{.name = "coredump_filter", .mode = REG | 0644, .show = synth_show_text, .text = "00000033\n",
	 .store = store_ignored},
	{.name = "mountstats", .mode = REG | 0400, .show = proc_show_mountstats},
	{.name = "timerslack_ns", .mode = REG | 0666, .show = show_timerslack},
	{.name = NULL},
};

const struct synth_node proc_tid_nodes[] = {
	COMMON_NODES,
	{.name = NULL},
};
