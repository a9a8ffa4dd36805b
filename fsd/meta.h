/*
 * meta.h: what the guest sees as owner, mode, type and device number of a stored object.
 *
 * They are kept in the extended attribute user.containers.override_stat in the format of
 * containers/storage and fuse-overlayfs, "uid:gid:octal-mode:type", where type is file, dir,
 * symlink, pipe, socket, block-MAJOR-MINOR or char-MAJOR-MINOR (and may be absent).  The host's
 * own mode only ever grants the owner what carrick needs (0700 on directories, 0600 or 0700 on
 * files), so neither privilege nor a set-user-id bit ever appears on the host.
 *
 * Device nodes, fifos and sockets are placeholders: empty regular files whose attribute names
 * the type.  Linux refuses user attributes on symbolic links, so a link that belongs to 0:0 is a
 * real symbolic link, and any other is a placeholder (type symlink) whose content is the target.
 * Directories that hold placeholders carry user.carrick.impure so that listings look closer.
 *
 * The guest's own extended attributes keep their name if they are user.* and not reserved; all
 * others (security.*, trusted.*, reserved user.*) are stored as user.carrick.x.<name>.
 */
#ifndef FSD_META_H
#define FSD_META_H

#include <sys/stat.h>

#include "common/base.h"

#define META_XATTR_STAT   "user.containers.override_stat"
#define META_XATTR_OPAQUE "user.overlay.opaque"   /* "y": a directory hides those below it */
#define META_XATTR_REDIR  "user.overlay.redirect" /* a renamed directory's path below */
#define META_XATTR_ORIGIN "user.carrick.origin"   /* the inode number before copy-up, decimal */
#define META_XATTR_NLINK  "user.carrick.nlink" /* names the guest sees of a copied-up hard link */
#define META_XATTR_IMPURE "user.carrick.impure"
#define META_XATTR_ESCAPE "user.carrick.x."

#define META_TEXT_MAX 96

struct meta {
	uint32_t uid, gid;
	uint32_t mode; /* type and permission bits */
	uint64_t rdev; /* arm64 Linux encoding */
};

/* Whose objects without the attribute are: the tree's rule. */
enum meta_origin {
	META_STORE,   /* ours: root's */
	META_FOREIGN, /* a host directory: by the host's numbers, the user's own being 0 */
};

/* makedev(3) of arm64 Linux and back. */
uint64_t meta_makedev(uint32_t major, uint32_t minor);
uint32_t meta_major(uint64_t dev);
uint32_t meta_minor(uint64_t dev);

/* What an object is without the attribute. */
void meta_default(enum meta_origin origin, const struct stat *st, struct meta *out);

/* Reads the attribute's text over the default already in *m; -LX_EINVAL leaves *m as it was. */
int meta_parse(const char *text, size_t len, struct meta *m) MUST_CHECK;
/* Writes the text (with NUL) and returns its length. */
size_t meta_format(const struct meta *m, char out[META_TEXT_MAX]);

/* The guest's view of an object that fstatat showed as st. */
int meta_read_at(int dir, const char *name, enum meta_origin origin, const struct stat *st,
                 struct meta *out) MUST_CHECK;
int meta_read_fd(int fd, enum meta_origin origin, const struct stat *st,
                 struct meta *out) MUST_CHECK;
int meta_write_at(int dir, const char *name, const struct meta *m) MUST_CHECK;
int meta_write_fd(int fd, const struct meta *m) MUST_CHECK;

/* The host's permission bits for an object with the guest's mode. */
mode_t meta_host_mode(uint32_t guest_mode);

/* True if the object cannot be itself on the host and is a regular file there. */
bool meta_is_placeholder(const struct meta *m);

/* The host's name of a guest's attribute; -LX_EOPNOTSUPP for names outside user., trusted. and
 * security., -LX_ERANGE if it gets too long. */
int meta_xattr_to_host(const char *guest, char host[256]) MUST_CHECK;
/* The guest's name of a host's attribute; false for those that the guest must not see. */
bool meta_xattr_to_guest(const char *host, const char **guest);

#endif
