/* chardev.h: the drivers that fs_dev.c sets up. */
#ifndef SUPERVISOR_VFS_CHARDEV_H
#define SUPERVISOR_VFS_CHARDEV_H

#include "supervisor/vfs/vfs.h"

/* /dev/null, zero, full, random, urandom: memdev.c. */
int memdev_register(void) MUST_CHECK;

#endif
