/*
 * perm.h: permission rules of the vfs.  Results are 0 or a negative errno.
 */
#ifndef SUPERVISOR_VFS_PERM_H
#define SUPERVISOR_VFS_PERM_H

#include "common/base.h"

struct cred;
struct inode;
struct task;
struct vfs_attr;

const struct cred *perm_cred(const struct task *t);
/* mask (4 read, 2 write, 1 execute) by the mode bits and c's fsuid, fsgid, groups, capabilities. */
int perm_mode(const struct cred *c, const struct inode *inode, int mask) MUST_CHECK;
/* The owner, or CAP_FOWNER. */
bool perm_owner(const struct cred *c, const struct inode *inode);
/* Removing or renaming victim, an entry of dir: sticky bit, and the right kind. */
int perm_may_delete(struct task *t, struct inode *dir, struct inode *victim,
                    bool want_dir) MUST_CHECK;
int perm_may_create(struct task *t, struct inode *dir) MUST_CHECK;
/* Group and mode of an object made in dir (set-group-ID directories). */
uint32_t perm_new_gid(const struct cred *c, const struct inode *dir);
uint32_t perm_new_mode(const struct cred *c, const struct inode *dir, uint32_t mode);
/* The mode that a change of content or owner leaves: without set-user-ID and set-group-ID. */
uint32_t perm_stripped_mode(uint32_t mode);
/* Whether t may make the change, which gains what follows from it (lost set-ID bits). */
int perm_setattr(struct task *t, struct inode *inode, uint32_t *mask,
                 struct vfs_attr *attr) MUST_CHECK;

#endif
