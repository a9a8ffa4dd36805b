/*
 * edit.c: changing the set of mappings: adding, cutting, joining, removing, with the counters
 * of the address space kept along.
 *
 * A change is one mm_edit: mm.lock is held exclusively from begin to end; frames and references
 * that leave are collected and given back after CPUs have been told and the lock is dropped, as
 * dropping a file may call its file system.
 */
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

void mm_edit_begin(struct mm_edit *e, struct mm *mm)
{
	e->mm = mm;
	list_init(&e->dead);
	pt_gather_init(&e->gather, mm);
	pthread_rwlock_wrlock(&mm->lock);
}

void mm_vma_free(struct vma *v)
{
	if (v->cache) {
		/* What a mapping changed reaches the file when nobody can change it further. */
		if (v->flags & VM_SHARED && v->flags & VM_MAYWRITE)
			pagecache_unmapped(v->cache);
		pagecache_put(v->cache);
	}
	if (v->file)
		file_put(v->file);
	free(v);
}

void mm_edit_end(struct mm_edit *e)
{
	struct vma *v, *tmp;

	pt_gather_finish(&e->gather);
	pthread_rwlock_unlock(&e->mm->lock);
	list_for_each_entry_safe (v, tmp, &e->dead, link) {
		list_del_init(&v->link);
		mm_vma_free(v);
	}
}

static void account(struct mm *mm, uint32_t flags, bool file, uint64_t pages)
{
	mm->total_pages += pages;
	if (vm_is_data(flags))
		mm->data_pages += pages;
	if (flags & VM_GROWSDOWN)
		mm->stack_pages += pages;
	if (file && flags & VM_EXEC)
		mm->exec_pages += pages;
	if (flags & VM_LOCKED)
		mm->locked_pages += pages;
}

static uint64_t vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}

void mm_set_bounds(struct vma *v, uint64_t start, uint64_t end, uint64_t offset)
{
	account(v->mm, v->flags, v->file != NULL, 0 - vma_pages(v));
	if (v->cache)
		pthread_mutex_lock(&v->cache->lock);
	v->start = start;
	v->end = end;
	v->offset = offset;
	if (v->cache)
		pthread_mutex_unlock(&v->cache->lock);
	account(v->mm, v->flags, v->file != NULL, vma_pages(v));
	vma_resized(&v->mm->vmas, v);
}

void mm_set_flags(struct vma *v, uint32_t flags)
{
	account(v->mm, v->flags, v->file != NULL, 0 - vma_pages(v));
	if (v->cache)
		pthread_mutex_lock(&v->cache->lock);
	v->flags = flags;
	if (v->cache)
		pthread_mutex_unlock(&v->cache->lock);
	account(v->mm, v->flags, v->file != NULL, vma_pages(v));
	vma_resized(&v->mm->vmas, v);
}

static struct vma *vma_new(struct mm *mm, uint64_t start, uint64_t end, uint32_t flags,
                           struct file *file, struct pagecache *cache, uint64_t offset)
{
	struct vma *v = malloc(sizeof(*v));

	if (!v)
		return NULL;
	*v = (struct vma){.mm = mm,
	                  .start = start,
	                  .end = end,
	                  .flags = flags,
	                  .offset = offset,
	                  .file = file ? file_get(file) : NULL,
	                  .cache = cache ? pagecache_get(cache) : NULL};
	list_init(&v->link);
	list_init(&v->map_link);
	return v;
}

static void link_in(struct vma *v)
{
	vma_insert(&v->mm->vmas, v);
	account(v->mm, v->flags, v->file != NULL, vma_pages(v));
}

struct vma *mm_add(struct mm_edit *e, uint64_t start, uint64_t end, uint32_t flags,
                   struct file *file, struct pagecache *cache, uint64_t offset)
{
	struct vma *v = vma_new(e->mm, start, end, flags, file, cache, offset);

	if (!v)
		return NULL;
	if (cache)
		pagecache_map_add(cache, v);
	link_in(v);
	return v;
}

int mm_split(struct mm_edit *e, struct vma *v, uint64_t addr)
{
	struct vma *upper;

	if (e->mm->vmas.count >= MM_MAX_MAPS)
		return -LX_ENOMEM;
	upper = vma_new(e->mm, addr, v->end, v->flags, v->file, v->cache,
	                v->cache ? v->offset + (addr - v->start) : 0);
	if (!upper)
		return -LX_ENOMEM;
	upper->label = v->label;
	/* Whoever takes pages away meets the upper part twice rather than never. */
	if (v->cache)
		pagecache_map_add(v->cache, upper);
	mm_set_bounds(v, v->start, addr, v->offset);
	link_in(upper);
	return 0;
}

int mm_split_range(struct mm_edit *e, uint64_t start, uint64_t end)
{
	struct vma *v = vma_find(&e->mm->vmas, start);
	int err = 0;

	if (v && v->start < start)
		err = mm_split(e, v, start);
	if (err)
		return err;
	v = vma_find(&e->mm->vmas, end - 1);
	if (v && v->start < end && v->end > end)
		err = mm_split(e, v, end);
	return err;
}

/* What follows taking v out of the tree. */
static void leave(struct mm_edit *e, struct vma *v)
{
	account(e->mm, v->flags, v->file != NULL, 0 - vma_pages(v));
	if (v->cache)
		pagecache_map_del(v->cache, v);
	list_add_tail(&v->link, &e->dead);
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
	if (!a || !b || a->end != b->start || a->flags != b->flags)
		return false;
	if (a->file != b->file || a->cache != b->cache || a->label != b->label)
		return false;
	if (a->flags & (VM_SPECIAL | VM_GROWSDOWN))
		return false;
	return !a->cache || a->offset + (a->end - a->start) == b->offset;
}

/* a swallows b, its upper neighbour.  For whoever takes pages away, a grows before b goes. */
static void swallow(struct mm_edit *e, struct vma *a, struct vma *b)
{
	vma_remove(&e->mm->vmas, b);
	mm_set_bounds(a, a->start, b->end, a->offset);
	leave(e, b);
}

struct vma *mm_merge(struct mm_edit *e, struct vma *v)
{
	struct vma *prev = vma_prev(&e->mm->vmas, v);
	struct vma *next = vma_next(&e->mm->vmas, v);

	if (mergeable(v, next))
		swallow(e, v, next);
	if (mergeable(prev, v)) {
		swallow(e, prev, v);
		return prev;
	}
	return v;
}

int mm_change_flags(struct mm_edit *e, struct vma **v, uint64_t start, uint64_t end, uint32_t flags)
{
	int err = 0;

	if ((*v)->flags == flags)
		return 0;
	if ((*v)->start < start) {
		err = mm_split(e, *v, start);
		if (err)
			return err;
		*v = vma_next(&e->mm->vmas, *v);
	}
	if ((*v)->end > end)
		err = mm_split(e, *v, end);
	if (!err)
		mm_set_flags(*v, flags);
	return err;
}

int mm_clear(struct mm_edit *e, uint64_t start, uint64_t end)
{
	struct vma_set *s = &e->mm->vmas;
	struct vma *v = vma_find(s, start), *prev, *next;
	int err;

	if (!v || v->start >= end)
		return 0;
	err = mm_split_range(e, start, end);
	if (err)
		return err;
	e->mm->peak_pages = MAX(e->mm->peak_pages, e->mm->total_pages);
	v = vma_find(s, start);
	prev = v ? vma_prev(s, v) : NULL;
	for (; v && v->start < end; v = next) {
		next = vma_next(s, v);
		vma_remove(s, v);
		leave(e, v);
	}
	pt_unmap(e->mm, start, end, 0, &e->gather);
	pt_free_tables(e->mm, start, end, prev ? prev->end : 0, v ? v->start : e->mm->task_size,
	               &e->gather);
	return 0;
}
