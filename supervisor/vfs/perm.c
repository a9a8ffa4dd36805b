/*
 * perm.c: who may do what: mode bits and capabilities, as path_resolution(7), chmod(2), chown(2),
 * utimensat(2), unlink(2) and capabilities(7) say.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/perm.h"

static uint32_t load(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* The three bits that apply to the caller. */
static uint32_t class_bits(const struct cred *c, uint32_t mode, uint32_t uid, uint32_t gid)
{
	if (c->fsuid == uid)
		return mode >> 6 & 7;
	if (c->fsgid == gid || cred_in_group(c, gid))
		return mode >> 3 & 7;
	return mode & 7;
}

int perm_mode(const struct cred *c, const struct inode *inode, int mask)
{
	uint32_t mode = load(&inode->mode);
	uint32_t want = (uint32_t)mask & 7;

	if ((class_bits(c, mode, load(&inode->uid), load(&inode->gid)) & want) == want)
		return 0;
	if (LX_S_ISDIR(mode)) {
		if (!(want & LX_W_OK) && cred_capable(c, LX_CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(c, LX_CAP_DAC_OVERRIDE) ? 0 : -LX_EACCES;
	}
	if (want == LX_R_OK && cred_capable(c, LX_CAP_DAC_READ_SEARCH))
		return 0;
	/* Execution needs at least one x bit, whoever asks. */
	if ((!(want & LX_X_OK) || (mode & 0111)) && cred_capable(c, LX_CAP_DAC_OVERRIDE))
		return 0;
	return -LX_EACCES;
}

/* By whose rights t acts on files. */
const struct cred *perm_cred(const struct task *t)
{
	return t->fs_cred ? t->fs_cred : t->cred;
}

int vfs_permission(struct task *t, struct inode *inode, int mask)
{
	if (inode->ops->permission)
		return inode->ops->permission(t, inode, mask);
	return perm_mode(perm_cred(t), inode, mask);
}

bool perm_owner(const struct cred *c, const struct inode *inode)
{
	return c->fsuid == load(&inode->uid) || cred_capable(c, LX_CAP_FOWNER);
}

int perm_may_delete(struct task *t, struct inode *dir, struct inode *victim, bool want_dir)
{
	int r = vfs_permission(t, dir, LX_W_OK | LX_X_OK);

	if (r < 0)
		return r;
	if ((load(&dir->mode) & LX_S_ISVTX) && t->cred->fsuid != load(&victim->uid) &&
	    t->cred->fsuid != load(&dir->uid) && !cred_capable(t->cred, LX_CAP_FOWNER))
		return -LX_EPERM;
	if (want_dir)
		return LX_S_ISDIR(inode_mode(victim)) ? 0 : -LX_ENOTDIR;
	return LX_S_ISDIR(inode_mode(victim)) ? -LX_EISDIR : 0;
}

int perm_may_create(struct task *t, struct inode *dir)
{
	if (__atomic_load_n(&dir->flags, __ATOMIC_RELAXED) & INODE_DEAD)
		return -LX_ENOENT;
	return vfs_permission(t, dir, LX_W_OK | LX_X_OK);
}

uint32_t perm_new_gid(const struct cred *c, const struct inode *dir)
{
	return (load(&dir->mode) & LX_S_ISGID) ? load(&dir->gid) : c->fsgid;
}

uint32_t perm_new_mode(const struct cred *c, const struct inode *dir, uint32_t mode)
{
	uint32_t dir_mode = load(&dir->mode), dir_gid = load(&dir->gid);

	if (!(dir_mode & LX_S_ISGID))
		return mode;
	if (LX_S_ISDIR(mode))
		return mode | LX_S_ISGID;
	if ((mode & (LX_S_ISGID | LX_S_IXGRP)) == (LX_S_ISGID | LX_S_IXGRP) &&
	    c->fsgid != dir_gid && !cred_in_group(c, dir_gid) && !cred_capable(c, LX_CAP_FSETID))
		return mode & ~LX_S_ISGID;
	return mode;
}

uint32_t perm_stripped_mode(uint32_t mode)
{
	if (!LX_S_ISREG(mode))
		return mode;
	mode &= ~LX_S_ISUID;
	if (mode & LX_S_IXGRP)
		mode &= ~LX_S_ISGID;
	return mode;
}

static int check_chown(const struct cred *c, const struct inode *inode, uint32_t mask,
                       const struct vfs_attr *attr)
{
	bool owner = c->fsuid == load(&inode->uid);

	if (cred_capable(c, LX_CAP_CHOWN))
		return 0;
	if ((mask & VFS_SET_UID) && !(owner && attr->uid == load(&inode->uid)))
		return -LX_EPERM;
	if ((mask & VFS_SET_GID) && attr->gid != load(&inode->gid) &&
	    !(owner && (attr->gid == c->fsgid || cred_in_group(c, attr->gid))))
		return -LX_EPERM;
	return owner || (!(mask & VFS_SET_UID) && attr->gid == load(&inode->gid)) ? 0 : -LX_EPERM;
}

static int check_times(struct task *t, struct inode *inode, uint32_t mask)
{
	const uint32_t explicit_times = VFS_SET_ATIME | VFS_SET_MTIME;
	const uint32_t now = VFS_SET_ATIME_NOW | VFS_SET_MTIME_NOW;

	if (perm_owner(t->cred, inode))
		return 0;
	if (!(mask & explicit_times) && (mask & now) == now)
		return vfs_permission(t, inode, LX_W_OK);
	return -LX_EPERM;
}

int perm_setattr(struct task *t, struct inode *inode, uint32_t *mask, struct vfs_attr *attr)
{
	const struct cred *c = t->cred;
	int r = 0;

	if (*mask & VFS_SET_MODE) {
		if (!perm_owner(c, inode))
			return -LX_EPERM;
		attr->mode = (load(&inode->mode) & LX_S_IFMT) | (attr->mode & LX_S_IALLUGO);
		if (c->fsgid != load(&inode->gid) && !cred_in_group(c, load(&inode->gid)) &&
		    !cred_capable(c, LX_CAP_FSETID))
			attr->mode &= ~LX_S_ISGID;
	}
	if (*mask & (VFS_SET_UID | VFS_SET_GID)) {
		r = check_chown(c, inode, *mask, attr);
		if (r < 0)
			return r;
		if (!LX_S_ISDIR(inode_mode(inode)) && !(*mask & VFS_SET_MODE) &&
		    perm_stripped_mode(load(&inode->mode)) != load(&inode->mode)) {
			*mask |= VFS_SET_MODE;
			attr->mode = perm_stripped_mode(load(&inode->mode));
		}
	}
	if (*mask & (VFS_SET_ATIME | VFS_SET_MTIME | VFS_SET_ATIME_NOW | VFS_SET_MTIME_NOW))
		r = check_times(t, inode, *mask);
	return r;
}
