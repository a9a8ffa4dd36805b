/*
 * ops.h: the handlers of a guest session (generated prototypes: fsd_do_lookup and so on) and what
 * they share.  Each answers one message of ops_fsd.def; nothing they are given is trusted.
 */
#ifndef FSD_OPS_H
#define FSD_OPS_H

#include "fsd/tree.h"
#include "ipc/fsd.h"

#define IPC_SERVICE fsd
#define IPC_SCHEMA  "ipc/ops_fsd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct fsd_session
#include "ipc/gen_handlers.inc"
#undef IPC_SERVICE
#undef IPC_SCHEMA
#undef IPC_PEER
#undef IPC_SESSION

extern const struct ipc_handlers ops_guest_handlers;

/* A name field as a C string; -LX_EINVAL unless it is one proper component. */
int ops_name(const struct ipc_bytes *field, char out[256]) MUST_CHECK;

/* Where something new is about to appear. */
struct spot {
	struct node *dir;
	struct mount *mount;
	int fd;        /* the directory in the upper; borrowed */
	bool whiteout; /* a whiteout stands there */
	char name[256];
};

/* Looks up the directory and name of a request and makes the directory exist in the upper:
 * -LX_EEXIST if the name does, -LX_EROFS, and so on. */
int spot_prepare(struct fsd_session *s, uint64_t dir, const struct ipc_bytes *name,
                 struct spot *spot) MUST_CHECK;

/* Enters what was made at the spot into the tables and tells its attributes. */
int spot_enter(struct fsd_session *s, struct spot *spot, const struct stat *st,
               const struct meta *m, struct node **out, struct ipc_attr *attr) MUST_CHECK;

/* Gives an object its owner, mode and device as the mount keeps them: the attribute in trees of
 * ours; in host directories what the host allows, and the attribute for the rest.  fd is the
 * object open (not O_PATH), or -1. */
int object_set_meta(struct mount *m, int dir, const char *name, int fd,
                    const struct meta *meta) MUST_CHECK;

/* The host's mode for a new object of a mount. */
mode_t object_host_mode(const struct mount *m, uint32_t guest_mode);

/* A name is about to lose its object (unlink, or a rename over it): keeps an open file reachable
 * under a hidden name and keeps count of a copied-up hard link's names.  Call before the host's
 * own change.  moved (NULL if the name has to stay until then): set if the name is gone already. */
int name_leaving(struct fsd_session *s, struct dentry *d, bool *moved) MUST_CHECK;
/* Call after the change: forgets the name, and the node if that was its last. */
void name_left(struct fsd_session *s, struct dentry *d);

/* Removes a directory's upper part with the whiteouts in it, leaving `whiteout` or nothing. */
int remove_upper_dir(struct fsd_session *s, struct mount *m, int up, const char *name,
                     bool whiteout) MUST_CHECK;

#endif
