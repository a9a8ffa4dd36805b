/*
 * run_spec.c: the guest's specification from the image's configuration and the command line, by
 * Docker's rules: a command replaces Cmd, --entrypoint replaces Entrypoint and drops Cmd,
 * variables of the command line win over the image's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "supervisor/cli/run.h"
#include "supervisor/cli/terminal.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int signal_number(const char *text)
{
	/* The guest's numbers; those of x86-64 and arm64 Linux are the same. */
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},	{"TRAP", 5},  {"ABRT", 6},    {"BUS", 7},
		{"FPE", 8},   {"KILL", 9},  {"USR1", 10}, {"SEGV", 11}, {"USR2", 12}, {"PIPE", 13},   {"ALRM", 14},
		{"TERM", 15}, {"CHLD", 17}, {"CONT", 18}, {"STOP", 19}, {"TSTP", 20}, {"TTIN", 21},   {"TTOU", 22},
		{"URG", 23},  {"XCPU", 24}, {"XFSZ", 25}, {"PROF", 27}, {"WINCH", 28}, {"IO", 29},    {"PWR", 30},
		{"SYS", 31},  {"RTMIN", 34}, {"RTMIN+3", 37}, {"RTMIN+4", 38}, {"RTMAX", 64},
	};
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && !*end)
		return number >= 1 && number <= 64 ? (int)number : 0;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, text) == 0)
			return names[i].number;
	return 0;
}

int run_stop_signal(const struct verb *verb, const struct run_options *opts, const json_t *image_config)
{
	const char *image = json_string_value(json_object_get(json_object_get(image_config, "config"), "StopSignal"));
	const char *text = opts->stop_signal ? opts->stop_signal : image ? image : "SIGTERM";
	int number = signal_number(text);

	if (number == 0)
		cli_usage_error(verb, "\"%s\" is no signal", text);
	return number;
}

/* The variable's name: the bytes before '='. */
static size_t name_length(const char *text)
{
	return strcspn(text, "=");
}

/* Sets NAME=VALUE in the list, in place of an earlier one of that name. */
static void env_set(json_t *env, const char *text)
{
	size_t len = name_length(text);

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *old = json_string_value(json_array_get(env, i));

		if (old && name_length(old) == len && strncmp(old, text, len) == 0) {
			json_array_set_new(env, i, json_string_nocheck(text));
			return;
		}
	}
	json_array_append_new(env, json_string_nocheck(text));
}

static bool env_has(const json_t *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *text = json_string_value(json_array_get(env, i));

		if (text && name_length(text) == len && strncmp(text, name, len) == 0)
			return true;
	}
	return false;
}

/* NAME=VALUE as it is; NAME alone takes this process's value, or nothing. */
static void env_set_or_take(json_t *env, const char *text)
{
	const char *value;
	char *pair;

	if (strchr(text, '=')) {
		env_set(env, text);
		return;
	}
	value = getenv(text);
	if (!value || asprintf(&pair, "%s=%s", text, value) < 0)
		return;
	env_set(env, pair);
	free(pair);
}

static bool env_read_file(const struct verb *verb, json_t *env, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file) {
		cli_usage_error(verb, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while ((len = getline(&line, &size, file)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = 0;
		if (line[0] && line[0] != '#')
			env_set_or_take(env, line);
	}
	free(line);
	fclose(file);
	return true;
}

static json_t *build_env(const struct verb *verb, const struct run_options *opts, const json_t *config)
{
	json_t *env = json_array(), *image_env = json_object_get(config, "Env"), *item;
	size_t i;

	json_array_foreach(image_env, i, item)
		if (json_is_string(item))
			env_set(env, json_string_value(item));
	if (!env_has(env, "PATH"))
		env_set(env, DEFAULT_PATH);
	if (opts->tty && !env_has(env, "TERM"))
		env_set(env, "TERM=xterm");
	for (i = 0; i < opts->env_file.count; i++) {
		if (!env_read_file(verb, env, opts->env_file.item[i])) {
			json_decref(env);
			return NULL;
		}
	}
	for (i = 0; i < opts->env.count; i++)
		env_set_or_take(env, opts->env.item[i]);
	return env;
}

static void append_all(json_t *to, const json_t *from)
{
	json_t *item;
	size_t i;

	json_array_foreach(from, i, item)
		if (json_is_string(item))
			json_array_append(to, item);
}

static json_t *build_argv(const struct verb *verb, const struct run_options *opts, const json_t *config,
			  int nwords, char **words)
{
	json_t *argv = json_array();

	if (opts->entrypoint) {
		if (opts->entrypoint[0])
			json_array_append_new(argv, json_string_nocheck(opts->entrypoint));
	} else {
		append_all(argv, json_object_get(config, "Entrypoint"));
	}
	for (int i = 0; i < nwords; i++)
		json_array_append_new(argv, json_string_nocheck(words[i]));
	if (nwords == 0 && !opts->entrypoint)
		append_all(argv, json_object_get(config, "Cmd"));
	if (json_array_size(argv) > 0)
		return argv;
	json_decref(argv);
	cli_usage_error(verb, "the image names no command to run; give one after the image");
	return NULL;
}

/* A word among permitted ones, or the first of them when absent. */
static const char *one_of(const struct verb *verb, const char *option, const char *value, const char *first,
			  const char *second)
{
	if (!value)
		return first;
	if (strcmp(value, first) == 0 || strcmp(value, second) == 0)
		return value;
	cli_usage_error(verb, "--%s takes %s or %s, not \"%s\"", option, first, second, value);
	return NULL;
}

/* Any bytes, as strings of the specification are (spec_text.h). */
static json_t *text_or(const char *text, const char *absent)
{
	return json_string_nocheck(text ? text : absent);
}

json_t *run_spec_build(const struct verb *verb, const struct run_options *opts, const json_t *image_config,
		       int nwords, char **words)
{
	const json_t *config = json_object_get(image_config, "config");
	const char *fs = one_of(verb, "fs", opts->fs, "direct", "strict");
	const char *jit = one_of(verb, "jit", opts->jit, "on", "off");
	const char *windows = opts->windows ? opts->windows : getenv("CARRICK_WINDOWS");
	bool never = windows && strcmp(windows, "off") == 0, always = windows && strcmp(windows, "always") == 0;
	const char *aot = one_of(verb, "aot", opts->aot, "on", "off");
	const char *aslr = one_of(verb, "aslr", opts->aslr, "container", "exec");
	const char *network = one_of(verb, "network", opts->network, "host", "none");
	const char *engine = opts->engine ? opts->engine : getenv("CARRICK_ENGINE");
	const char *cwd = opts->workdir, *user = opts->user;
	uint32_t rows = 24, columns = 80;
	json_t *argv, *env, *spec;

	if (!fs || !jit || !aot || !aslr || !network)
		return NULL;
	if (windows && !never && !always && strcmp(windows, "auto") != 0) {
		cli_usage_error(verb, "--windows takes auto, off or always, not \"%s\"", windows);
		return NULL;
	}
	argv = build_argv(verb, opts, config, nwords, words);
	if (!argv)
		return NULL;
	env = build_env(verb, opts, config);
	if (!env) {
		json_decref(argv);
		return NULL;
	}
	if (!cwd)
		cwd = json_string_value(json_object_get(config, "WorkingDir"));
	if (!user)
		user = json_string_value(json_object_get(config, "User"));
	if (opts->tty && !terminal_size(STDIN_FILENO, &rows, &columns))
		rows = 24;
	spec = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:f, "
			 "s:i, s:i, s:I, s:[]}",
			 "argv", argv, "env", env, "cwd", text_or(cwd && cwd[0] ? cwd : NULL, "/"), "user",
			 text_or(user, ""), "engine", text_or(engine, ""), "trace", text_or(opts->trace, ""), "name",
			 text_or(opts->name, ""), "tty", opts->tty, "interactive", opts->interactive,
			 "read_only", opts->read_only, "init", opts->init, "fs_strict", strcmp(fs, "strict") == 0,
			 "net_none", strcmp(network, "none") == 0, "aslr_exec", strcmp(aslr, "exec") == 0,
			 "compat_report", opts->compat_report, "jit_off", strcmp(jit, "off") == 0, "no_window",
			 never, "window_eager", always, "memory",
			 (json_int_t)opts->memory, "pids", (json_int_t)opts->pids_limit, "cpus", opts->cpus, "rows",
			 (int)rows, "columns", (int)columns, "jit_cache", (json_int_t)opts->jit_cache, "mounts");
	if (!spec)
		cli_error("out of memory");
	else if (opts->jit_stats)
		json_object_set_new(spec, "jit_stats", json_true());
	return spec;
}

void run_spec_set_hostname(json_t *spec, const char *hostname)
{
	json_t *env = json_object_get(spec, "env");
	char *pair;

	json_object_set_new(spec, "hostname", json_string_nocheck(hostname));
	if (env_has(env, "HOSTNAME") || asprintf(&pair, "HOSTNAME=%s", hostname) < 0)
		return;
	env_set(env, pair);
	free(pair);
}
