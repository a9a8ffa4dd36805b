/*
 * proc_mounts.c: /proc/PID/mounts, mountinfo and mountstats: proc_pid_mounts(5),
 * proc_pid_mountinfo(5).
 */
#include "common/lx/statfs.h"
#include "supervisor/vfs/proc.h"

struct mount_text {
	struct seqbuf *s;
};

/* "rw,nosuid,..." of the mount itself. */
static void mount_flag_names(struct seqbuf *s, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{LX_MS_NOSUID, ",nosuid"},   {LX_MS_NODEV, ",nodev"},
		{LX_MS_NOEXEC, ",noexec"},   {LX_MS_NOATIME, ",noatime"},
		{LX_MS_NODIRATIME, ",nodiratime"}, {LX_MS_RELATIME, ",relatime"},
	};

	seq_puts(s, flags & LX_MS_RDONLY ? "ro" : "rw");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (flags & names[i].flag)
			seq_puts(s, names[i].name);
	}
}

static void super_options(struct seqbuf *s, const struct mount_info *m)
{
	if (m->options && m->options[0])
		seq_printf(s, ",%s", m->options);
}

static const char *source_of(const struct mount_info *m)
{
	return m->source && m->source[0] ? m->source : "none";
}

static int mounts_line(void *opaque, const struct mount_info *m)
{
	struct seqbuf *s = ((struct mount_text *)opaque)->s;

	seq_escape(s, source_of(m), "#");
	seq_puts(s, " ");
	seq_escape(s, m->target, NULL);
	seq_printf(s, " %s ", m->type);
	mount_flag_names(s, m->flags);
	super_options(s, m);
	seq_puts(s, " 0 0\n");
	return s->failed;
}

static int mountinfo_line(void *opaque, const struct mount_info *m)
{
	struct seqbuf *s = ((struct mount_text *)opaque)->s;

	seq_printf(s, "%d %d %u:%u ", m->id, m->parent_id, lx_major(m->dev), lx_minor(m->dev));
	seq_escape(s, m->root && m->root[0] ? m->root : "/", NULL);
	seq_puts(s, " ");
	seq_escape(s, m->target, NULL);
	seq_puts(s, " ");
	mount_flag_names(s, m->flags);
	seq_printf(s, " - %s ", m->type);
	seq_escape(s, source_of(m), "#");
	seq_puts(s, m->flags & LX_MS_RDONLY ? " ro" : " rw");
	super_options(s, m);
	seq_puts(s, "\n");
	return s->failed;
}

static int mountstats_line(void *opaque, const struct mount_info *m)
{
	struct seqbuf *s = ((struct mount_text *)opaque)->s;

	seq_puts(s, "device ");
	seq_escape(s, source_of(m), "#");
	seq_puts(s, " mounted on ");
	seq_escape(s, m->target, NULL);
	seq_printf(s, " with fstype %s\n", m->type);
	return s->failed;
}

static int show(const struct synth_ctx *c, struct seqbuf *s,
		int (*line)(void *opaque, const struct mount_info *m))
{
	struct mount_text m = {.s = s};

	if (c->t)
		vfs_for_each_mount(c->t, line, &m);
	return 0;
}

int proc_show_mounts(const struct synth_ctx *c, struct seqbuf *s)
{
	return show(c, s, mounts_line);
}

int proc_show_mountinfo(const struct synth_ctx *c, struct seqbuf *s)
{
	return show(c, s, mountinfo_line);
}

int proc_show_mountstats(const struct synth_ctx *c, struct seqbuf *s)
{
	return show(c, s, mountstats_line);
}
