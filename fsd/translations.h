/*
 * translations.h: the code that the CPU engine translated from an image's programs, kept so that
 * the next start need not translate again (vcpu/soft/jit/aot.h).
 *
 * One file per image, translations/HEX by the image's digest; its contents are no affair of
 * fsd's.  Only the command line stores them, never a guest's session: what another guest will
 * execute must not come from a supervisor that its guest may own.
 */
#ifndef FSD_TRANSLATIONS_H
#define FSD_TRANSLATIONS_H

#include "fsd/store.h"

#define TRANSLATIONS_FILE_MAX  (256u << 20) /* bytes of one image's file */
#define TRANSLATIONS_TOTAL_MAX (1ull << 30) /* of all; the longest unused go first */

/* Opens an image's file for reading and tells its size; -LX_ENOENT if there is none. */
int translations_open(struct store *s, const char *digest, uint64_t *size) MUST_CHECK;

/* Replaces it by what the descriptor holds from its beginning on; takes as long as copying
 * does.  -LX_EFBIG if that is more than TRANSLATIONS_FILE_MAX; the old file stays on failure. */
int translations_replace(struct store *s, const char *digest, int source) MUST_CHECK;

#endif
