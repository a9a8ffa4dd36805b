/*
 * uaccess.c: checked copies between our memory and the guest's.
 *
 * A copy walks the page table without locks, inside a section: a thread announces, in a slot of
 * its own, which address space it is reading the tables of.  Whoever takes entries out waits, in
 * uaccess_synchronize, until every section that began before has ended, and only then reuses
 * frames.  A section lasts for one page at most and never blocks.  Where the table does not
 * permit the access, mm_fault is asked, outside the section, and the walk is tried again.
 */
#include <pthread.h>
#include <sched.h>

#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"

struct section {
	struct mm *mm;        /* atomic; being walked, or NULL */
	uint64_t seq;         /* atomic; sections begun */
	struct section *next; /* of all; set once */
	bool taken;           /* atomic; by a live thread */
} __attribute__((aligned(64)));

static struct section *all_sections; /* atomic; only ever grows */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t section_key;
static __thread struct section *my_section;

/* At a thread's end its slot is left for another. */
static void section_leave(void *p)
{
	struct section *s = p;

	__atomic_store_n(&s->taken, false, __ATOMIC_RELEASE);
}

static void make_key(void)
{
	pthread_key_create(&section_key, section_leave);
}

static struct section *section_reuse(void)
{
	struct section *s = __atomic_load_n(&all_sections, __ATOMIC_ACQUIRE);

	for (; s; s = s->next) {
		bool expect = false;

		if (__atomic_compare_exchange_n(&s->taken, &expect, true, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_RELAXED))
			return s;
	}
	return NULL;
}

static NOINLINE struct section *section_new(void)
{
	struct section *s;

	pthread_once(&key_once, make_key);
	s = section_reuse();
	if (!s) {
		s = aligned_alloc(_Alignof(struct section), sizeof(*s));
		if (!s)
			return NULL;
		*s = (struct section){.taken = true};
		s->next = __atomic_load_n(&all_sections, __ATOMIC_ACQUIRE);
		while (!__atomic_compare_exchange_n(&all_sections, &s->next, s, false,
		                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			;
	}
	if (pthread_setspecific(section_key, s) != 0) {
		section_leave(s);
		return NULL;
	}
	my_section = s;
	return s;
}

static inline struct section *section_begin(struct mm *mm)
{
	struct section *s = my_section;

	if (UNLIKELY(!s)) {
		s = section_new();
		if (!s)
			return NULL;
	}
	__atomic_store_n(&s->seq, s->seq + 1, __ATOMIC_RELAXED);
	(void)__atomic_exchange_n(&s->mm, mm, __ATOMIC_SEQ_CST);
	return s;
}

static inline void section_end(struct section *s)
{
	__atomic_store_n(&s->mm, NULL, __ATOMIC_RELEASE);
}

void uaccess_synchronize(struct mm *mm)
{
	struct section *s;

	/* Orders the entries' stores before the look at the slots; section_begin has the other
	 * half. */
	__atomic_fetch_add(&mm->barrier, 1, __ATOMIC_SEQ_CST);
	s = __atomic_load_n(&all_sections, __ATOMIC_SEQ_CST);
	for (; s; s = s->next) {
		uint64_t seq;

		if (__atomic_load_n(&s->mm, __ATOMIC_SEQ_CST) != mm || s == my_section)
			continue;
		seq = __atomic_load_n(&s->seq, __ATOMIC_RELAXED);
		while (__atomic_load_n(&s->mm, __ATOMIC_SEQ_CST) == mm &&
		       __atomic_load_n(&s->seq, __ATOMIC_RELAXED) == seq)
			sched_yield();
	}
}

/* The host address of va if the page table permits the access; inside a section. */
static inline uint8_t *reach(struct mm *mm, uint64_t va, enum vcpu_access access)
{
	const uint64_t *slot = pt_slot(mm, va);
	uint64_t pte;

	if (!slot)
		return NULL;
	pte = pte_load(slot);
	if ((pte & (PTE_VALID | PTE_USER)) != (PTE_VALID | PTE_USER))
		return NULL;
	if (access == VCPU_WRITE && pte & PTE_RDONLY)
		return NULL;
	return (uint8_t *)frame_host(mm->arena, pte_frame(pte)) + (va & ~PAGE_MASK);
}

static inline bool access_ok(const struct mm *mm, uint64_t va, uint64_t n)
{
	return n <= mm->task_size && va <= mm->task_size - n;
}

/* What to do with a piece of guest memory, up to a page long. */
enum copy_op { COPY_FROM, COPY_TO, COPY_CLEAR };

static ALWAYS_INLINE void copy_piece(enum copy_op op, uint8_t *guest, uint8_t *own, size_t n)
{
	switch (op) {
	case COPY_FROM:
		guest_copy(own, guest, n);
		break;
	case COPY_TO:
		guest_copy(guest, own, n);
		break;
	case COPY_CLEAR:
		guest_zero(guest, n);
		break;
	}
}

static ALWAYS_INLINE int copy(struct mm *mm, uint64_t va, uint8_t *own, size_t n, enum copy_op op,
                              bool nofault)
{
	enum vcpu_access access = op == COPY_FROM ? VCPU_READ : VCPU_WRITE;

	if (!access_ok(mm, va, n))
		return -LX_EFAULT;
	while (n > 0) {
		size_t piece = MIN(n, PAGE_SIZE - (va & ~PAGE_MASK));
		struct section *s = section_begin(mm);
		uint8_t *guest;

		if (!s)
			return -LX_ENOMEM;
		guest = reach(mm, va, access);
		if (LIKELY(guest))
			copy_piece(op, guest, own, piece);
		section_end(s);
		if (UNLIKELY(!guest)) {
			if (nofault || mm_fault(mm, va, access) != MM_FAULT_OK)
				return -LX_EFAULT;
			continue;
		}
		va += piece;
		if (op != COPY_CLEAR)
			own += piece;
		n -= piece;
	}
	return 0;
}

int copy_from_user(struct mm *mm, void *dst, struct guest_ptr src, size_t n)
{
	return copy(mm, src.va, dst, n, COPY_FROM, false);
}

int copy_from_user_nofault(struct mm *mm, void *dst, struct guest_ptr src, size_t n)
{
	return copy(mm, src.va, dst, n, COPY_FROM, true);
}

/* The source is only read: one routine serves both directions. */
static uint8_t *source(const void *src)
{
	union {
		const void *in;
		uint8_t *out;
	} u = {.in = src};

	return u.out;
}

int copy_to_user(struct mm *mm, struct guest_ptr dst, const void *src, size_t n)
{
	return copy(mm, dst.va, source(src), n, COPY_TO, false);
}

int copy_to_user_nofault(struct mm *mm, struct guest_ptr dst, const void *src, size_t n)
{
	return copy(mm, dst.va, source(src), n, COPY_TO, true);
}

int clear_user(struct mm *mm, struct guest_ptr dst, size_t n)
{
	return copy(mm, dst.va, NULL, n, COPY_CLEAR, false);
}

/* Names are short: what is copied beyond a string's end is wasted. */
#define STRING_PIECE ((size_t)256)

int64_t strncpy_from_user(struct mm *mm, char *dst, struct guest_ptr src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t va = src.va + done;
		size_t piece = MIN(size - done, PAGE_SIZE - (va & ~PAGE_MASK));
		const char *nul;
		int err;

		if (va < src.va)
			return -LX_EFAULT;
		piece = MIN(piece, STRING_PIECE);
		err = copy_from_user(mm, dst + done, guest_ptr(va), piece);
		if (err)
			return err;
		nul = memchr(dst + done, 0, piece);
		if (nul)
			return nul - dst;
		done += piece;
	}
	return -LX_ENAMETOOLONG;
}

/* Aligned words are read and written whole, so that they are never seen torn. */
#define DEFINE_WORD_ACCESS(type, suffix)                                            \
	int get_user_##suffix(struct mm *mm, type *out, struct guest_ptr p)         \
	{                                                                           \
		struct section *s;                                                  \
		type *word;                                                         \
                                                                                    \
		if (p.va % sizeof(type) != 0 || !access_ok(mm, p.va, sizeof(type))) \
			return copy_from_user(mm, out, p, sizeof(type));            \
		for (;;) {                                                          \
			s = section_begin(mm);                                      \
			if (!s)                                                     \
				return -LX_ENOMEM;                                  \
			word = (type *)(void *)reach(mm, p.va, VCPU_READ);          \
			if (word)                                                   \
				*out = __atomic_load_n(word, __ATOMIC_ACQUIRE);     \
			section_end(s);                                             \
			if (word)                                                   \
				return 0;                                           \
			if (mm_fault(mm, p.va, VCPU_READ) != MM_FAULT_OK)           \
				return -LX_EFAULT;                                  \
		}                                                                   \
	}                                                                           \
                                                                                    \
	int put_user_##suffix(struct mm *mm, struct guest_ptr p, type v)            \
	{                                                                           \
		struct section *s;                                                  \
		type *word;                                                         \
                                                                                    \
		if (p.va % sizeof(type) != 0 || !access_ok(mm, p.va, sizeof(type))) \
			return copy_to_user(mm, p, &v, sizeof(type));               \
		for (;;) {                                                          \
			s = section_begin(mm);                                      \
			if (!s)                                                     \
				return -LX_ENOMEM;                                  \
			word = (type *)(void *)reach(mm, p.va, VCPU_WRITE);         \
			if (word)                                                   \
				__atomic_store_n(word, v, __ATOMIC_RELEASE);        \
			section_end(s);                                             \
			if (word)                                                   \
				return 0;                                           \
			if (mm_fault(mm, p.va, VCPU_WRITE) != MM_FAULT_OK)          \
				return -LX_EFAULT;                                  \
		}                                                                   \
	}

DEFINE_WORD_ACCESS(uint32_t, u32)
DEFINE_WORD_ACCESS(uint64_t, u64)

int cmpxchg_user_u32(struct mm *mm, struct guest_ptr p, uint32_t expect, uint32_t desired,
                     uint32_t *old)
{
	if (p.va % 4 != 0)
		return -LX_EINVAL;
	if (!access_ok(mm, p.va, 4))
		return -LX_EFAULT;
	for (;;) {
		struct section *s = section_begin(mm);
		uint32_t *word;

		if (!s)
			return -LX_ENOMEM;
		word = (uint32_t *)(void *)reach(mm, p.va, VCPU_WRITE);
		if (word) {
			*old = expect;
			__atomic_compare_exchange_n(word, old, desired, false, __ATOMIC_SEQ_CST,
			                            __ATOMIC_SEQ_CST);
		}
		section_end(s);
		if (word)
			return 0;
		if (mm_fault(mm, p.va, VCPU_WRITE) != MM_FAULT_OK)
			return -LX_EFAULT;
	}
}

/* Pins the page of va if it is present; its host address or NULL.  mm.lock is held shared, so
 * that no fork comes between the look at the entry and the pin. */
static uint8_t *pin_page(struct mm *mm, uint64_t va, bool write)
{
	struct section *s = section_begin(mm);
	uint8_t *host;

	if (!s)
		return NULL;
	host = reach(mm, va, write ? VCPU_WRITE : VCPU_READ);
	if (host) {
		const uint8_t *base = frame_host(mm->arena, 0);
		uint64_t pa = (uint64_t)(host - base) & PAGE_MASK;

		if (write)
			frame_pin(mm->arena, pa);
		else
			frame_get(mm->arena, pa);
	}
	section_end(s);
	return host;
}

/* Adds a piece to the pin; false: no room for another one. */
static bool pin_add(struct user_pin *pin, uint8_t *host, uint64_t n)
{
	struct iovec *last = pin->count ? &pin->iov[pin->count - 1] : NULL;

	if (last && (uint8_t *)last->iov_base + last->iov_len == host) {
		last->iov_len += n;
	} else {
		if (pin->count == ARRAY_LEN(pin->iov))
			return false;
		pin->iov[pin->count++] = (struct iovec){host, n};
	}
	pin->bytes += n;
	return true;
}

static void unpin_page(struct mm *mm, const uint8_t *host, bool write)
{
	const uint8_t *base = frame_host(mm->arena, 0);
	uint64_t pa = (uint64_t)(host - base) & PAGE_MASK;

	if (write)
		frame_unpin(mm->arena, pa);
	else
		frame_put(mm->arena, pa);
}

int user_pin(struct mm *mm, struct guest_ptr p, uint64_t n, bool write, struct user_pin *out)
{
	uint64_t va = p.va;
	bool room = true;

	out->mm = mm;
	out->count = 0;
	out->bytes = 0;
	out->write = write;
	if (!access_ok(mm, va, n))
		return -LX_EFAULT;
	while (room && out->bytes < n) {
		uint64_t piece = MIN(n - out->bytes, PAGE_SIZE - (va & ~PAGE_MASK));
		uint8_t *host;

		pthread_rwlock_rdlock(&mm->lock);
		host = pin_page(mm, va, write);
		pthread_rwlock_unlock(&mm->lock);
		if (host) {
			room = pin_add(out, host, piece);
			if (!room)
				unpin_page(mm, host, write);
			va += piece;
		} else if (mm_fault(mm, va, write ? VCPU_WRITE : VCPU_READ) != MM_FAULT_OK) {
			break;
		}
	}
	return out->bytes == 0 && n != 0 ? -LX_EFAULT : (int)out->count;
}

void user_unpin(struct user_pin *pin)
{
	/* Without an address space the pieces are our own memory. */
	for (unsigned i = 0; pin->mm && i < pin->count; i++) {
		uint8_t *host = pin->iov[i].iov_base;
		uint64_t left = pin->iov[i].iov_len;

		while (left > 0) {
			uint64_t piece =
			    MIN(left, PAGE_SIZE - ((uintptr_t)host & ~(uintptr_t)PAGE_MASK));

			unpin_page(pin->mm, host, pin->write);
			host += piece;
			left -= piece;
		}
	}
	pin->count = 0;
	pin->bytes = 0;
}
