/* image.c: see image.h. */
#include "fsd/image.h"

#include <stdio.h>
#include <time.h>

#include "common/lx/errno.h"

/* Copies a string member; false if it is missing or does not fit. */
static bool take_text(const json_t *obj, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(obj, key);
	size_t len = json_string_length(v);

	if (!json_is_string(v) || len >= size || strlen(json_string_value(v)) != len)
		return false;
	memcpy(out, json_string_value(v), len + 1);
	return true;
}

static bool take_size(const json_t *obj, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static bool take_digest(const json_t *obj, const char *key, char out[DIGEST_TEXT_MAX])
{
	return take_text(obj, key, out, DIGEST_TEXT_MAX) && digest_ok(out);
}

static json_t *load(const char *text, size_t len)
{
	return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

static int fill_manifest(const json_t *root, struct image *img)
{
	const json_t *config = json_object_get(root, "config");
	const json_t *layers = json_object_get(root, "layers");

	if (!take_digest(config, "digest", img->config) ||
	    !take_size(config, "size", &img->config_size) || !json_is_array(layers))
		return -LX_EINVAL;
	if (json_array_size(layers) > IMAGE_MAX_LAYERS)
		return -LX_E2BIG;
	img->layer_count = (unsigned)json_array_size(layers);
	for (unsigned i = 0; i < img->layer_count; i++) {
		const json_t *l = json_array_get(layers, i);

		if (!take_digest(l, "digest", img->layers[i]) ||
		    !take_size(l, "size", &img->layer_sizes[i]))
			return -LX_EINVAL;
	}
	return 0;
}

int image_parse_manifest(const char *text, size_t len, struct image *img)
{
	json_t *root = load(text, len);
	int r;

	*img = (struct image){0};
	r = root ? fill_manifest(root, img) : -LX_EINVAL;
	json_decref(root);
	return r;
}

static int fill_config(const json_t *root, struct image *img)
{
	const json_t *rootfs = json_object_get(root, "rootfs");
	const json_t *ids = json_object_get(rootfs, "diff_ids");

	if (!take_text(root, "os", img->os, sizeof(img->os)) ||
	    !take_text(root, "architecture", img->architecture, sizeof(img->architecture)) ||
	    !json_is_array(ids))
		return -LX_EINVAL;
	if (!take_text(root, "variant", img->variant, sizeof(img->variant)))
		img->variant[0] = '\0';
	if (!take_text(root, "created", img->created, sizeof(img->created)))
		img->created[0] = '\0';
	if (json_array_size(ids) > IMAGE_MAX_LAYERS)
		return -LX_E2BIG;
	if (img->layer_count && img->layer_count != json_array_size(ids))
		return -LX_EINVAL;
	img->layer_count = (unsigned)json_array_size(ids);
	for (unsigned i = 0; i < img->layer_count; i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!id || !digest_ok(id))
			return -LX_EINVAL;
		memcpy(img->diff_ids[i], id, strlen(id) + 1);
	}
	return 0;
}

int image_parse_config(const char *text, size_t len, struct image *img)
{
	json_t *root = load(text, len);
	int r = root ? fill_config(root, img) : -LX_EINVAL;

	json_decref(root);
	return r;
}

/* "linux/arm64/v8" in its parts; what is missing stays empty. */
struct platform {
	char os[32], arch[32], variant[32];
};

static void split_platform(const char *text, struct platform *p)
{
	char *parts[] = {p->os, p->arch, p->variant};

	*p = (struct platform){{0}, {0}, {0}};
	for (size_t i = 0; i < ARRAY_LEN(parts) && *text; i++) {
		size_t len = strcspn(text, "/");

		if (len < sizeof(p->os))
			memcpy(parts[i], text, len);
		text += len;
		if (*text)
			text++;
	}
}

static bool platform_fits(const struct platform *want, const char *os, const char *arch,
                          const char *variant)
{
	if (strcmp(want->os, os) != 0 || strcmp(want->arch, arch) != 0)
		return false;
	/* arm64 without a variant is v8. */
	return !want->variant[0] || !variant[0] || strcmp(want->variant, variant) == 0;
}

bool image_matches(const struct image *img, const char *platform)
{
	struct platform want;

	split_platform(platform, &want);
	return platform_fits(&want, img->os, img->architecture, img->variant);
}

static bool is_index_type(const char *type)
{
	return strcmp(type, IMAGE_INDEX_TYPE) == 0 ||
	       strcmp(type, "application/vnd.docker.distribution.manifest.list.v2+json") == 0;
}

/* What a descriptor of an index is called; false if it has no name. */
static bool take_ref_name(const json_t *d, char out[256])
{
	const json_t *a = json_object_get(d, "annotations");

	return take_text(a, IMAGE_FULL_NAME, out, 256) || take_text(a, IMAGE_REF_NAME, out, 256);
}

/* A descriptor that can be used: 2 names our platform, 1 names none, 0 not at all. */
static int rate(const json_t *d, const struct platform *want, struct image_choice *c)
{
	const json_t *p = json_object_get(d, "platform");
	char type[128] = "", os[32], arch[32], variant[32] = "";

	*c = (struct image_choice){0};
	if (!take_digest(d, "digest", c->digest) || !take_size(d, "size", &c->size))
		return 0;
	if (json_object_get(d, "mediaType") && !take_text(d, "mediaType", type, sizeof(type)))
		return 0;
	c->is_index = is_index_type(type);
	take_ref_name(d, c->ref_name);
	if (!p)
		return 1;
	take_text(p, "variant", variant, sizeof(variant));
	if (!take_text(p, "os", os, sizeof(os)) ||
	    !take_text(p, "architecture", arch, sizeof(arch)))
		return 0;
	return platform_fits(want, os, arch, variant) ? 2 : 0;
}

static bool has_name(const struct image_choice *c, const char *name)
{
	return !name || strcmp(c->ref_name, name) == 0;
}

int image_choose(const char *text, size_t len, const char *platform, const char *name,
                 struct image_choice *out)
{
	json_t *root = load(text, len);
	const json_t *list = json_object_get(root, "manifests");
	struct platform want;
	int best = 0;

	if (!json_is_array(list)) {
		json_decref(root);
		return -LX_EINVAL;
	}
	split_platform(platform, &want);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct image_choice c;
		int rating = rate(json_array_get(list, i), &want, &c);

		if (rating > best && has_name(&c, name)) {
			best = rating;
			*out = c;
		}
	}
	json_decref(root);
	return best ? 0 : -LX_ENOENT;
}

/* Whether an earlier descriptor of the list has that name too. */
static bool named_before(const json_t *list, size_t end, const char *name)
{
	for (size_t i = 0; i < end; i++) {
		char other[256];

		if (take_ref_name(json_array_get(list, i), other) && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

int image_nth_name(const char *text, size_t len, unsigned n, char out[256])
{
	json_t *root = load(text, len);
	const json_t *list = json_object_get(root, "manifests");
	int r = -LX_ENOENT;

	for (size_t i = 0; i < json_array_size(list) && r < 0; i++)
		if (take_ref_name(json_array_get(list, i), out) && !named_before(list, i, out) && n-- == 0)
			r = 0;
	json_decref(root);
	return r;
}

static void take_tags(const json_t *tags, struct image_docker *out)
{
	for (size_t i = 0; i < json_array_size(tags) && out->tag_count < IMAGE_MAX_TAGS; i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		if (tag && strlen(tag) < sizeof(out->tags[0]))
			memcpy(out->tags[out->tag_count++], tag, strlen(tag) + 1);
	}
}

static int fill_docker(const json_t *root, unsigned n, struct image_docker *out)
{
	const json_t *image = json_array_get(root, n);
	const json_t *layers = json_object_get(image, "Layers");

	if (json_is_array(root) && n >= json_array_size(root))
		return -LX_ENOENT;
	if (!take_text(image, "Config", out->config, sizeof(out->config)) || !json_is_array(layers))
		return -LX_EINVAL;
	take_tags(json_object_get(image, "RepoTags"), out);
	if (json_array_size(layers) > IMAGE_MAX_LAYERS)
		return -LX_E2BIG;
	out->layer_count = (unsigned)json_array_size(layers);
	for (unsigned i = 0; i < out->layer_count; i++) {
		const char *path = json_string_value(json_array_get(layers, i));

		if (!path || strlen(path) >= sizeof(out->layers[i]))
			return -LX_EINVAL;
		memcpy(out->layers[i], path, strlen(path) + 1);
	}
	return 0;
}

int image_parse_docker(const char *text, size_t len, unsigned n, struct image_docker *out)
{
	json_t *root = load(text, len);
	int r;

	*out = (struct image_docker){0};
	r = root ? fill_docker(root, n, out) : -LX_EINVAL;
	json_decref(root);
	return r;
}

char *image_make_manifest(const struct image *img)
{
	json_t *layers = json_array(), *root;
	char *text;

	for (unsigned i = 0; i < img->layer_count; i++)
		json_array_append_new(
		    layers, json_pack("{s:s, s:s, s:I}", "mediaType", IMAGE_LAYER_TYPE, "digest",
		                      img->diff_ids[i], "size", (json_int_t)img->layer_sizes[i]));
	root = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:o}", "schemaVersion", 2, "mediaType",
	                 IMAGE_MANIFEST_TYPE, "config", "mediaType", IMAGE_CONFIG_TYPE, "digest",
	                 img->config, "size", (json_int_t)img->config_size, "layers", layers);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return text;
}

int image_make_config(const char *platform, const char *config_json, size_t len,
                      const char *diff_id, char **out)
{
	json_t *config = len ? load(config_json, len) : json_object(), *root;
	struct platform p;
	char created[32];
	struct tm tm;
	time_t now = time(NULL);

	if (!json_is_object(config)) {
		json_decref(config);
		return -LX_EINVAL;
	}
	split_platform(platform, &p);
	if (!gmtime_r(&now, &tm) || !strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm))
		created[0] = '\0';
	root = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:[s]}, s:[{s:s, s:s}]}", "created", created,
	                 "os", p.os, "architecture", p.arch, "config", config, "rootfs", "type",
	                 "layers", "diff_ids", diff_id, "history", "created", created, "created_by",
	                 "carrick import");
	if (root && p.variant[0])
		json_object_set_new(root, "variant", json_string(p.variant));
	*out = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return *out ? 0 : -LX_ENOMEM;
}
