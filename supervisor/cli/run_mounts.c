/* run_mounts.c: what -v, --mount and --tmpfs ask for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/cli/run.h"

static struct mount_request *add_request(struct mount_requests *m, const char *target, size_t len)
{
	struct mount_request *item = reallocarray(m->item, m->count + 1, sizeof(*item));

	if (!item)
		return NULL;
	m->item = item;
	item += m->count;
	*item = (struct mount_request){.target = strndup(target, len), .fd = -1};
	if (!item->target)
		return NULL;
	m->count++;
	return item;
}

static bool open_source(const struct verb *verb, struct mount_request *r, const char *source, bool create)
{
	if (create && mkdir(source, 0755) < 0 && errno != EEXIST) {
		cli_usage_error(verb, "cannot make %s: %s", source, strerror(errno));
		return false;
	}
	r->fd = open(source, O_PATH | O_CLOEXEC);
	if (r->fd >= 0)
		return true;
	cli_usage_error(verb, "cannot bind %s: %s", source, strerror(errno));
	return false;
}

/* True if the source names a host path and not a volume, as Docker tells them apart. */
static bool is_host_path(const char *source)
{
	return source[0] == '/' || source[0] == '.' || source[0] == '~';
}

static bool set_source(const struct verb *verb, struct mount_request *r, const char *source, bool create)
{
	if (is_host_path(source))
		return open_source(verb, r, source, create);
	r->volume = strdup(source);
	return r->volume != NULL;
}

static bool check_target(const struct verb *verb, const char *target, const char *whole)
{
	if (target[0] == '/')
		return true;
	cli_usage_error(verb, "the target in \"%s\" must be an absolute path of the guest", whole);
	return false;
}

/* SOURCE:TARGET[:ro|rw]; TARGET alone is an anonymous volume, which is a tmpfs here. */
static bool parse_volume(const struct verb *verb, struct mount_requests *m, const char *text)
{
	char source[4096];
	const char *colon = strchr(text, ':'), *target = colon ? colon + 1 : text;
	const char *mode = colon ? strchr(target, ':') : NULL;
	size_t len = mode ? (size_t)(mode - target) : strlen(target);
	struct mount_request *r;

	if (!check_target(verb, target, text))
		return false;
	if (mode && strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0) {
		cli_usage_error(verb, "\"%s\" ends in an unknown mode; ro and rw exist", text);
		return false;
	}
	r = add_request(m, target, len);
	if (!r)
		return false;
	r->read_only = mode && strcmp(mode, ":ro") == 0;
	if (!colon) {
		r->tmpfs_options = strdup("");
		return r->tmpfs_options != NULL;
	}
	if ((size_t)(colon - text) >= sizeof(source)) {
		cli_usage_error(verb, "the source in \"%.40s…\" is too long", text);
		return false;
	}
	snprintf(source, sizeof(source), "%.*s", (int)(colon - text), text);
	return set_source(verb, r, source, true);
}

static bool parse_tmpfs(const struct verb *verb, struct mount_requests *m, const char *text)
{
	const char *colon = strchr(text, ':');
	struct mount_request *r;

	if (!check_target(verb, text, text))
		return false;
	r = add_request(m, text, colon ? (size_t)(colon - text) : strlen(text));
	if (!r)
		return false;
	r->tmpfs_options = strdup(colon ? colon + 1 : "");
	return r->tmpfs_options != NULL;
}

/* The fields of --mount, each a copy or NULL. */
struct mount_words {
	char *type, *source, *target, *size, *mode;
	bool read_only;
};

static bool store_word(const struct verb *verb, struct mount_words *w, const char *key, const char *value)
{
	static const struct {
		const char *key;
		size_t offset;
	} keys[] = {
		{"type", offsetof(struct mount_words, type)},	    {"source", offsetof(struct mount_words, source)},
		{"src", offsetof(struct mount_words, source)},	    {"target", offsetof(struct mount_words, target)},
		{"dst", offsetof(struct mount_words, target)},	    {"destination", offsetof(struct mount_words, target)},
		{"tmpfs-size", offsetof(struct mount_words, size)}, {"tmpfs-mode", offsetof(struct mount_words, mode)},
	};

	if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0) {
		w->read_only = !value || strcmp(value, "false") != 0;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char **field = (char **)(void *)((char *)w + keys[i].offset);

		if (strcmp(keys[i].key, key) != 0)
			continue;
		free(*field);
		*field = strdup(value ? value : "");
		return *field != NULL;
	}
	cli_usage_error(verb, "--mount knows no \"%s\"; it takes type, source, target, readonly, tmpfs-size, tmpfs-mode",
			key);
	return false;
}

static bool split_words(const struct verb *verb, struct mount_words *w, char *text)
{
	char *rest = text, *word;

	while ((word = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(word, '=');

		if (equals)
			*equals = 0;
		if (!store_word(verb, w, word, equals ? equals + 1 : NULL))
			return false;
	}
	return true;
}

static bool mount_from_words(const struct verb *verb, struct mount_requests *m, const struct mount_words *w,
			     const char *text)
{
	const char *type = w->type ? w->type : "volume";
	struct mount_request *r;

	if (!w->target || !check_target(verb, w->target, text)) {
		if (!w->target)
			cli_usage_error(verb, "--mount %s has no target", text);
		return false;
	}
	r = add_request(m, w->target, strlen(w->target));
	if (!r)
		return false;
	r->read_only = w->read_only;
	if (strcmp(type, "tmpfs") == 0)
		return asprintf(&r->tmpfs_options, "%s%s%s%s%s", w->size ? "size=" : "", w->size ? w->size : "",
				w->size && w->mode ? "," : "", w->mode ? "mode=" : "", w->mode ? w->mode : "") >= 0;
	if (!w->source) {
		cli_usage_error(verb, "--mount %s has no source", text);
		return false;
	}
	if (strcmp(type, "bind") == 0)
		return open_source(verb, r, w->source, false);
	if (strcmp(type, "volume") == 0) {
		r->volume = strdup(w->source);
		return r->volume != NULL;
	}
	cli_usage_error(verb, "--mount knows the types bind, volume and tmpfs, not \"%s\"", type);
	return false;
}

static bool parse_mount(const struct verb *verb, struct mount_requests *m, const char *text)
{
	struct mount_words w = {0};
	char *copy = strdup(text);
	bool ok = copy && split_words(verb, &w, copy) && mount_from_words(verb, m, &w, text);

	free(copy);
	free(w.type);
	free(w.source);
	free(w.target);
	free(w.size);
	free(w.mode);
	return ok;
}

bool mount_requests_parse(const struct verb *verb, const struct run_options *opts, struct mount_requests *out)
{
	bool ok = true;

	*out = (struct mount_requests){0};
	for (size_t i = 0; ok && i < opts->volume.count; i++)
		ok = parse_volume(verb, out, opts->volume.item[i]);
	for (size_t i = 0; ok && i < opts->mount.count; i++)
		ok = parse_mount(verb, out, opts->mount.item[i]);
	for (size_t i = 0; ok && i < opts->tmpfs.count; i++)
		ok = parse_tmpfs(verb, out, opts->tmpfs.item[i]);
	if (!ok)
		mount_requests_release(out);
	return ok;
}

void mount_requests_release(struct mount_requests *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->item[i].target);
		free(m->item[i].volume);
		free(m->item[i].tmpfs_options);
		if (m->item[i].fd >= 0)
			close(m->item[i].fd);
	}
	free(m->item);
	*m = (struct mount_requests){0};
}
