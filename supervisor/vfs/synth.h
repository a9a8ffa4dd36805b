/*
 * synth.h: file systems whose content is made up when it is looked at (procfs, sysfs).
 *
 * Names are described by static tables of struct synth_node.  A directory has fixed children,
 * or looks them up and lists them itself; a file shows its text into a seqbuf, which serves
 * the reads of one open file so that they are consistent; reading from the start again makes
 * it anew.  Which process (thread, descriptor) an object is about is in its struct synth_id.
 */
#ifndef SUPERVISOR_VFS_SYNTH_H
#define SUPERVISOR_VFS_SYNTH_H

#include "supervisor/vfs/seqbuf.h"
#include "supervisor/vfs/vfs.h"

struct synth_node;

/* What an object is about; all zero for the system as a whole. */
struct synth_id {
	int32_t pid, tid;  /* tid 0: the process */
	int32_t fd;        /* descriptors, or whatever the node's table counts */
	int64_t start_ns;  /* of the process: tells it from a later one with the same number */
};

struct synth_ctx {
	struct task *t; /* who looks */
	struct guest *g;
	struct superblock *sb;
	const struct synth_node *node;
	struct synth_id id;
	uint32_t uid, gid; /* the owner of the object */
};

struct synth_list;

struct synth_node {
	const char *name; /* NULL ends a table */
	uint32_t mode;    /* S_IFDIR, S_IFREG or S_IFLNK, and permissions */
	/* Files. */
	int (*show)(const struct synth_ctx *c, struct seqbuf *s);
	/* Writes: the whole of one write(2), terminated; bytes used or a negative errno. */
	int64_t (*store)(const struct synth_ctx *c, char *text, size_t n);
	/* Files with operations of their own. */
	const struct file_ops *fops;
	/* Links. */
	int (*readlink)(const struct synth_ctx *c, char **out);
	int (*follow)(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry);
	/* Directories: fixed children, then those that lookup finds and list names. */
	const struct synth_node *children;
	int (*lookup)(const struct synth_ctx *c, const char *name, struct inode **out);
	int (*list)(const struct synth_ctx *c, struct synth_list *l);
	uint64_t value;   /* for synth_show_number */
	const char *text; /* for synth_show_text */
};

/* A fresh inode for node about id, owned by uid and gid. */
int synth_inode(struct superblock *sb, const struct synth_node *node, const struct synth_id *id,
		uint32_t uid, uint32_t gid, struct inode **out) MUST_CHECK;
/* Names an entry of a directory; type is LX_S_IFDIR etc. */
int synth_list_add(struct synth_list *l, const char *name, uint32_t type) MUST_CHECK;
/* What an inode of such a file system is about. */
void synth_context(struct task *t, const struct inode *inode, struct synth_ctx *out);
bool inode_is_synth(const struct inode *inode);

/* Common bodies. */
int synth_show_number(const struct synth_ctx *c, struct seqbuf *s); /* value and a newline */
int synth_show_text(const struct synth_ctx *c, struct seqbuf *s);   /* text as it is */

/* A decimal number, nothing around it but blanks and a newline; -LX_EINVAL. */
int synth_parse_number(const char *text, int64_t *out) MUST_CHECK;

#endif
