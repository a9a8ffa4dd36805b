/*
 * frame.h: messages on a Unix stream socket, with their descriptors.
 *
 * Descriptors arrive somewhere near the first byte of their message, exactly where differs
 * between systems; but they arrive in order.  So each header says how many descriptors its
 * message has, and the receiver deals them out from a queue.  A descriptor is owned by exactly
 * one place at any moment: the queue, a struct ipc_frame, or whoever took it.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "ipc/ipc.h"

/* The receiving half of a connection. */
struct ipc_stream {
	int fd; /* borrowed */
	uint8_t *buf;
	size_t start, end, cap; /* received and not yet handed out: buf[start..end) */
	int queue[2 * IPC_MAX_FDS];
	unsigned queued;
};

/* One message.  body points into the stream's buffer until the next ipc_stream_fill. */
struct ipc_frame {
	const uint8_t *body;
	uint32_t len;
	struct ipc_fds fds;
};

int ipc_stream_init(struct ipc_stream *s, int fd) MUST_CHECK;
/* Frees the buffer and closes queued descriptors; not s->fd.  Harmless after a failed init. */
void ipc_stream_release(struct ipc_stream *s);

/* Receives once.  1 something came, 0 end of stream, or a negative Linux errno: -LX_EAGAIN (only
 * with wait false), -LX_EPROTO for too many descriptors, -LX_ENOMEM. */
int ipc_stream_fill(struct ipc_stream *s, bool wait) MUST_CHECK;

/* Takes the next complete message: 1, or 0 if more must be received first, or -LX_EPROTO. */
int ipc_stream_next(struct ipc_stream *s, struct ipc_frame *frame) MUST_CHECK;

/* Sends bytes [*done, len) of a finished message, its descriptors with the first of them, and
 * advances *done.  0 when all is sent, -LX_EAGAIN (only with wait false), or another negative
 * errno; a message sent in part leaves the stream useless.  fds are borrowed. */
int ipc_frame_send(int fd, const uint8_t *msg, size_t len, size_t *done, const int *fds,
                   unsigned fd_count, bool wait) MUST_CHECK;

#endif
