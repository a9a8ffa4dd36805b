/*
 * fs_sys.c: sysfs: the parts that programs read to learn of CPUs, memory and interfaces.
 * sysfs(5).
 */
#include "common/lx/statfs.h"
#include "supervisor/spec.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/proc.h"

#define REG            (LX_S_IFREG | 0444)
#define NUMBER(n, v)   {.name = n, .mode = REG, .show = synth_show_number, .value = v}
#define TEXT(n, t)     {.name = n, .mode = REG, .show = synth_show_text, .text = t}
#define SHOW(n, fn)    {.name = n, .mode = REG, .show = fn}
#define DIR(n, nodes)  {.name = n, .mode = LX_S_IFDIR | 0755, .children = nodes}
#define END            {.name = NULL}

static const struct synth_node no_nodes[] = {END};

/* ---- devices/system/cpu ---- */

static int show_cpu_range(const struct synth_ctx *c, struct seqbuf *s)
{
	uint32_t n = guest_cpu_count(c->g);

	if (n == 1)
		seq_puts(s, "0\n");
	else
		seq_printf(s, "0-%u\n", n - 1);
	return 0;
}

static int show_midr(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_printf(s, "0x%016llx\n", (unsigned long long)c->g->features.midr);
	return 0;
}

static int show_core_id(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_printf(s, "%d\n", c->id.fd);
	return 0;
}

static int show_mask(struct seqbuf *s, uint64_t mask)
{
	if (mask >> 32)
		seq_printf(s, "%x,%08x\n", (uint32_t)(mask >> 32), (uint32_t)mask);
	else
		seq_printf(s, "%x\n", (uint32_t)mask);
	return 0;
}

static int show_own_mask(const struct synth_ctx *c, struct seqbuf *s)
{
	return show_mask(s, UINT64_C(1) << c->id.fd);
}

static int show_all_mask(const struct synth_ctx *c, struct seqbuf *s)
{
	return show_mask(s, UINT64_MAX >> (64 - guest_cpu_count(c->g)));
}

static const struct synth_node topology_nodes[] = {
	SHOW("core_cpus", show_own_mask),
	SHOW("core_cpus_list", show_core_id),
	SHOW("core_id", show_core_id),
	SHOW("core_siblings", show_all_mask),
	SHOW("core_siblings_list", show_cpu_range),
	SHOW("package_cpus", show_all_mask),
	SHOW("package_cpus_list", show_cpu_range),
	NUMBER("physical_package_id", 0),
	SHOW("thread_siblings", show_own_mask),
	SHOW("thread_siblings_list", show_core_id),
	END,
};

static const struct synth_node identification_nodes[] = {SHOW("midr_el1", show_midr), END};
static const struct synth_node regs_nodes[] = {DIR("identification", identification_nodes), END};

static const struct synth_node one_cpu_nodes[] = {
	NUMBER("online", 1),
	DIR("regs", regs_nodes),
	DIR("topology", topology_nodes),
	END,
};

static const struct synth_node one_cpu_node = DIR("cpu", one_cpu_nodes);

static const struct synth_node vulnerabilities_nodes[] = {
	TEXT("meltdown", "Not affected\n"),
	TEXT("spectre_v1", "Not affected\n"),
	TEXT("spectre_v2", "Not affected\n"),
	END,
};

static const struct synth_node cpu_nodes[] = {
	NUMBER("kernel_max", 63),
	TEXT("offline", "\n"),
	SHOW("online", show_cpu_range),
	SHOW("possible", show_cpu_range),
	SHOW("present", show_cpu_range),
	DIR("vulnerabilities", vulnerabilities_nodes),
	END,
};

static int cpu_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	struct synth_id id = {0};

	if (strncmp(name, "cpu", 3) != 0 || proc_parse_pid(name + 3, &id.fd) < 0 ||
	    (uint32_t)id.fd >= guest_cpu_count(c->g))
		return -LX_ENOENT;
	return synth_inode(c->sb, &one_cpu_node, &id, 0, 0, out);
}

static int cpu_list(const struct synth_ctx *c, struct synth_list *l)
{
	uint32_t n = guest_cpu_count(c->g);
	char name[16];
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < n; i++) {
		snprintf(name, sizeof(name), "cpu%u", i);
		ret = synth_list_add(l, name, LX_S_IFDIR);
	}
	return ret;
}

/* ---- devices/system/node ---- */

static int show_node_meminfo(const struct synth_ctx *c, struct seqbuf *s)
{
	uint64_t total, available;

	guest_memory(c->g, &total, &available);
	seq_printf(s, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\n",
		   (unsigned long long)total / 1024, (unsigned long long)available / 1024);
	seq_printf(s, "Node 0 MemUsed:        %8llu kB\n",
		   (unsigned long long)(total - available) / 1024);
	return 0;
}

static const struct synth_node node0_nodes[] = {
	SHOW("cpulist", show_cpu_range),
	SHOW("cpumap", show_all_mask),
	TEXT("distance", "10\n"),
	SHOW("meminfo", show_node_meminfo),
	END,
};

static const struct synth_node node_nodes[] = {
	TEXT("has_cpu", "0\n"),
	TEXT("has_memory", "0\n"),
	DIR("node0", node0_nodes),
	TEXT("online", "0\n"),
	TEXT("possible", "0\n"),
	END,
};

static const struct synth_node system_nodes[] = {
	{.name = "cpu", .mode = LX_S_IFDIR | 0755, .children = cpu_nodes, .lookup = cpu_lookup,
	 .list = cpu_list},
	DIR("node", node_nodes),
	END,
};

/* ---- interfaces ---- */

static const struct synth_node lo_nodes[] = {
	NUMBER("addr_len", 6),
	TEXT("address", "00:00:00:00:00:00\n"),
	NUMBER("carrier", 1),
	TEXT("flags", "0x9\n"),
	NUMBER("ifindex", 1),
	NUMBER("mtu", 65536),
	TEXT("operstate", "unknown\n"),
	NUMBER("type", 772),
	END,
};

static const struct synth_node eth0_nodes[] = {
	NUMBER("addr_len", 6),
	TEXT("address", "02:42:ac:11:00:02\n"),
	NUMBER("carrier", 1),
	TEXT("flags", "0x1003\n"),
	NUMBER("ifindex", 2),
	NUMBER("mtu", 1500),
	TEXT("operstate", "up\n"),
	NUMBER("speed", 10000),
	NUMBER("type", 1),
	END,
};

static const struct synth_node eth0_node = DIR("eth0", eth0_nodes);
static const struct synth_node net_lo_nodes[] = {DIR("lo", lo_nodes), END};

static bool has_network(const struct synth_ctx *c)
{
	return !c->g->spec || !c->g->spec->net_none;
}

static int net_lookup(const struct synth_ctx *c, const char *name, struct inode **out)
{
	if (!has_network(c) || strcmp(name, "eth0") != 0)
		return -LX_ENOENT;
	return synth_inode(c->sb, &eth0_node, &c->id, 0, 0, out);
}

static int net_list(const struct synth_ctx *c, struct synth_list *l)
{
	return has_network(c) ? synth_list_add(l, "eth0", LX_S_IFDIR) : 0;
}

static const struct synth_node class_nodes[] = {
	DIR("block", no_nodes),
	{.name = "net", .mode = LX_S_IFDIR | 0755, .children = net_lo_nodes, .lookup = net_lookup,
	 .list = net_list},
	DIR("tty", no_nodes),
	END,
};

/* ---- cgroup ---- */

static int show_memory_max(const struct synth_ctx *c, struct seqbuf *s)
{
	if (c->g->spec && c->g->spec->memory)
		seq_printf(s, "%llu\n", (unsigned long long)c->g->spec->memory);
	else
		seq_puts(s, "max\n");
	return 0;
}

static int show_memory_current(const struct synth_ctx *c, struct seqbuf *s)
{
	uint64_t total, available;

	guest_memory(c->g, &total, &available);
	seq_printf(s, "%llu\n", (unsigned long long)(total - available));
	return 0;
}

static int show_cpu_max(const struct synth_ctx *c, struct seqbuf *s)
{
	if (c->g->spec && c->g->spec->cpus > 0)
		seq_printf(s, "%.0f 100000\n", c->g->spec->cpus * 100000);
	else
		seq_puts(s, "max 100000\n");
	return 0;
}

static int show_pids_max(const struct synth_ctx *c, struct seqbuf *s)
{
	if (c->g->spec && c->g->spec->pids)
		seq_printf(s, "%u\n", c->g->spec->pids);
	else
		seq_puts(s, "max\n");
	return 0;
}

static int show_pids_current(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_printf(s, "%u\n", task_count(c->g));
	return 0;
}

static int list_pid(void *opaque, struct tgroup *tg)
{
	seq_printf(opaque, "%d\n", tg->tgid);
	return 0;
}

static int show_procs(const struct synth_ctx *c, struct seqbuf *s)
{
	tgroup_for_each(c->g, list_pid, s);
	return 0;
}

static const struct synth_node cgroup_nodes[] = {
	TEXT("cgroup.controllers", "cpu memory pids\n"),
	TEXT("cgroup.events", "populated 1\nfrozen 0\n"),
	SHOW("cgroup.procs", show_procs),
	TEXT("cgroup.subtree_control", "\n"),
	TEXT("cgroup.type", "domain\n"),
	SHOW("cpu.max", show_cpu_max),
	NUMBER("cpu.weight", 100),
	SHOW("cpuset.cpus.effective", show_cpu_range),
	SHOW("memory.current", show_memory_current),
	TEXT("memory.high", "max\n"),
	SHOW("memory.max", show_memory_max),
	TEXT("memory.swap.max", "0\n"),
	SHOW("pids.current", show_pids_current),
	SHOW("pids.max", show_pids_max),
	END,
};

/* ---- the tree ---- */

static const struct synth_node devices_nodes[] = {DIR("system", system_nodes), END};
static const struct synth_node fs_nodes[] = {DIR("cgroup", cgroup_nodes), END};
static const struct synth_node thp_nodes[] = {
	TEXT("defrag", "always defer defer+madvise madvise [never]\n"),
	TEXT("enabled", "always madvise [never]\n"),
	NUMBER("hpage_pmd_size", 2097152),
	TEXT("shmem_enabled", "always within_size advise [never] deny force\n"),
	NUMBER("use_zero_page", 0),
	END,
};
static const struct synth_node mm_nodes[] = {
	DIR("hugepages", no_nodes), DIR("transparent_hugepage", thp_nodes), END};
static const struct synth_node kernel_nodes[] = {
	TEXT("cpu_byteorder", "little\n"),
	DIR("debug", no_nodes),
	DIR("mm", mm_nodes),
	NUMBER("profiling", 0),
	DIR("security", no_nodes),
	END,
};

static const struct synth_node root_nodes[] = {
	DIR("block", no_nodes),	    DIR("bus", no_nodes),	  DIR("class", class_nodes),
	DIR("dev", no_nodes),	    DIR("devices", devices_nodes), DIR("firmware", no_nodes),
	DIR("fs", fs_nodes),	    DIR("kernel", kernel_nodes),  DIR("module", no_nodes),
	DIR("power", no_nodes),	    END,
};

static const struct synth_node root_node = DIR("/", root_nodes);

int fs_sys_mount(struct guest *g, struct superblock **out)
{
	static const struct synth_id none;
	struct superblock *sb;
	int ret = superblock_new(g, "sysfs", LX_SYSFS_MAGIC, &sb);

	if (ret < 0)
		return ret;
	sb->flags = SB_NODCACHE;
	ret = synth_inode(sb, &root_node, &none, 0, 0, &sb->root);
	if (ret < 0) {
		superblock_put(sb);
		return ret;
	}
	sb->root->ino = 1;
	*out = sb;
	return 0;
}
