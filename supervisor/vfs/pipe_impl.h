/*
 * pipe_impl.h: the inside of pipes, for fs_pipe.c, fifo.c and pipe_ring.c only.
 *
 * A pipe is a ring of slots, each holding at most one 4 KiB page, so that capacity, atomic
 * writes and packets behave as on Linux: a short write joins the last page when it fits there
 * as a whole, otherwise it takes a new slot.
 */
#ifndef SUPERVISOR_VFS_PIPE_IMPL_H
#define SUPERVISOR_VFS_PIPE_IMPL_H

#include "supervisor/task/wait.h"
#include "supervisor/vfs/pipe.h"

#define PIPE_PAGE        4096u
#define PIPE_SPARE_PAGES 2u

struct pipe_slot {
	uint8_t *page;
	uint32_t off, len;
	bool packet; /* a read never goes beyond it, and drops what it does not take */
};

struct pipe {
	pthread_mutex_t lock; /* all fields down to the queues */
	struct pipe_slot *slots;
	uint32_t nslots; /* a power of two */
	uint32_t head, count;
	uint8_t *spare[PIPE_SPARE_PAGES];
	uint32_t readers, writers;           /* open files of each kind */
	uint32_t reader_opens, writer_opens; /* ever: what a blocking open waits for */
	uint32_t files;                      /* open files; protected by inode->lock */
	struct waitq read_wait, write_wait;  /* something to read or EOF; room or EPIPE */
};

/* One open file of a pipe. */
struct pipe_file {
	struct pipe *pipe;
	uint32_t writer_opens; /* at open: no POLLHUP before a first writer has come */
};

extern const struct file_ops pipe_fops; /* fs_pipe.c */

static inline struct pipe *pipe_of(const struct file *f)
{
	return ((struct pipe_file *)f->priv)->pipe;
}

static inline uint32_t pipe_file_flags(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
}

/* pipe_ring.c.  All but the first two: with the lock held. */
struct pipe *pipe_alloc(void); /* NULL: no memory */
void pipe_free(struct pipe *p);
bool pipe_full(const struct pipe *p);
/* The slot at that distance from the front. */
struct pipe_slot *pipe_slot_at(struct pipe *p, uint32_t index);
void pipe_drop_first_slot(struct pipe *p);
/* Appends n <= PIPE_PAGE bytes to the last page, if they fit there as a whole. */
bool pipe_merge(struct pipe *p, const uint8_t *data, uint32_t n);
/* Puts n <= PIPE_PAGE bytes into a new slot, which there must be; 0 or -LX_ENOMEM. */
int pipe_push(struct pipe *p, const uint8_t *data, uint32_t n, bool packet) MUST_CHECK;
uint64_t pipe_bytes(struct pipe *p);
/* Moves the slots into a ring of n, a power of two; -LX_EBUSY, -LX_ENOMEM. */
int pipe_resize(struct pipe *p, uint32_t n) MUST_CHECK;

/* fifo.c: opens.  The inode's pipe with one more open file, made if there is none (NULL: no
 * memory), and with one less, which may be its end. */
struct pipe *pipe_attach(struct inode *inode);
void pipe_detach(struct inode *inode, struct pipe *p);
/* Counts an open.  Returns how often the other side had been opened by then, or one less if it
 * is open: the count differs from that as soon as there is, or has been, somebody to meet. */
uint32_t pipe_enter(struct pipe *p, uint32_t flags);
/* Takes back what an open of this access mode counted. */
void pipe_leave(struct pipe *p, uint32_t flags);

#endif
