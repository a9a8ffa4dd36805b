/*
 * ipc.h: typed messages between carrick's processes.
 *
 * A message is a 32-bit little-endian word (length in the low 24 bits, number of descriptors in
 * the high 8) and one msgpack array [kind, id, op, fields...] on a Unix stream socket; its
 * descriptors ride along by SCM_RIGHTS.
 * The schemas ops_*.def generate, for each operation `lookup` of service `fsd`:
 *
 *   struct fsd_lookup_req, struct fsd_lookup_rep       byte fields are struct ipc_bytes
 *   int64_t fsd_call_lookup(struct ipc_client *, const struct fsd_lookup_req *,
 *                       struct fsd_lookup_rep *, struct ipc_reply *)       client (ipc/client.h)
 *   int64_t fsd_do_lookup(struct fsd_session *, const struct fsd_lookup_req *,
 *                       struct fsd_lookup_rep *, struct ipc_fds *in, struct ipc_fds *out)  server
 *
 * (ipc/gen_types.inc lists all that is generated, ipc/gen_handlers.inc is for servers.)
 * A decoder consumes the whole message or rejects it.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "common/base.h"

#define IPC_VERSION     1
#define IPC_MAX_MESSAGE (1u << 20)
#define IPC_MAX_FDS     64
#define IPC_BULK_SIZE   (16u << 20) /* bytes of a session's shared bulk region */
#define IPC_BULK_MIN    4096u       /* payloads from this size on go through it */
#define IPC_MAX_READ    (1u << 20)

/* Beyond Linux's numbers: the peer is gone or spoke nonsense.  The supervisor's service clients
 * turn it into a new session; a guest never sees it. */
#define IPC_EGONE    600
#define IPC_EVERSION 601 /* the peer speaks another version of the protocol */

/* Borrowed bytes: they lie in the message (or the caller's memory) and live as long as it. */
struct ipc_bytes {
	const uint8_t *data;
	uint32_t len;
};

/* A C string's bytes without its NUL; s may be NULL (no bytes). */
static inline struct ipc_bytes ipc_bytes_of(const char *s)
{
	return (struct ipc_bytes){(const uint8_t *)s, s ? (uint32_t)strlen(s) : 0};
}

/* Attributes of a file-system object.  Times in nanoseconds since 1970; sizes in bytes;
 * blocks of 512 bytes; rdev as arm64 Linux encodes it (makedev(3)). */
struct ipc_attr {
	uint64_t ino;
	uint32_t mode; /* type and permission bits, inode(7) */
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t rdev;
	uint64_t size;
	uint64_t blocks;
	uint32_t blksize;
	int64_t atime, mtime, ctime;
	uint64_t dev; /* tells mounts apart; small number */
};

/* Descriptors that travel with a message.  Whoever holds the struct owns them: take one with
 * ipc_fds_take, close the rest with ipc_fds_close. */
struct ipc_fds {
	int fd[IPC_MAX_FDS];
	unsigned count;
};
/* Takes descriptor i out; -1 if there is none. */
int ipc_fds_take(struct ipc_fds *fds, unsigned i);
void ipc_fds_close(struct ipc_fds *fds);
/* Appends fd, which now belongs to fds; false (and fd closed) when it is full or fd is negative. */
bool ipc_fds_add(struct ipc_fds *fds, int fd);

#endif
