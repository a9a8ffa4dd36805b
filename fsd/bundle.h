/*
 * bundle.h: an image as it comes: an OCI layout or what `docker save` writes, in a directory that
 * holds its files (unpacked before by unpackproc_layer, or the user's own).
 *
 * What is read here is small JSON, checked by digest where there is one; layers are only named.
 */
#ifndef FSD_BUNDLE_H
#define FSD_BUNDLE_H

#include "fsd/fail.h"
#include "fsd/image.h"

struct bundle {
	int dir; /* borrowed */
	struct image image;
	char *config, *manifest; /* texts; manifest is NULL if one has to be made */
	size_t config_len, manifest_len;
	/* What the bundle calls it; there may be no name. */
	char names[IMAGE_MAX_TAGS][256];
	unsigned name_count;
	/* Docker's archives name layers by path, OCI's by digest. */
	struct image_docker *docker;
};

/* True if the directory holds an OCI layout or a docker-archive. */
bool bundle_is_image(int dir);

/* Finds the n-th image (those of other names, or entries of manifest.json) for the platform and
 * reads its description.  -LX_ENOENT without a sentence in f: there is no n-th, n > 0.  To be
 * released, after a failure too. */
int bundle_open(struct bundle *b, int dir, const char *platform, unsigned n,
                struct fail *f) MUST_CHECK;
void bundle_release(struct bundle *b);

/* Opens the blob of layer i for reading. */
int bundle_open_layer(struct bundle *b, unsigned i, struct fail *f) MUST_CHECK;

#endif
