/* dirent.h: what getdents64(2) returns. */
#ifndef COMMON_LX_DIRENT_H
#define COMMON_LX_DIRENT_H

#include "common/base.h"

#define LX_DT_UNKNOWN 0
#define LX_DT_FIFO    1
#define LX_DT_CHR     2
#define LX_DT_DIR     4
#define LX_DT_BLK     6
#define LX_DT_REG     8
#define LX_DT_LNK     10
#define LX_DT_SOCK    12

/* The head of an entry; the name and its NUL follow, then padding to 8 bytes. */
struct lx_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[5]; /* to the struct's end; names are as long as they are */
};
#define LX_DIRENT64_NAME_OFFSET 19
_Static_assert(offsetof(struct lx_dirent64, d_name) == LX_DIRENT64_NAME_OFFSET, "linux_dirent64");

#endif
