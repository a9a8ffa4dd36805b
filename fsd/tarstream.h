/*
 * tarstream.h: a tar read through libarchive from a descriptor, its compression undone, with the
 * digests of what came in and of the tar itself.
 */
#ifndef FSD_TARSTREAM_H
#define FSD_TARSTREAM_H

#include <archive.h>
#include <archive_entry.h>

#include "common/base.h"
#include "fsd/digest.h"
#include "fsd/fail.h"

struct tarstream;

/* fd stays the caller's.  NULL: the sentence is in f. */
struct tarstream *tarstream_new(int fd, struct fail *f);
void tarstream_free(struct tarstream *t);

/* The next entry: 1, 0 at the end, or a negative Linux errno with its sentence. */
int tarstream_next(struct tarstream *t, struct archive_entry **entry, struct fail *f) MUST_CHECK;
/* The next piece of the entry's data: 1, 0 at its end, or an error. */
int tarstream_data(struct tarstream *t, const void **data, size_t *len, uint64_t *offset,
                   struct fail *f) MUST_CHECK;

/* Reads on to the input's end and tells the digests; checks nothing but that reading works. */
int tarstream_finish(struct tarstream *t, char digest[DIGEST_TEXT_MAX],
                     char diff_id[DIGEST_TEXT_MAX], uint64_t *input_bytes,
                     struct fail *f) MUST_CHECK;

#endif
