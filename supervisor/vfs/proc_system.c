/*
 * proc_system.c: the files of /proc that tell of the machine: cpuinfo, meminfo, stat, uptime,
 * loadavg, version and their like.  All of it is the guest's machine: the CPUs and the memory it
 * was given and the time since it started, never the host's.  proc(5).
 */
#include <math.h>
#include <unistd.h>

#include "supervisor/mm/mm.h"
#include "supervisor/spec.h"
#include "supervisor/sys/sys.h"
#include "supervisor/vfs/locks.h"
#include "supervisor/vfs/proc.h"

#define NS_PER_TICK 10000000
#define NS_PER_SEC  1000000000

/* Names of AT_HWCAP and AT_HWCAP2 bits as arm64's cpuinfo gives them. */
static const char *const hwcap_names[] = {
	"fp",	   "asimd",   "evtstrm", "aes",	  "pmull",    "sha1",  "sha2",	"crc32",
	"atomics", "fphp",    "asimdhp", "cpuid", "asimdrdm", "jscvt", "fcma",	"lrcpc",
	"dcpop",   "sha3",    "sm3",	 "sm4",	  "asimddp",  "sha512", "sve",	"asimdfhm",
	"dit",	   "uscat",   "ilrcpc",	 "flagm", "ssbs",     "sb",    "paca",	"pacg",
};
static const char *const hwcap2_names[] = {
	"dcpodp",  "sve2",     "sveaes",   "svepmull", "svebitperm", "svesha3", "svesm4",
	"flagm2",  "frint",    "svei8mm",  "svef32mm", "svef64mm",   "svebf16", "i8mm",
	"bf16",	   "dgh",      "rng",	   "bti",
};

static void feature_names(struct seqbuf *s, uint64_t bits, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bits >> i & 1)
			seq_printf(s, " %s", names[i]);
	}
}

static int show_cpuinfo(const struct synth_ctx *c, struct seqbuf *s)
{
	const struct vcpu_features *f = &c->g->features;
	uint32_t ncpu = guest_cpu_count(c->g);

	for (uint32_t i = 0; i < ncpu; i++) {
		seq_printf(s, "processor\t: %u\nBogoMIPS\t: 50.00\nFeatures\t:", i);
		feature_names(s, f->hwcap, hwcap_names, ARRAY_LEN(hwcap_names));
		feature_names(s, f->hwcap2, hwcap2_names, ARRAY_LEN(hwcap2_names));
		seq_printf(s, "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\n",
			   (unsigned)(f->midr >> 24 & 0xff));
		seq_printf(s, "CPU variant\t: 0x%x\nCPU part\t: 0x%03x\nCPU revision\t: %u\n\n",
			   (unsigned)(f->midr >> 20 & 0xf), (unsigned)(f->midr >> 4 & 0xfff),
			   (unsigned)(f->midr & 0xf));
	}
	return 0;
}

static void mem_line(struct seqbuf *s, const char *name, uint64_t bytes)
{
	seq_printf(s, "%-16s%8llu kB\n", name, (unsigned long long)bytes / 1024);
}

static int show_meminfo(const struct synth_ctx *c, struct seqbuf *s)
{
	struct arena_stats st = {0};
	uint64_t total, available, cached, anon, unused;

	guest_memory(c->g, &total, &available);
	arena_get_stats(c->g->arena, &st);
	cached = MIN(st.frames_cache * 4096, total);
	unused = available - MIN(available, cached);
	anon = total - MIN(total, available);
	mem_line(s, "MemTotal:", total);
	mem_line(s, "MemFree:", unused);
	mem_line(s, "MemAvailable:", available);
	mem_line(s, "Buffers:", 0);
	mem_line(s, "Cached:", cached);
	mem_line(s, "SwapCached:", 0);
	mem_line(s, "Active:", anon);
	mem_line(s, "Inactive:", cached);
	mem_line(s, "Active(anon):", anon);
	mem_line(s, "Inactive(anon):", 0);
	mem_line(s, "Active(file):", 0);
	mem_line(s, "Inactive(file):", cached);
	mem_line(s, "Unevictable:", 0);
	mem_line(s, "Mlocked:", 0);
	mem_line(s, "SwapTotal:", 0);
	mem_line(s, "SwapFree:", 0);
	mem_line(s, "Dirty:", 0);
	mem_line(s, "Writeback:", 0);
	mem_line(s, "AnonPages:", anon);
	mem_line(s, "Mapped:", cached);
	mem_line(s, "Shmem:", 0);
	mem_line(s, "KReclaimable:", 0);
	mem_line(s, "Slab:", 0);
	mem_line(s, "SReclaimable:", 0);
	mem_line(s, "SUnreclaim:", 0);
	mem_line(s, "KernelStack:", (uint64_t)task_count(c->g) * 16384);
	mem_line(s, "PageTables:", anon / 512);
	mem_line(s, "NFS_Unstable:", 0);
	mem_line(s, "Bounce:", 0);
	mem_line(s, "WritebackTmp:", 0);
	mem_line(s, "CommitLimit:", total / 2);
	mem_line(s, "Committed_AS:", anon);
	mem_line(s, "VmallocTotal:", (uint64_t)133141626880 * 1024);
	mem_line(s, "VmallocUsed:", 0);
	mem_line(s, "VmallocChunk:", 0);
	mem_line(s, "Percpu:", 0);
	mem_line(s, "AnonHugePages:", 0);
	seq_puts(s, "HugePages_Total:       0\nHugePages_Free:        0\n"
		    "HugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	mem_line(s, "Hugepagesize:", 2048 * 1024);
	mem_line(s, "Hugetlb:", 0);
	return 0;
}

/* ---- time ---- */

struct totals {
	int64_t user, system; /* ns of all processes that were ever waited for or still are */
	uint64_t switches;
	uint32_t running;
	int32_t last_pid;
};

static int add_process(void *opaque, struct tgroup *tg)
{
	struct totals *sum = opaque;
	int64_t utime, stime;
	struct task *leader;

	tgroup_cpu_time(tg, &utime, &stime);
	sum->user += utime + tg->cutime_ns;
	sum->system += stime + tg->cstime_ns;
	sum->switches += tg->nvcsw + tg->nivcsw;
	sum->last_pid = MAX(sum->last_pid, tg->tgid);
	leader = task_find(tg->guest, tg->tgid);
	if (leader) {
		sum->running += task_state(leader) == 'R';
		task_put(leader);
	}
	return 0;
}

static void take_totals(struct guest *g, struct totals *sum)
{
	*sum = (struct totals){0};
	tgroup_for_each(g, add_process, sum);
}

static int64_t uptime_ns(const struct guest *g)
{
	int64_t ns = now_ns() - g->boot_ns;

	return ns > 0 ? ns : 0;
}

static int show_uptime(const struct synth_ctx *c, struct seqbuf *s)
{
	int64_t up = uptime_ns(c->g), idle;
	struct totals sum;

	take_totals(c->g, &sum);
	idle = up * guest_cpu_count(c->g) - sum.user - sum.system;
	idle = MAX(idle, (int64_t)0);
	seq_printf(s, "%lld.%02lld %lld.%02lld\n", (long long)(up / NS_PER_SEC),
		   (long long)(up % NS_PER_SEC / NS_PER_TICK), (long long)(idle / NS_PER_SEC),
		   (long long)(idle % NS_PER_SEC / NS_PER_TICK));
	return 0;
}

static void cpu_line(struct seqbuf *s, const char *name, int64_t user, int64_t sys, int64_t idle)
{
	seq_printf(s, "%s %lld 0 %lld %lld 0 0 0 0 0 0\n", name, (long long)(user / NS_PER_TICK),
		   (long long)(sys / NS_PER_TICK), (long long)(MAX(idle, (int64_t)0) / NS_PER_TICK));
}

static int show_stat(const struct synth_ctx *c, struct seqbuf *s)
{
	uint32_t ncpu = guest_cpu_count(c->g);
	int64_t up = uptime_ns(c->g);
	struct totals sum;
	char name[16];

	take_totals(c->g, &sum);
	cpu_line(s, "cpu ", sum.user, sum.system, up * ncpu - sum.user - sum.system);
	for (uint32_t i = 0; i < ncpu; i++) {
		snprintf(name, sizeof(name), "cpu%u", i);
		cpu_line(s, name, sum.user / ncpu, sum.system / ncpu,
			 up - (sum.user + sum.system) / ncpu);
	}
	seq_printf(s, "intr 0\nctxt %llu\nbtime %lld\nprocesses %d\n", (unsigned long long)sum.switches,
		   (long long)((vfs_now() - up) / NS_PER_SEC), sum.last_pid);
	seq_printf(s, "procs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		   MAX(sum.running, 1u));
	return 0;
}

/* The load averages move towards the number of runnable processes whenever they are read. */
static int show_loadavg(const struct synth_ctx *c, struct seqbuf *s)
{
	static const double window[3] = {60, 300, 900}; /* seconds */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static double average[3];
	static int64_t last;
	double now[3], seconds;
	struct totals sum;
	int64_t up = uptime_ns(c->g);

	take_totals(c->g, &sum);
	pthread_mutex_lock(&lock);
	seconds = (double)(up - last) / NS_PER_SEC;
	last = up;
	for (unsigned i = 0; i < 3; i++) {
		double keep = exp(-seconds / window[i]);

		average[i] = average[i] * keep + sum.running * (1 - keep);
		now[i] = average[i];
	}
	pthread_mutex_unlock(&lock);
	seq_printf(s, "%.2f %.2f %.2f %u/%u %d\n", now[0], now[1], now[2], MAX(sum.running, 1u),
		   task_count(c->g), sum.last_pid);
	return 0;
}

static int show_vmstat(const struct synth_ctx *c, struct seqbuf *s)
{
	struct arena_stats st = {0};
	uint64_t total, available;

	guest_memory(c->g, &total, &available);
	arena_get_stats(c->g->arena, &st);
	seq_printf(s, "nr_free_pages %llu\n", (unsigned long long)available / 4096);
	seq_printf(s, "nr_inactive_anon 0\nnr_active_anon %llu\nnr_inactive_file %llu\n"
		      "nr_active_file 0\nnr_mapped %llu\nnr_file_pages %llu\n",
		   (unsigned long long)(total - available) / 4096,
		   (unsigned long long)st.frames_cache, (unsigned long long)st.frames_cache,
		   (unsigned long long)st.frames_cache);
	seq_puts(s, "nr_dirty 0\nnr_writeback 0\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n"
		    "pgalloc_normal 0\npgfree 0\npgfault 0\npgmajfault 0\noom_kill 0\n");
	return 0;
}

static void lock_line(void *opaque, const char *line)
{
	seq_printf(opaque, "%s\n", line);
}

static int show_locks(const struct synth_ctx *c, struct seqbuf *s)
{
	(void)c;
	locks_for_each(lock_line, s);
	return 0;
}

static int mounts_readlink(const struct synth_ctx *c, char **out)
{
	(void)c;
	*out = strdup("self/mounts");
	return *out ? 0 : -LX_ENOMEM;
}

static int net_readlink(const struct synth_ctx *c, char **out)
{
	(void)c;
	*out = strdup("self/net");
	return *out ? 0 : -LX_ENOMEM;
}

static const char devices_text[] = "Character devices:\n"
				   "  1 mem\n"
				   "  5 /dev/tty\n"
				   "  5 /dev/console\n"
				   "  5 /dev/ptmx\n"
				   " 10 misc\n"
				   "128 ptm\n"
				   "136 pts\n"
				   "\nBlock devices:\n";

static const char filesystems_text[] = "nodev\tsysfs\n"
				       "nodev\ttmpfs\n"
				       "nodev\tproc\n"
				       "nodev\tcgroup2\n"
				       "nodev\tdevtmpfs\n"
				       "nodev\tsockfs\n"
				       "nodev\tpipefs\n"
				       "nodev\tdevpts\n"
				       "nodev\tmqueue\n"
				       "nodev\toverlay\n";

static const char version_text[] = "Linux version " SYS_RELEASE
				   " (carrick@localhost) (cc) " SYS_VERSION "\n";

#define TEXT(n, content) {.name = n, .mode = LX_S_IFREG | 0444, .show = synth_show_text, .text = content}
#define SHOW(n, function) {.name = n, .mode = LX_S_IFREG | 0444, .show = function}

const struct synth_node proc_root_nodes[] = {
	TEXT("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
	TEXT("cmdline", "console=tty\n"),
	TEXT("consoles", "tty0                 -WU (EC p  )    4:1\n"),
	SHOW("cpuinfo", show_cpuinfo),
	TEXT("devices", devices_text),
	TEXT("diskstats", ""),
	TEXT("execdomains", "0-0\tLinux           \t[kernel]\n"),
	TEXT("filesystems", filesystems_text),
	TEXT("interrupts", "           CPU0       \n"),
	TEXT("iomem", ""),
	TEXT("ioports", ""),
	SHOW("loadavg", show_loadavg),
	SHOW("locks", show_locks),
	SHOW("meminfo", show_meminfo),
	TEXT("misc", ""),
	TEXT("modules", ""),
	{.name = "mounts", .mode = LX_S_IFLNK | 0777, .readlink = mounts_readlink},
	{.name = "net", .mode = LX_S_IFLNK | 0777, .readlink = net_readlink},
	TEXT("partitions", "major minor  #blocks  name\n\n"),
	SHOW("stat", show_stat),
	TEXT("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
	{.name = "sys", .mode = LX_S_IFDIR | 0555, .children = proc_sys_nodes},
	SHOW("uptime", show_uptime),
	TEXT("version", version_text),
	SHOW("vmstat", show_vmstat),
	{.name = NULL},
};
