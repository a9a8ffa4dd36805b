/*
 * cmd_run.c: `carrick run`, `run-elf`, `trace` and `compat-report`: a container from fsd, a network
 * session from netd, a specification, and then the monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/sandbox.h"
#include "ipc/fsd.h"
#include "ipc/netd.h"
#include "supervisor/cli/run.h"
#include "supervisor/cli/service.h"
#include "supervisor/cli/translations.h"

/* Flags of container_create and session_create. */
#define CONTAINER_REMOVE_UPPER 1u
#define SESSION_STRICT         2u
#define SESSION_REQUIRE_SANDBOX 4u

#define BIND_FDS_MAX (IPC_MAX_FDS - 1)


/* What has been obtained for the guest so far; -1 and NULL where nothing has. */
struct launch {
	struct ipc_client *fsd, *netd;
	json_t *image_config;
	json_t *mounts; /* fsd's roots for the binds, in their order */
	struct mount_requests requests;
	struct translations translations;
	struct monitor_config monitor;
};

static void launch_release(struct launch *l)
{
	int *fds[] = {&l->monitor.fsd_session, &l->monitor.fsd_bulk, &l->monitor.netd_session, &l->monitor.netd_bulk};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	mount_requests_release(&l->requests);
	json_decref(l->monitor.spec);
	json_decref(l->image_config);
	json_decref(l->mounts);
	if (l->fsd)
		ipc_client_free(l->fsd);
	if (l->netd)
		ipc_client_free(l->netd);
}

static bool read_image_config(struct launch *l, const char *reference, bool aot)
{
	struct fsd_image_config_req req = {.reference = ipc_bytes_of(reference)};
	struct fsd_image_config_rep rep;
	struct ipc_reply reply;
	char digest[128];
	int64_t ret = fsd_call_image_config(l->fsd, &req, &rep, &reply);

	if (ret == -LX_ENOENT) {
		cli_error("there is no image \"%s\" in the store; `carrick images` lists what is there, "
			  "`carrick load -i FILE` adds one",
			  reference);
		return false;
	}
	if (ret < 0) {
		cli_error("cannot read the image \"%s\": %s", reference, cli_strerror(ret));
		return false;
	}
	l->image_config = json_loadb((const char *)rep.config_json.data, rep.config_json.len, 0, NULL);
	snprintf(digest, sizeof(digest), "%.*s", (int)rep.digest.len, (const char *)rep.digest.data);
	ipc_reply_release(&reply);
	if (aot)
		translations_start(&l->translations, l->fsd, digest);
	if (!l->image_config)
		cli_error("the configuration of image \"%s\" is damaged; load it again", reference);
	return l->image_config != NULL;
}

/* fsd only tells binds apart by their order; a target that is no text loses its odd bytes there. */
static json_t *target_text(const char *target)
{
	json_t *text = json_string(target);
	char *plain = text ? NULL : strdup(target);

	for (char *p = plain; p && *p; p++)
		if ((uint8_t)*p >= 0x80)
			*p = '?';
	if (plain)
		text = json_string(plain);
	free(plain);
	return text;
}

static char *binds_text(const struct mount_requests *requests)
{
	json_t *binds = json_array();
	char *text;

	for (size_t i = 0; i < requests->count; i++) {
		const struct mount_request *r = &requests->item[i];
		json_t *bind;

		if (r->tmpfs_options)
			continue;
		bind = json_pack("{s:o, s:b}", "target", target_text(r->target), "readonly", r->read_only);
		if (r->volume)
			json_object_set_new(bind, "volume", json_string(r->volume));
		json_array_append_new(binds, bind);
	}
	text = json_dumps(binds, JSON_COMPACT);
	json_decref(binds);
	return text;
}

/* --sandbox=require, and a service that runs already has less. */
static void say_unconfined(const char *service)
{
	cli_error("%s cannot apply every sandbox layer; end it (it ends by itself when idle) and start it "
		  "where it can, or leave --sandbox=require out",
		  service);
}

static bool create_container(struct launch *l, const struct run_options *opts, const char *reference, int root_fd)
{
	char *binds = binds_text(&l->requests);
	int fds[IPC_MAX_FDS];
	unsigned count = 0;
	char short_id[13];
	struct fsd_container_create_req req = {
		.name = ipc_bytes_of(opts->name),
		.reference = ipc_bytes_of(reference),
		.read_only = opts->read_only,
		.flags = (opts->rm ? CONTAINER_REMOVE_UPPER : 0) |
			 (opts->fs && strcmp(opts->fs, "strict") == 0 ? SESSION_STRICT : 0) |
			 (l->monitor.require_sandbox ? SESSION_REQUIRE_SANDBOX : 0),
		.binds_json = ipc_bytes_of(binds),
	};
	struct fsd_container_create_rep rep;
	struct ipc_reply reply;
	int64_t ret;

	if (root_fd >= 0)
		fds[count++] = root_fd;
	for (size_t i = 0; i < l->requests.count && count < BIND_FDS_MAX; i++)
		if (l->requests.item[i].fd >= 0)
			fds[count++] = l->requests.item[i].fd;
	ret = fsd_callfds_container_create(l->fsd, &req, fds, count, &rep, &reply);
	free(binds);
	if (ret == -LX_EEXIST)
		cli_error("a container named \"%s\" exists; remove it with `carrick rm %s`", opts->name, opts->name);
	else if (ret == -LX_EOPNOTSUPP && l->monitor.require_sandbox)
		say_unconfined("carrick-fsd");
	else if (ret < 0)
		cli_error("cannot make the container: %s", cli_strerror(ret));
	if (ret < 0)
		return false;
	l->monitor.fsd_session = ipc_fds_take(&reply.fds, 0);
	l->monitor.fsd_bulk = ipc_fds_take(&reply.fds, 1);
	l->mounts = json_loadb((const char *)rep.mounts_json.data, rep.mounts_json.len, 0, NULL);
	l->monitor.fsd = l->fsd;
	snprintf(l->monitor.container, sizeof(l->monitor.container), "%.*s", (int)rep.id.len,
		 (const char *)rep.id.data);
	/* As Docker does: the first digits of the id, unless told otherwise. */
	snprintf(short_id, sizeof(short_id), "%.*s", (int)MIN(rep.id.len, 12u), (const char *)rep.id.data);
	run_spec_set_hostname(l->monitor.spec, opts->hostname ? opts->hostname : short_id);
	ipc_reply_release(&reply);
	return true;
}

static bool create_network(struct launch *l, const struct run_options *opts)
{
	struct netd_session_create_req req = {
		.mode = opts->network && strcmp(opts->network, "none") == 0 ? 0 : 1,
		.flags = (opts->net_io && strcmp(opts->net_io, "strict") == 0 ? SESSION_STRICT : 0) |
			 (l->monitor.require_sandbox ? SESSION_REQUIRE_SANDBOX : 0),
	};
	struct netd_session_create_rep rep;
	struct ipc_reply reply;
	int64_t ret;

	l->netd = service_connect(&netd_service);
	if (!l->netd)
		return false;
	ret = netd_call_session_create(l->netd, &req, &rep, &reply);
	if (ret == -LX_EOPNOTSUPP && l->monitor.require_sandbox) {
		say_unconfined("carrick-netd");
		return false;
	}
	if (ret < 0) {
		cli_error("cannot get a network session: %s", cli_strerror(ret));
		return false;
	}
	l->monitor.netd_session = ipc_fds_take(&reply.fds, 0);
	l->monitor.netd_bulk = ipc_fds_take(&reply.fds, 1);
	json_object_set_new(l->monitor.spec, "resolv_conf",
			    json_stringn((const char *)rep.resolv_conf.data, rep.resolv_conf.len));
	json_object_set_new(l->monitor.spec, "hosts", json_stringn((const char *)rep.hosts.data, rep.hosts.len));
	ipc_reply_release(&reply);
	return true;
}

/* Puts the mounts into the specification: binds with the nodes fsd gave them. */
static void add_mounts(struct launch *l)
{
	json_t *list = json_object_get(l->monitor.spec, "mounts");
	size_t bind = 0;

	for (size_t i = 0; i < l->requests.count; i++) {
		const struct mount_request *r = &l->requests.item[i];
		json_t *root, *entry;

		if (r->tmpfs_options) {
			entry = json_pack("{s:s, s:o, s:o, s:b}", "type", "tmpfs", "target",
					  json_string_nocheck(r->target), "options",
					  json_string_nocheck(r->tmpfs_options), "read_only", r->read_only);
		} else {
			root = json_array_get(l->mounts, bind++);
			entry = json_pack("{s:s, s:o, s:I, s:b}", "type", "bind", "target",
					  json_string_nocheck(r->target), "node",
					  json_integer_value(json_object_get(root, "node")), "read_only",
					  r->read_only);
		}
		json_array_append_new(list, entry);
	}
}

/* --sandbox=require: every layer must be there before anything of the guest is touched. */
static bool sandbox_layers_suffice(const struct verb *verb, const char *asked, bool *require)
{
	unsigned missing;

	if (!asked || strcmp(asked, "auto") == 0)
		return true;
	if (strcmp(asked, "require") != 0) {
		cli_usage_error(verb, "--sandbox takes auto or require, not \"%s\"", asked);
		return false;
	}
	*require = true;
	missing = SANDBOX_ALL & ~sandbox_probe();
	for (unsigned layer = 1; layer & SANDBOX_ALL; layer <<= 1)
		if (missing & layer)
			cli_error("this host does not permit the sandbox layer \"%s\"; `carrick info` lists them",
				  sandbox_layer_name((enum sandbox_layer)layer));
	return missing == 0;
}

static bool is_off(const char *option)
{
	return option && strcmp(option, "off") == 0;
}

static bool keeps_translations(const struct run_options *opts)
{
	return !is_off(opts->aot) && !is_off(opts->jit);
}

/* Everything between the parsed options and the running guest. */
static int launch_guest(const struct verb *verb, struct launch *l, struct run_options *opts, const char *reference,
			int root_fd, int nwords, char **words)
{
	if (opts->platform && strcmp(opts->platform, "linux/arm64") != 0 && strcmp(opts->platform, "linux/aarch64") != 0)
		return cli_usage_error(verb, "this carrick runs linux/arm64, not %s", opts->platform);
	if (!sandbox_layers_suffice(verb, opts->sandbox, &l->monitor.require_sandbox) || !mount_requests_parse(verb, opts, &l->requests))
		return EXIT_CARRICK;
	l->fsd = service_connect(&fsd_service);
	if (!l->fsd || (reference[0] && !read_image_config(l, reference, keeps_translations(opts))))
		return EXIT_CARRICK;
	l->monitor.spec = run_spec_build(verb, opts, l->image_config, nwords, words);
	l->monitor.stop_signal = run_stop_signal(verb, opts, l->image_config);
	if (!l->monitor.spec || l->monitor.stop_signal == 0)
		return EXIT_CARRICK;
	if (!create_container(l, opts, reference, root_fd) || !create_network(l, opts))
		return EXIT_CARRICK;
	add_mounts(l);
	l->monitor.tty = opts->tty;
	l->monitor.interactive = opts->interactive;
	l->monitor.aot = l->translations.file;
	l->monitor.aot_wishes = l->translations.wishes;
	return monitor_run(&l->monitor);
}

static int run_reference(const struct verb *verb, struct run_options *opts, const char *reference, int root_fd,
			 int nwords, char **words)
{
	struct launch l = {.translations = TRANSLATIONS_NONE,
			   .monitor = {.fsd_session = -1, .fsd_bulk = -1, .netd_session = -1, .netd_bulk = -1}};
	int status;

	if (opts->tty && !isatty(STDIN_FILENO))
		return cli_usage_error(verb, "-t needs a terminal on standard input, which is none; leave -t out");
	status = launch_guest(verb, &l, opts, reference, root_fd, nwords, words);
	translations_finish(&l.translations);
	launch_release(&l);
	return status;
}

int run_guest(const struct verb *verb, struct run_options *opts, int nwords, char **words)
{
	if (nwords < 1)
		return cli_usage_error(verb, "no image given");
	return run_reference(verb, opts, words[0], -1, nwords - 1, words + 1);
}

/* Adds the options in argv to *opts and runs what follows them. */
static int run_parsed(const struct verb *verb, struct run_options *opts, int argc, char **argv)
{
	int first = options_parse(verb, run_option_rows, opts, argc, argv), status;

	if (first < 0)
		return EXIT_CARRICK;
	status = run_guest(verb, opts, argc - first, argv + first);
	options_release(run_option_rows, opts);
	return status;
}

static int cmd_run(const struct verb *verb, int argc, char **argv)
{
	struct run_options opts = {0};

	return run_parsed(verb, &opts, argc, argv);
}

static void help_run(const struct verb *verb)
{
	(void)verb;
	options_print(run_option_rows);
	printf("\nExamples:\n"
	       "  carrick run --rm debian:12 /bin/echo hi         run a command and forget its changes\n"
	       "  carrick run --rm -it debian:12                  a shell on a terminal\n"
	       "  echo 'print(6*7)' | carrick run --rm -i IMAGE python3 -\n"
	       "  carrick run --rm -v $PWD:/work -w /work IMAGE make\n"
	       "  carrick run --rm --read-only --tmpfs /tmp --network none IMAGE sh -c 'id'\n"
	       "  carrick run --rm -e LANG=C.UTF-8 -u nobody -m 512m --pids-limit 64 IMAGE env\n"
	       "\nThe exit status is the guest command's; 125: carrick failed, 126: the command cannot be\n"
	       "executed, 127: it was not found, 128+N: signal N ended it.\n");
}

const struct verb verb_run = {"run", "[OPTIONS] IMAGE [COMMAND] [ARG...]", "Run a command in a new container",
			      cmd_run, help_run};

static const struct option_row run_elf_only_rows[] = {
	{OPTION_STRING, 0, "root", "DIR", "the guest's root directory (default: the program's own)",
	 offsetof(struct run_options, root)},
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};

/* words: the program and its arguments.  root: a directory, image:REF, or NULL: the program's own. */
static int run_elf_words(const struct verb *verb, struct run_options *opts, const char *root, int nwords,
			 char **words)
{
	char inside[4096], *slash, *owned = NULL;
	int root_fd, status;

	if (root && strncmp(root, "image:", 6) == 0)
		return run_reference(verb, opts, root + 6, -1, nwords, words);
	if (!root) {
		owned = realpath(words[0], NULL);
		if (!owned)
			return cli_error("cannot find %s: %s", words[0], strerror(errno));
		slash = strrchr(owned, '/');
		snprintf(inside, sizeof(inside), "%s", slash);
		words[0] = inside;
		*(slash == owned ? slash + 1 : slash) = 0;
		root = owned;
	}
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(owned);
	if (root_fd < 0)
		return cli_error("cannot open the root directory: %s", strerror(errno));
	status = run_reference(verb, opts, "", root_fd, nwords, words);
	close(root_fd);
	return status;
}

/* The program alone in a root: its directory, or --root, or an image given as --root image:REF. */
static int cmd_run_elf(const struct verb *verb, int argc, char **argv)
{
	struct run_options opts = {.rm = true};
	const char *root = NULL;
	int first = 1, status;

	if (argc > 1 && strncmp(argv[1], "--root=", 7) == 0) {
		root = argv[1] + 7;
		first = 2;
	} else if (argc > 2 && strcmp(argv[1], "--root") == 0) {
		root = argv[2];
		first = 3;
	}
	argv[first - 1] = argv[0];
	argc -= first - 1;
	argv += first - 1;
	first = options_parse(verb, run_option_rows, &opts, argc, argv);
	if (first < 0)
		return EXIT_CARRICK;
	status = first < argc ? run_elf_words(verb, &opts, root, argc - first, argv + first)
			      : cli_usage_error(verb, "no program given");
	options_release(run_option_rows, &opts);
	return status;
}

static void help_run_elf(const struct verb *verb)
{
	(void)verb;
	options_print(run_elf_only_rows);
	options_print(run_option_rows);
	printf("\nThe directory is only read; what the program writes is dropped when it ends.\n"
	       "--root comes first, and image:REFERENCE takes an image instead of a directory.\n"
	       "\nExamples:\n"
	       "  carrick run-elf ./hello-static\n"
	       "  carrick run-elf --root ~/arm64-root /usr/bin/env\n");
}

const struct verb verb_run_elf = {"run-elf", "[--root DIR|image:REF] [OPTIONS] PROGRAM [ARG...]",
				  "Run one arm64 program against a directory or an image", cmd_run_elf, help_run_elf};

static const struct option_row trace_rows[] = {
	{OPTION_STRING, 0, "format", "text|json", "a line of text, or a JSON object, per call",
	 offsetof(struct run_options, trace)},
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};

/* carrick trace [--format F] run ... */
static int cmd_trace(const struct verb *verb, int argc, char **argv)
{
	struct run_options traced = {.trace = "text"}, opts;
	int first = options_parse(verb, trace_rows, &traced, argc, argv);

	if (first < 0)
		return EXIT_CARRICK;
	if (strcmp(traced.trace, "text") != 0 && strcmp(traced.trace, "json") != 0)
		return cli_usage_error(verb, "--format takes text or json, not \"%s\"", traced.trace);
	if (first >= argc || strcmp(argv[first], "run") != 0)
		return cli_usage_error(verb, "what to trace must be a `run …`");
	argc -= first;
	argv += first;
	opts = (struct run_options){.trace = traced.trace};
	return run_parsed(&verb_run, &opts, argc, argv);
}

static void help_trace(const struct verb *verb)
{
	(void)verb;
	options_print(trace_rows);
	printf("\nEach system call of the guest is one line on standard error, threads and children included.\n"
	       "\nExamples:\n"
	       "  carrick trace run --rm debian:12 /bin/true\n"
	       "  carrick trace --format json run --rm debian:12 ls / 2>calls.jsonl\n");
}

const struct verb verb_trace = {"trace", "[--format text|json] run ...", "Show the system calls of a guest", cmd_trace,
				help_trace};

static int cmd_compat_report(const struct verb *verb, int argc, char **argv)
{
	struct run_options opts = {.compat_report = true, .rm = true};

	return run_parsed(verb, &opts, argc, argv);
}

static void help_compat_report(const struct verb *verb)
{
	(void)verb;
	printf("\nTakes the options of `carrick run`.  When the guest ends, the calls, flags, ioctls and /proc\n"
	       "paths that it asked for and that are missing or partial are listed on standard error with counts.\n"
	       "\nExample:\n  carrick compat-report debian:12 apt-get --version\n");
}

const struct verb verb_compat_report = {"compat-report", "[OPTIONS] IMAGE COMMAND [ARG...]",
					"Run a command and list what it asked for in vain", cmd_compat_report,
					help_compat_report};
