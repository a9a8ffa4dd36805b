/*
 * relay.h: carries bytes both ways between the user's terminal and the guest's console, a
 * stream socket whose other end is the guest's pty.
 */
#ifndef SUPERVISOR_CLI_RELAY_H
#define SUPERVISOR_CLI_RELAY_H

#include "common/evloop.h"

#define RELAY_BUFFER 4096

struct relay {
	int socket; /* ours; -1 when there is none */
	struct evwatch from_user, from_guest;
	uint8_t pending[RELAY_BUFFER]; /* typed, not yet taken by the guest */
	size_t pending_len;
	bool user_done;
};

/* Starts carrying; socket becomes the relay's.  0 or a negative Linux errno. */
int relay_start(struct relay *r, struct evloop *loop, int socket) MUST_CHECK;
/* Carries what the guest has still written (the guest has ended), then closes. */
void relay_finish(struct relay *r);

#endif
