/*
 * space.c: the life of an address space (new, fork, last put), and what others ask about it:
 * figures for /proc, its mappings in order, the identity of futex words.
 */
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

#define DEFAULT_STACK_LIMIT (8ULL << 20)

static uint64_t next_id;

static int resolve(void *opaque, uint64_t va, enum vcpu_access access)
{
	return (int)mm_fault(opaque, va, access);
}

static void release(struct mm *mm)
{
	struct vma *v;

	if (mm->space)
		vcpu_space_free(mm->space);
	/* From here on no page cache knows the page table any more. */
	list_for_each_entry (v, &mm->vmas.list, link) {
		if (v->cache)
			pagecache_map_del(v->cache, v);
	}
	pt_release(mm);
	while (!list_empty(&mm->vmas.list)) {
		v = list_first_entry(&mm->vmas.list, struct vma, link);
		list_del_init(&v->link);
		mm_vma_free(v);
	}
	pthread_rwlock_destroy(&mm->lock);
	pthread_mutex_destroy(&mm->pt_lock);
	free(mm);
}

/* A process whose threads fault all the time must still be able to map and to fork: where the
 * host lets us choose, writers go first.  (Nobody takes the lock shared twice.) */
static void lock_init(pthread_rwlock_t *lock)
{
#ifdef __GLIBC__
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
#else
	pthread_rwlock_init(lock, NULL);
#endif
}

int mm_new(struct guest *g, struct mm **out)
{
	struct mm *mm = calloc(1, sizeof(*mm));
	struct mm_layout layout;
	int err;

	if (!mm)
		return -LX_ENOMEM;
	mm->refs = 1;
	mm->guest = g;
	mm->arena = g->arena;
	mm->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	vma_set_init(&mm->vmas);
	lock_init(&mm->lock);
	pthread_mutex_init(&mm->pt_lock, NULL);
	err = mm_layout_make(g, DEFAULT_STACK_LIMIT, &layout);
	if (err)
		goto fail;
	mm->task_size = layout.task_size;
	mm->mmap_top = layout.mmap_top;
	mm->stack_top = layout.stack_top;
	mm->mmap_floor = round_down_u64(layout.task_size / 4, PAGE_SIZE);
	mm_set_limits(mm, UINT64_MAX, UINT64_MAX, DEFAULT_STACK_LIMIT, UINT64_MAX);
	err = pt_init(mm);
	if (err)
		goto fail;
	if (g->engine && vcpu_space_new(g->engine, mm->root, resolve, mm, &mm->space) != 0) {
		err = -LX_ENOMEM;
		goto fail;
	}
	*out = mm;
	return 0;
fail:
	release(mm);
	return err;
}

struct mm *mm_get(struct mm *mm)
{
	__atomic_fetch_add(&mm->refs, 1, __ATOMIC_RELAXED);
	return mm;
}

void mm_put(struct mm *mm)
{
	if (mm && __atomic_fetch_sub(&mm->refs, 1, __ATOMIC_ACQ_REL) == 1)
		release(mm);
}

struct vcpu_space *mm_space(struct mm *mm)
{
	return mm->space;
}

struct guest *mm_guest(struct mm *mm)
{
	return mm->guest;
}

void mm_set_limits(struct mm *mm, uint64_t as, uint64_t data, uint64_t stack, uint64_t memlock)
{
	__atomic_store_n(&mm->limits.as, as, __ATOMIC_RELAXED);
	__atomic_store_n(&mm->limits.data, data, __ATOMIC_RELAXED);
	__atomic_store_n(&mm->limits.stack, stack, __ATOMIC_RELAXED);
	__atomic_store_n(&mm->limits.memlock, memlock, __ATOMIC_RELAXED);
}

/* What a child takes over besides the mappings; locks held on fork are not inherited. */
static void copy_layout(struct mm *child, const struct mm *mm)
{
	child->mmap_top = mm->mmap_top;
	child->mmap_floor = mm->mmap_floor;
	child->stack_top = mm->stack_top;
	child->brk_start = mm->brk_start;
	child->brk = mm->brk;
	child->stack_start = mm->stack_start;
	child->code_start = mm->code_start;
	child->code_end = mm->code_end;
	child->arg_start = mm->arg_start;
	child->arg_end = mm->arg_end;
	child->env_start = mm->env_start;
	child->env_end = mm->env_end;
	child->vdso_base = mm->vdso_base;
	memcpy(child->auxv, mm->auxv, sizeof(child->auxv));
	child->auxv_words = mm->auxv_words;
	/* Other threads of the parent may be setting them. */
	mm_set_limits(child, __atomic_load_n(&mm->limits.as, __ATOMIC_RELAXED),
	              __atomic_load_n(&mm->limits.data, __ATOMIC_RELAXED),
	              __atomic_load_n(&mm->limits.stack, __ATOMIC_RELAXED),
	              __atomic_load_n(&mm->limits.memlock, __ATOMIC_RELAXED));
}

static int fork_vma(struct mm_edit *child, struct vma *v, struct pt_gather *g)
{
	struct vma *copy;

	if (v->flags & VM_DONTCOPY)
		return 0;
	copy = mm_add(child, v->start, v->end, v->flags & ~(VM_LOCKED | VM_LOCKONFLT), v->file,
	              v->cache, v->offset);
	if (!copy)
		return -LX_ENOMEM;
	copy->label = v->label;
	return v->flags & VM_WIPEFORK ? 0 : pt_fork(child->mm, v, g);
}

static int fork_once(struct mm *mm, struct mm **out)
{
	struct mm_edit parent, fresh;
	struct mm *child;
	struct vma *v;
	int err = mm_new(mm->guest, &child);

	if (err)
		return err;
	mm_edit_begin(&parent, mm);
	fresh.mm = child;
	copy_layout(child, mm);
	list_for_each_entry (v, &mm->vmas.list, link) {
		err = fork_vma(&fresh, v, &parent.gather);
		if (err)
			break;
	}
	mm_edit_end(&parent);
	if (err) {
		mm_put(child);
		return err;
	}
	*out = child;
	return 0;
}

int mm_fork(struct mm *mm, struct mm **out)
{
	int err = fork_once(mm, out);

	if (err == -LX_ENOMEM && arena_relieve(mm->arena))
		err = fork_once(mm, out);
	return err;
}

static const char *label_of(const struct mm *mm, const struct vma *v)
{
	if (v->label)
		return v->label;
	if (v->file || v->cache)
		return NULL;
	if (v->start <= mm->stack_start && v->end >= mm->stack_start)
		return "[stack]";
	if (v->start < mm->brk && v->end > mm->brk_start)
		return "[heap]";
	return NULL;
}

void mm_for_each_vma(struct mm *mm, int (*visit)(void *opaque, const struct mm_vma_info *v),
                     void *opaque)
{
	struct vma *v;

	pthread_rwlock_rdlock(&mm->lock);
	list_for_each_entry (v, &mm->vmas.list, link) {
		struct mm_vma_info info = {.start = v->start,
		                           .end = v->end,
		                           .offset = v->flags & VM_SPECIAL ? 0 : v->offset,
		                           .prot = v->flags & VM_RWX,
		                           .file = v->file,
		                           .label = label_of(mm, v)};

		info.flags = v->flags & VM_SHARED ? LX_MAP_SHARED : LX_MAP_PRIVATE;
		if (v->flags & VM_GROWSDOWN)
			info.flags |= LX_MAP_GROWSDOWN;
		if (v->flags & VM_LOCKED)
			info.flags |= LX_MAP_LOCKED;
		pt_tally(v, v->start, v->end, &info.pages);
		if (visit(opaque, &info) != 0)
			break;
	}
	pthread_rwlock_unlock(&mm->lock);
}

unsigned mm_get_auxv(struct mm *mm, uint64_t out[MM_AUXV_WORDS])
{
	unsigned n;

	pthread_rwlock_rdlock(&mm->lock);
	n = mm->auxv_words;
	memcpy(out, mm->auxv, n * sizeof(out[0]));
	pthread_rwlock_unlock(&mm->lock);
	return n;
}

void mm_get_usage(struct mm *mm, struct mm_usage *out)
{
	int64_t rss = mm_rss(mm), file = __atomic_load_n(&mm->rss_file, __ATOMIC_RELAXED);
	int64_t peak = __atomic_load_n(&mm->peak_rss, __ATOMIC_RELAXED);
	uint64_t executable;

	pthread_rwlock_rdlock(&mm->lock);
	*out = (struct mm_usage){
	    .total = mm->total_pages << PAGE_SHIFT,
	    .resident = (uint64_t)rss << PAGE_SHIFT,
	    .peak_total = MAX(mm->peak_pages, mm->total_pages) << PAGE_SHIFT,
	    .peak_resident = (uint64_t)peak << PAGE_SHIFT,
	    .shared = (uint64_t)file << PAGE_SHIFT,
	    .text =
	        round_up_u64(mm->code_end, PAGE_SIZE) - round_down_u64(mm->code_start, PAGE_SIZE),
	    .data = mm->data_pages << PAGE_SHIFT,
	    .stack = mm->stack_pages << PAGE_SHIFT,
	    .locked = mm->locked_pages << PAGE_SHIFT,
	    .brk_start = mm->brk_start,
	    .brk = mm->brk,
	    .stack_start = mm->stack_start,
	    .code_start = mm->code_start,
	    .code_end = mm->code_end,
	    .arg_start = mm->arg_start,
	    .arg_end = mm->arg_end,
	    .env_start = mm->env_start,
	    .env_end = mm->env_end,
	};
	executable = mm->exec_pages << PAGE_SHIFT;
	out->library = executable - MIN(executable, out->text);
	pthread_mutex_lock(&mm->pt_lock);
	out->tables = (uint64_t)mm->table_frames << PAGE_SHIFT;
	pthread_mutex_unlock(&mm->pt_lock);
	pthread_rwlock_unlock(&mm->lock);
}

int mm_futex_key(struct mm *mm, struct guest_ptr p, bool private_flag, struct futex_key *out)
{
	struct vma *v;
	int err = 0;

	if (p.va % 4 != 0)
		return -LX_EINVAL;
	if (range_bad(mm, p.va, 4))
		return -LX_EFAULT;
	*out = (struct futex_key){.object = mm->id << 1, .offset = p.va};
	if (private_flag)
		return 0;
	pthread_rwlock_rdlock(&mm->lock);
	v = vma_find(&mm->vmas, p.va);
	if (!v || v->start > p.va || !(v->flags & VM_RWX))
		err = -LX_EFAULT;
	else if (v->flags & VM_SHARED && v->cache)
		*out = (struct futex_key){.object = v->cache->id << 1 | 1,
		                          .offset = v->offset + (p.va - v->start)};
	pthread_rwlock_unlock(&mm->lock);
	return err;
}

uint64_t mm_sigreturn_trampoline(struct mm *mm)
{
	return vdso_sigreturn(mm->vdso_base);
}
