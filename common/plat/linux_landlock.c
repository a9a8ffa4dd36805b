/*
 * linux_landlock.c: see linux_landlock.h.  Kernels know different rights (the ABI version says
 * which); a ruleset may only name those the kernel knows.
 */
#include "common/plat/linux_landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/plat/errno.h"

/* Rights newer than some kernel headers in use. */
#define FS_REFER            (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE         (1ull << 14) /* ABI 3 */
#define FS_IOCTL_DEV        (1ull << 15) /* ABI 5 */
#define NET_BIND_TCP        (1ull << 0)  /* ABI 4 */
#define NET_CONNECT_TCP     (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (1ull << 1)

#define FS_READ \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_ABI1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* struct landlock_ruleset_attr as of ABI 6. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static uint64_t known_fs_rights(int abi)
{
	return FS_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static int add_tree(int ruleset, const struct sandbox_tree *tree, uint64_t known)
{
	/* A file takes no rights about directory entries; asking for them is an error. */
	uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
	                       LANDLOCK_ACCESS_FS_WRITE_FILE |
	                       (known & (FS_TRUNCATE | FS_IOCTL_DEV));
	uint64_t rights = tree->writable ? known : FS_READ;
	struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = tree->fd};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	rule.allowed_access = rights & file_rights;
	if (errno == EINVAL &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	return plat_errno(errno);
}

int landlock_apply(const struct sandbox_profile *profile)
{
	int abi =
	    (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset_attr attr = {0};
	size_t size = abi >= 6 ? sizeof(attr) : abi >= 4 ? 16 : 8;
	int ruleset, r = 0;

	if (abi < 0)
		return plat_errno(errno);
	/* ABI 1 refuses every rename and link from one directory to another. */
	for (unsigned i = 0; i < profile->tree_count && abi < 2; i++)
		if (profile->trees[i].writable)
			return -LX_EOPNOTSUPP;
	attr.fs = known_fs_rights(abi);
	if (!profile->signals_outside)
		attr.scoped |= SCOPE_SIGNAL;
	if (!profile->network) {
		attr.net = NET_BIND_TCP | NET_CONNECT_TCP;
		attr.scoped |= SCOPE_ABSTRACT_UNIX;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return plat_errno(errno);
	for (unsigned i = 0; i < profile->tree_count && r == 0; i++)
		r = add_tree(ruleset, &profile->trees[i], attr.fs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = plat_errno(errno);
	close(ruleset);
	return r;
}
