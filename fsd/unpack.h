/*
 * unpack.h: one layer's tar, compressed or not, becomes a tree of ours.
 *
 * Two passes over the stream run as one: libarchive's "raw" reader undoes the compression, the
 * bytes are hashed, and a second reader takes the tar apart.  Every object is made relative to a
 * directory descriptor that was opened without following links.  What an archive says is not
 * trusted: a path that is absolute, has "..", or leads through a link ends the unpacking, as do
 * limits on entries and bytes.
 *
 * The caller gives an empty directory and throws it away if this fails.
 */
#ifndef FSD_UNPACK_H
#define FSD_UNPACK_H

#include "common/base.h"
#include "fsd/digest.h"
#include "fsd/fail.h"

struct unpack_options {
	bool whiteouts;     /* .wh. names have OCI's meaning */
	uint64_t max_bytes; /* of all files together */
	uint64_t max_entries;
	/* Called now and then with the bytes and entries so far; may be NULL. */
	void (*progress)(void *arg, uint64_t bytes, uint64_t entries);
	void *arg;
};

struct unpack_result {
	char diff_id[DIGEST_TEXT_MAX]; /* of the uncompressed tar */
	char digest[DIGEST_TEXT_MAX];  /* of the input as it came */
	uint64_t input_bytes;
	uint64_t bytes, entries; /* of all files; objects */
};

/* Reads the tar from fd to its end into the directory tree. */
int unpack_layer(int fd, int tree, const struct unpack_options *o, struct unpack_result *result,
                 struct fail *f) MUST_CHECK;

#endif
