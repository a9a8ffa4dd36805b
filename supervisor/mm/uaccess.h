/*
 * uaccess.h: checked access to guest memory.  A guest address is a struct guest_ptr and
 * cannot be dereferenced; every access can fail with -LX_EFAULT.
 */
#ifndef SUPERVISOR_MM_UACCESS_H
#define SUPERVISOR_MM_UACCESS_H

#include <sys/uio.h>

#include "common/base.h"

struct mm;

struct guest_ptr {
	uint64_t va;
};

static inline struct guest_ptr guest_ptr(uint64_t va)
{
	return (struct guest_ptr){va};
}
static inline struct guest_ptr guest_ptr_add(struct guest_ptr p, uint64_t n)
{
	return (struct guest_ptr){p.va + n};
}
static inline bool guest_ptr_null(struct guest_ptr p)
{
	return p.va == 0;
}

/* Copies exactly n bytes; 0 or -LX_EFAULT (some bytes may then have been copied). */
int copy_from_user(struct mm *mm, void *dst, struct guest_ptr src, size_t n) MUST_CHECK;
int copy_to_user(struct mm *mm, struct guest_ptr dst, const void *src, size_t n) MUST_CHECK;
int clear_user(struct mm *mm, struct guest_ptr dst, size_t n) MUST_CHECK;
/* The same for callers that hold locks below mm.lock: -LX_EFAULT for memory not present too. */
int copy_from_user_nofault(struct mm *mm, void *dst, struct guest_ptr src, size_t n) MUST_CHECK;
int copy_to_user_nofault(struct mm *mm, struct guest_ptr dst, const void *src, size_t n) MUST_CHECK;
/* Copies a NUL-terminated string of at most size-1 bytes; returns its length,
 * -LX_ENAMETOOLONG, or -LX_EFAULT. */
int64_t strncpy_from_user(struct mm *mm, char *dst, struct guest_ptr src, size_t size) MUST_CHECK;

int get_user_u32(struct mm *mm, uint32_t *out, struct guest_ptr p) MUST_CHECK;
int get_user_u64(struct mm *mm, uint64_t *out, struct guest_ptr p) MUST_CHECK;
int put_user_u32(struct mm *mm, struct guest_ptr p, uint32_t v) MUST_CHECK;
int put_user_u64(struct mm *mm, struct guest_ptr p, uint64_t v) MUST_CHECK;
/* Atomic compare-and-exchange of a naturally aligned word (futexes); *old is what was there. */
int cmpxchg_user_u32(struct mm *mm, struct guest_ptr p, uint32_t expect, uint32_t desired,
                     uint32_t *old) MUST_CHECK;

/*
 * Pins guest memory for host I/O straight into it: fills iov with at most max pieces that
 * cover a prefix of [va, va+n), and returns the number of pieces; *pinned is the number of
 * bytes covered.  -LX_EFAULT if not even the first byte is accessible.  The frames stay
 * allocated until user_unpin, whatever the guest unmaps.
 */
struct user_pin {
	struct mm *mm;
	struct iovec iov[64];
	unsigned count;
	uint64_t bytes;
	bool write; /* the host writes into guest memory */
};
int user_pin(struct mm *mm, struct guest_ptr p, uint64_t n, bool write,
             struct user_pin *out) MUST_CHECK;
void user_unpin(struct user_pin *pin);

/*
 * A scatter/gather transfer between the kernel personality and guest or own memory, consumed
 * from the front.  Used by all read- and write-like file operations.
 */
struct uio_seg {
	uint64_t base; /* guest address, or host pointer when uio.mm is NULL */
	uint64_t len;
};
struct uio {
	struct mm *mm; /* NULL: the segments are our own memory */
	struct uio_seg *seg;
	unsigned nseg;
	uint64_t left;         /* bytes not yet transferred, over all segments */
	bool nofault;          /* transfers stop at guest memory that is not present */
	struct uio_seg *block; /* what uio_release frees; NULL with inline_seg */
	struct uio_seg inline_seg[8];
};
void uio_init_user(struct uio *u, struct mm *mm, struct guest_ptr p, uint64_t len);
void uio_init_kernel(struct uio *u, void *p, uint64_t len);
/* Copies in a guest iovec array (struct lx_iovec, 16 bytes each); release with uio_release.
 * -LX_EINVAL for more than 1024 or a negative or too large total, -LX_EFAULT. */
int uio_init_iovec(struct uio *u, struct mm *mm, struct guest_ptr iov, uint64_t count) MUST_CHECK;
void uio_release(struct uio *u);
/* Transfers up to n bytes between buf and the front of u and consumes them.  Returns the bytes
 * moved (short only at the end of u or at inaccessible memory), -LX_EFAULT if none could. */
int64_t uio_from(struct uio *u, void *buf, uint64_t n) MUST_CHECK;     /* u -> buf (write(2)) */
int64_t uio_to(struct uio *u, const void *buf, uint64_t n) MUST_CHECK; /* buf -> u (read(2)) */
int64_t uio_zero(struct uio *u, uint64_t n) MUST_CHECK;
/* Makes the front of u, up to n bytes, present, so that a transfer without faults (inside
 * pagecache_write) is likely to succeed.  write: the transfer will write into it.  -LX_EFAULT if
 * not even the first byte is accessible. */
int uio_prefault(struct uio *u, uint64_t n, bool write) MUST_CHECK;
/* Pins the front of u for host I/O; then uio_advance by what the host transferred. */
int uio_pin(struct uio *u, bool write, struct user_pin *out) MUST_CHECK;
void uio_advance(struct uio *u, uint64_t n);

#endif
