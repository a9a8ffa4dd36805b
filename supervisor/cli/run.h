/*
 * run.h: running a guest: the options of `carrick run` and its kin, the specification made from
 * them and the image's configuration, and the monitor that sees the guest through.
 */
#ifndef SUPERVISOR_CLI_RUN_H
#define SUPERVISOR_CLI_RUN_H

#include <jansson.h>

#include "supervisor/cli/options.h"

struct run_options {
	bool interactive, tty, rm, read_only, init;
	struct string_list env, env_file, volume, mount, tmpfs;
	const char *workdir, *user, *entrypoint, *name, *hostname, *network, *stop_signal;
	const char *engine, *fs, *net_io, *jit, *windows, *platform, *sandbox, *aslr, *aot, *trace, *root;
	uint64_t memory, pids_limit, jit_cache;
	double cpus;
	bool compat_report, jit_stats;
};

extern const struct option_row run_option_rows[];

/* Runs words (image first, then the command) with the options; the exit status for main. */
int run_guest(const struct verb *verb, struct run_options *opts, int nwords, char **words);

/* A mount asked for with -v, --mount or --tmpfs. */
struct mount_request {
	char *target;
	char *volume;  /* a named volume, or NULL */
	int fd;        /* a bind's opened source, or -1 */
	bool read_only;
	char *tmpfs_options; /* a tmpfs, or NULL */
};
struct mount_requests {
	struct mount_request *item;
	size_t count;
};
/* Reads the options; false after a message.  Owns the descriptors. */
bool mount_requests_parse(const struct verb *verb, const struct run_options *opts,
			  struct mount_requests *out) MUST_CHECK;
void mount_requests_release(struct mount_requests *m);

/* The JSON specification (supervisor/spec.h) for the image's configuration (OCI image
 * config, may be NULL), the options and the command words; NULL after a message. */
json_t *run_spec_build(const struct verb *verb, const struct run_options *opts, const json_t *image_config,
		       int nwords, char **words) MUST_CHECK;
/* Sets the guest's host name, and HOSTNAME unless it is set already. */
void run_spec_set_hostname(json_t *spec, const char *hostname);
/* The signal that stops the guest: --stop-signal, else the image's, else SIGTERM; 0 after a message. */
int run_stop_signal(const struct verb *verb, const struct run_options *opts, const json_t *image_config);
/* A signal's number from "SIGTERM", "TERM" or "15"; 0 if there is none. */
int signal_number(const char *text);

/* What the monitor needs to start a guest. */
struct monitor_config {
	json_t *spec;
	int fsd_session, fsd_bulk, netd_session, netd_bulk; /* become the monitor's */
	bool tty, interactive;
	bool require_sandbox; /* --sandbox=require */
	struct ipc_client *fsd; /* for crash reports */
	char container[65];     /* its id */
	int stop_signal;
	int aot, aot_wishes; /* translations.h; -1: none; stay the caller's */
};
/* Starts the supervisor and relays the terminal, signals and size until the guest has ended;
 * the exit status for main. */
int monitor_run(const struct monitor_config *config);

#endif
