/*
 * spec.c: reads the guest's specification from JSON.  The text comes from our own monitor, but
 * is checked like any other message: unknown fields are ignored, wrong types refused.  Strings are
 * bytes: each character is the byte of its number, U+0001 to U+00FF.
 */
#include "supervisor/spec.h"

#include <jansson.h>

#include "common/lx/errno.h"
#include "common/plat/mem.h"
#include "ipc/ipc.h"

#define MAX_STRINGS 65536u
#define MAX_MOUNTS  256u

/* What went wrong so far: the first sentence wins. */
struct parse {
	const char *why;
};

static void fail(struct parse *p, const char *why)
{
	if (!p->why)
		p->why = why;
}

static char *copy(struct parse *p, const char *s, size_t len)
{
	char *c = memchr(s, '\0', len) ? NULL : malloc(len + 1);
	size_t used = 0;

	if (!c) {
		fail(p, "a string of the specification holds a NUL byte, or memory ran out");
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t b = (uint8_t)s[i];

		/* The parser has seen to it that this is UTF-8. */
		if (b >= 0x80) {
			if (b > 0xc3 || i + 1 == len) {
				fail(p, "a string of the specification holds a character that is no byte");
				free(c);
				return NULL;
			}
			b = (uint8_t)((b & 3) << 6 | ((uint8_t)s[++i] & 0x3f));
		}
		c[used++] = (char)b;
	}
	c[used] = '\0';
	return c;
}

/* Absent fields become "". */
static char *string_field(struct parse *p, const json_t *o, const char *name, bool absent_null)
{
	const json_t *v = json_object_get(o, name);

	if (!v || json_is_null(v))
		return absent_null ? NULL : copy(p, "", 0);
	if (!json_is_string(v)) {
		fail(p, "a field of the specification should be a string and is not");
		return NULL;
	}
	return copy(p, json_string_value(v), json_string_length(v));
}

static bool bool_field(struct parse *p, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (v && !json_is_boolean(v))
		fail(p, "a field of the specification should be true or false and is not");
	return json_is_true(v);
}

static uint64_t number_field(struct parse *p, const json_t *o, const char *name, uint64_t max)
{
	const json_t *v = json_object_get(o, name);
	json_int_t n = v ? json_integer_value(v) : 0;

	if (v && (!json_is_integer(v) || n < 0 || (uint64_t)n > max)) {
		fail(p, "a number of the specification is out of range");
		return 0;
	}
	return (uint64_t)n;
}

static char **strings_field(struct parse *p, const json_t *o, const char *name)
{
	const json_t *list = json_object_get(o, name), *item;
	size_t n = json_array_size(list), i;
	char **out;

	if ((list && !json_is_array(list)) || n > MAX_STRINGS) {
		fail(p, "a field of the specification should be a list of strings and is not");
		return NULL;
	}
	out = calloc(n + 1, sizeof(char *));
	if (!out) {
		fail(p, "out of memory");
		return NULL;
	}
	json_array_foreach(list, i, item)
	{
		if (json_is_string(item))
			out[i] = copy(p, json_string_value(item), json_string_length(item));
		else
			fail(p, "a field of the specification should be a list of strings and is not");
		if (p->why)
			break;
	}
	return out;
}

static void mounts_field(struct parse *p, const json_t *o, struct guest_spec *spec)
{
	const json_t *list = json_object_get(o, "mounts"), *item;
	size_t n = json_array_size(list), i;

	if ((list && !json_is_array(list)) || n > MAX_MOUNTS) {
		fail(p, "the specification's list of mounts is malformed");
		return;
	}
	spec->mounts = calloc(n + 1, sizeof(*spec->mounts));
	if (!spec->mounts) {
		fail(p, "out of memory");
		return;
	}
	json_array_foreach(list, i, item)
	{
		struct guest_mount_spec *m = &spec->mounts[i];

		spec->nmounts = i + 1;
		m->target = string_field(p, item, "target", false);
		m->type = string_field(p, item, "type", false);
		m->options = string_field(p, item, "options", false);
		m->node = number_field(p, item, "node", INT64_MAX);
		m->read_only = bool_field(p, item, "read_only");
		if (p->why)
			return;
		if (m->target[0] != '/')
			fail(p, "a mount's target is not an absolute path");
		if (strcmp(m->type, "tmpfs") != 0 && strcmp(m->type, "bind") != 0)
			fail(p, "a mount is neither tmpfs nor bind");
	}
}

static void read_fields(struct parse *p, const json_t *o, struct guest_spec *s)
{
	const json_t *cpus = json_object_get(o, "cpus");

	s->argv = strings_field(p, o, "argv");
	s->env = strings_field(p, o, "env");
	s->cwd = string_field(p, o, "cwd", false);
	s->user = string_field(p, o, "user", false);
	s->hostname = string_field(p, o, "hostname", false);
	s->domainname = string_field(p, o, "domainname", false);
	s->name = string_field(p, o, "name", false);
	s->engine = string_field(p, o, "engine", false);
	s->trace = string_field(p, o, "trace", false);
	s->resolv_conf = string_field(p, o, "resolv_conf", true);
	s->hosts = string_field(p, o, "hosts", true);
	s->tty = bool_field(p, o, "tty");
	s->interactive = bool_field(p, o, "interactive");
	s->read_only = bool_field(p, o, "read_only");
	s->init = bool_field(p, o, "init");
	s->fs_strict = bool_field(p, o, "fs_strict");
	s->net_none = bool_field(p, o, "net_none");
	s->aslr_exec = bool_field(p, o, "aslr_exec");
	s->compat_report = bool_field(p, o, "compat_report");
	s->jit_stats = bool_field(p, o, "jit_stats");
	s->jit_off = bool_field(p, o, "jit_off");
	s->no_window = bool_field(p, o, "no_window");
	s->window_eager = bool_field(p, o, "window_eager");
	s->memory = number_field(p, o, "memory", INT64_MAX);
	s->pids = (uint32_t)number_field(p, o, "pids", UINT32_MAX);
	s->rows = (uint32_t)number_field(p, o, "rows", UINT16_MAX);
	s->columns = (uint32_t)number_field(p, o, "columns", UINT16_MAX);
	s->jit_cache = number_field(p, o, "jit_cache", INT64_MAX);
	s->aot = (uint32_t)number_field(p, o, "aot", IPC_MAX_FDS - 1);
	s->aot_wishes = (uint32_t)number_field(p, o, "aot_wishes", IPC_MAX_FDS - 1);
	s->cpus = cpus ? json_number_value(cpus) : 0;
	mounts_field(p, o, s);
}

int guest_spec_parse(const uint8_t *text, size_t len, struct guest_spec **out, const char **why)
{
	struct parse p = {NULL};
	size_t seed = 0;
	json_t *o;
	struct guest_spec *s = calloc(1, sizeof(*s));

	/* Left alone, jansson opens /dev/urandom for its hash seed, which the sandbox forbids. */
	if (plat_random(&seed, sizeof(seed)) == 0)
		json_object_seed(seed | 1);
	o = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!s)
		fail(&p, "out of memory");
	else if (!json_is_object(o))
		fail(&p, "the guest's specification is not JSON");
	else
		read_fields(&p, o, s);
	json_decref(o);
	if (!p.why && !s->argv[0])
		fail(&p, "the specification names no command");
	if (p.why) {
		guest_spec_free(s);
		*why = p.why;
		return -LX_EINVAL;
	}
	*out = s;
	return 0;
}

static void free_strings(char **v)
{
	for (char **s = v; s && *s; s++)
		free(*s);
	free(v);
}

void guest_spec_free(struct guest_spec *s)
{
	if (!s)
		return;
	free_strings(s->argv);
	free_strings(s->env);
	free(s->cwd);
	free(s->user);
	free(s->hostname);
	free(s->domainname);
	free(s->name);
	free(s->engine);
	free(s->trace);
	free(s->resolv_conf);
	free(s->hosts);
	for (size_t i = 0; i < s->nmounts; i++) {
		free(s->mounts[i].target);
		free(s->mounts[i].type);
		free(s->mounts[i].options);
	}
	free(s->mounts);
	free(s);
}
