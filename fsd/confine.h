/*
 * confine.h: the sandboxes of fsd's processes (common/plat/sandbox.h):
 *   parent     may fork and hand over descriptors; the files of the whole host, because it opens
 *              what is bind-mounted
 *   importer   the store, and the source it was given
 *   unpacker   one directory of the store to write in, and the source
 *   worker     the directories of its own guest
 * None has a network.  A layer that this host lacks is left out, unless a guest was started with
 * --sandbox=require; `carrick info` reports it.
 */
#ifndef FSD_CONFINE_H
#define FSD_CONFINE_H

#include "fsd/store.h"
#include "fsd/tree.h"

/* All return 0 or a negative Linux errno, upon which the process should end. */
/* *applied gets the layers in force. */
int confine_parent(unsigned *applied) MUST_CHECK;
int confine_importer(const struct store *s, int source) MUST_CHECK;
/* tree: -1 for the process that only reads a directory. */
int confine_unpacker(int source, int tree, bool has_child) MUST_CHECK;
/* require: a layer that cannot be applied is an error. */
int confine_worker(const struct fsd_session *session, bool require) MUST_CHECK;

#endif
