/*
 * digest.h: SHA-256 digests as OCI writes them, "sha256:" and 64 hexadecimal digits.
 */
#ifndef FSD_DIGEST_H
#define FSD_DIGEST_H

#include "common/base.h"

#define DIGEST_PREFIX   "sha256:"
#define DIGEST_TEXT_MAX 72 /* with NUL */
#define DIGEST_HEX_LEN  64

struct digest_state;

/* NULL: no memory. */
struct digest_state *digest_new(void);
void digest_free(struct digest_state *d);
void digest_update(struct digest_state *d, const void *data, size_t len);
/* Ends it and writes the text; false if hashing failed on the way. */
bool digest_finish(struct digest_state *d, char out[DIGEST_TEXT_MAX]) MUST_CHECK;

bool digest_of(const void *data, size_t len, char out[DIGEST_TEXT_MAX]) MUST_CHECK;

/* True for a well-formed "sha256:..." of lower-case digits. */
bool digest_ok(const char *text);
/* The 64 digits of a well-formed digest. */
const char *digest_hex(const char *text);

#endif
