/*
 * boot.h: from the monitor's `start` to the guest's first program.
 *
 * main.c reads the message and calls guest_boot, which builds the guest and its first task.  That
 * task, on its own thread, mounts the file systems (mounts.c), looks its user up (user.c) and
 * executes the command (init.c).
 */
#ifndef SUPERVISOR_BOOT_BOOT_H
#define SUPERVISOR_BOOT_BOOT_H

#include "ipc/ipc.h"
#include "supervisor/guest.h"
#include "supervisor/spec.h"
#include "supervisor/task/task.h"

/* Exit statuses as Docker's. */
#define BOOT_EXIT_FAILED     125
#define BOOT_EXIT_CANNOT_RUN 126
#define BOOT_EXIT_NOT_FOUND  127

/* How the guest's story is told to the monitor. */
struct boot_events {
	/* The guest cannot start: one sentence, and the status carrick ends with. */
	void (*failed)(void *opaque, uint32_t exit_status, const char *message);
	void *opaque;
};

/* What `start` brought along; the descriptors are taken out of it. */
struct boot_request {
	struct guest_spec *spec; /* taken over */
	struct ipc_fds *fds;
	struct boot_events events;
};

/* Facts about the host that are asked before the sandbox closes. */
struct boot_host {
	uint32_t ncpus;
	uint64_t ram; /* bytes */
	uint64_t max_mappings; /* of a process */
};

/* Builds the guest and lets its first task go.  On failure *why is a sentence (static). */
int guest_boot(struct boot_request *req, const struct boot_host *host, struct guest **out,
	       const char **why) MUST_CHECK;
/* A signal for the container from outside. */
void guest_signal(struct guest *g, int sig);
/* Waits until init and everything else has ended; its wait status. */
int32_t guest_wait(struct guest *g);

/* Everything below runs on the first task's thread. */

/* A sentence for the user and the exit status that goes with it; the first one counts. */
struct boot_failure {
	uint32_t status;
	char message[512];
};
int boot_fail(struct boot_failure *f, uint32_t status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Root, /proc, /sys, /dev and what the specification asks for; files in /etc. */
int boot_mounts(struct task *t, struct boot_failure *f) MUST_CHECK;

/* Who the first program runs as. */
struct boot_user {
	uint32_t uid, gid;
	uint32_t *groups;
	uint32_t ngroups;
	char *home; /* from passwd, or "/" */
};
/* Looks text ("name", "uid", "name:group"...) up in the image.  boot_user_release frees; on failure
 * there is nothing to free. */
int boot_user_lookup(struct task *t, const char *text, struct boot_user *out, struct boot_failure *f)
	MUST_CHECK;
void boot_user_release(struct boot_user *u);
/* The same on given texts of passwd and group: for tests. */
int boot_user_parse(const char *passwd, const char *group, const char *text, struct boot_user *out,
		    struct boot_failure *f) MUST_CHECK;

/* Becomes the command of the specification; on failure f says why. */
int boot_exec(struct task *t, struct boot_failure *f) MUST_CHECK;

#endif
