/*
 * import.c: see import.h.  Layers are unpacked into a directory of tmp/ by a forked process that
 * can do nothing else; then, under the store's lock, layers, blobs and the name are put in place.
 */
#include "fsd/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/bundle.h"
#include "fsd/images.h"
#include "fsd/path.h"
#include "fsd/unpackproc.h"

/* More than anybody saves into one archive. */
#define BUNDLE_MAX_IMAGES 256u

/* A free name in stage/ with an empty tree/ in it; returns the tree's descriptor. */
static int make_tree(int stage, const char *name)
{
	char path[64];
	int n = snprintf(path, sizeof(path), "%s/tree", name), r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -LX_EINVAL;
	r = path_make_dirs(stage, path);
	if (r < 0)
		return r;
	r = openat(stage, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r < 0)
		return plat_errno(errno);
	n = openat(r, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(r);
	return n < 0 ? plat_errno(errno) : n;
}

/* Puts an image whose layers are there in place and names it.  Call with the lock held. */
static int commit_image(struct store *s, struct import *im, const struct image *img,
                        const char *config, size_t config_len, const char *manifest,
                        size_t manifest_len, const char *name)
{
	char digest[DIGEST_TEXT_MAX];
	int r = store_put_blob(s, config, config_len, digest);

	if (r == 0)
		r = store_put_blob(s, manifest, manifest_len, im->digest);
	if (r == 0)
		r = images_put(s, im->digest, manifest_len, img, name && *name ? name : NULL);
	return r;
}

/* Makes the image of one layer that has been unpacked as stage/"0". */
static int finish_rootfs(struct store *s, struct import *im, int stage,
                         const struct unpack_result *result, const char *name, struct fail *f)
{
	struct image *img = calloc(1, sizeof(*img));
	char *config = NULL, *manifest = NULL;
	int r = img ? 0 : -LX_ENOMEM, lock = -1;

	im->bytes = result->bytes;
	if (r == 0)
		r = image_make_config(im->platform, im->config, im->config_len, result->diff_id,
		                      &config);
	if (r == -LX_EINVAL)
		fail_set(f, r, "the configuration for the image is not a JSON object");
	if (r == 0)
		r = image_parse_config(config, strlen(config), img);
	if (r == 0 && !digest_of(config, strlen(config), img->config))
		r = -LX_ENOMEM;
	if (r == 0) {
		img->layer_sizes[0] = result->bytes;
		img->config_size = strlen(config);
		manifest = image_make_manifest(img);
		lock = manifest ? store_lock(s) : -LX_ENOMEM;
		r = lock < 0 ? lock
		             : store_add_layer(s, stage, "0", result->diff_id, result->bytes);
	}
	if (r == 0)
		r = commit_image(s, im, img, config, strlen(config), manifest, strlen(manifest),
		                 name);
	if (lock >= 0)
		close(lock);
	free(config);
	free(manifest);
	free(img);
	return r < 0 ? fail_errno(f, r, "cannot store the image") : 0;
}

/* Unpacks into stage/NAME and syncs it, so that it may get its place. */
static int unpack_to(int source, int stage, const char *name, bool whiteouts,
                     const struct import *im, struct unpack_result *result, struct fail *f)
{
	int tree = make_tree(stage, name), r;

	if (tree < 0)
		return fail_errno(f, tree, "cannot write to the image store");
	r = unpackproc_layer(source, tree, whiteouts, im->progress, result, f);
	if (r == 0 && syncfs(tree) < 0)
		r = fail_errno(f, plat_errno(errno), "cannot write to the image store");
	close(tree);
	return r;
}

/* Whether a blob that could not be unpacked is what the manifest means at all. */
static bool blob_is(int fd, const char *digest)
{
	struct digest_state *d = digest_new();
	char actual[DIGEST_TEXT_MAX], buf[65536];
	bool same = d != NULL;
	off_t at = 0;
	ssize_t n;

	while (same && (n = pread(fd, buf, sizeof(buf), at)) > 0) {
		digest_update(d, buf, (size_t)n);
		at += n;
	}
	same = same && digest_finish(d, actual) && strcmp(actual, digest) == 0;
	digest_free(d);
	return same;
}

/* Unpacks layer i of a bundle as stage/"L<i>", unless the store has it. */
static int unpack_bundle_layer(struct store *s, struct import *im, struct bundle *b, int stage,
                               unsigned i, uint64_t *size, struct fail *f)
{
	const struct image *img = &b->image;
	struct unpack_result result;
	char name[16];
	int fd, r;

	*size = store_layer_size(s, img->diff_ids[i]);
	if (store_has_layer(s, img->diff_ids[i]))
		return 0;
	fd = bundle_open_layer(b, i, f);
	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "L%u", i);
	r = unpack_to(fd, stage, name, true, im, &result, f);
	if (r < 0 && !b->docker && !blob_is(fd, img->layers[i]))
		r = fail_set(f, -LX_EBADMSG,
		             "layer %u does not have its digest %s: the archive is damaged", i + 1,
		             img->layers[i]);
	close(fd);
	if (r < 0)
		return r;
	if (!b->docker && strcmp(result.digest, img->layers[i]) != 0)
		return fail_set(f, -LX_EBADMSG,
		                "layer %u has the digest %s, not %s: the archive is damaged", i + 1,
		                result.digest, img->layers[i]);
	if (strcmp(result.diff_id, img->diff_ids[i]) != 0)
		return fail_set(
		    f, -LX_EBADMSG,
		    "layer %u unpacks to another content than the image's configuration says",
		    i + 1);
	*size = result.bytes;
	return 0;
}

static int commit_bundle(struct store *s, struct import *im, struct bundle *b, int stage,
                         const uint64_t *sizes, const char *name, struct fail *f)
{
	struct image *img = &b->image;
	int lock = store_lock(s), r = lock < 0 ? lock : 0;

	for (unsigned i = 0; r == 0 && i < img->layer_count; i++) {
		char layer[16];

		snprintf(layer, sizeof(layer), "L%u", i);
		if (!store_has_layer(s, img->diff_ids[i]))
			r = store_add_layer(s, stage, layer, img->diff_ids[i], sizes[i]);
		im->bytes += sizes[i];
	}
	if (r == 0 && !b->manifest) {
		memcpy(img->layer_sizes, sizes, img->layer_count * sizeof(*sizes));
		b->manifest = image_make_manifest(img);
		b->manifest_len = b->manifest ? strlen(b->manifest) : 0;
		r = b->manifest ? 0 : -LX_ENOMEM;
	}
	if (r == 0)
		r = commit_image(s, im, img, b->config, b->config_len, b->manifest, b->manifest_len,
		                 name);
	if (lock >= 0)
		close(lock);
	return r < 0 ? fail_errno(f, r, "cannot store the image") : 0;
}

static void note_name(struct import *im, const char *name)
{
	size_t used = strlen(im->names);

	snprintf(im->names + used, sizeof(im->names) - used, "%s%s", used ? "\n" : "",
	         reference_short(name));
}

/* Gives an image that has been stored the rest of its names. */
static int add_names(struct store *s, struct import *im, const struct bundle *b, const char *first,
                     struct fail *f)
{
	struct reference ref;
	int r = 0;

	for (unsigned i = 1; r == 0 && i < b->name_count; i++) {
		r = reference_parse(b->names[i], strlen(b->names[i]), &ref);
		if (r == 0)
			r = images_tag(s, first, ref.full, f);
		if (r == 0)
			note_name(im, ref.full);
	}
	return r;
}

/* The n-th image of a bundle; 1: there are not that many. */
static int import_nth(struct store *s, struct import *im, int dir, int stage,
                      const struct reference *given, unsigned n, struct fail *f)
{
	uint64_t sizes[IMAGE_MAX_LAYERS] = {0};
	struct reference ref = *given;
	struct bundle *b = malloc(sizeof(*b));
	int r;

	if (!b)
		return fail_set(f, -LX_ENOMEM, "out of memory");
	r = bundle_open(b, dir, im->platform, n, f);
	if (r == -LX_ENOENT && n > 0 && !f->text[0]) {
		bundle_release(b);
		free(b);
		return 1;
	}
	if (r == 0 && !ref.full[0] && b->name_count)
		r = reference_parse(b->names[0], strlen(b->names[0]), &ref);
	for (unsigned i = 0; r == 0 && i < b->image.layer_count; i++)
		r = unpack_bundle_layer(s, im, b, stage, i, &sizes[i], f);
	if (r == 0)
		r = commit_bundle(s, im, b, stage, sizes, ref.full, f);
	if (r == 0 && ref.full[0])
		note_name(im, ref.full);
	if (r == 0 && !given->full[0])
		r = add_names(s, im, b, ref.full, f);
	bundle_release(b);
	free(b);
	return r;
}

/* Every image of the bundle; with a name given, the first one by that name. */
static int import_bundle(struct store *s, struct import *im, int dir, int stage,
                         const struct reference *ref, struct fail *f)
{
	int r = 0;

	for (unsigned n = 0; r == 0 && n < BUNDLE_MAX_IMAGES && (n == 0 || !ref->full[0]); n++) {
		char name[16];

		/* Each has layers of its own to stage. */
		snprintf(name, sizeof(name), "I%u", n);
		r = path_make_dirs(stage, name);
		if (r == 0) {
			int own = openat(stage, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			r = own < 0 ? plat_errno(errno) : import_nth(s, im, dir, own, ref, n, f);
			if (own >= 0)
				close(own);
		}
	}
	return r == 1 ? 0 : r;
}

/* An archive is unpacked first, whatever it is; then it shows what it was. */
static int import_archive(struct store *s, struct import *im, int stage, struct reference *ref,
                          struct fail *f)
{
	struct unpack_result result;
	int tree, r = unpack_to(im->source, stage, "0", false, im, &result, f);
	bool image;

	if (r < 0)
		return r;
	tree = plat_open_beneath(stage, "0/tree", O_RDONLY | O_DIRECTORY, 0);
	if (tree < 0)
		return fail_errno(f, tree, "cannot read what was unpacked");
	image = im->kind == IMPORT_IMAGE || (im->kind == IMPORT_AUTO && bundle_is_image(tree));
	r = image ? import_bundle(s, im, tree, stage, ref, f)
	          : finish_rootfs(s, im, stage, &result, ref->full, f);
	close(tree);
	return r;
}

int import_run(struct store *s, struct import *im, struct fail *f)
{
	struct reference ref = {0};
	char stage[33];
	struct stat st;
	int fd, r;

	if (*im->reference &&
	    (reference_parse(im->reference, strlen(im->reference), &ref) < 0 || ref.digest[0]))
		return fail_set(f, -LX_EINVAL, "%s is not a name for an image", im->reference);
	if (fstat(im->source, &st) < 0)
		return fail_errno(f, plat_errno(errno), "cannot read the archive");
	r = store_stage(s, stage, &fd);
	if (r < 0)
		return fail_errno(f, r, "cannot write to the image store");
	if (S_ISDIR(st.st_mode) &&
	    (im->kind == IMPORT_IMAGE || (im->kind == IMPORT_AUTO && bundle_is_image(im->source))))
		r = import_bundle(s, im, im->source, fd, &ref, f);
	else
		r = import_archive(s, im, fd, &ref, f);
	if (r == 0 && !im->names[0] && ref.full[0])
		note_name(im, ref.full);
	if (path_remove_tree(s->tmp, stage) < 0 && r == 0)
		r = fail_set(f, -LX_EIO, "cannot clean up in the image store");
	close(fd);
	return r;
}
