/*
 * reference.h: names of images, as Docker writes and shortens them.
 *
 * "debian:12" is docker.io/library/debian:12; a tag that is missing is "latest".  The store
 * keeps the long form; users see the short one.
 */
#ifndef FSD_REFERENCE_H
#define FSD_REFERENCE_H

#include "common/base.h"
#include "fsd/digest.h"

#define REFERENCE_MAX 512

struct reference {
	char full[REFERENCE_MAX];     /* registry/path:tag (no tag if only a digest was given) */
	char digest[DIGEST_TEXT_MAX]; /* empty if none was given */
};

/* 0, or -LX_EINVAL for what is no reference. */
int reference_parse(const char *text, size_t len, struct reference *out) MUST_CHECK;

/* The short form of a full one: without docker.io/ and library/. */
const char *reference_short(const char *full);

/* True if text may be (the beginning of) an image's digest, with or without "sha256:"; *hex is
 * where its digits start. */
bool reference_is_id(const char *text, const char **hex);

#endif
