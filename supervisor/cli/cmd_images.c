/*
 * cmd_images.c: the store's verbs: load, import, images, tag, rmi, ps, rm.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "ipc/fsd.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/progress.h"
#include "supervisor/cli/service.h"

/* image_import's kinds. */
#define IMPORT_ARCHIVE 1u /* an OCI or Docker archive, or an OCI layout */
#define IMPORT_ROOTFS  2u /* a root file system: tar or directory */


struct import_options {
	const char *input, *platform, *tag;
	bool quiet;
	struct string_list change;
};

/* "-" and no name at all mean standard input. */
static int open_input(const char *path)
{
	if (!path || strcmp(path, "-") == 0) {
		if (isatty(STDIN_FILENO)) {
			cli_error("standard input is a terminal; name a file (-i FILE) or pipe one in");
			return -1;
		}
		return dup(STDIN_FILENO);
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		cli_error("cannot open %s: %s", path, strerror(errno));
	return fd;
}

/* One line an image, or a name of it. */
static void print_loaded(const struct ipc_bytes *names)
{
	const char *at = (const char *)names->data, *end = at + names->len;

	if (names->len == 0)
		printf("Loaded image: <none>\n");
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		printf("Loaded image: %.*s\n", (int)(stop - at), at);
		at = stop + 1;
	}
}

static int import_image(const struct import_options *o, int input, uint32_t kind, const char *reference,
			const char *config_json)
{
	struct fsd_image_import_req req = {
		.reference = ipc_bytes_of(reference),
		.kind = kind,
		.platform = ipc_bytes_of(o->platform ? o->platform : "linux/arm64"),
		.config_json = ipc_bytes_of(config_json),
	};
	struct fsd_image_import_rep rep;
	struct progress progress;
	struct ipc_reply reply;
	struct ipc_client *fsd = service_connect(&fsd_service);
	int fds[2] = {input, -1}, status = 0;
	int64_t ret;

	if (!fsd)
		return EXIT_CARRICK;
	if (!progress_start(&progress, o->quiet, &fds[1])) {
		ipc_client_free(fsd);
		return cli_error("cannot start: %s", strerror(errno));
	}
	ret = fsd_callfds_image_import(fsd, &req, fds, 2, &rep, &reply);
	close(fds[1]);
	progress_finish(&progress);
	if (ret < 0) {
		status = cli_error("%s", progress.error[0] ? progress.error : cli_strerror(ret));
	} else {
		if (!o->quiet)
			print_loaded(&rep.names);
		printf("%.*s\n", (int)rep.digest.len, (const char *)rep.digest.data);
		ipc_reply_release(&reply);
	}
	ipc_client_free(fsd);
	return status;
}

#define ROW(kind, letter, name, metavar, help, field) \
	{OPTION_##kind, letter, name, metavar, help, offsetof(struct import_options, field)}
static const struct option_row load_rows[] = {
	ROW(STRING, 'i', "input", "FILE", "the archive or layout directory (default: standard input)", input),
	ROW(STRING, 't', "tag", "REFERENCE", "name for the image (default: those in the archive)", tag),
	ROW(STRING, 0, "platform", "OS/ARCH", "which platform of a multi-platform image", platform),
	ROW(FLAG, 'q', "quiet", NULL, "print the digest only", quiet),
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};
static const struct option_row import_rows[] = {
	ROW(LIST, 'c', "change", "INSTRUCTION", "CMD, ENTRYPOINT, ENV, WORKDIR or USER for the image", change),
	ROW(FLAG, 'q', "quiet", NULL, "print the digest only", quiet),
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};
#undef ROW

static int cmd_load(const struct verb *verb, int argc, char **argv)
{
	struct import_options o = {0};
	int first = options_parse(verb, load_rows, &o, argc, argv), input, status;

	if (first < 0)
		return EXIT_CARRICK;
	if (first < argc && !o.input)
		o.input = argv[first++];
	if (first < argc)
		return cli_usage_error(verb, "unexpected word \"%s\"", argv[first]);
	input = open_input(o.input);
	if (input < 0)
		return EXIT_CARRICK;
	status = import_image(&o, input, IMPORT_ARCHIVE, o.tag ? o.tag : "", "");
	close(input);
	return status;
}

static void help_load(const struct verb *verb)
{
	(void)verb;
	options_print(load_rows);
	printf("\nReads OCI archives, OCI layouts and what `docker save` writes; gzip, zstd and xz.\n"
	       "\nExamples:\n  carrick load -i image.tar\n  skopeo copy docker://alpine oci-archive:alpine.tar && carrick load "
	       "-i alpine.tar -t alpine\n");
}

const struct verb verb_load = {"load", "[-i FILE] [-t REFERENCE]", "Add an image from an archive", cmd_load, help_load};

/* The words of an instruction: a JSON array, or a shell command line. */
static json_t *command_words(const char *text)
{
	json_t *words = json_loads(text, 0, NULL);

	if (json_is_array(words))
		return words;
	json_decref(words);
	return json_pack("[s,s,s]", "/bin/sh", "-c", text);
}

/* Applies "CMD [...]" and its kin, Dockerfile instructions, to an image configuration. */
static bool apply_change(const struct verb *verb, json_t *config, const char *text)
{
	size_t len = strcspn(text, " ");
	const char *value = text + len + strspn(text + len, " ");
	json_t *env;

	if (len == 3 && strncasecmp(text, "CMD", len) == 0) {
		json_object_set_new(config, "Cmd", command_words(value));
	} else if (len == 10 && strncasecmp(text, "ENTRYPOINT", len) == 0) {
		json_object_set_new(config, "Entrypoint", command_words(value));
	} else if (len == 7 && strncasecmp(text, "WORKDIR", len) == 0) {
		json_object_set_new(config, "WorkingDir", json_string(value));
	} else if (len == 4 && strncasecmp(text, "USER", len) == 0) {
		json_object_set_new(config, "User", json_string(value));
	} else if (len == 10 && strncasecmp(text, "STOPSIGNAL", len) == 0) {
		json_object_set_new(config, "StopSignal", json_string(value));
	} else if (len == 3 && strncasecmp(text, "ENV", len) == 0 && strchr(value, '=')) {
		env = json_object_get(config, "Env");
		json_array_append_new(env, json_string(value));
	} else {
		cli_usage_error(verb, "cannot apply the change \"%s\"", text);
		return false;
	}
	return true;
}

/* words: the tar file or directory, and the image's reference. */
static int import_words(const struct verb *verb, struct import_options *o, char **words)
{
	json_t *config = json_pack("{s:[], s:[s]}", "Env", "Cmd", "/bin/sh");
	int input, status;
	char *text;

	for (size_t i = 0; i < o->change.count; i++) {
		if (!apply_change(verb, config, o->change.item[i])) {
			json_decref(config);
			return EXIT_CARRICK;
		}
	}
	text = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	input = open_input(words[0]);
	status = input < 0 ? EXIT_CARRICK : import_image(o, input, IMPORT_ROOTFS, words[1], text);
	free(text);
	if (input >= 0)
		close(input);
	return status;
}

static int cmd_import(const struct verb *verb, int argc, char **argv)
{
	struct import_options o = {0};
	int first = options_parse(verb, import_rows, &o, argc, argv), status;

	if (first < 0)
		return EXIT_CARRICK;
	if (argc - first == 2)
		status = import_words(verb, &o, argv + first);
	else
		status = cli_usage_error(verb, "two words are needed: a tar file or directory (or -), and a reference");
	options_release(import_rows, &o);
	return status;
}

static void help_import(const struct verb *verb)
{
	(void)verb;
	options_print(import_rows);
	printf("\nExamples:\n  carrick import root.tar.zst mine:1\n  carrick import -c 'CMD [\"/bin/bash\"]' ./root-dir "
	       "mine:2\n");
}

const struct verb verb_import = {"import", "[OPTIONS] TAR|DIRECTORY|- REFERENCE",
				 "Make an image of a root file system", cmd_import, help_import};

static void print_size(json_int_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		size /= 1000;
		unit++;
	}
	printf("%.3g%s\n", size, units[unit]);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* One request whose reply is a JSON array; NULL after a message. */
static json_t *parse_array(const struct ipc_bytes *text)
{
	json_t *list = json_loadb((const char *)text->data, text->len, 0, NULL);

	if (!json_is_array(list)) {
		json_decref(list);
		cli_error("carrick-fsd sent a list that cannot be read");
		return NULL;
	}
	return list;
}

static int cmd_images(const struct verb *verb, int argc, char **argv)
{
	struct fsd_image_list_req req = {0};
	struct fsd_image_list_rep rep;
	struct ipc_reply reply;
	struct ipc_client *fsd;
	json_t *list, *item;
	int64_t ret;
	size_t i;

	(void)argv;
	if (argc > 1)
		return cli_usage_error(verb, "`carrick images` takes no words");
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	ret = fsd_call_image_list(fsd, &req, &rep, &reply);
	if (ret < 0) {
		ipc_client_free(fsd);
		return cli_error("cannot list the images: %s", cli_strerror(ret));
	}
	list = parse_array(&rep.images_json);
	ipc_reply_release(&reply);
	ipc_client_free(fsd);
	if (!list)
		return EXIT_CARRICK;
	printf("%-40s %-16s %-14s %s\n", "REFERENCE", "IMAGE ID", "PLATFORM", "SIZE");
	json_array_foreach(list, i, item) {
		const char *digest = text_of(item, "digest");

		if (strncmp(digest, "sha256:", 7) == 0)
			digest += 7;
		printf("%-40s %-16.12s %-14s ", text_of(item, "reference"), digest, text_of(item, "platform"));
		print_size(json_integer_value(json_object_get(item, "size")));
	}
	json_decref(list);
	return 0;
}

const struct verb verb_images = {"images", "", "List the images of the store", cmd_images, NULL};

static int cmd_tag(const struct verb *verb, int argc, char **argv)
{
	struct fsd_image_tag_req req;
	struct ipc_client *fsd;
	int64_t ret;

	if (argc != 3)
		return cli_usage_error(verb, "two references are needed");
	req = (struct fsd_image_tag_req){ipc_bytes_of(argv[1]), ipc_bytes_of(argv[2])};
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	ret = fsd_call_image_tag(fsd, &req, NULL, NULL);
	ipc_client_free(fsd);
	if (ret == -LX_ENOENT)
		return cli_error("there is no image \"%s\"", argv[1]);
	if (ret == -LX_EINVAL)
		return cli_error("\"%s\" is no image reference", argv[2]);
	return ret < 0 ? cli_error("cannot tag %s: %s", argv[1], cli_strerror(ret)) : 0;
}

const struct verb verb_tag = {"tag", "IMAGE REFERENCE", "Give an image another name", cmd_tag, NULL};

/* A container that has just ended is still being tidied away for a moment. */
#define BUSY_TRIES    20
#define BUSY_PAUSE_US 50000

static int remove_image(struct ipc_client *fsd, const char *reference, bool force)
{
	struct fsd_image_remove_req req = {ipc_bytes_of(reference), force};
	struct fsd_image_remove_rep rep;
	struct ipc_reply reply;
	json_t *removed, *item;
	int64_t ret = fsd_call_image_remove(fsd, &req, &rep, &reply);
	size_t i;

	for (int tries = 0; ret == -LX_EBUSY && tries < BUSY_TRIES; tries++) {
		usleep(BUSY_PAUSE_US);
		ret = fsd_call_image_remove(fsd, &req, &rep, &reply);
	}

	if (ret == -LX_ENOENT)
		return cli_error("there is no image \"%s\"", reference);
	if (ret == -LX_EBUSY)
		return cli_error("a container uses the image \"%s\"; end or remove it first (`carrick ps`)", reference);
	if (ret < 0)
		return cli_error("cannot remove %s: %s", reference, cli_strerror(ret));
	removed = parse_array(&rep.removed_json);
	json_array_foreach(removed, i, item)
		printf("%s\n", json_string_value(item) ? json_string_value(item) : "");
	json_decref(removed);
	ipc_reply_release(&reply);
	return 0;
}

struct remove_options {
	bool force;
};
static const struct option_row remove_rows[] = {
	{OPTION_FLAG, 'f', "force", NULL, "remove it although containers that have ended use it",
	 offsetof(struct remove_options, force)},
	{OPTION_HEADING, 0, NULL, NULL, NULL, 0},
};

static int cmd_rmi(const struct verb *verb, int argc, char **argv)
{
	struct remove_options o = {0};
	int first = options_parse(verb, remove_rows, &o, argc, argv), status = 0;
	struct ipc_client *fsd;

	if (first < 0)
		return EXIT_CARRICK;
	if (first >= argc)
		return cli_usage_error(verb, "no image given");
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	for (; first < argc; first++)
		status |= remove_image(fsd, argv[first], o.force);
	ipc_client_free(fsd);
	return status;
}

static void help_rmi(const struct verb *verb)
{
	(void)verb;
	options_print(remove_rows);
}

const struct verb verb_rmi = {"rmi", "[-f] IMAGE...", "Remove images", cmd_rmi, help_rmi};

static int cmd_ps(const struct verb *verb, int argc, char **argv)
{
	struct fsd_container_list_req req = {0};
	struct fsd_container_list_rep rep;
	struct ipc_reply reply;
	struct ipc_client *fsd;
	json_t *list, *item;
	int64_t ret;
	size_t i;

	(void)argv;
	if (argc > 1)
		return cli_usage_error(verb, "`carrick ps` takes no words; it lists ended containers too");
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	ret = fsd_call_container_list(fsd, &req, &rep, &reply);
	list = ret < 0 ? NULL : parse_array(&rep.containers_json);
	if (ret >= 0)
		ipc_reply_release(&reply);
	ipc_client_free(fsd);
	if (ret < 0)
		return cli_error("cannot list the containers: %s", cli_strerror(ret));
	if (!list)
		return EXIT_CARRICK;
	printf("%-14s %-32s %-10s %s\n", "CONTAINER ID", "IMAGE", "STATE", "NAME");
	json_array_foreach(list, i, item)
		printf("%-14.12s %-32s %-10s %s\n", text_of(item, "id"), text_of(item, "image"), text_of(item, "state"),
		       text_of(item, "name"));
	json_decref(list);
	return 0;
}

const struct verb verb_ps = {"ps", "", "List containers, running and ended", cmd_ps, NULL};

static int cmd_rm(const struct verb *verb, int argc, char **argv)
{
	struct ipc_client *fsd;
	int status = 0;

	if (argc < 2)
		return cli_usage_error(verb, "no container given");
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	for (int i = 1; i < argc; i++) {
		struct fsd_container_remove_req req = {ipc_bytes_of(argv[i])};
		int64_t ret = fsd_call_container_remove(fsd, &req, NULL, NULL);

		if (ret == -LX_ENOENT)
			status = cli_error("there is no container \"%s\"", argv[i]);
		else if (ret == -LX_EBUSY)
			status = cli_error("the container \"%s\" is running; stop it first", argv[i]);
		else if (ret < 0)
			status = cli_error("cannot remove %s: %s", argv[i], cli_strerror(ret));
		else
			printf("%s\n", argv[i]);
	}
	ipc_client_free(fsd);
	return status;
}

const struct verb verb_rm = {"rm", "CONTAINER...", "Remove containers that have ended", cmd_rm, NULL};
