/*
 * images.h: the store's images by name.  Functions that change the index take the store's lock.
 */
#ifndef FSD_IMAGES_H
#define FSD_IMAGES_H

#include "fsd/image.h"
#include "fsd/store.h"

/* Finds an image by reference, or by (the beginning of) its digest.  Writes its manifest's digest.
 */
int images_find(struct store *s, const char *reference, char digest[DIGEST_TEXT_MAX],
                struct fail *f) MUST_CHECK;

/* Reads manifest and configuration.  *config (if wanted) is the configuration's text; the caller
 * frees it. */
int images_read(struct store *s, const char *digest, struct image *img, char **config,
                size_t *config_len) MUST_CHECK;

/* Names a manifest (whose blob is there) by a full reference, which it is taken away from any other
 * image; NULL: no name.  Call with the lock held. */
int images_put(struct store *s, const char *digest, uint64_t size, const struct image *img,
               const char *full) MUST_CHECK;

int images_tag(struct store *s, const char *reference, const char *fresh,
               struct fail *f) MUST_CHECK;

/* Takes a name away, or, given a digest, all names; removes the image with its last one.  What
 * happened is appended to the array: "Untagged: NAME", "Deleted: DIGEST".  Files go by
 * store_sweep. */
int images_remove(struct store *s, const char *reference, bool force, json_t *done,
                  struct fail *f) MUST_CHECK;

/* [{"reference","digest","created","size","platform"}]; reference is short, or empty. */
json_t *images_list(struct store *s);

#endif
