/*
 * remap.c: mremap(2): shrinking, growing in place, moving.  A move takes page-table entries
 * along, so that no page is copied.
 */
#include "supervisor/mm/internal.h"

struct remap {
	uint64_t addr, old_len, new_len, new_addr;
	uint32_t flags;
};

/* The VMA that holds the whole old range; errors as mremap(2) has them. */
static int find_source(struct mm *mm, const struct remap *r, struct vma **out)
{
	struct vma *v = vma_find(&mm->vmas, r->addr);

	if (!v || v->start > r->addr)
		return -LX_EFAULT;
	if (r->old_len == 0 && !(v->flags & VM_SHARED))
		return -LX_EINVAL;
	if (r->old_len > v->end - r->addr)
		return -LX_EFAULT;
	if (v->flags & VM_SPECIAL && (r->new_len != r->old_len || r->flags & LX_MREMAP_DONTUNMAP))
		return r->new_len > r->old_len ? -LX_EFAULT : -LX_EINVAL;
	*out = v;
	return 0;
}

/* Do the limits allow what the range grows by? */
static int check_growth(struct mm *mm, const struct vma *v, uint64_t pages)
{
	uint64_t memlock = __atomic_load_n(&mm->limits.memlock, __ATOMIC_RELAXED) >> PAGE_SHIFT;
	uint64_t end;

	if (v->flags & VM_LOCKED && mm->locked_pages + pages > memlock)
		return -LX_EAGAIN;
	if (!mm_may_grow(mm, v->flags, pages))
		return -LX_ENOMEM;
	/* Offsets into the object must stay representable. */
	if (v->cache &&
	    (add_overflows(v->offset + (v->end - v->start), pages << PAGE_SHIFT, &end) ||
	     end > INT64_MAX))
		return -LX_EINVAL;
	return 0;
}

/* Takes the pages along to new_addr, or leaves everything as it was. */
static int move_pages(struct mm_edit *e, struct vma *v, const struct remap *r)
{
	struct mm *mm = e->mm;
	int err;

	/* Who takes pages out of the cache must find each in one place or the other. */
	if (v->cache)
		pthread_mutex_lock(&v->cache->lock);
	err = pt_move(mm, r->addr, r->new_addr, r->old_len, &e->gather);
	if (err && pt_move(mm, r->new_addr, r->addr, r->old_len, &e->gather) != 0)
		err = -LX_ENOMEM; /* cannot be: the tables of the old range are there */
	if (v->cache)
		pthread_mutex_unlock(&v->cache->lock);
	return err;
}

static int64_t move(struct mm_edit *e, struct vma *v, const struct remap *r)
{
	struct mm *mm = e->mm;
	uint64_t offset = v->cache ? v->offset + (r->addr - v->start) : 0;
	bool keep = r->flags & LX_MREMAP_DONTUNMAP || r->old_len == 0;
	struct vma *target;
	int err;

	if (mm->vmas.count + 3 > MM_MAX_MAPS)
		return -LX_ENOMEM;
	target =
	    mm_add(e, r->new_addr, r->new_addr + r->new_len, v->flags, v->file, v->cache, offset);
	if (!target)
		return -LX_ENOMEM;
	target->label = v->label;
	err = move_pages(e, v, r);
	if (err) {
		if (mm_clear(e, r->new_addr, r->new_addr + r->new_len) != 0)
			return -LX_ENOMEM;
		return err;
	}
	if (!keep) {
		err = mm_clear(e, r->addr, r->addr + r->old_len);
		if (err)
			return err;
		if (mm->vdso_base == r->addr)
			mm->vdso_base = r->new_addr;
	} else if (r->old_len != 0 && v->flags & VM_LOCKED) {
		mm_set_flags(v, v->flags & ~(VM_LOCKED | VM_LOCKONFLT));
	}
	mm_merge(e, target);
	return (int64_t)r->new_addr;
}

/* MREMAP_FIXED, and MREMAP_DONTUNMAP wherever there is room. */
static int64_t remap_to(struct mm_edit *e, struct remap *r)
{
	struct mm *mm = e->mm;
	struct vma *v;
	int err;

	if (r->flags & LX_MREMAP_FIXED) {
		if (r->new_addr & ~PAGE_MASK || range_bad(mm, r->new_addr, r->new_len))
			return -LX_EINVAL;
		if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
			return -LX_EINVAL;
		if (r->new_addr < MM_MIN_ADDR)
			return -LX_EPERM;
		err = mm_clear(e, r->new_addr, r->new_addr + r->new_len);
		if (err)
			return err;
	}
	if (r->old_len > r->new_len) {
		err = mm_clear(e, r->addr + r->new_len, r->addr + r->old_len);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	err = find_source(mm, r, &v);
	if (!err && r->flags & LX_MREMAP_DONTUNMAP &&
	    !mm_may_grow(mm, v->flags, r->old_len >> PAGE_SHIFT))
		err = -LX_ENOMEM;
	if (!err && r->new_len > r->old_len)
		err = check_growth(mm, v, (r->new_len - r->old_len) >> PAGE_SHIFT);
	if (err)
		return err;
	if (!(r->flags & LX_MREMAP_FIXED)) {
		int64_t room = mm_find_room(mm, 0, r->new_len);

		if (room < 0)
			return room;
		r->new_addr = (uint64_t)room;
	}
	return move(e, v, r);
}

static int64_t resize(struct mm_edit *e, struct remap *r)
{
	struct mm *mm = e->mm;
	uint64_t grow = r->new_len - r->old_len;
	struct vma *v;
	int64_t room;
	int err;

	if (r->old_len >= r->new_len) {
		if (r->old_len == r->new_len)
			return find_source(mm, r, &v) == 0 ? (int64_t)r->addr : -LX_EFAULT;
		err = mm_clear(e, r->addr + r->new_len, r->addr + r->old_len);
		return err ? err : (int64_t)r->addr;
	}
	err = find_source(mm, r, &v);
	if (!err)
		err = check_growth(mm, v, grow >> PAGE_SHIFT);
	if (err)
		return err;
	if (r->old_len != 0 && r->addr + r->old_len == v->end && !range_bad(mm, v->end, grow) &&
	    vma_room_low(&mm->vmas, grow, v->end, v->end + grow) != 0) {
		mm_set_bounds(v, v->start, v->end + grow, v->offset);
		mm_merge(e, v);
		return (int64_t)r->addr;
	}
	if (!(r->flags & LX_MREMAP_MAYMOVE))
		return -LX_ENOMEM;
	room = mm_find_room(mm, 0, r->new_len);
	if (room < 0)
		return room;
	r->new_addr = (uint64_t)room;
	return move(e, v, r);
}

int64_t mm_remap(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, uint32_t flags,
                 uint64_t new_addr)
{
	struct remap r = {.addr = addr, .flags = flags, .new_addr = new_addr};
	bool locked = false;
	struct mm_edit e;
	int64_t ret;

	if (flags & ~(LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP))
		return -LX_EINVAL;
	if (flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP) && !(flags & LX_MREMAP_MAYMOVE))
		return -LX_EINVAL;
	if (flags & LX_MREMAP_DONTUNMAP && old_len != new_len)
		return -LX_EINVAL;
	if (addr & ~PAGE_MASK)
		return -LX_EINVAL;
	r.old_len = round_up_u64(old_len, PAGE_SIZE);
	r.new_len = round_up_u64(new_len, PAGE_SIZE);
	if (r.new_len == 0 || range_bad(mm, addr, r.old_len))
		return new_len == 0 || r.new_len == 0 ? -LX_EINVAL : -LX_EFAULT;
	if (r.new_len > mm->task_size)
		return flags & LX_MREMAP_FIXED ? -LX_EINVAL : -LX_ENOMEM;
	mm_edit_begin(&e, mm);
	if (flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP))
		ret = remap_to(&e, &r);
	else
		ret = resize(&e, &r);
	if (ret > 0 && r.new_len > r.old_len) {
		const struct vma *v = vma_find(&mm->vmas, (uint64_t)ret);

		locked = v && (v->flags & (VM_LOCKED | VM_LOCKONFLT)) == VM_LOCKED;
	}
	mm_edit_end(&e);
	if (locked)
		mm_populate(mm, (uint64_t)ret, (uint64_t)ret + r.new_len, false);
	return ret;
}

static int64_t remap_file_locked(struct mm_edit *e, uint64_t addr, uint64_t len, uint64_t offset)
{
	struct mm *mm = e->mm;
	struct vma *v = vma_find(&mm->vmas, addr), *moved;
	struct pagecache *cache;
	struct file *file;
	uint32_t flags;
	int err;

	if (!v || v->start > addr || v->end - addr < len || !(v->flags & VM_SHARED) || !v->cache)
		return -LX_EINVAL;
	/* The old mapping's references are given back at the end of the edit. */
	file = v->file;
	cache = v->cache;
	flags = v->flags;
	err = mm_clear(e, addr, addr + len);
	if (err)
		return err;
	moved = mm_add(e, addr, addr + len, flags, file, cache, offset);
	if (!moved)
		return -LX_ENOMEM;
	mm_merge(e, moved);
	return 0;
}

int64_t mm_remap_file(struct mm *mm, uint64_t addr, uint64_t len, uint64_t pgoff)
{
	struct mm_edit e;
	uint64_t end;
	int64_t ret;

	if (len == 0 || range_bad(mm, addr, len) || pgoff > INT64_MAX >> PAGE_SHIFT ||
	    add_overflows(pgoff << PAGE_SHIFT, len, &end) || end > INT64_MAX)
		return -LX_EINVAL;
	mm_edit_begin(&e, mm);
	ret = remap_file_locked(&e, addr, len, pgoff << PAGE_SHIFT);
	mm_edit_end(&e);
	return ret;
}
