/*
 * store.h: the image store on disk, and every change to it.
 *
 *   oci-layout, index.json   OCI image layout; one descriptor for each name of an image (annotation
 *                            org.opencontainers.image.ref.name, the long form), or without one
 *   blobs/sha256/HEX         manifests and configurations; layers live extracted, not as blobs
 *   layers/HEX/tree          an extracted layer by the digest of its uncompressed tar;
 * layers/HEX/size containers/ID/           config.json, upper/, work/, links/ (see container.h)
 *   translations/HEX         code translated from the image of that digest (translations.h)
 *   volumes/NAME/            tree/, and work/ with a directory for each session that uses it
 *   crashes/                 reports of supervisors that died (crash.h)
 *   tmp/                     whatever is not finished
 *   lock                     held (flock) around changes, so several services and crashes do no
 * harm
 *
 * Whatever is new is made complete in tmp/ and renamed to its place.  A directory in tmp/, and
 * that of a container in use, is locked by its user, so that leftovers are told from work.
 */
#ifndef FSD_STORE_H
#define FSD_STORE_H

#include <jansson.h>

#include "common/base.h"
#include "fsd/fail.h"
#include "fsd/reference.h"

#define STORE_JSON_MAX (4u << 20) /* bytes of a manifest, index or configuration */

struct store {
	int dir, blobs, layers, containers, volumes, translations, tmp;
};

/* Opens (and makes) the store in the directory path, and removes what a crash left. */
int store_open(struct store *s, const char *path, struct fail *f) MUST_CHECK;
void store_close(struct store *s);

/* Takes the store's lock; returns a descriptor to close.  Never held across long work. */
int store_lock(struct store *s) MUST_CHECK;

/* A new directory in tmp/, locked; its name and a descriptor.  Closing the descriptor and
 * path_remove_tree(s->tmp, name) end it. */
int store_stage(struct store *s, char name[33], int *fd) MUST_CHECK;

/* Moves a directory or file out of sight into tmp/ (call with the lock held) and tells its name. */
int store_discard(struct store *s, int dir, const char *name, char temp[33]) MUST_CHECK;

/* Adds a blob and tells its digest; one that is there already is left alone. */
int store_put_blob(struct store *s, const void *data, size_t len,
                   char digest[DIGEST_TEXT_MAX]) MUST_CHECK;
/* Reads a blob and checks its digest; -LX_EBADMSG if it does not match. */
int store_get_blob(struct store *s, const char *digest, char **data, size_t *len) MUST_CHECK;
/* The same, parsed; NULL if it is not there or not JSON. */
json_t *store_get_json(struct store *s, const char *digest);

bool store_has_layer(struct store *s, const char *diff_id);
/* Opens a layer's tree. */
int store_open_layer(struct store *s, const char *diff_id) MUST_CHECK;
/* Moves stage/name, which holds tree/ and is synced, to its place as that layer. */
int store_add_layer(struct store *s, int stage, const char *name, const char *diff_id,
                    uint64_t size) MUST_CHECK;
/* Bytes of a layer's files, as noted when it was unpacked. */
uint64_t store_layer_size(struct store *s, const char *diff_id);

/* The index; the caller drops the reference. */
json_t *store_read_index(struct store *s);
int store_write_index(struct store *s, json_t *index) MUST_CHECK;

/* Removes layers and blobs that no image and no container needs.  Call with the lock held; the
 * names of what was moved to tmp/ are removed by store_sweep without it. */
int store_collect(struct store *s) MUST_CHECK;
/* Removes what nobody uses from tmp/. */
void store_sweep(struct store *s);

#endif
