/*
 * fsd_box.h: a file-server session over temporary layers, and its operations by path, for the
 * tests of fsd.  Calls go straight to the handlers; results are theirs (negative Linux errnos).
 */
#ifndef TESTS_LIB_FSD_BOX_H
#define TESTS_LIB_FSD_BOX_H

#include "fsd/ops.h"

struct fsd_box {
	char dir[64]; /* temporary directory */
	int fd;
	unsigned lowers; /* layers "l0" (bottom) ... */
	struct fsd_session session;
	bool open, no_upper, strict;
};

/* Makes the temporary directory; box_open makes a session over the layers there are. */
void box_init(struct fsd_box *b);
void box_open(struct fsd_box *b);
void box_close(struct fsd_box *b);
/* Turns the upper into the next layer. */
void box_seal(struct fsd_box *b);
/* Closes and removes everything. */
void box_release(struct fsd_box *b);

/* Paths are relative to the root, "" being the root itself. */
int64_t box_node(struct fsd_box *b, const char *path, uint64_t *node);
int64_t box_stat(struct fsd_box *b, const char *path, struct ipc_attr *attr);
int64_t box_mkdir(struct fsd_box *b, const char *path, uint32_t mode);
int64_t box_mknod(struct fsd_box *b, const char *path, uint32_t mode, uint64_t rdev);
int64_t box_symlink(struct fsd_box *b, const char *target, const char *path, uint32_t uid);
int64_t box_link(struct fsd_box *b, const char *from, const char *to);
int64_t box_unlink(struct fsd_box *b, const char *path);
int64_t box_rmdir(struct fsd_box *b, const char *path);
int64_t box_rename(struct fsd_box *b, const char *from, const char *to, uint32_t flags);
/* Opens (or, with LX_O_CREAT, makes) a file; the donated descriptor, if any, goes to *fd. */
int64_t box_open_file(struct fsd_box *b, const char *path, uint32_t flags, uint32_t mode,
                      uint64_t *handle, int *fd);
int64_t box_close_file(struct fsd_box *b, uint64_t handle);
/* Writes text at offset by way of a handle, and reads a whole file. */
int64_t box_write(struct fsd_box *b, const char *path, uint64_t offset, const char *text);
int64_t box_read(struct fsd_box *b, const char *path, char *out, size_t size);
int64_t box_truncate(struct fsd_box *b, const char *path, uint64_t size);
int64_t box_chmod(struct fsd_box *b, const char *path, uint32_t mode);
int64_t box_chown(struct fsd_box *b, const char *path, uint32_t uid, uint32_t gid);
int64_t box_readlink(struct fsd_box *b, const char *path, char out[4096]);
int64_t box_setxattr(struct fsd_box *b, const char *path, const char *name, const char *value);
int64_t box_getxattr(struct fsd_box *b, const char *path, const char *name, char *out, size_t size);
/* The names of a directory, sorted, each with its type letter: "f:a d:b l:c ". */
int64_t box_list(struct fsd_box *b, const char *path, char *out, size_t size);

#endif
