/* linux_userns.c: see linux_userns.h; user_namespaces(7). */
#include "common/plat/linux_userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return plat_errno(errno);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		r = plat_errno(errno);
	close(fd);
	return r;
}

/* In a new user namespace: the own user and group, as themselves. */
static int map_self(uid_t uid, gid_t gid)
{
	char line[64];
	int r = write_file("/proc/self/setgroups", "deny");

	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%u %u 1\n", uid, uid);
	r = write_file("/proc/self/uid_map", line);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%u %u 1\n", gid, gid);
	return write_file("/proc/self/gid_map", line);
}

int userns_unshare(int flags)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(flags) == 0)
		return 0;
	if (errno != EPERM || unshare(flags | CLONE_NEWUSER) < 0)
		return plat_errno(errno);
	return map_self(uid, gid);
}
