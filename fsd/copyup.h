/*
 * copyup.h: bringing objects into a mount's upper layer before they change.
 *
 * The copy is made complete in the work directory (content, owner, mode, attributes, times) and
 * then renamed to its place, so that a crash leaves either the old or the new object.
 */
#ifndef FSD_COPYUP_H
#define FSD_COPYUP_H

#include "fsd/tree.h"

/* Makes the directory (and those above it) exist in the upper layer.  -LX_EROFS on a mount that
 * is read-only; nothing to do where there are no layers below. */
int copy_up_dir(struct fsd_session *s, struct node *dir) MUST_CHECK;

/* Makes any object exist in the upper.  with_data false: the content will be truncated anyway. */
int copy_up(struct fsd_session *s, struct node *n, bool with_data) MUST_CHECK;

/* Makes this very name exist in the upper: copy_up, and for a hard link the other names' way. */
int copy_up_name(struct fsd_session *s, struct dentry *d) MUST_CHECK;

/* A directory now holds something that its listing must look closer at. */
int mark_impure(struct fsd_session *s, struct node *dir) MUST_CHECK;

/* Turns a real symbolic link (in the upper) into a placeholder that can have an owner and
 * attributes. */
int symlink_to_placeholder(struct fsd_session *s, struct node *n, const struct meta *m) MUST_CHECK;

/* A fresh name in a work directory. */
void work_name(struct fsd_session *s, char out[32]);

#endif
