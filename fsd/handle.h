/*
 * handle.h: open files of a session.  Numbers are never used twice.
 */
#ifndef FSD_HANDLE_H
#define FSD_HANDLE_H

#include "common/lx/fcntl.h"
#include "fsd/tree.h"

/* The host's flags for the guest's access mode and synchronisation. */
int handle_host_flags(uint32_t flags);

/* Makes a handle of fd, which belongs to it (or is closed on failure: -LX_EMFILE, -LX_ENOMEM). */
int handle_new(struct fsd_session *s, struct node *n, int fd, uint32_t flags,
               struct handle **out) MUST_CHECK;
struct handle *handle_get(struct fsd_session *s, uint64_t id);
/* Closes it; a hidden file without further handles goes. */
void handle_close(struct fsd_session *s, struct handle *h);
void handles_close_all(struct fsd_session *s);

/* Policy direct: puts a copy of the handle's descriptor into out. */
int handle_donate(struct fsd_session *s, struct handle *h, struct ipc_fds *out) MUST_CHECK;

/* After copy-up: descriptors on the lower file now show the upper's (policy strict's reads). */
void handles_follow_copy_up(struct fsd_session *s, struct node *n);

#endif
