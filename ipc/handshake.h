/* handshake.h: the first message of each side of a connection. */
#ifndef IPC_HANDSHAKE_H
#define IPC_HANDSHAKE_H

#include "ipc/codec.h"
#include "ipc/frame.h"

/* Sends our hello.  Blocking.  0 or a negative Linux errno. */
int ipc_hello_send(int fd, const struct ipc_service *service) MUST_CHECK;

/* Judges the peer's first message: 0, -IPC_EVERSION (logged, as a sentence for the user), or
 * -LX_EPROTO. */
int ipc_hello_check(const struct ipc_service *service, const struct ipc_frame *frame) MUST_CHECK;

#endif
