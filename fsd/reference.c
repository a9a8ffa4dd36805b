/* reference.c: see reference.h.  The grammar is that of distribution/reference. */
#include "fsd/reference.h"

#include <stdio.h>

#include "common/lx/errno.h"

#define DEFAULT_REGISTRY "docker.io/"
#define DEFAULT_SPACE    "library/"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One component of a path: lower-case letters and digits, with single separators between. */
static bool path_component_ok(const char *s, size_t len)
{
	if (len == 0 || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && s[i] != '.' && s[i] != '_' && s[i] != '-')
			return false;
	return true;
}

static bool registry_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (!is_alnum(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '-' && c != ':' &&
		    c != '[' && c != ']')
			return false;
	}
	return len > 0 && s[0] != '.' && s[0] != '-' && s[0] != ':';
}

static bool tag_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 128 || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && !(s[i] >= 'A' && s[i] <= 'Z') && !strchr("._-", s[i]))
			return false;
	return true;
}

/* Docker's rule: the first component is a registry if it looks like a host. */
static bool has_registry(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);
	size_t n = slash ? (size_t)(slash - s) : 0;

	return slash && (memchr(s, '.', n) || memchr(s, ':', n) ||
	                 (n == 9 && memcmp(s, "localhost", 9) == 0));
}

static bool path_ok(const char *s, const char *end)
{
	for (;;) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		size_t n = (size_t)((slash ? slash : end) - s);

		if (!path_component_ok(s, n))
			return false;
		if (!slash)
			return true;
		s = slash + 1;
	}
}

int reference_parse(const char *text, size_t len, struct reference *out)
{
	char buf[REFERENCE_MAX];
	char *at, *tag = NULL, *slash;
	const char *path, *registry = DEFAULT_REGISTRY, *space = "";
	int n;

	*out = (struct reference){0};
	if (len == 0 || len >= sizeof(buf) || memchr(text, '\0', len))
		return -LX_EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	at = strchr(buf, '@');
	if (at) {
		*at++ = '\0';
		if (!digest_ok(at))
			return -LX_EINVAL;
		memcpy(out->digest, at, strlen(at) + 1);
	}
	slash = strrchr(buf, '/');
	tag = strrchr(slash ? slash : buf, ':');
	if (tag) {
		*tag++ = '\0';
		if (!tag_ok(tag))
			return -LX_EINVAL;
	}
	path = buf;
	if (has_registry(buf, strlen(buf))) {
		registry = "";
		path = strchr(buf, '/') + 1;
		if (!registry_ok(buf, (size_t)(path - 1 - buf)))
			return -LX_EINVAL;
	} else if (!strchr(buf, '/')) {
		space = DEFAULT_SPACE;
	}
	if (!path_ok(path, path + strlen(path)))
		return -LX_EINVAL;
	if (!tag && !out->digest[0])
		tag = buf + len; /* empty: latest below */
	n = snprintf(out->full, sizeof(out->full), "%s%s%s%s%s", registry, space, buf,
	             tag ? ":" : "", tag ? (*tag ? tag : "latest") : "");
	return n < 0 || (size_t)n >= sizeof(out->full) ? -LX_EINVAL : 0;
}

const char *reference_short(const char *full)
{
	size_t registry = strlen(DEFAULT_REGISTRY), space = strlen(DEFAULT_SPACE);

	if (strncmp(full, DEFAULT_REGISTRY, registry) != 0)
		return full;
	full += registry;
	if (strncmp(full, DEFAULT_SPACE, space) == 0 && !strchr(full + space, '/'))
		full += space;
	return full;
}

bool reference_is_id(const char *text, const char **hex)
{
	size_t len;

	if (strncmp(text, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
		text += strlen(DIGEST_PREFIX);
	len = strlen(text);
	*hex = text;
	return len >= 4 && len <= DIGEST_HEX_LEN && strspn(text, "0123456789abcdef") == len;
}
