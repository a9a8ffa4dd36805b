/*
 * import.c: see import.h.  Layers are unpacked into a directory of tmp/ by a forked process that
 * can do nothing else; then, under the store's lock, layers, blobs and the name are put in place.
 */
#include "fsd/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/images.h"
#include "fsd/path.h"
#include "fsd/unpackproc.h"

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
static int commit_image(struct store *s, struct import *im, struct image *img, const char *config,
			size_t config_len, const char *manifest, size_t manifest_len, const char *name)
{
	char digest[DIGEST_TEXT_MAX];
	int r = store_put_blob(s, config, config_len, digest);

	if (r == 0)
		r = store_put_blob(s, manifest, manifest_len, im->digest);
	if (r == 0)
		r = images_put(s, im->digest, manifest_len, img, name && *name ? name : NULL);
	return r;
}

static int import_rootfs(struct store *s, struct import *im, int stage, const char *name, struct fail *f)
{
	struct unpack_result result;
	struct image img = {.layer_count = 1};
	char *config = NULL, *manifest = NULL;
	int tree = make_tree(stage, "0"), r, lock;

	if (tree < 0)
		return fail_errno(f, tree, "cannot write to the image store");
	r = unpackproc_layer(im->source, tree, false, im->progress, &result, f);
	if (r == 0 && syncfs(tree) < 0)
		r = plat_errno(errno);
	close(tree);
	if (r < 0)
		return r;
	im->bytes = result.bytes;
	r = image_make_config(im->platform, im->config, im->config_len, result.diff_id, &config);
	if (r < 0)
		return fail_set(f, r, "the configuration for the image is not a JSON object");
	r = image_parse_config(config, strlen(config), &img);
	img.layer_sizes[0] = result.bytes;
	img.config_size = strlen(config);
	if (r == 0 && !digest_of(config, strlen(config), img.config))
		r = -LX_ENOMEM;
	manifest = r == 0 ? image_make_manifest(&img) : NULL;
	lock = manifest ? store_lock(s) : -LX_ENOMEM;
	r = lock < 0 ? lock : store_add_layer(s, stage, "0", result.diff_id, result.bytes);
	if (r == 0)
		r = commit_image(s, im, &img, config, strlen(config), manifest, strlen(manifest), name);
	if (lock >= 0)
		close(lock);
	free(config);
	free(manifest);
	return r < 0 ? fail_errno(f, r, "cannot store the image") : 0;
}

int import_run(struct store *s, struct import *im, struct fail *f)
{
	struct reference ref = {0};
	char stage[33];
	int fd, r;

	if (*im->reference && (reference_parse(im->reference, strlen(im->reference), &ref) < 0 || ref.digest[0]))
		return fail_set(f, -LX_EINVAL, "%s is not a name for an image", im->reference);
	r = store_stage(s, stage, &fd);
	if (r < 0)
		return fail_errno(f, r, "cannot write to the image store");
	r = import_rootfs(s, im, fd, ref.full, f);
	if (r == 0)
		snprintf(im->name, sizeof(im->name), "%s", reference_short(ref.full));
	if (path_remove_tree(s->tmp, stage) < 0 && r == 0)
		r = fail_set(f, -LX_EIO, "cannot clean up in the image store");
	close(fd);
	return r;
}
