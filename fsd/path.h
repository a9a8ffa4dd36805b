/*
 * path.h: names and small files relative to directory descriptors.  Nothing here follows a
 * symbolic link or leaves the directory it was given.
 */
#ifndef FSD_PATH_H
#define FSD_PATH_H

#include <sys/types.h>

#include "common/base.h"

#define PATH_NAME_MAX 255

/* True for one path component: 1 to 255 bytes, no slash, no NUL, not "." or "..". */
bool path_name_ok(const void *name, size_t len);

/* A random name of 32 hexadecimal digits. */
void path_random_name(char out[33]);

/* Makes the directories of path (relative, clean) that are missing; mode 0700. */
int path_make_dirs(int dir, const char *path) MUST_CHECK;

/* Reads a whole regular file; *out (the caller frees it) ends in a NUL that is not counted.
 * -LX_EFBIG if it is longer than max. */
int path_read_file(int dir, const char *path, size_t max, char **out, size_t *len) MUST_CHECK;

/* Replaces or makes dir/name at once: written beside it, (durable) synced, renamed. */
int path_write_file(int dir, const char *name, const void *data, size_t len,
                    bool durable) MUST_CHECK;

/* Removes dir/name, with everything in it if it is a directory.  Any depth of tree needs a
 * bounded number of descriptors: deep directories are moved up first.  0 if it is not there. */
int path_remove_tree(int dir, const char *name) MUST_CHECK;

/* Removes everything in the directory, which stays. */
int path_remove_contents(int dir) MUST_CHECK;

#endif
