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
	char name[256]; /* what the bundle calls it, or empty */
	/* Docker's archives name layers by path, OCI's by digest. */
	struct image_docker *docker;
};

/* True if the directory holds an OCI layout or a docker-archive. */
bool bundle_is_image(int dir);

/* Finds the image for the platform and reads its description.  To be released, after a failure too. */
int bundle_open(struct bundle *b, int dir, const char *platform, struct fail *f) MUST_CHECK;
void bundle_release(struct bundle *b);

/* Opens the blob of layer i for reading. */
int bundle_open_layer(struct bundle *b, unsigned i, struct fail *f) MUST_CHECK;

#endif
