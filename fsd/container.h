/*
 * container.h: containers of the store: a writable upper over an image's layers.
 *
 *   containers/ID/config.json   id, name, reference, digest, created, remove (when it ends)
 *   containers/ID/upper         what the guest wrote
 *   containers/ID/work, links   see tree.h
 *
 * The directory of a container in use is locked (flock) by its worker, so that "in use" ends
 * with the process, however that ends.
 */
#ifndef FSD_CONTAINER_H
#define FSD_CONTAINER_H

#include "fsd/store.h"

#define CONTAINER_ID_LEN 32

struct container {
	char id[CONTAINER_ID_LEN + 1];
	char name[129];
	char reference[REFERENCE_MAX]; /* as given; empty: a host directory */
	char digest[DIGEST_TEXT_MAX];  /* the image's manifest; empty: a host directory */
	bool remove;                   /* when its session ends */
	int dir;                       /* containers/ID, locked */
};

/* Makes a container, or takes up an existing one that is idle when name is its id and reference
 * the same.  c->name, reference, digest and remove are set by the caller; an empty name becomes
 * the id's first 12 digits.  -LX_EEXIST: the name is taken; -LX_EBUSY: it is in use. */
int container_create(struct store *s, struct container *c, struct fail *f) MUST_CHECK;

/* Ends the use; removes it if it is to be removed. */
void container_done(struct store *s, struct container *c);

/* By id, a beginning of the id, or name.  Its files go by store_sweep. */
int container_remove(struct store *s, const char *name, struct fail *f) MUST_CHECK;

/* [{"id","name","image","digest","created","state"}]; state: "running" or "exited". */
json_t *container_list(struct store *s);

/* Calls fn for the image digest of each container. */
int container_each_digest(struct store *s, json_t *arg,
                          void (*fn)(struct store *s, json_t *arg, const char *digest)) MUST_CHECK;
/* True if a container is made from that image. */
bool container_uses(struct store *s, const char *digest);

/* Removes containers that are incomplete, or were to be removed and have no worker any more. */
void container_clean(struct store *s);

#endif
