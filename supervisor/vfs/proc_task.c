/*
 * proc_task.c: /proc/PID/stat, statm and status, and the small files beside them.
 * Formats: proc_pid_stat(5), proc_pid_statm(5), proc_pid_status(5).
 */
#include "supervisor/vfs/proc.h"

#include "supervisor/vfs/tty.h"

#define NS_PER_TICK    10000000 /* USER_HZ is 100 */
#define PAGE           4096
#define NICE_TO_PRIO   20

/* What several of the files need, collected once. */
struct snapshot {
	struct mm_usage mem;
	struct task_signals sig;
	int32_t ppid, pgid, sid, tty_pgrp;
	uint32_t tty_dev, nthreads;
	int64_t utime, stime; /* of the process or the thread, ns */
	char comm[16];
	char state;
};

static uint32_t thread_count(struct tgroup *tg)
{
	uint32_t n;

	pthread_mutex_lock(&tg->lock);
	n = tg->ntasks;
	pthread_mutex_unlock(&tg->lock);
	return n;
}

static void snapshot_terminal(struct proc_ref *r, struct snapshot *n)
{
	struct tty *tty = session_get_tty(r->t);

	tty_describe(tty, &n->tty_dev, &n->tty_pgrp);
	if (tty)
		tty_put(tty);
}

static void take_snapshot(const struct synth_ctx *c, struct proc_ref *r, struct snapshot *n)
{
	struct mm *mm = task_get_mm(r->t);

	memset(n, 0, sizeof(*n));
	if (mm) {
		mm_get_usage(mm, &n->mem);
		mm_put(mm);
	}
	task_get_signals(r->t, &n->sig);
	n->ppid = tgroup_ppid(r->tg);
	tgroup_ids(r->tg, &n->pgid, &n->sid);
	snapshot_terminal(r, n);
	n->nthreads = thread_count(r->tg);
	task_get_comm(r->t, n->comm);
	n->comm[sizeof(n->comm) - 1] = '\0';
	n->state = task_state(r->t);
	if (c->id.tid)
		task_cpu_time(r->t, &n->utime, &n->stime);
	else
		tgroup_cpu_time(r->tg, &n->utime, &n->stime);
}

/* The kernel's priority: nice 0 is 20; real-time ones are negative. */
static int kernel_priority(const struct task *t)
{
	bool realtime = t->sched_policy == 1 || t->sched_policy == 2;

	return realtime ? -1 - t->sched_priority : t->nice + NICE_TO_PRIO;
}

int proc_show_stat(const struct synth_ctx *c, struct seqbuf *s)
{
	struct snapshot n;
	struct proc_ref r;
	bool inspect;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	take_snapshot(c, &r, &n);
	/* Addresses are for those who could trace it. */
	inspect = !c->t || task_may_inspect(c->t, r.t);
	seq_printf(s, "%d (%s) %c %d %d %d %u %d 0 %llu %llu %llu %llu", c->id.tid ? c->id.tid : r.tg->tgid,
		   n.comm, n.state, n.ppid, n.pgid, n.sid, n.tty_dev, n.tty_pgrp,
		   (unsigned long long)r.tg->minflt, 0ull, (unsigned long long)r.tg->majflt, 0ull);
	seq_printf(s, " %lld %lld %lld %lld", (long long)(n.utime / NS_PER_TICK),
		   (long long)(n.stime / NS_PER_TICK), (long long)(r.tg->cutime_ns / NS_PER_TICK),
		   (long long)(r.tg->cstime_ns / NS_PER_TICK));
	seq_printf(s, " %d %d %u 0 %lld %llu %llu %llu", kernel_priority(r.t), r.t->nice, n.nthreads,
		   (long long)((r.tg->start_ns - c->g->boot_ns) / NS_PER_TICK),
		   (unsigned long long)n.mem.total, (unsigned long long)(n.mem.resident / PAGE),
		   (unsigned long long)task_rlimit(r.t, LX_RLIMIT_RSS));
	seq_printf(s, " %llu %llu %llu 0 0",
		   inspect ? (unsigned long long)n.mem.code_start : 1ull,
		   inspect ? (unsigned long long)n.mem.code_end : 1ull,
		   inspect ? (unsigned long long)n.mem.stack_start : 0ull);
	seq_printf(s, " %llu %llu %llu %llu %d 0 0 17 0 %u %u 0 0 0",
		   (unsigned long long)(n.sig.pending & INT32_MAX),
		   (unsigned long long)(n.sig.blocked & INT32_MAX),
		   (unsigned long long)(n.sig.ignored & INT32_MAX),
		   (unsigned long long)(n.sig.caught & INT32_MAX), n.state == 'S' ? 1 : 0,
		   r.t->sched_priority, r.t->sched_policy);
	if (!inspect)
		memset(&n.mem, 0, sizeof(n.mem));
	seq_printf(s, " %llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)n.mem.code_end,
		   (unsigned long long)n.mem.brk_start, (unsigned long long)n.mem.brk_start,
		   (unsigned long long)n.mem.arg_start, (unsigned long long)n.mem.arg_end,
		   (unsigned long long)n.mem.env_start, (unsigned long long)n.mem.env_end,
		   n.state == 'Z' && inspect ? r.tg->exit_code : 0);
	proc_put(&r);
	return 0;
}

int proc_show_statm(const struct synth_ctx *c, struct seqbuf *s)
{
	struct mm_usage u = {0};
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	mm = task_get_mm(r.t);
	if (mm) {
		mm_get_usage(mm, &u);
		mm_put(mm);
	}
	seq_printf(s, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)(u.total / PAGE),
		   (unsigned long long)(u.resident / PAGE), (unsigned long long)(u.shared / PAGE),
		   (unsigned long long)(u.text / PAGE), (unsigned long long)((u.data + u.stack) / PAGE));
	proc_put(&r);
	return 0;
}

/* ---- status ---- */

static const char *state_name(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	case 'Z':
		return "zombie";
	case 'X':
		return "dead";
	default:
		return "sleeping";
	}
}

static void status_name(struct seqbuf *s, const char *comm)
{
	seq_puts(s, "Name:\t");
	for (const char *p = comm; *p; p++) {
		if (*p == '\n')
			seq_puts(s, "\\n");
		else if (*p == '\\')
			seq_puts(s, "\\\\");
		else
			seq_write(s, p, 1);
	}
	seq_puts(s, "\n");
}

static uint32_t task_umask(struct task *t)
{
	struct fs_context *fs = task_get_fs(t);
	uint32_t umask;

	if (!fs)
		return 022;
	pthread_mutex_lock(&fs->lock);
	umask = fs->umask;
	pthread_mutex_unlock(&fs->lock);
	fs_context_put(fs);
	return umask;
}

static uint32_t table_size(struct task *t)
{
	struct fd_table *files = task_get_files(t);
	uint32_t size = 0;

	if (files) {
		size = fd_table_size(files);
		fd_table_put(NULL, files);
	}
	return size;
}

static void status_credentials(struct seqbuf *s, struct task *t)
{
	const struct cred *c = task_get_cred(t);

	if (!c)
		return;
	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->gid, c->egid, c->sgid,
		   c->fsgid, table_size(t));
	for (uint32_t i = 0; i < c->ngroups; i++)
		seq_printf(s, "%u ", c->groups[i]);
	if (c->ngroups == 0)
		seq_puts(s, " ");
	seq_puts(s, "\n");
	cred_put(c);
}

static void status_capabilities(struct seqbuf *s, struct task *t)
{
	const struct cred *c = task_get_cred(t);

	if (!c)
		return;
	seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n",
		   (unsigned long long)c->cap_inheritable, (unsigned long long)c->cap_permitted,
		   (unsigned long long)c->cap_effective, (unsigned long long)c->cap_bounding);
	seq_printf(s, "CapAmb:\t%016llx\n", (unsigned long long)c->cap_ambient);
	cred_put(c);
}

static void status_memory(struct seqbuf *s, const struct mm_usage *m)
{
	unsigned long long total = m->total / 1024, rss = m->resident / 1024,
			   shared = m->shared / 1024;

	if (total == 0)
		return; /* a zombie has none */
	seq_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8llu kB\n",
		   (unsigned long long)m->peak_total / 1024, total,
		   (unsigned long long)m->locked / 1024, 0ull);
	seq_printf(s, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\n",
		   (unsigned long long)m->peak_resident / 1024, rss, rss - MIN(rss, shared));
	seq_printf(s, "RssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n", shared, 0ull);
	seq_printf(s, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n",
		   (unsigned long long)m->data / 1024, (unsigned long long)m->stack / 1024,
		   (unsigned long long)m->text / 1024, (unsigned long long)m->library / 1024);
	seq_printf(s, "VmPTE:\t%8llu kB\nVmSwap:\t%8llu kB\nHugetlbPages:\t%8llu kB\n",
		   (unsigned long long)m->tables / 1024, 0ull, 0ull);
	seq_puts(s, "CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffff\n");
}

static void status_cpus(struct seqbuf *s, const struct synth_ctx *c, struct task *t)
{
	uint32_t ncpu = guest_cpu_count(c->g);
	uint64_t all = ncpu >= 64 ? UINT64_MAX : ((uint64_t)1 << ncpu) - 1;
	uint64_t mask = t->affinity & all ? t->affinity & all : all;
	const char *comma = "";

	if (mask >> 32)
		seq_printf(s, "Cpus_allowed:\t%x,%08x\n", (unsigned)(mask >> 32), (unsigned)mask);
	else
		seq_printf(s, "Cpus_allowed:\t%x\n", (unsigned)mask);
	seq_puts(s, "Cpus_allowed_list:\t");
	for (uint32_t i = 0; i < ncpu; i++) {
		uint32_t last = i;

		if (!(mask >> i & 1))
			continue;
		while (last + 1 < ncpu && (mask >> (last + 1) & 1))
			last++;
		if (last > i)
			seq_printf(s, "%s%u-%u", comma, i, last);
		else
			seq_printf(s, "%s%u", comma, i);
		comma = ",";
		i = last;
	}
	seq_puts(s, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_show_status(const struct synth_ctx *c, struct seqbuf *s)
{
	struct snapshot n;
	struct proc_ref r;
	int32_t id;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	take_snapshot(c, &r, &n);
	id = c->id.tid ? c->id.tid : r.tg->tgid;
	status_name(s, n.comm);
	seq_printf(s, "Umask:\t%04o\nState:\t%c (%s)\n", task_umask(r.t), n.state,
		   state_name(n.state));
	seq_printf(s, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", r.tg->tgid, id,
		   n.ppid);
	status_credentials(s, r.t);
	seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", r.tg->tgid,
		   id, n.pgid, n.sid);
	status_memory(s, &n.mem);
	seq_printf(s, "Threads:\t%u\nSigQ:\t%u/%llu\n", n.nthreads, n.sig.queued,
		   (unsigned long long)task_rlimit(r.t, LX_RLIMIT_SIGPENDING));
	seq_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
		   (unsigned long long)n.sig.pending, (unsigned long long)n.sig.shared_pending,
		   (unsigned long long)n.sig.blocked);
	seq_printf(s, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (unsigned long long)n.sig.ignored,
		   (unsigned long long)n.sig.caught);
	status_capabilities(s, r.t);
	seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", r.tg->no_new_privs);
	status_cpus(s, c, r.t);
	seq_printf(s, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (unsigned long long)r.t->nvcsw, (unsigned long long)r.t->nivcsw);
	proc_put(&r);
	return 0;
}
