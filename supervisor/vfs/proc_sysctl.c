/*
 * proc_sysctl.c: /proc/sys: the settings that programs read.  As in other containers they
 * cannot be changed from inside, but for the names of the host.  proc_sys(5).
 */
#include "common/plat/mem.h"
#include "supervisor/spec.h"
#include "supervisor/sys/sys.h"
#include "supervisor/vfs/proc.h"

static int64_t store_refused(const struct synth_ctx *c, char *text, size_t n)
{
	(void)c;
	(void)text;
	(void)n;
	return -LX_EROFS;
}

/* ---- names ---- */

static int show_uts(const struct synth_ctx *c, struct seqbuf *s)
{
	char name[65];

	pthread_mutex_lock(&c->g->uts.lock);
	memcpy(name, c->node->value ? c->g->uts.domainname : c->g->uts.nodename, sizeof(name));
	pthread_mutex_unlock(&c->g->uts.lock);
	seq_printf(s, "%.64s\n", name);
	return 0;
}

static int64_t store_uts(const struct synth_ctx *c, char *text, size_t n)
{
	char *field = c->node->value ? c->g->uts.domainname : c->g->uts.nodename;
	size_t len = strcspn(text, "\n");

	if (len > 64)
		return -LX_EINVAL;
	pthread_mutex_lock(&c->g->uts.lock);
	memset(field, 0, 65);
	memcpy(field, text, len);
	pthread_mutex_unlock(&c->g->uts.lock);
	return (int64_t)n;
}

/* ---- random ---- */

static void show_uuid_bytes(struct seqbuf *s, const uint8_t b[16])
{
	for (unsigned i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	seq_puts(s, "\n");
}

/* Version 4, RFC 9562. */
static int uuid_make(uint8_t b[16])
{
	int ret = plat_random(b, 16);

	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	return ret;
}

static int show_uuid(const struct synth_ctx *c, struct seqbuf *s)
{
	uint8_t b[16];

	int ret = uuid_make(b);

	(void)c;
	show_uuid_bytes(s, b);
	return ret;
}

static int show_boot_id(const struct synth_ctx *c, struct seqbuf *s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint8_t id[16];
	static bool made;
	int ret = 0;

	(void)c;
	pthread_mutex_lock(&lock);
	if (!made)
		ret = uuid_make(id);
	made = ret == 0;
	pthread_mutex_unlock(&lock);
	show_uuid_bytes(s, id);
	return ret;
}

static int show_threads_max(const struct synth_ctx *c, struct seqbuf *s)
{
	uint32_t limit = c->g->spec ? c->g->spec->pids : 0;

	seq_printf(s, "%u\n", limit ? limit : 192000);
	return 0;
}

/* ---- the tables ---- */

#define REG           (LX_S_IFREG | 0644)
#define NUMBER(n, v)  {.name = n, .mode = REG, .show = synth_show_number, .store = store_refused, .value = v}
#define TEXT(n, t)    {.name = n, .mode = REG, .show = synth_show_text, .store = store_refused, .text = t}
#define SHOW(n, fn)   {.name = n, .mode = LX_S_IFREG | 0444, .show = fn}
#define DIR(n, nodes) {.name = n, .mode = LX_S_IFDIR | 0555, .children = nodes}
#define END           {.name = NULL}

static const struct synth_node random_nodes[] = {
	SHOW("boot_id", show_boot_id),
	NUMBER("entropy_avail", 256),
	NUMBER("poolsize", 256),
	NUMBER("urandom_min_reseed_secs", 60),
	SHOW("uuid", show_uuid),
	NUMBER("write_wakeup_threshold", 256),
	END,
};

static const struct synth_node pty_nodes[] = {
	NUMBER("max", 4096),
	NUMBER("nr", 0),
	NUMBER("reserve", 1024),
	END,
};

static const struct synth_node seccomp_nodes[] = {
	TEXT("actions_avail", "kill_process kill_thread trap errno user_notif trace log allow\n"),
	END,
};

static const struct synth_node kernel_nodes[] = {
	TEXT("arch", "aarch64\n"),
	NUMBER("cap_last_cap", 40),
	TEXT("core_pattern", "core\n"),
	NUMBER("core_uses_pid", 0),
	NUMBER("dmesg_restrict", 1),
	{.name = "domainname", .mode = REG, .show = show_uts, .store = store_uts, .value = 1},
	{.name = "hostname", .mode = REG, .show = show_uts, .store = store_uts},
	NUMBER("io_uring_disabled", 2),
	NUMBER("kptr_restrict", 1),
	NUMBER("msgmax", 8192),
	NUMBER("msgmnb", 16384),
	NUMBER("msgmni", 32000),
	NUMBER("ngroups_max", 65536),
	NUMBER("numa_balancing", 0),
	TEXT("osrelease", SYS_RELEASE "\n"),
	TEXT("ostype", "Linux\n"),
	NUMBER("overflowgid", 65534),
	NUMBER("overflowuid", 65534),
	NUMBER("panic", 0),
	NUMBER("perf_event_paranoid", 3),
	NUMBER("pid_max", 4194304),
	TEXT("printk", "4\t4\t1\t7\n"),
	DIR("pty", pty_nodes),
	DIR("random", random_nodes),
	NUMBER("randomize_va_space", 2),
	NUMBER("sched_autogroup_enabled", 0),
	NUMBER("sched_rr_timeslice_ms", 100),
	NUMBER("sched_rt_period_us", 1000000),
	NUMBER("sched_rt_runtime_us", 950000),
	DIR("seccomp", seccomp_nodes),
	TEXT("sem", "32000\t1024000000\t500\t32000\n"),
	NUMBER("shmall", 18446744073692774399u),
	NUMBER("shmmax", 18446744073692774399u),
	NUMBER("shmmni", 4096),
	NUMBER("tainted", 0),
	SHOW("threads-max", show_threads_max),
	NUMBER("unprivileged_bpf_disabled", 2),
	TEXT("version", SYS_VERSION "\n"),
	END,
};

static const struct synth_node vm_nodes[] = {
	NUMBER("dirty_background_ratio", 10),
	NUMBER("dirty_expire_centisecs", 3000),
	NUMBER("dirty_ratio", 20),
	NUMBER("dirty_writeback_centisecs", 500),
	NUMBER("legacy_va_layout", 0),
	NUMBER("max_map_count", 65530),
	NUMBER("memfd_noexec", 0),
	NUMBER("min_free_kbytes", 65536),
	NUMBER("mmap_min_addr", 65536),
	NUMBER("mmap_rnd_bits", 18),
	NUMBER("nr_hugepages", 0),
	NUMBER("nr_overcommit_hugepages", 0),
	NUMBER("oom_kill_allocating_task", 0),
	NUMBER("overcommit_kbytes", 0),
	NUMBER("overcommit_memory", 0),
	NUMBER("overcommit_ratio", 50),
	NUMBER("page-cluster", 3),
	NUMBER("swappiness", 60),
	NUMBER("unprivileged_userfaultfd", 0),
	NUMBER("vfs_cache_pressure", 100),
	END,
};

static const struct synth_node epoll_nodes[] = {NUMBER("max_user_watches", 1048576), END};
static const struct synth_node inotify_nodes[] = {
	NUMBER("max_queued_events", 16384),
	NUMBER("max_user_instances", 128),
	NUMBER("max_user_watches", 65536),
	END,
};
static const struct synth_node mqueue_nodes[] = {
	NUMBER("msg_default", 10),    NUMBER("msg_max", 10),	 NUMBER("msgsize_default", 8192),
	NUMBER("msgsize_max", 8192), NUMBER("queues_max", 256), END,
};

static const struct synth_node fs_nodes[] = {
	NUMBER("aio-max-nr", 65536),
	NUMBER("aio-nr", 0),
	TEXT("dentry-state", "0\t0\t45\t0\t0\t0\n"),
	DIR("epoll", epoll_nodes),
	NUMBER("file-max", 9223372036854775807),
	TEXT("file-nr", "0\t0\t9223372036854775807\n"),
	TEXT("inode-nr", "0\t0\n"),
	TEXT("inode-state", "0\t0\t0\t0\t0\t0\t0\n"),
	DIR("inotify", inotify_nodes),
	NUMBER("lease-break-time", 45),
	NUMBER("leases-enable", 1),
	NUMBER("mount-max", 100000),
	DIR("mqueue", mqueue_nodes),
	NUMBER("nr_open", SYS_NR_OPEN),
	NUMBER("overflowgid", 65534),
	NUMBER("overflowuid", 65534),
	NUMBER("pipe-max-size", 1048576),
	NUMBER("pipe-user-pages-hard", 0),
	NUMBER("pipe-user-pages-soft", 16384),
	NUMBER("protected_fifos", 1),
	NUMBER("protected_hardlinks", 1),
	NUMBER("protected_regular", 2),
	NUMBER("protected_symlinks", 1),
	NUMBER("suid_dumpable", 0),
	END,
};

static const struct synth_node net_core_nodes[] = {
	TEXT("default_qdisc", "pfifo_fast\n"), NUMBER("netdev_max_backlog", 1000),
	NUMBER("optmem_max", 20480),	  NUMBER("rmem_default", 212992),
	NUMBER("rmem_max", 212992),	  NUMBER("somaxconn", 4096),
	NUMBER("wmem_default", 212992), NUMBER("wmem_max", 212992),
	END,
};

static const struct synth_node ipv4_nodes[] = {
	NUMBER("ip_forward", 0),
	TEXT("ip_local_port_range", "32768\t60999\n"),
	TEXT("ip_local_reserved_ports", "\n"),
	NUMBER("ip_unprivileged_port_start", 1024),
	NUMBER("ip_default_ttl", 64),
	TEXT("ping_group_range", "0\t2147483647\n"),
	NUMBER("tcp_fastopen", 1),
	NUMBER("tcp_fin_timeout", 60),
	NUMBER("tcp_keepalive_intvl", 75),
	NUMBER("tcp_keepalive_probes", 9),
	NUMBER("tcp_keepalive_time", 7200),
	NUMBER("tcp_max_syn_backlog", 1024),
	TEXT("tcp_rmem", "4096\t131072\t6291456\n"),
	NUMBER("tcp_syncookies", 1),
	NUMBER("tcp_timestamps", 1),
	TEXT("tcp_wmem", "4096\t16384\t4194304\n"),
	END,
};

static const struct synth_node ipv6_conf_all_nodes[] = {
	NUMBER("disable_ipv6", 0), NUMBER("forwarding", 0), END};
static const struct synth_node ipv6_conf_nodes[] = {
	DIR("all", ipv6_conf_all_nodes), DIR("default", ipv6_conf_all_nodes),
	DIR("lo", ipv6_conf_all_nodes), END};
static const struct synth_node ipv6_nodes[] = {
	NUMBER("bindv6only", 0), DIR("conf", ipv6_conf_nodes), END};
static const struct synth_node unix_nodes[] = {NUMBER("max_dgram_qlen", 512), END};

static const struct synth_node net_nodes[] = {
	DIR("core", net_core_nodes), DIR("ipv4", ipv4_nodes), DIR("ipv6", ipv6_nodes),
	DIR("unix", unix_nodes),     END,
};

static const struct synth_node no_nodes[] = {END};

const struct synth_node proc_sys_nodes[] = {
	DIR("debug", no_nodes), DIR("dev", no_nodes), DIR("fs", fs_nodes),
	DIR("kernel", kernel_nodes), DIR("net", net_nodes), DIR("vm", vm_nodes), END,
};
