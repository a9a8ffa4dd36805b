/*
 * walk.h: a path walk in progress, for those who look at the last component themselves
 * (open with O_CREAT, the calls that change directories).
 */
#ifndef SUPERVISOR_VFS_WALK_H
#define SUPERVISOR_VFS_WALK_H

#include "supervisor/vfs/dcache.h"

struct walk {
	struct task *t;
	uint32_t flags;   /* WALK_* */
	struct path root; /* what "/" and the topmost ".." mean; a reference */
	struct path cur;  /* a reference, but while the tree lock is held: borrowed */
	char *buffer;     /* names still to be walked; malloc */
	const char *rest; /* in buffer */
	unsigned links;   /* symbolic links followed so far */
	char last[LX_NAME_MAX + 1];
	bool trailing_slash;
};

/* Starts at dirfd or the root, as name says; then walk_end is due, whatever happens. */
int walk_begin(struct walk *w, struct task *t, int dirfd, const char *name,
               uint32_t flags) MUST_CHECK;
/* Walks all of it: cur is the object. */
int walk_all(struct walk *w) MUST_CHECK;
/* Walks all but the last component, which is left in last ("" when there was none but "/"). */
int walk_to_parent(struct walk *w) MUST_CHECK;
/* Goes on at the symbolic link d, an entry of cur: its target is what remains to be walked. */
int walk_into_link(struct walk *w, struct dentry *d) MUST_CHECK;
/* Exchanges cur, a parent, for its child d (a reference is taken) and what is mounted there. */
void walk_enter(struct walk *w, struct dentry *d);
void walk_end(struct walk *w);

/* The target of a symbolic link; a new string. */
int inode_readlink(struct task *t, struct inode *inode, char **out) MUST_CHECK;

#endif
