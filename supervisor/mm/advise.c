/*
 * advise.c: madvise(2), msync(2) and mincore(2): calls that walk the mappings of a range and do
 * something to each.  A hole in the range is reported (ENOMEM) after the rest was done.
 */
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

#define FALLOC_KEEP_SIZE  1u
#define FALLOC_PUNCH_HOLE 2u

/* The flags after advice that is about flags only; false: it is about something else. */
static bool advised_flags(int advice, uint32_t *flags)
{
	switch (advice) {
	case LX_MADV_NORMAL:
		*flags &= ~(VM_SEQ_READ | VM_RAND_READ);
		return true;
	case LX_MADV_RANDOM:
		*flags = (*flags & ~VM_SEQ_READ) | VM_RAND_READ;
		return true;
	case LX_MADV_SEQUENTIAL:
		*flags = (*flags & ~VM_RAND_READ) | VM_SEQ_READ;
		return true;
	case LX_MADV_DONTFORK:
		*flags |= VM_DONTCOPY;
		return true;
	case LX_MADV_DOFORK:
		*flags &= ~VM_DONTCOPY;
		return true;
	case LX_MADV_WIPEONFORK:
		*flags |= VM_WIPEFORK;
		return true;
	case LX_MADV_KEEPONFORK:
		*flags &= ~VM_WIPEFORK;
		return true;
	case LX_MADV_DONTDUMP:
		*flags |= VM_DONTDUMP;
		return true;
	case LX_MADV_DODUMP:
		*flags &= ~VM_DONTDUMP;
		return true;
	case LX_MADV_HUGEPAGE:
		*flags = (*flags & ~VM_NOHUGE) | VM_HUGEPAGE;
		return true;
	case LX_MADV_NOHUGEPAGE:
		*flags = (*flags & ~VM_HUGEPAGE) | VM_NOHUGE;
		return true;
	default:
		return false;
	}
}

static int advise_vma(struct mm_edit *e, struct vma **v, uint64_t start, uint64_t end, int advice)
{
	uint32_t flags = (*v)->flags;

	switch (advice) {
	case LX_MADV_FREE:
		if ((*v)->cache)
			return -LX_EINVAL;
		if (flags & VM_LOCKED)
			return -LX_EINVAL;
		pt_unmap(e->mm, start, end, 0, &e->gather);
		return 0;
	case LX_MADV_DONTNEED:
		if (flags & VM_LOCKED)
			return -LX_EINVAL;
		pt_unmap(e->mm, start, end, 0, &e->gather);
		return 0;
	case LX_MADV_DONTNEED_LOCKED:
		pt_unmap(e->mm, start, end, 0, &e->gather);
		return 0;
	case LX_MADV_COLD:
	case LX_MADV_PAGEOUT:
		return flags & VM_LOCKED ? -LX_EINVAL : 0;
	case LX_MADV_WIPEONFORK:
		if ((*v)->cache)
			return -LX_EINVAL;
		break;
	case LX_MADV_DOFORK:
	case LX_MADV_DODUMP:
		if (flags & VM_SPECIAL)
			return -LX_EINVAL;
		break;
	default:
		break;
	}
	/* What is left is about flags, or a hint that changes nothing. */
	if (advised_flags(advice, &flags)) {
		int err = mm_change_flags(e, v, start, end, flags);

		if (err)
			return err;
		*v = mm_merge(e, *v);
	}
	return 0;
}

static int64_t advise_range(struct mm *mm, uint64_t start, uint64_t end, int advice)
{
	struct mm_edit e;
	struct vma *v;
	int64_t ret = 0;
	int err = 0;

	mm_edit_begin(&e, mm);
	v = vma_find(&mm->vmas, start);
	while (!err && start < end) {
		uint64_t stop;

		if (!v || v->start > start) {
			ret = -LX_ENOMEM;
			if (!v || v->start >= end)
				break;
			start = v->start;
		}
		stop = MIN(v->end, end);
		err = advise_vma(&e, &v, start, stop, advice);
		start = stop;
		if (v->end <= start)
			v = vma_next(&mm->vmas, v);
	}
	mm_edit_end(&e);
	return err ? err : ret;
}

/* One mapping's share of a range, with references, for work that needs no lock held. */
struct portion {
	uint64_t start, end, offset;
	uint32_t flags;
	struct file *file;
	struct pagecache *cache;
};

/* The first mapping's part of [start, end); false: nothing is mapped there. */
static bool portion_get(struct mm *mm, uint64_t start, uint64_t end, struct portion *p)
{
	const struct vma *v;

	pthread_rwlock_rdlock(&mm->lock);
	v = vma_find(&mm->vmas, start);
	if (v && v->start >= end)
		v = NULL;
	if (v) {
		p->start = MAX(v->start, start);
		p->end = MIN(v->end, end);
		p->offset = v->offset + (p->start - v->start);
		p->flags = v->flags;
		p->file = v->file ? file_get(v->file) : NULL;
		p->cache = v->cache ? pagecache_get(v->cache) : NULL;
	}
	pthread_rwlock_unlock(&mm->lock);
	return v != NULL;
}

static void portion_put(struct portion *p)
{
	if (p->cache)
		pagecache_put(p->cache);
	if (p->file)
		file_put(p->file);
}

/* Calls visit for each mapping's part of [start, end). */
static int64_t for_each_portion(struct mm *mm, uint64_t start, uint64_t end,
                                int64_t (*visit)(struct mm *mm, const struct portion *p, int arg),
                                int arg)
{
	int64_t ret = 0, r = 0;
	struct portion p;

	while (r == 0 && start < end) {
		if (!portion_get(mm, start, end, &p))
			return -LX_ENOMEM;
		if (p.start > start)
			ret = -LX_ENOMEM;
		r = visit(mm, &p, arg);
		start = p.end;
		portion_put(&p);
	}
	return r ? r : ret;
}

/* MADV_REMOVE: the object loses the pages. */
static int64_t remove_portion(struct mm *mm, const struct portion *p, int arg)
{
	uint64_t len = p->end - p->start;

	(void)mm;
	(void)arg;
	if (p->flags & VM_LOCKED || !p->cache)
		return -LX_EINVAL;
	if ((p->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -LX_EACCES;
	if (!p->file) {
		pagecache_punch(p->cache, p->offset, len);
		return 0;
	}
	if (!p->file->ops->fallocate)
		return -LX_EOPNOTSUPP;
	return p->file->ops->fallocate(p->file, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE,
	                               (int64_t)p->offset, (int64_t)len);
}

static int64_t populate_portion(struct mm *mm, const struct portion *p, int arg)
{
	enum vcpu_access access = arg == LX_MADV_POPULATE_WRITE ? VCPU_WRITE : VCPU_READ;

	for (uint64_t va = p->start; va < p->end; va += PAGE_SIZE) {
		switch (mm_fault(mm, va, access)) {
		case MM_FAULT_OK:
			break;
		case MM_FAULT_ACCERR:
			return -LX_EINVAL;
		case MM_FAULT_BUS:
			return -LX_EFAULT;
		default:
			return -LX_ENOMEM;
		}
	}
	return 0;
}

static bool known(int advice)
{
	return (advice >= LX_MADV_NORMAL && advice <= LX_MADV_DONTNEED) ||
	       (advice >= LX_MADV_FREE && advice <= LX_MADV_DONTNEED_LOCKED);
}

int64_t mm_advise(struct mm *mm, uint64_t addr, uint64_t len, int advice)
{
	uint64_t rounded = round_up_u64(len, PAGE_SIZE), end;

	if (!known(advice) || addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if ((len != 0 && rounded == 0) || add_overflows(addr, rounded, &end))
		return -LX_EINVAL;
	if (len == 0)
		return 0;
	end = MIN(end, mm->task_size + PAGE_SIZE);
	switch (advice) {
	case LX_MADV_REMOVE:
		return for_each_portion(mm, addr, end, remove_portion, advice);
	case LX_MADV_POPULATE_READ:
	case LX_MADV_POPULATE_WRITE:
		return for_each_portion(mm, addr, end, populate_portion, advice);
	default:
		return advise_range(mm, addr, end, advice);
	}
}

static int64_t sync_portion(struct mm *mm, const struct portion *p, int flags)
{
	(void)mm;
	if (flags & LX_MS_INVALIDATE && p->flags & VM_LOCKED)
		return -LX_EBUSY;
	if (flags & LX_MS_SYNC && p->flags & VM_SHARED && p->cache)
		return pagecache_sync(p->cache, p->offset, p->end - p->start);
	return 0;
}

int64_t mm_sync(struct mm *mm, uint64_t addr, uint64_t len, int flags)
{
	uint64_t rounded = round_up_u64(len, PAGE_SIZE), end;

	if (flags & ~(LX_MS_ASYNC | LX_MS_INVALIDATE | LX_MS_SYNC) || addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if (flags & LX_MS_ASYNC && flags & LX_MS_SYNC)
		return -LX_EINVAL;
	if (rounded < len || add_overflows(addr, rounded, &end))
		return -LX_ENOMEM;
	return for_each_portion(mm, addr, end, sync_portion, flags);
}

/* One page: in the page table, or at least in the cache behind it. */
static bool resident(struct mm *mm, const struct vma *v, uint64_t va)
{
	const uint64_t *slot = pt_slot(mm, va);
	bool dirty, there;

	if (slot && pte_load(slot) != 0)
		return true;
	if (!v->cache)
		return false;
	pthread_mutex_lock(&v->cache->lock);
	there = pagecache_peek_locked(v->cache, (v->offset + (va - v->start)) >> PAGE_SHIFT,
	                              &dirty) != 0;
	pthread_mutex_unlock(&v->cache->lock);
	return there;
}

int64_t mm_residency(struct mm *mm, uint64_t addr, uint64_t pages, uint8_t *vec)
{
	int64_t ret = 0;
	struct vma *v;

	pthread_rwlock_rdlock(&mm->lock);
	v = vma_find(&mm->vmas, addr);
	for (; pages > 0; pages--, addr += PAGE_SIZE) {
		if (v && v->end <= addr)
			v = vma_next(&mm->vmas, v);
		if (!v || v->start > addr) {
			ret = -LX_ENOMEM;
			break;
		}
		*vec++ = resident(mm, v, addr);
	}
	pthread_rwlock_unlock(&mm->lock);
	return ret;
}
