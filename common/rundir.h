/*
 * rundir.h: where a user's services are found.
 *
 * Services of one user and one store share a directory: $CARRICK_RUNTIME_DIR, else
 * $XDG_RUNTIME_DIR/carrick, else /tmp/carrick-UID; mode 0700 and owned by the user, or it is
 * refused.  A service's socket is NAME-HASH.sock there, HASH telling stores apart.
 *
 * Whoever needs a service connects to its socket.  If nobody listens, it takes the lock file
 * NAME-HASH.lock, binds the socket itself and starts the service with the listening socket as
 * descriptor 3 (`carrick-fsd --listen-fd=3`), so that connections queue from the first moment.
 * A service that has been idle for a while closes the socket and exits; a client whose
 * connection is reset before the handshake starts over.
 */
#ifndef COMMON_RUNDIR_H
#define COMMON_RUNDIR_H

#include "common/base.h"

#define RUNDIR_PATH_MAX 104 /* fits sockaddr_un.sun_path */

/* The image store's directory: $CARRICK_HOME, else $XDG_DATA_HOME/carrick, else
 * ~/.local/share/carrick.  0, or a negative host errno (no home directory: -ENOENT). */
int store_path(char *out, size_t size) MUST_CHECK;

/* Makes the runtime directory if need be, checks that it is ours alone, and writes the path of
 * the service's socket.  -EPERM: the directory is somebody else's or open to others;
 * -ENAMETOOLONG; other negative host errno. */
int rundir_socket_path(const char *service, char out[RUNDIR_PATH_MAX]) MUST_CHECK;

#endif
