/* images.c: see images.h. */
#include "fsd/images.h"

#include <stdio.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "fsd/container.h"

static const char *ref_of(const json_t *entry)
{
	const char *v = json_string_value(
	    json_object_get(json_object_get(entry, "annotations"), IMAGE_REF_NAME));

	return v ? v : "";
}

static const char *digest_of_entry(const json_t *entry)
{
	const char *v = json_string_value(json_object_get(entry, "digest"));

	return v && digest_ok(v) ? v : "";
}

/* The digest that a name, or the beginning of a digest, stands for in the index. */
static int find_in(json_t *index, const char *reference, char digest[DIGEST_TEXT_MAX], bool *by_id,
                   struct fail *f)
{
	json_t *list = json_object_get(index, "manifests"), *entry;
	bool named, ambiguous = false;
	struct reference ref;
	const char *hex;
	size_t i;

	digest[0] = '\0';
	*by_id = false;
	named = reference_parse(reference, strlen(reference), &ref) == 0;
	json_array_foreach(list, i, entry)
	{
		if (!named || !digest_of_entry(entry)[0])
			continue;
		if (ref.digest[0] ? strcmp(digest_of_entry(entry), ref.digest) == 0
		                  : strcmp(ref_of(entry), ref.full) == 0) {
			snprintf(digest, DIGEST_TEXT_MAX, "%s", digest_of_entry(entry));
			return 0;
		}
	}
	if (reference_is_id(reference, &hex)) {
		json_array_foreach(list, i, entry)
		{
			const char *d = digest_of_entry(entry);

			if (!d[0] || strncmp(digest_hex(d), hex, strlen(hex)) != 0)
				continue;
			ambiguous |= digest[0] && strcmp(digest, d) != 0;
			snprintf(digest, DIGEST_TEXT_MAX, "%s", d);
			*by_id = true;
		}
	}
	if (ambiguous)
		return fail_set(f, -LX_EINVAL, "%s is the beginning of several images' digests",
		                reference);
	if (digest[0])
		return 0;
	return fail_set(f, named ? -LX_ENOENT : -LX_EINVAL,
	                named ? "there is no image %s in the store"
	                      : "%s is not the name of an image",
	                reference);
}

int images_find(struct store *s, const char *reference, char digest[DIGEST_TEXT_MAX],
                struct fail *f)
{
	json_t *index = store_read_index(s);
	bool by_id;
	int r;

	if (!index)
		return fail_set(f, -LX_EIO, "the image store's index.json cannot be read");
	r = find_in(index, reference, digest, &by_id, f);
	json_decref(index);
	return r;
}

int images_read(struct store *s, const char *digest, struct image *img, char **config,
                size_t *config_len)
{
	char *data = NULL;
	size_t len;
	int r = store_get_blob(s, digest, &data, &len);

	if (r < 0)
		return r;
	r = image_parse_manifest(data, len, img);
	free(data);
	if (r < 0)
		return r;
	r = store_get_blob(s, img->config, &data, &len);
	if (r < 0)
		return r;
	r = image_parse_config(data, len, img);
	if (r < 0 || !config) {
		free(data);
		return r;
	}
	*config = data;
	*config_len = len;
	return 0;
}

static json_t *make_entry(const char *digest, uint64_t size, const struct image *img,
                          const char *full)
{
	json_t *entry = json_pack("{s:s, s:s, s:I, s:{s:s, s:s}}", "mediaType", IMAGE_MANIFEST_TYPE,
	                          "digest", digest, "size", (json_int_t)size, "platform", "os",
	                          img->os, "architecture", img->architecture);

	if (entry && full)
		json_object_set_new(entry, "annotations", json_pack("{s:s}", IMAGE_REF_NAME, full));
	return entry;
}

/* Takes a name off whatever has it.  An image keeps an entry without a name as its last one. */
static void take_name(json_t *list, const char *full)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) if (strcmp(ref_of(entry), full) == 0)
	    json_object_del(entry, "annotations");
}

/* Drops entries that say nothing new: nameless ones of an image that has a name or comes twice. */
static void tidy(json_t *list)
{
	json_t *a, *b;
	size_t i, j;

	for (i = 0; i < json_array_size(list);) {
		bool drop = false;

		a = json_array_get(list, i);
		json_array_foreach(list, j, b) drop |=
		    j != i && !ref_of(a)[0] &&
		    strcmp(digest_of_entry(a), digest_of_entry(b)) == 0 && (ref_of(b)[0] || j < i);
		if (drop)
			json_array_remove(list, i);
		else
			i++;
	}
}

int images_put(struct store *s, const char *digest, uint64_t size, const struct image *img,
               const char *full)
{
	json_t *index = store_read_index(s), *list = json_object_get(index, "manifests");
	int r;

	if (!index)
		return -LX_EIO;
	if (full)
		take_name(list, full);
	json_array_append_new(list, make_entry(digest, size, img, full));
	tidy(list);
	r = store_write_index(s, index);
	json_decref(index);
	return r;
}

int images_tag(struct store *s, const char *reference, const char *fresh, struct fail *f)
{
	char digest[DIGEST_TEXT_MAX], *data;
	struct reference ref;
	struct image img;
	size_t len;
	int lock, r;

	if (reference_parse(fresh, strlen(fresh), &ref) < 0 || ref.digest[0])
		return fail_set(f, -LX_EINVAL, "%s is not a name for an image", fresh);
	lock = store_lock(s);
	if (lock < 0)
		return fail_errno(f, lock, "cannot lock the image store");
	r = images_find(s, reference, digest, f);
	if (r == 0)
		r = images_read(s, digest, &img, NULL, NULL);
	if (r == 0)
		r = store_get_blob(s, digest, &data, &len);
	if (r == 0) {
		free(data);
		r = images_put(s, digest, len, &img, ref.full);
	}
	close(lock);
	return r < 0 ? fail_errno(f, r, "cannot tag %s", reference) : 0;
}

/* How many entries an image has. */
static unsigned names_of(json_t *list, const char *digest)
{
	unsigned n = 0;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) n += strcmp(digest_of_entry(entry), digest) == 0;
	return n;
}

/* Removes the entries of an image that have the name (NULL: all). */
static void drop_entries(json_t *list, const char *digest, const char *full, json_t *done)
{
	for (size_t i = 0; i < json_array_size(list);) {
		json_t *entry = json_array_get(list, i);

		if (strcmp(digest_of_entry(entry), digest) != 0 ||
		    (full && strcmp(ref_of(entry), full) != 0)) {
			i++;
			continue;
		}
		if (ref_of(entry)[0])
			json_array_append_new(
			    done, json_sprintf("Untagged: %s", reference_short(ref_of(entry))));
		json_array_remove(list, i);
	}
}

static int remove_locked(struct store *s, const char *reference, bool force, json_t *done,
                         struct fail *f)
{
	json_t *index = store_read_index(s), *list = json_object_get(index, "manifests");
	char digest[DIGEST_TEXT_MAX];
	struct reference ref = {0};
	bool by_id, last;
	int r;

	if (!index)
		return fail_set(f, -LX_EIO, "the image store's index.json cannot be read");
	r = find_in(index, reference, digest, &by_id, f);
	if (r < 0)
		goto out;
	if (!by_id && reference_parse(reference, strlen(reference), &ref) < 0)
		ref.full[0] = '\0';
	by_id |= ref.digest[0] != '\0';
	last = names_of(list, digest) == 1;
	if (by_id && !last && !force) {
		r = fail_set(f, -LX_EBUSY,
		             "image %s has several names; remove it by name, or with force",
		             reference);
		goto out;
	}
	if ((by_id || last) && container_uses(s, digest) && !force) {
		r = fail_set(f, -LX_EBUSY, "a container uses image %s; remove the container first",
		             reference);
		goto out;
	}
	drop_entries(list, digest, by_id ? NULL : ref.full, done);
	if (names_of(list, digest) == 0)
		json_array_append_new(done, json_sprintf("Deleted: %s", digest));
	r = store_write_index(s, index);
	if (r == 0)
		r = store_collect(s);
out:
	json_decref(index);
	return r;
}

int images_remove(struct store *s, const char *reference, bool force, json_t *done, struct fail *f)
{
	int lock = store_lock(s), r;

	if (lock < 0)
		return fail_errno(f, lock, "cannot lock the image store");
	r = remove_locked(s, reference, force, done, f);
	close(lock);
	return r < 0 ? fail_errno(f, r, "cannot remove image %s", reference) : 0;
}

json_t *images_list(struct store *s)
{
	json_t *index = store_read_index(s), *out = json_array(), *entry;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		char platform[100];
		uint64_t size = 0;
		struct image img;

		if (images_read(s, digest_of_entry(entry), &img, NULL, NULL) < 0)
			continue;
		for (unsigned l = 0; l < img.layer_count; l++)
			size += store_layer_size(s, img.diff_ids[l]);
		snprintf(platform, sizeof(platform), "%s/%s%s%s", img.os, img.architecture,
		         img.variant[0] ? "/" : "", img.variant);
		json_array_append_new(out,
		                      json_pack("{s:s, s:s, s:s, s:I, s:s}", "reference",
		                                reference_short(ref_of(entry)), "digest",
		                                digest_of_entry(entry), "created", img.created,
		                                "size", (json_int_t)size, "platform", platform));
	}
	json_decref(index);
	return out;
}
