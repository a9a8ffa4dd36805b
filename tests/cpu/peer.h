/*
 * peer.h: the other AArch64 implementation of a comparison: guest.c under qemu-aarch64.
 */
#ifndef TESTS_CPU_PEER_H
#define TESTS_CPU_PEER_H

#include "tests/cpu/wire.h"

#include <stddef.h>

struct peer {
	const char *emulator; /* "qemu-aarch64-static" or a path */
	const char *cpu;      /* its -cpu */
	const char *guest;    /* the static program */
};

/* Runs the cases, n <= WIRE_MAX_CASES.  0, or -1 with a message on stderr. */
int peer_run(const struct peer *peer, const struct wire_case *cases, size_t n,
             struct wire_result *results);

#endif
