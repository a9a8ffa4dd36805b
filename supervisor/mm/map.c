/*
 * map.c: mmap(2), munmap(2) and brk(2): checks, placement, limits.
 *
 * Mappings without a fixed address go top-down from below the stack.  Limits count address
 * space as Linux does: RLIMIT_AS everything, RLIMIT_DATA private writable memory.
 */
#include "common/lx/statfs.h"
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/vfs.h"

#define O_ACCMODE_MASK 3u
#define O_RDONLY_MODE  0u
#define O_WRONLY_MODE  1u

int64_t mm_find_room(struct mm *mm, uint64_t hint, uint64_t len)
{
	uint64_t addr;

	if (hint != 0) {
		hint = MAX(round_down_u64(hint, PAGE_SIZE), MM_MIN_ADDR);
		if (!range_bad(mm, hint, len) && vma_room_low(&mm->vmas, len, hint, hint + len))
			return (int64_t)hint;
	}
	addr = vma_room_high(&mm->vmas, len, MM_MIN_ADDR, mm->mmap_top);
	if (addr == 0)
		addr = vma_room_low(&mm->vmas, len, mm->mmap_floor, mm->task_size);
	return addr ? (int64_t)addr : -LX_ENOMEM;
}

static bool over(uint64_t used_pages, uint64_t more_pages, const uint64_t *limit)
{
	uint64_t bytes = __atomic_load_n(limit, __ATOMIC_RELAXED);

	return used_pages + more_pages > bytes >> PAGE_SHIFT;
}

bool mm_may_grow_data(struct mm *mm, uint64_t pages)
{
	return !over(mm->data_pages, pages, &mm->limits.data);
}

bool mm_may_grow(struct mm *mm, uint32_t flags, uint64_t pages)
{
	if (over(mm->total_pages, pages, &mm->limits.as))
		return false;
	return !vm_is_data(flags) || mm_may_grow_data(mm, pages);
}

/* Pages of [start, end) that a fixed mapping would replace. */
static uint64_t pages_in(const struct mm *mm, uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (struct vma *v = vma_find(&mm->vmas, start); v && v->start < end;
	     v = vma_next(&mm->vmas, v))
		n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return n;
}

/* More private memory than the machine has is refused unless it was asked for without
 * reservation, as the default overcommit policy does. */
static bool overcommits(struct mm *mm, uint32_t flags, uint64_t len)
{
	struct arena_stats st;

	if ((flags & (VM_WRITE | VM_NORESERVE)) != VM_WRITE)
		return false;
	if (len >> PAGE_SHIFT < 1u << 16)
		return false;
	arena_get_stats(mm->arena, &st);
	return len >> PAGE_SHIFT > st.frames_total;
}

/* One request of mmap(2), checked and in our terms. */
struct request {
	uint64_t addr, len, offset;
	uint32_t vm_flags, map_flags;
	struct file *file;
	struct pagecache *cache;
	const char *label;
};

static int64_t place(struct mm *mm, const struct request *r)
{
	if (!(r->map_flags & (LX_MAP_FIXED | LX_MAP_FIXED_NOREPLACE)))
		return mm_find_room(mm, r->addr, r->len);
	if (range_bad(mm, r->addr, r->len))
		return -LX_ENOMEM;
	if (r->addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if (r->addr < MM_MIN_ADDR)
		return -LX_EPERM;
	if (r->map_flags & LX_MAP_FIXED_NOREPLACE && pages_in(mm, r->addr, r->addr + r->len) != 0)
		return -LX_EEXIST;
	return (int64_t)r->addr;
}

static int64_t map_locked(struct mm_edit *e, struct request *r)
{
	struct mm *mm = e->mm;
	uint64_t pages = r->len >> PAGE_SHIFT, replaced = 0;
	int64_t addr;
	struct vma *v;
	int err;

	if (mm->vmas.count > MM_MAX_MAPS)
		return -LX_ENOMEM;
	addr = place(mm, r);
	if (addr < 0)
		return addr;
	r->vm_flags |= mm->lock_future;
	if (r->vm_flags & VM_LOCKED && over(mm->locked_pages, pages, &mm->limits.memlock))
		return -LX_EAGAIN;
	if (r->map_flags & LX_MAP_FIXED)
		replaced = pages_in(mm, (uint64_t)addr, (uint64_t)addr + r->len);
	if (!mm_may_grow(mm, r->vm_flags, pages - replaced) || overcommits(mm, r->vm_flags, r->len))
		return -LX_ENOMEM;
	err = mm_clear(e, (uint64_t)addr, (uint64_t)addr + r->len);
	if (err)
		return err;
	v = mm_add(e, (uint64_t)addr, (uint64_t)addr + r->len, r->vm_flags, r->file, r->cache,
	           r->offset);
	if (!v)
		return -LX_ENOMEM;
	v->label = r->label;
	mm_merge(e, v);
	return addr;
}

static int64_t map(struct mm *mm, struct request *r)
{
	struct mm_edit e;
	int64_t addr;

	mm_edit_begin(&e, mm);
	addr = map_locked(&e, r);
	mm_edit_end(&e);
	if (addr < 0)
		return addr;
	if (r->map_flags & LX_MAP_POPULATE ||
	    (r->vm_flags & (VM_LOCKED | VM_LOCKONFLT)) == VM_LOCKED)
		mm_populate(mm, (uint64_t)addr, (uint64_t)addr + r->len,
		            (r->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE);
	return addr;
}

/* Flags that MAP_SHARED_VALIDATE knows. */
#define KNOWN_MAP_FLAGS                                                                        \
	(LX_MAP_TYPE | LX_MAP_FIXED | LX_MAP_ANONYMOUS | LX_MAP_GROWSDOWN | LX_MAP_DENYWRITE | \
	 LX_MAP_EXECUTABLE | LX_MAP_LOCKED | LX_MAP_NORESERVE | LX_MAP_POPULATE |              \
	 LX_MAP_NONBLOCK | LX_MAP_STACK | LX_MAP_HUGETLB | LX_MAP_UNINITIALIZED)

static bool mounted_noexec(const struct file *f)
{
	return f->path.mnt && __atomic_load_n(&f->path.mnt->flags, __ATOMIC_RELAXED) & LX_MS_NOEXEC;
}

/* A mapping of a file: what its open mode and its mount permit. */
static int prepare_file(struct request *r, uint32_t flags)
{
	uint32_t type = flags & LX_MAP_TYPE, mode = r->file->flags & O_ACCMODE_MASK;
	int err;

	if (type == LX_MAP_SHARED_VALIDATE && flags & ~(KNOWN_MAP_FLAGS | LX_MAP_FIXED_NOREPLACE))
		return -LX_EOPNOTSUPP;
	if (type == LX_MAP_SHARED || type == LX_MAP_SHARED_VALIDATE) {
		if (r->vm_flags & VM_WRITE && mode == O_RDONLY_MODE)
			return -LX_EACCES;
		r->vm_flags |= VM_SHARED;
		if (mode == O_RDONLY_MODE)
			r->vm_flags &= ~VM_MAYWRITE;
	} else if (type != LX_MAP_PRIVATE) {
		return -LX_EINVAL;
	}
	if (mode == O_WRONLY_MODE)
		return -LX_EACCES;
	if (mounted_noexec(r->file)) {
		if (r->vm_flags & VM_EXEC)
			return -LX_EPERM;
		r->vm_flags &= ~VM_MAYEXEC;
	}
	if (!r->file->ops->mapping)
		return -LX_ENODEV;
	if (flags & LX_MAP_GROWSDOWN)
		return -LX_EINVAL;
	err = r->file->ops->mapping(r->file, &r->cache);
	return err < 0 ? err : 0;
}

/* Anonymous memory, and files such as /dev/zero that give no cache.  Shared memory has a cache
 * of its own, whose first reference goes to *made. */
static int prepare_anon(struct mm *mm, struct request *r, uint32_t flags, struct pagecache **made)
{
	uint32_t type = flags & LX_MAP_TYPE;

	if (type == LX_MAP_PRIVATE) {
		if (flags & LX_MAP_GROWSDOWN)
			r->vm_flags |= VM_GROWSDOWN;
		return 0;
	}
	if (type != LX_MAP_SHARED || flags & LX_MAP_GROWSDOWN)
		return -LX_EINVAL;
	r->vm_flags |= VM_SHARED;
	r->offset = 0;
	r->cache = NULL;
	return pagecache_new_anon(mm->arena, r->len, made);
}

int64_t mm_map(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags,
               struct file *file, uint64_t offset)
{
	struct request r = {.addr = addr, .file = file, .offset = offset, .map_flags = flags};
	struct pagecache *made = NULL;
	uint64_t end;
	int64_t ret;

	if (len == 0)
		return -LX_EINVAL;
	r.len = round_up_u64(len, PAGE_SIZE);
	if (r.len == 0 || len > mm->task_size)
		return -LX_ENOMEM;
	if (offset & ~PAGE_MASK)
		return -LX_EINVAL;
	if (add_overflows(offset, r.len, &end) || end > INT64_MAX)
		return -LX_EOVERFLOW;
	if (flags & LX_MAP_HUGETLB)
		return flags & LX_MAP_ANONYMOUS ? -LX_ENOMEM : -LX_EINVAL;
	r.vm_flags = (prot & LX_PROT_RWX) | VM_MAYRWX;
	if (flags & LX_MAP_LOCKED)
		r.vm_flags |= VM_LOCKED;
	if (flags & LX_MAP_NORESERVE)
		r.vm_flags |= VM_NORESERVE;
	ret = file ? prepare_file(&r, flags) : 0;
	if (ret == 0 && !r.cache) {
		ret = prepare_anon(mm, &r, flags, &made);
		r.cache = made;
	}
	if (ret == 0)
		ret = map(mm, &r);
	if (made)
		pagecache_put(made);
	return ret;
}

int64_t mm_map_special(struct mm *mm, uint64_t addr, uint64_t len, uint32_t vm_flags,
                       struct pagecache *cache, uint64_t offset, const char *label)
{
	struct request r = {.addr = addr,
	                    .len = len,
	                    .offset = offset,
	                    .vm_flags = vm_flags,
	                    .map_flags = addr ? LX_MAP_FIXED_NOREPLACE : 0,
	                    .cache = cache,
	                    .label = label};

	return map(mm, &r);
}

int64_t mm_unmap(struct mm *mm, uint64_t addr, uint64_t len)
{
	uint64_t rounded = round_up_u64(len, PAGE_SIZE);
	struct mm_edit e;
	int err;

	if (addr & ~PAGE_MASK || rounded == 0 || len > mm->task_size ||
	    range_bad(mm, addr, rounded))
		return -LX_EINVAL;
	mm_edit_begin(&e, mm);
	err = mm_clear(&e, addr, addr + rounded);
	mm_edit_end(&e);
	return err;
}

/* Moves the end of the heap up from old to new, both page-aligned. */
static bool brk_grow(struct mm_edit *e, uint64_t old, uint64_t new)
{
	struct mm *mm = e->mm;
	uint32_t flags = VM_READ | VM_WRITE | VM_MAYRWX | mm->lock_future;
	struct vma *v;

	if (new > mm->task_size - PAGE_SIZE || !mm_may_grow(mm, flags, (new - old) >> PAGE_SHIFT))
		return false;
	if (flags & VM_LOCKED &&
	    over(mm->locked_pages, (new - old) >> PAGE_SHIFT, &mm->limits.memlock))
		return false;
	/* A page stays free behind the heap. */
	if (vma_room_low(&mm->vmas, new - old + PAGE_SIZE, old, new + PAGE_SIZE) == 0)
		return false;
	if (overcommits(mm, flags, new - old) || mm->vmas.count > MM_MAX_MAPS)
		return false;
	v = mm_add(e, old, new, flags, NULL, NULL, 0);
	if (v)
		mm_merge(e, v);
	return v != NULL;
}

int64_t mm_brk(struct mm *mm, uint64_t addr)
{
	struct mm_edit e;
	uint64_t old, new, populate = 0;
	bool ok = true;
	int64_t ret;

	mm_edit_begin(&e, mm);
	old = round_up_u64(mm->brk, PAGE_SIZE);
	if (addr < mm->brk_start || addr >= mm->task_size) {
		ok = false;
	} else {
		new = round_up_u64(addr, PAGE_SIZE);
		if (new - mm->brk_start > __atomic_load_n(&mm->limits.data, __ATOMIC_RELAXED))
			ok = false;
		else if (new > old)
			ok = brk_grow(&e, old, new);
		else if (new < old)
			ok = mm_clear(&e, new, old) == 0;
		if (ok && new > old && (mm->lock_future & (VM_LOCKED | VM_LOCKONFLT)) == VM_LOCKED)
			populate = new;
	}
	if (ok)
		mm->brk = addr;
	ret = (int64_t)mm->brk;
	mm_edit_end(&e);
	if (populate)
		mm_populate(mm, old, populate, true);
	return ret;
}
