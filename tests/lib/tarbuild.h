/* tarbuild.h: makes small tar archives for the tests of fsd's import. */
#ifndef TESTS_LIB_TARBUILD_H
#define TESTS_LIB_TARBUILD_H

#include "common/base.h"

struct archive;
struct archive_entry;

struct tarbuild {
	struct archive *a;
	char path[64]; /* the archive, in /tmp */
};

enum tar_compression { TAR_PLAIN, TAR_GZIP, TAR_ZSTD, TAR_XZ };

void tar_begin(struct tarbuild *t, enum tar_compression c);
/* type: S_IF*; link: target of a symbolic (S_IFLNK) or, with type 0, hard link. */
void tar_add(struct tarbuild *t, const char *path, uint32_t mode, uint32_t uid, const char *content,
             const char *link);
void tar_add_device(struct tarbuild *t, const char *path, uint32_t mode, uint32_t major,
                    uint32_t minor);
void tar_add_xattr_file(struct tarbuild *t, const char *path, const char *name, const char *value);
void tar_add_bytes(struct tarbuild *t, const char *path, const void *data, size_t len);
/* A file whose header promises more than what follows. */
void tar_add_sparse(struct tarbuild *t, const char *path, uint64_t size, uint64_t data_at,
                    const char *data);
/* Finishes; returns an open descriptor at its beginning. */
int tar_end(struct tarbuild *t);
/* The whole archive as memory; the caller frees it. */
char *tar_end_memory(struct tarbuild *t, size_t *len);

#endif
