/*
 * image.h: the JSON of OCI and Docker images, parsed into plain structs.  Input may be hostile:
 * digests are checked for form, sizes for range, lists for length.
 */
#ifndef FSD_IMAGE_H
#define FSD_IMAGE_H

#include <jansson.h>

#include "common/base.h"
#include "fsd/digest.h"

#define IMAGE_MAX_LAYERS 127
#define IMAGE_MAX_TAGS   32 /* of one image in a docker-archive */

#define IMAGE_INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define IMAGE_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"
#define IMAGE_LAYER_TYPE    "application/vnd.oci.image.layer.v1.tar"
#define IMAGE_REF_NAME      "org.opencontainers.image.ref.name"
#define IMAGE_FULL_NAME     "io.containerd.image.name" /* docker's, where the other is a tag only */

struct image {
	char config[DIGEST_TEXT_MAX];
	uint64_t config_size;
	unsigned layer_count;
	char layers[IMAGE_MAX_LAYERS][DIGEST_TEXT_MAX]; /* blobs, bottom first (manifest) */
	uint64_t layer_sizes[IMAGE_MAX_LAYERS];
	char diff_ids[IMAGE_MAX_LAYERS][DIGEST_TEXT_MAX]; /* uncompressed tars (configuration) */
	char os[32], architecture[32], variant[32];
	char created[64];
};

/* All return 0, -LX_EINVAL (not what it should be), -LX_E2BIG (too many layers), -LX_ENOMEM. */
int image_parse_manifest(const char *text, size_t len, struct image *img) MUST_CHECK;
/* Fills diff_ids, os, architecture, created; the number of layers must be the manifest's (or, when
 * img->layer_count is 0, becomes that). */
int image_parse_config(const char *text, size_t len, struct image *img) MUST_CHECK;

/* From an index: the descriptor that suits the platform ("linux/arm64" or "linux/arm64/v8") best,
 * with its digest, size and whether it is an index itself.  -LX_ENOENT if none does.  name: only
 * among those of that name (IMAGE_FULL_NAME,
 * else IMAGE_REF_NAME); NULL: among all. */
struct image_choice {
	char digest[DIGEST_TEXT_MAX];
	uint64_t size;
	bool is_index;
	char ref_name[256]; /* as annotated, or empty */
};
int image_choose(const char *text, size_t len, const char *platform, const char *name,
                 struct image_choice *out) MUST_CHECK;
/* The n-th different name in an index; -LX_ENOENT if there are fewer. */
int image_nth_name(const char *text, size_t len, unsigned n, char out[256]) MUST_CHECK;

/* Docker's manifest.json: the paths of the n-th image's parts; -LX_ENOENT if there are fewer. */
struct image_docker {
	char config[256];
	char tags[IMAGE_MAX_TAGS][256]; /* RepoTags */
	unsigned tag_count;
	unsigned layer_count;
	char layers[IMAGE_MAX_LAYERS][256];
};
int image_parse_docker(const char *text, size_t len, unsigned n,
                       struct image_docker *out) MUST_CHECK;

/* True if the image runs on the platform. */
bool image_matches(const struct image *img, const char *platform);

/* A manifest's text for layers that we hold by diff id; the caller frees it.  NULL: no memory. */
char *image_make_manifest(const struct image *img);
/* A configuration for a single imported layer.  config_json: Docker's "config" object, or empty. */
int image_make_config(const char *platform, const char *config_json, size_t len,
                      const char *diff_id, char **out) MUST_CHECK;

#endif
