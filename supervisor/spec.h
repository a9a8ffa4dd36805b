/*
 * spec.h: what the monitor tells a supervisor to run: the fields of ops_ctl.def's `start`,
 * as a JSON object with these names.
 */
#ifndef SUPERVISOR_SPEC_H
#define SUPERVISOR_SPEC_H

#include "common/base.h"

struct guest_mount_spec {
	char *target;    /* absolute path in the guest */
	char *type;      /* "tmpfs" or "bind" */
	uint64_t node;   /* bind: fsd's root node */
	bool read_only;
	char *options;   /* tmpfs: "size=64m,mode=1777" */
};

struct guest_spec {
	char **argv; /* NULL-terminated, at least one */
	char **env;
	char *cwd;
	char *user; /* "name", "uid", "uid:gid", "name:group"; looked up in the guest's /etc/passwd */
	char *hostname;
	char *domainname;
	char *name;      /* the container's, for messages */
	char *engine;    /* "soft", "soft-interp", "kvm", "hvf" or "" */
	char *trace;     /* "", "text" or "json" */
	char *resolv_conf, *hosts; /* contents, NULL: leave the image's */
	bool tty, interactive, read_only, init;
	bool fs_strict, net_none, aslr_exec;
	bool compat_report;
	bool jit_stats; /* told on standard error at the end */
	bool jit_off, no_window, window_eager;
	uint64_t memory; /* bytes, 0: no limit of its own */
	uint32_t pids;   /* 0: none */
	double cpus;     /* 0: none */
	uint32_t rows, columns; /* tty */
	uint64_t jit_cache;
	/* Which of `start`'s descriptors they are, 0: there is none.  aot: translations of earlier
	 * runs; aot_wishes: where to note what should be among them the next time (vcpu.h). */
	uint32_t aot, aot_wishes;
	struct guest_mount_spec *mounts;
	size_t nmounts;
};

/* Parses the JSON text; *out owns everything.  -LX_EINVAL with *why a sentence (static). */
int guest_spec_parse(const uint8_t *json, size_t len, struct guest_spec **out, const char **why)
	MUST_CHECK;
void guest_spec_free(struct guest_spec *spec);

#endif
