/*
 * protect.c: mprotect(2) and locking memory: changing the flags of a range of mappings.
 */
#include "supervisor/mm/internal.h"

/* Is every page of [start, end) mapped? */
static bool covered(const struct mm *mm, uint64_t start, uint64_t end)
{
	const struct vma *v = vma_find(&mm->vmas, start);

	for (; v && v->start <= start; v = vma_next(&mm->vmas, v)) {
		if (v->end >= end)
			return true;
		start = v->end;
	}
	return false;
}

static int protect_vma(struct mm_edit *e, struct vma **v, uint64_t start, uint64_t end,
                       uint32_t prot)
{
	uint32_t old = (*v)->flags, flags = (old & ~VM_RWX) | prot;
	int err;

	if (prot & ~(old >> 4 & VM_RWX))
		return -LX_EACCES;
	if (vm_is_data(flags) && !vm_is_data(old) &&
	    !mm_may_grow_data(e->mm, (end - start) >> PAGE_SHIFT))
		return -LX_ENOMEM;
	err = mm_change_flags(e, v, start, end, flags);
	if (!err && flags != old)
		pt_protect(*v, start, end, &e->gather);
	return err;
}

static int64_t protect_locked(struct mm_edit *e, uint64_t start, uint64_t end, uint32_t prot)
{
	struct vma *v = vma_find(&e->mm->vmas, start);

	/* What lies before a hole or a refusal is changed, as on Linux. */
	if (!v || v->start > start)
		return -LX_ENOMEM;
	if (prot & LX_PROT_GROWSDOWN) {
		if (!(v->flags & VM_GROWSDOWN))
			return -LX_EINVAL;
		start = v->start;
	}
	while (start < end) {
		uint64_t stop;
		int err;

		if (!v || v->start > start)
			return -LX_ENOMEM;
		stop = MIN(v->end, end);
		err = protect_vma(e, &v, start, stop, prot & LX_PROT_RWX);
		if (err)
			return err;
		v = mm_merge(e, v);
		start = stop;
		v = v->end > start ? v : vma_next(&e->mm->vmas, v);
	}
	return 0;
}

int64_t mm_protect(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot)
{
	uint64_t rounded = round_up_u64(len, PAGE_SIZE);
	struct mm_edit e;
	int64_t ret;

	if (addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if (len == 0)
		return 0;
	if (rounded == 0 || range_bad(mm, addr, rounded))
		return -LX_ENOMEM;
	if (prot & ~(LX_PROT_RWX | LX_PROT_SEM | LX_PROT_GROWSDOWN))
		return -LX_EINVAL;
	mm_edit_begin(&e, mm);
	ret = protect_locked(&e, addr, addr + rounded, prot);
	mm_edit_end(&e);
	return ret;
}

static int lock_range(struct mm_edit *e, uint64_t start, uint64_t end, uint32_t set)
{
	struct vma *v = vma_find(&e->mm->vmas, start);

	for (; v && v->start < end; v = vma_next(&e->mm->vmas, v)) {
		uint64_t lo = MAX(v->start, start), hi = MIN(v->end, end);
		int err;

		if (v->flags & VM_SPECIAL)
			continue;
		err =
		    mm_change_flags(e, &v, lo, hi, (v->flags & ~(VM_LOCKED | VM_LOCKONFLT)) | set);
		if (err)
			return err;
		v = mm_merge(e, v);
	}
	return 0;
}

/* Pages of [start, end) that are not locked yet. */
static uint64_t unlocked_pages(const struct mm *mm, uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (const struct vma *v = vma_find(&mm->vmas, start); v && v->start < end;
	     v = vma_next(&mm->vmas, v)) {
		if (!(v->flags & VM_LOCKED))
			n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	}
	return n;
}

static bool lock_limit_exceeded(const struct mm *mm, uint64_t more)
{
	uint64_t limit = __atomic_load_n(&mm->limits.memlock, __ATOMIC_RELAXED) >> PAGE_SHIFT;

	return mm->locked_pages + more > limit;
}

bool mm_is_mapped(struct mm *mm, uint64_t addr, uint64_t len)
{
	bool ret;

	if (range_bad(mm, addr, len))
		return false;
	pthread_rwlock_rdlock(&mm->lock);
	ret = len == 0 || covered(mm, addr, addr + len);
	pthread_rwlock_unlock(&mm->lock);
	return ret;
}

int64_t mm_lock(struct mm *mm, uint64_t addr, uint64_t len, bool lock, bool on_fault)
{
	uint64_t start = round_down_u64(addr, PAGE_SIZE), end;
	uint32_t set = lock ? VM_LOCKED | (on_fault ? VM_LOCKONFLT : 0) : 0;
	struct mm_edit e;
	int64_t ret;

	if (add_overflows(addr, len, &end) || round_up_u64(end, PAGE_SIZE) < end)
		return -LX_EINVAL;
	end = round_up_u64(end, PAGE_SIZE);
	if (start >= end)
		return 0;
	mm_edit_begin(&e, mm);
	if (lock && lock_limit_exceeded(mm, unlocked_pages(mm, start, end)))
		ret = -LX_ENOMEM;
	else if (!covered(mm, start, end))
		ret = -LX_ENOMEM;
	else
		ret = lock_range(&e, start, end, set);
	mm_edit_end(&e);
	if (ret == 0 && lock && !on_fault) {
		/* The range is locked even so: mlock(2), as Linux has it. */
		switch (mm_populate(mm, start, end, false)) {
		case MM_FAULT_OK:
			break;
		case MM_FAULT_OOM:
			ret = -LX_EAGAIN;
			break;
		default:
			ret = -LX_ENOMEM;
			break;
		}
	}
	return ret;
}

int64_t mm_lock_all(struct mm *mm, bool current, bool future, bool on_fault)
{
	uint32_t set = VM_LOCKED | (on_fault ? VM_LOCKONFLT : 0);
	struct mm_edit e;
	int64_t ret = 0;

	mm_edit_begin(&e, mm);
	if (current && lock_limit_exceeded(mm, mm->total_pages - mm->locked_pages)) {
		ret = -LX_ENOMEM;
	} else {
		mm->lock_future = future ? set : 0;
		if (current || !future)
			ret = lock_range(&e, 0, mm->task_size, current ? set : 0);
	}
	mm_edit_end(&e);
	if (ret == 0 && current && !on_fault)
		mm_populate_locked(mm);
	return ret;
}
