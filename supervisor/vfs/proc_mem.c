/*
 * proc_mem.c: what /proc/PID shows of a process's memory: maps, smaps, smaps_rollup, cmdline,
 * environ, and mem itself.
 */
#include "common/lx/mman.h"
#include "supervisor/mm/mm.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/proc.h"

#define TEXT_MAX    (1u << 20) /* of cmdline and environ that is shown */
#define PATH_COLUMN 73         /* where names stand in maps */

/* ---- maps ---- */

struct map_text {
	struct task *t; /* in whose view names are written */
	struct seqbuf *s;
	bool details; /* smaps */
	struct mm_pages pages; /* smaps_rollup: the sum, and where it begins and ends */
	uint64_t start, end;
};

static void map_name(struct map_text *m, const struct mm_vma_info *v, size_t line_start)
{
	char *name = NULL;
	const char *text = v->label;

	if (v->file && m->t && path_name(m->t, &v->file->path, &name) == 0)
		text = name;
	if (text) {
		while (m->s->len - line_start < PATH_COLUMN && !m->s->failed)
			seq_puts(m->s, " ");
		for (const char *p = text; *p; p++) {
			if (*p == '\n')
				seq_puts(m->s, "\\012");
			else
				seq_write(m->s, p, 1);
		}
	}
	seq_puts(m->s, "\n");
	free(name);
}

static void map_line(struct map_text *m, const struct mm_vma_info *v)
{
	size_t start = m->s->len;
	uint64_t dev = 0, ino = 0;

	if (v->file) {
		dev = v->file->inode->sb->dev;
		ino = v->file->inode->ino;
	}
	seq_printf(m->s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)v->start,
		   (unsigned long long)v->end, v->prot & LX_PROT_READ ? 'r' : '-',
		   v->prot & LX_PROT_WRITE ? 'w' : '-', v->prot & LX_PROT_EXEC ? 'x' : '-',
		   v->flags & LX_MAP_SHARED ? 's' : 'p', (unsigned long long)v->offset,
		   lx_major(dev), lx_minor(dev), (unsigned long long)ino);
	map_name(m, v, start);
}

static void size_line(struct seqbuf *s, const char *name, uint64_t bytes)
{
	seq_printf(s, "%-15s %8llu kB\n", name, (unsigned long long)bytes / 1024);
}

static void page_lines(struct seqbuf *s, const struct mm_pages *p)
{
	uint64_t own = p->anonymous - p->anonymous_shared;

	size_line(s, "Rss:", p->resident);
	size_line(s, "Pss:", p->proportional);
	size_line(s, "Pss_Dirty:", own + p->dirty_private);
	size_line(s, "Shared_Clean:", p->clean_shared);
	size_line(s, "Shared_Dirty:", p->dirty_shared + p->anonymous_shared);
	size_line(s, "Private_Clean:", p->clean_private);
	size_line(s, "Private_Dirty:", p->dirty_private + own);
	size_line(s, "Referenced:", p->resident);
	size_line(s, "Anonymous:", p->anonymous);
	seq_puts(s, "LazyFree:              0 kB\nAnonHugePages:         0 kB\n"
		    "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\n"
		    "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
		    "Swap:                  0 kB\nSwapPss:               0 kB\n"
		    "Locked:                0 kB\n");
}

static int map_visit(void *opaque, const struct mm_vma_info *v)
{
	struct map_text *m = opaque;

	map_line(m, v);
	if (!m->details)
		return m->s->failed;
	size_line(m->s, "Size:", v->end - v->start);
	seq_puts(m->s, "KernelPageSize:        4 kB\nMMUPageSize:           4 kB\n");
	page_lines(m->s, &v->pages);
	seq_puts(m->s, "THPeligible:    0\nVmFlags:");
	seq_puts(m->s, v->prot & LX_PROT_READ ? " rd" : "");
	seq_puts(m->s, v->prot & LX_PROT_WRITE ? " wr" : "");
	seq_puts(m->s, v->prot & LX_PROT_EXEC ? " ex" : "");
	seq_puts(m->s, v->flags & LX_MAP_SHARED ? " sh" : "");
	seq_puts(m->s, " mr mw me\n");
	return m->s->failed;
}

static int rollup_visit(void *opaque, const struct mm_vma_info *v)
{
	struct map_text *m = opaque;
	struct mm_pages *sum = &m->pages;

	sum->resident += v->pages.resident;
	sum->proportional += v->pages.proportional;
	sum->anonymous += v->pages.anonymous;
	sum->anonymous_shared += v->pages.anonymous_shared;
	sum->dirty_shared += v->pages.dirty_shared;
	sum->clean_shared += v->pages.clean_shared;
	sum->dirty_private += v->pages.dirty_private;
	sum->clean_private += v->pages.clean_private;
	if (m->end == 0)
		m->start = v->start;
	m->end = v->end;
	return 0;
}

static int show_maps(const struct synth_ctx *c, struct seqbuf *s, bool details)
{
	struct map_text m = {.t = c->t, .s = s, .details = details};
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get_mm(c, &r, &mm);

	if (ret < 0)
		return ret;
	if (mm) {
		mm_for_each_vma(mm, map_visit, &m);
		mm_put(mm);
	}
	proc_put(&r);
	return 0;
}

int proc_show_maps(const struct synth_ctx *c, struct seqbuf *s)
{
	return show_maps(c, s, false);
}

int proc_show_smaps(const struct synth_ctx *c, struct seqbuf *s)
{
	return show_maps(c, s, true);
}

int proc_show_smaps_rollup(const struct synth_ctx *c, struct seqbuf *s)
{
	struct map_text m = {0};
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get_mm(c, &r, &mm);

	if (ret < 0)
		return ret;
	if (mm) {
		mm_for_each_vma(mm, rollup_visit, &m);
		mm_put(mm);
		seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0    [rollup]\n",
			   (unsigned long long)m.start, (unsigned long long)m.end);
		page_lines(s, &m.pages);
	}
	proc_put(&r);
	return 0;
}

/* ---- cmdline and environ ---- */

/* Appends guest memory [start, end); what cannot be read ends it. */
static void copy_range(struct mm *mm, struct seqbuf *s, uint64_t start, uint64_t end)
{
	char buf[1024];

	if (end < start)
		return;
	end = MIN(end, start + TEXT_MAX);
	while (start < end && !s->failed) {
		size_t n = MIN(end - start, sizeof(buf));

		if (copy_from_user(mm, buf, guest_ptr(start), n) < 0)
			break;
		seq_write(s, buf, n);
		start += n;
	}
}

int proc_show_cmdline(const struct synth_ctx *c, struct seqbuf *s)
{
	struct mm_usage u;
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get(c, &r);

	if (ret < 0)
		return ret;
	mm = task_get_mm(r.t);
	if (mm) {
		mm_get_usage(mm, &u);
		copy_range(mm, s, u.arg_start, u.arg_end);
		/* A program that wrote its title over the arguments may have gone on into the
		 * environment: then the last argument is not terminated, and the text ends there. */
		if (s->len > 0 && s->data[s->len - 1] != '\0') {
			size_t args = s->len, end;

			copy_range(mm, s, u.arg_end, u.env_end);
			for (end = args; end < s->len && s->data[end] != '\0'; end++)
				;
			s->len = end;
		}
		mm_put(mm);
	}
	proc_put(&r);
	return 0;
}

int proc_show_environ(const struct synth_ctx *c, struct seqbuf *s)
{
	struct mm_usage u;
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get_mm(c, &r, &mm);

	if (ret < 0)
		return ret;
	if (mm) {
		mm_get_usage(mm, &u);
		copy_range(mm, s, u.env_start, u.env_end);
		mm_put(mm);
	}
	proc_put(&r);
	return 0;
}

int proc_show_auxv(const struct synth_ctx *c, struct seqbuf *s)
{
	uint64_t words[MM_AUXV_WORDS];
	struct proc_ref r;
	struct mm *mm;
	int ret = proc_get_mm(c, &r, &mm);

	if (ret < 0)
		return ret;
	if (mm) {
		seq_write(s, words, mm_get_auxv(mm, words) * sizeof(words[0]));
		mm_put(mm);
	}
	proc_put(&r);
	return 0;
}

/* ---- mem ---- */

static int mem_of(struct task *t, struct file *f, struct mm **mm)
{
	struct synth_ctx c;
	struct proc_ref r;
	int ret;

	synth_context(t, f->inode, &c);
	ret = proc_get_mm(&c, &r, mm);
	if (ret < 0)
		return ret;
	proc_put(&r);
	return *mm ? 0 : -LX_ESRCH;
}

/* Reads or writes through a small buffer, page by page, until something is not accessible. */
static int64_t mem_transfer(struct task *t, struct file *f, struct uio *u, int64_t *pos, bool write)
{
	uint8_t buf[1024];
	int64_t done = 0, n = 0;
	struct mm *mm;
	int ret = mem_of(t, f, &mm);

	if (ret < 0)
		return ret;
	while (u->left > 0) {
		uint64_t at = (uint64_t)*pos;
		size_t want = (size_t)MIN(u->left, (uint64_t)sizeof(buf) - at % sizeof(buf));

		n = -LX_EIO;
		if (write) {
			n = uio_from(u, buf, want);
			if (n > 0 && copy_to_user(mm, guest_ptr(at), buf, (size_t)n) < 0)
				n = -LX_EIO;
		} else if (copy_from_user(mm, buf, guest_ptr(at), want) == 0) {
			n = uio_to(u, buf, want);
		}
		if (n <= 0)
			break;
		done += n;
		*pos += n;
	}
	mm_put(mm);
	return done > 0 ? done : n;
}

static int64_t mem_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	return mem_transfer(t, f, u, pos, false);
}

static int64_t mem_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	return mem_transfer(t, f, u, pos, true);
}

static int64_t mem_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	(void)t;
	if (whence == LX_SEEK_CUR)
		offset = (int64_t)((uint64_t)f->pos + (uint64_t)offset);
	else if (whence != LX_SEEK_SET)
		return -LX_EINVAL;
	f->pos = offset;
	return offset;
}

const struct file_ops proc_mem_fops = {.read = mem_read, .write = mem_write, .lseek = mem_lseek};
