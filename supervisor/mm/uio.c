/*
 * uio.c: scatter/gather transfers (uaccess.h): one description for read, readv, pread and their
 * like, whose memory is the guest's or our own, consumed from the front.
 */
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"

#define IOV_MAX_COUNT 1024u
/* The most one call moves: MAX_RW_COUNT of Linux. */
#define IO_MAX (0x7fffffffULL & PAGE_MASK)

static void init_one(struct uio *u, struct mm *mm, uint64_t base, uint64_t len)
{
	u->mm = mm;
	u->seg = u->inline_seg;
	u->nseg = 1;
	u->seg[0] = (struct uio_seg){base, len};
	u->left = len;
	u->nofault = false;
	u->block = NULL;
}

void uio_init_user(struct uio *u, struct mm *mm, struct guest_ptr p, uint64_t len)
{
	init_one(u, mm, p.va, MIN(len, IO_MAX));
}

void uio_init_kernel(struct uio *u, void *p, uint64_t len)
{
	init_one(u, NULL, (uintptr_t)p, len);
}

struct lx_iovec {
	uint64_t base, len;
};

int uio_init_iovec(struct uio *u, struct mm *mm, struct guest_ptr iov, uint64_t count)
{
	uint64_t total = 0;
	int err = 0;

	init_one(u, mm, 0, 0);
	u->nseg = 0;
	if (count > IOV_MAX_COUNT)
		return -LX_EINVAL;
	if (count > ARRAY_LEN(u->inline_seg)) {
		u->block = malloc(count * sizeof(u->seg[0]));
		if (!u->block)
			return -LX_ENOMEM;
		u->seg = u->block;
	}
	_Static_assert(sizeof(struct lx_iovec) == sizeof(struct uio_seg), "copied as it is");
	err = copy_from_user(mm, u->seg, iov, count * sizeof(u->seg[0]));
	for (uint64_t i = 0; !err && i < count; i++) {
		if (u->seg[i].len > INT64_MAX)
			err = -LX_EINVAL;
		else if (u->seg[i].len != 0 && (u->seg[i].base >= mm->task_size ||
		                                u->seg[i].len > mm->task_size - u->seg[i].base))
			err = -LX_EFAULT;
		else
			u->seg[i].len = MIN(u->seg[i].len, IO_MAX - total);
		total += u->seg[i].len;
	}
	if (err) {
		uio_release(u);
		return err;
	}
	u->nseg = (unsigned)count;
	u->left = total;
	return 0;
}

void uio_release(struct uio *u)
{
	free(u->block);
	u->block = NULL;
	u->seg = u->inline_seg;
	u->nseg = 0;
	u->left = 0;
}

/* The first segment with anything in it, or NULL. */
static struct uio_seg *front(struct uio *u)
{
	while (u->nseg > 0 && u->seg->len == 0) {
		u->seg++;
		u->nseg--;
	}
	return u->nseg > 0 ? u->seg : NULL;
}

void uio_advance(struct uio *u, uint64_t n)
{
	struct uio_seg *s;

	while (n > 0 && (s = front(u)) != NULL) {
		uint64_t piece = MIN(n, s->len);

		s->base += piece;
		s->len -= piece;
		u->left -= piece;
		n -= piece;
	}
}

enum uio_op { UIO_FROM, UIO_TO, UIO_ZERO };

static int move_user(struct uio *u, uint64_t va, uint8_t *own, uint64_t n, enum uio_op op)
{
	struct guest_ptr p = guest_ptr(va);

	switch (op) {
	case UIO_FROM:
		return u->nofault ? copy_from_user_nofault(u->mm, own, p, n)
		                  : copy_from_user(u->mm, own, p, n);
	case UIO_TO:
		return u->nofault ? copy_to_user_nofault(u->mm, p, own, n)
		                  : copy_to_user(u->mm, p, own, n);
	default:
		return clear_user(u->mm, p, n);
	}
}

static void move_own(uint8_t *mem, uint8_t *own, uint64_t n, enum uio_op op)
{
	switch (op) {
	case UIO_FROM:
		guest_copy(own, mem, n);
		break;
	case UIO_TO:
		guest_copy(mem, own, n);
		break;
	default:
		memset(mem, 0, n);
		break;
	}
}

static int64_t move(struct uio *u, uint8_t *own, uint64_t n, enum uio_op op)
{
	uint64_t done = 0;
	struct uio_seg *s;

	while (done < n && (s = front(u)) != NULL) {
		uint64_t piece = MIN(n - done, s->len);

		if (u->mm) {
			/* Page by page, so that what was moved before bad memory counts. */
			piece = MIN(piece, PAGE_SIZE - (s->base & ~PAGE_MASK));
			if (move_user(u, s->base, own, piece, op) != 0)
				return done > 0 ? (int64_t)done : -LX_EFAULT;
		} else {
			move_own((uint8_t *)(uintptr_t)s->base, own, piece, op);
		}
		s->base += piece;
		s->len -= piece;
		u->left -= piece;
		done += piece;
		if (own)
			own += piece;
	}
	return (int64_t)done;
}

int64_t uio_from(struct uio *u, void *buf, uint64_t n)
{
	return move(u, buf, n, UIO_FROM);
}

int64_t uio_to(struct uio *u, const void *buf, uint64_t n)
{
	/* The buffer is only read; move serves all directions. */
	union {
		const void *in;
		uint8_t *out;
	} own = {.in = buf};

	return move(u, own.out, n, UIO_TO);
}

int64_t uio_zero(struct uio *u, uint64_t n)
{
	return move(u, NULL, n, UIO_ZERO);
}

int uio_prefault(struct uio *u, uint64_t n, bool write)
{
	bool any = false;

	if (!u->mm)
		return 0;
	front(u);
	for (unsigned i = 0; i < u->nseg && n > 0; i++) {
		uint64_t va = u->seg[i].base, end = va + MIN(n, u->seg[i].len);

		n -= end - va;
		for (; va < end; va = round_down_u64(va, PAGE_SIZE) + PAGE_SIZE) {
			uint8_t byte;

			if (copy_from_user(u->mm, &byte, guest_ptr(va), 1) != 0 ||
			    (write && mm_fault(u->mm, va, VCPU_WRITE) != MM_FAULT_OK))
				return any ? 0 : -LX_EFAULT;
			any = true;
		}
	}
	return 0;
}

int uio_pin(struct uio *u, bool write, struct user_pin *out)
{
	struct uio_seg *s = front(u);

	if (!u->mm) {
		out->mm = NULL;
		out->count = 0;
		out->bytes = 0;
		out->write = write;
		for (; s && out->count < ARRAY_LEN(out->iov) && out->count < u->nseg; s++) {
			out->iov[out->count++] = (struct iovec){(void *)(uintptr_t)s->base, s->len};
			out->bytes += s->len;
		}
		return (int)out->count;
	}
	if (!s) {
		out->mm = u->mm;
		out->count = 0;
		out->bytes = 0;
		out->write = write;
		return 0;
	}
	return user_pin(u->mm, guest_ptr(s->base), s->len, write, out);
}
