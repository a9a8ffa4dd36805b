/*
 * mount.h: changing the tree of mounts: what mount(2), umount2(2) and pivot_root(2) come down to.
 * Permissions are checked by the callers.
 */
#ifndef SUPERVISOR_VFS_MOUNT_H
#define SUPERVISOR_VFS_MOUNT_H

#include "supervisor/vfs/vfs.h"

/* Puts an unattached mount at a place; takes over the caller's reference on success. */
int mount_attach(struct mount *m, const struct path *at) MUST_CHECK;
int mount_bind(const struct path *from, const struct path *at, bool recursive) MUST_CHECK;
/* -LX_EBUSY when in use and not lazy; lazy takes everything below along. */
int mount_detach(struct mount *m, bool lazy) MUST_CHECK;
int mount_remount(struct mount *m, uint32_t flags) MUST_CHECK;
int mount_move(struct mount *m, const struct path *at) MUST_CHECK;
/* Makes new_root's mount the root; *old_root has a reference. */
int mount_pivot(struct guest *g, const struct path *new_root, const struct path *put_old,
                struct mount **old_root) MUST_CHECK;
/* The name of d below its file system's root, from malloc. */
int dentry_name_in_fs(struct dentry *d, char **out) MUST_CHECK;

#endif
