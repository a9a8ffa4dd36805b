/*
 * sandbox.h: gives up, for good, everything that a process does not need.
 *
 * A role says what it needs as a set of groups (SANDBOX_ALLOW_*), the directory trees it may
 * reach, and what it can be cut off from; sandbox_apply turns that into the layers this host has:
 * Linux: no_new_privs, resource limits, namespaces, capabilities, Landlock, seccomp; macOS:
 * Seatbelt.  Which layers took effect is reported, because an old kernel or a container's policy
 * may refuse some.  A forbidden system call kills the process; with CARRICK_SANDBOX=trap in the
 * environment it is named on stderr first.
 */
#ifndef COMMON_PLAT_SANDBOX_H
#define COMMON_PLAT_SANDBOX_H

#include "common/base.h"

enum {
	/* Memory that is not executable, time, signals to itself, waiting, reading and writing of
	 * descriptors that are open, messages with descriptors.  Every role has it. */
	SANDBOX_ALLOW_BASE = 1 << 0,
	SANDBOX_ALLOW_THREADS = 1 << 1,  /* starting threads */
	SANDBOX_ALLOW_FORK = 1 << 2,     /* child processes; waiting for and signalling them */
	SANDBOX_ALLOW_EXEC_MEM = 1 << 3, /* executable memory, for a JIT */
	SANDBOX_ALLOW_FILES = 1 << 4,    /* opening and changing files: in `trees` only */
	SANDBOX_ALLOW_ACCEPT = 1 << 5,   /* accepting on listening sockets it already has */
	SANDBOX_ALLOW_PAIRS = 1 << 6,    /* Unix socket pairs */
	SANDBOX_ALLOW_SOCKET_IO = 1
	                          << 7, /* options, names, sending and receiving on open sockets */
	SANDBOX_ALLOW_INET = 1 << 8,    /* making, binding and connecting internet sockets */
	SANDBOX_ALLOW_KVM = 1 << 9,     /* the ioctls of an open /dev/kvm */
	SANDBOX_ALLOW_SANDBOX =
	    1 << 10, /* tightening the sandbox further: for parents whose workers do */
	SANDBOX_ALLOW_TTY = 1 << 11, /* setting the modes of an open terminal */
};

/* Layers, as sandbox_apply reports them. */
enum sandbox_layer {
	SANDBOX_NO_NEW_PRIVS = 1 << 0,
	SANDBOX_LIMITS = 1 << 1,
	SANDBOX_NAMESPACES = 1 << 2,
	SANDBOX_CAPABILITIES = 1 << 3,
	SANDBOX_LANDLOCK = 1 << 4,
	SANDBOX_SECCOMP = 1 << 5,
	SANDBOX_ALL = (1 << 6) - 1,
};

/* A directory tree or file the role may reach, as an open descriptor (O_PATH will do). */
struct sandbox_tree {
	int fd;
	bool writable;
};

struct sandbox_profile {
	const char *role; /* "fsd worker", for messages */
	unsigned allow;   /* SANDBOX_ALLOW_* */
	const struct sandbox_tree *trees;
	unsigned tree_count;
	bool network; /* keeps the host's network; else it gets an empty network namespace */
	bool signals_outside;       /* may signal processes that it did not start confined */
	bool private_namespaces;    /* give it namespaces of its own (needs a single thread) */
	uint64_t keep_capabilities; /* bits 1 << CAP_*, if the process has them */
};

/* Applies every layer the host permits.  *applied gets the layers in force (SANDBOX_*).  With
 * require, a layer that cannot be applied is an error.  0, or a negative Linux errno after a
 * message naming the layer; the process may then be half confined and should end. */
int sandbox_apply(const struct sandbox_profile *profile, bool require,
                  unsigned *applied) MUST_CHECK;

/* "no_new_privs", "limits", "namespaces", "capabilities", "landlock", "seccomp". */
const char *sandbox_layer_name(enum sandbox_layer layer);

/* Finds out, in a child process, which layers sandbox_apply would apply here. */
unsigned sandbox_probe(void);

/* For --sandbox=require in a service that runs already: every layer is in force in this process
 * (in_force, from sandbox_apply), and a child of it can have every layer too. */
bool sandbox_suffices(unsigned in_force);

#endif
