/* run_options.c: the options of `carrick run`, as a table. */
#include "supervisor/cli/run.h"

#define ROW(kind, letter, name, metavar, help, field) \
	{OPTION_##kind, letter, name, metavar, help, offsetof(struct run_options, field)}
#define HEADING(text) {OPTION_HEADING, 0, text, NULL, NULL, 0}

const struct option_row run_option_rows[] = {
	HEADING("Terminal and process"),
	ROW(FLAG, 'i', "interactive", NULL, "keep standard input open for the guest", interactive),
	ROW(FLAG, 't', "tty", NULL, "give the guest a terminal", tty),
	ROW(LIST, 'e', "env", "NAME=VALUE", "set a variable (NAME alone: take it from here)", env),
	ROW(LIST, 0, "env-file", "FILE", "set variables from a file, one NAME=VALUE a line", env_file),
	ROW(STRING, 'w', "workdir", "DIR", "start in this directory of the guest", workdir),
	ROW(STRING, 'u', "user", "USER[:GROUP]", "run as this user of the guest, by name or number", user),
	ROW(STRING, 0, "entrypoint", "PROGRAM", "replace the image's entrypoint (\"\" removes it)", entrypoint),
	ROW(STRING, 0, "stop-signal", "SIGNAL", "signal that asks the guest to stop", stop_signal),
	ROW(FLAG, 0, "init", NULL, "run an init process that reaps orphans", init),
	HEADING("Container"),
	ROW(STRING, 0, "name", "NAME", "name the container", name),
	ROW(FLAG, 0, "rm", NULL, "remove the container's changes when it ends", rm),
	ROW(STRING, 'h', "hostname", "NAME", "the guest's host name", hostname),
	ROW(STRING, 0, "platform", "OS/ARCH", "which of an image's platforms (linux/arm64)", platform),
	HEADING("Files"),
	ROW(LIST, 'v', "volume", "SOURCE:TARGET[:ro]", "show a host path or a named volume in the guest", volume),
	ROW(LIST, 0, "mount", "type=...,source=...,target=...", "the same in words; types bind, volume, tmpfs", mount),
	ROW(LIST, 0, "tmpfs", "TARGET[:OPTIONS]", "a file system in memory (size=64m,mode=1777)", tmpfs),
	ROW(FLAG, 0, "read-only", NULL, "make the root file system read-only", read_only),
	ROW(STRING, 0, "fs", "direct|strict", "let the guest's supervisor hold files, or move all data through fsd", fs),
	HEADING("Network"),
	ROW(STRING, 0, "network", "none|host", "no network but its own loopback, or the host's", network),
	ROW(STRING, 0, "net-io", "direct|strict", "let the supervisor hold sockets, or move all data through netd", net_io),
	HEADING("Limits"),
	ROW(BYTES, 'm', "memory", "BYTES", "memory, such as 512m or 2g", memory),
	ROW(NUMBER, 0, "pids-limit", "N", "processes and threads", pids_limit),
	ROW(DECIMAL, 0, "cpus", "N", "processors, such as 1.5", cpus),
	HEADING("CPU and containment"),
	ROW(STRING, 0, "engine", "NAME", "soft, soft-interp, kvm or hvf (default: $CARRICK_ENGINE, or what `carrick info` says)", engine),
	ROW(STRING, 0, "jit", "on|off", "translate code, or interpret it", jit),
	ROW(STRING, 0, "windows", "auto|off|always",
	    "which programs get memory at hardware speed: those that compute, none, all", windows),
	ROW(BYTES, 0, "jit-cache", "BYTES", "memory for translated code (256m)", jit_cache),
	ROW(FLAG, 0, "jit-stats", NULL, "tell at the end what the translator did", jit_stats),
	ROW(STRING, 0, "aot", "on|off", "keep translated code for the image's next start", aot),
	ROW(STRING, 0, "aslr", "container|exec", "randomise addresses once per container, or at each exec", aslr),
	ROW(STRING, 0, "sandbox", "auto|require", "require: refuse to run unless every layer can be applied", sandbox),
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};
