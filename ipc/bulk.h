/*
 * bulk.h: the shared memory through which payloads of 4 KiB and more travel.
 *
 * The server creates the region (a memfd sealed against resizing) and passes its descriptor; the
 * client allocates chunks and names them by offset and length in its requests.  Both sides see
 * the other's writes at any moment, so whoever takes decisions on content copies it out first;
 * plain file data may go straight between the region and the host.
 */
#ifndef IPC_BULK_H
#define IPC_BULK_H

#include "ipc/ipc.h"

#define IPC_BULK_MAX ((size_t)1 << 30)

struct ipc_bulk;

/* Server: creates and maps a region of size bytes (a multiple of 4 KiB, at most 1 GiB).  *fd is
 * a descriptor for the client and belongs to the caller.  0 or a negative Linux errno. */
int ipc_bulk_create(size_t size, struct ipc_bulk **out, int *fd) MUST_CHECK;

/* Client: maps the region behind fd, which stays the caller's and may be closed afterwards.
 * Refuses (-LX_EINVAL) what is not a sealed memfd of a sane size: touching it could fault. */
int ipc_bulk_open(int fd, struct ipc_bulk **out) MUST_CHECK;
void ipc_bulk_free(struct ipc_bulk *b);

/* Client: takes a chunk of at least len bytes (len > 0).  *off is its offset, always a multiple
 * of 4 KiB.  -LX_ENOMEM when no such run is free, -LX_EINVAL when len can never fit. */
int ipc_bulk_alloc(struct ipc_bulk *b, uint32_t len, uint64_t *off) MUST_CHECK;
/* As above, but waits for other threads to return chunks. */
int ipc_bulk_alloc_wait(struct ipc_bulk *b, uint32_t len, uint64_t *off) MUST_CHECK;
/* Returns a chunk; off and len as given to and by ipc_bulk_alloc. */
void ipc_bulk_return(struct ipc_bulk *b, uint64_t off, uint32_t len);

/* Both: len bytes at off, or NULL if they are not wholly inside the region. */
uint8_t *ipc_bulk_at(struct ipc_bulk *b, uint64_t off, uint32_t len);

#endif
