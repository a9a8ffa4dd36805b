/*
 * ops_rename.c: rename, with NOREPLACE and EXCHANGE.
 *
 * Both objects are brought into the upper first.  A directory that has parts in the layers below
 * keeps them by a redirect, one that has none becomes opaque where a directory of the same name
 * lies below; so renaming costs the same whatever a tree holds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/copyup.h"
#include "fsd/ops.h"
#include "fsd/overlay.h"

enum { RENAME_FLAGS = PLAT_RENAME_NOREPLACE | PLAT_RENAME_EXCHANGE };

struct move {
	struct node *from_dir, *to_dir;
	char from[256], to[256];
	int from_fd, to_fd;             /* the directories in the upper */
	struct dentry *source, *target; /* target: NULL if there is none */
	bool target_whiteout;
	unsigned flags;
};

static bool is_ancestor(const struct node *a, const struct node *n)
{
	while (n != a) {
		if (list_empty(&n->dentries))
			return false;
		n = list_first_entry(&n->dentries, struct dentry, of_node)->dir;
	}
	return true;
}

static int find_both(struct fsd_session *s, struct move *mv)
{
	struct node *a, *b;
	struct found f;
	int r = overlay_lookup(s, mv->from_dir, mv->from, &a, NULL);

	if (r < 0)
		return r;
	mv->source = dentry_find(s, mv->from_dir, mv->from);
	r = overlay_lookup(s, mv->to_dir, mv->to, &b, NULL);
	if (r == 0) {
		mv->target = dentry_find(s, mv->to_dir, mv->to);
	} else if (r == -LX_ENOENT) {
		r = overlay_find(s, mv->to_dir, mv->to, &f);
		free(f.redirect);
		mv->target_whiteout = f.whiteout;
		r = r == -LX_ENOENT || r == 0 ? 0 : r;
	}
	return r < 0 ? r : mv->source ? 0 : -LX_EIO;
}

static int dir_is_empty(struct fsd_session *s, struct node *n)
{
	struct listing *l;
	int r = listing_read(s, n, &l);

	if (r < 0)
		return r;
	r = l->count ? -LX_ENOTEMPTY : 0;
	listing_free(l);
	return r;
}

/* What rename(2) says about the pair.  1: nothing to do. */
static int check(struct fsd_session *s, const struct move *mv)
{
	struct node *src = mv->source->node, *dst = mv->target ? mv->target->node : NULL;

	if (!dst && (mv->flags & PLAT_RENAME_EXCHANGE))
		return -LX_ENOENT;
	if (dst && (mv->flags & PLAT_RENAME_NOREPLACE))
		return -LX_EEXIST;
	if (src == dst)
		return 1;
	if (src->type == S_IFDIR && is_ancestor(src, mv->to_dir))
		return -LX_EINVAL;
	if (dst && dst->type == S_IFDIR && is_ancestor(dst, mv->from_dir))
		return mv->flags & PLAT_RENAME_EXCHANGE ? -LX_EINVAL : -LX_ENOTEMPTY;
	if (!dst || (mv->flags & PLAT_RENAME_EXCHANGE))
		return 0;
	if (src->type == S_IFDIR && dst->type != S_IFDIR)
		return -LX_ENOTDIR;
	if (src->type != S_IFDIR && dst->type == S_IFDIR)
		return -LX_EISDIR;
	return dst->type == S_IFDIR ? dir_is_empty(s, dst) : 0;
}

static bool has_lower(const struct node *n)
{
	for (unsigned i = 1; i < n->mount->layer_count; i++)
		if (layer_set_has(&n->in, i))
			return true;
	return false;
}

/* Makes an object of the upper keep its meaning at another place. */
static int prepare_moved(struct fsd_session *s, struct dentry *d, struct node *to_dir,
                         const char *to)
{
	struct node *n = d->node;
	int fd, r, lower;

	if (n->type != S_IFDIR) {
		r = copy_up_name(s, d);
		return r < 0 || n->mount->bind ? r : mark_impure(s, to_dir);
	}
	r = copy_up_dir(s, n);
	if (r < 0 || n->mount->bind || n->mount->layer_count == 1)
		return r;
	fd = dir_fd(s, n, 0);
	if (fd < 0)
		return fd;
	if (has_lower(n)) {
		if (!n->redirect) {
			r = overlay_lower_path(n, &n->redirect);
			if (r < 0)
				return r;
		}
		r = plat_fxattr_set(fd, META_XATTR_REDIR, n->redirect, strlen(n->redirect), 0);
		return r < 0 ? r : mark_impure(s, to_dir);
	}
	lower = overlay_lower_has(s, to_dir, to);
	if (lower <= 0)
		return lower;
	return plat_fxattr_set(fd, META_XATTR_OPAQUE, "y", 1, 0);
}

/* Makes room at the target for what the host's rename could not replace. */
static int clear_target(struct fsd_session *s, struct move *mv)
{
	struct node *src = mv->source->node, *dst = mv->target ? mv->target->node : NULL;
	int r;

	if (mv->target_whiteout && src->type == S_IFDIR)
		return unlinkat(mv->to_fd, mv->to, 0) < 0 ? plat_errno(errno) : 0;
	if (!dst)
		return 0;
	if (dst->type == S_IFDIR) {
		if (!mv->target->upper || dst->mount->layer_count == 1)
			return 0;
		return remove_upper_dir(s, dst->mount, mv->to_fd, mv->to, false);
	}
	r = name_leaving(s, mv->target, NULL);
	if (r < 0)
		return r;
	return 0;
}

/* The tables after the host's rename. */
static int move_names(struct fsd_session *s, struct move *mv)
{
	struct node *src = mv->source->node, *dst = mv->target ? mv->target->node : NULL;
	struct dentry *fresh;
	int r;

	/* The new name comes first, so that the node is never without one. */
	r = dentry_add(s, mv->to_dir, mv->to, src, true, &fresh);
	if (r < 0)
		return r;
	if (mv->flags & PLAT_RENAME_EXCHANGE) {
		r = dentry_add(s, mv->from_dir, mv->from, dst, true, NULL);
		if (r < 0)
			return r;
		dentry_del(s, mv->target);
	} else if (dst) {
		name_left(s, mv->target);
	}
	dentry_del(s, mv->source);
	return 0;
}

static int do_rename(struct fsd_session *s, struct move *mv)
{
	bool exchange = mv->flags & PLAT_RENAME_EXCHANGE;
	int lower, r;

	r = copy_up_dir(s, mv->to_dir);
	if (r == 0)
		r = copy_up_dir(s, mv->from_dir);
	if (r == 0)
		r = prepare_moved(s, mv->source, mv->to_dir, mv->to);
	if (r == 0 && exchange)
		r = prepare_moved(s, mv->target, mv->from_dir, mv->from);
	if (r < 0)
		return r;
	mv->from_fd = dir_fd(s, mv->from_dir, 0);
	mv->to_fd = dir_fd(s, mv->to_dir, 0);
	if (mv->from_fd < 0 || mv->to_fd < 0)
		return -LX_ESTALE;
	lower = exchange ? 0 : overlay_lower_has(s, mv->from_dir, mv->from);
	if (lower < 0)
		return lower;
	if (!exchange)
		r = clear_target(s, mv);
	if (r == 0)
		r = plat_rename(mv->from_fd, mv->from, mv->to_fd, mv->to,
		                exchange ? PLAT_RENAME_EXCHANGE : 0);
	if (r < 0)
		return r;
	/* A crash before this line shows the object under both names, never under none. */
	if (lower && mkfifoat(mv->from_fd, mv->from, 0600) < 0)
		return plat_errno(errno);
	return move_names(s, mv);
}

int64_t fsd_do_rename(struct fsd_session *s, const struct fsd_rename_req *req,
                      struct fsd_rename_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct move mv = {.flags = req->flags};
	int r = ops_name(&req->from_name, mv.from);

	(void)rep;
	(void)in;
	(void)out;
	if (r == 0)
		r = ops_name(&req->to_name, mv.to);
	if (r == 0 && ((req->flags & ~(uint32_t)RENAME_FLAGS) || req->flags == RENAME_FLAGS))
		r = -LX_EINVAL;
	if (r == 0)
		r = node_get_dir(s, req->from_dir, &mv.from_dir);
	if (r == 0)
		r = node_get_dir(s, req->to_dir, &mv.to_dir);
	if (r < 0)
		return r;
	if (mv.from_dir->mount != mv.to_dir->mount)
		return -LX_EXDEV;
	r = find_both(s, &mv);
	if (r == 0 && mv.from_dir->mount->readonly)
		r = -LX_EROFS;
	if (r == 0)
		r = check(s, &mv);
	if (r)
		return r < 0 ? r : 0;
	return do_rename(s, &mv);
}
