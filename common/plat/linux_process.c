/* linux_process.c: process.h on Linux. */
#include <sys/socket.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/process.h"

int plat_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return plat_errno(errno);
	*uid = cred.uid;
	*pid = cred.pid;
	return 0;
}

/* The smallest kept descriptor that is at least `from`, or -1. */
static int next_kept(int from, const int *keep, unsigned count)
{
	int best = -1;

	for (unsigned i = 0; i < count; i++)
		if (keep[i] >= from && (best < 0 || keep[i] < best))
			best = keep[i];
	return best;
}

void plat_close_all_but(int from, const int *keep, unsigned count)
{
	for (;;) {
		int kept = next_kept(from, keep, count);

		if (kept < 0) {
			close_range((unsigned)from, ~0u, 0);
			return;
		}
		if (kept > from)
			close_range((unsigned)from, (unsigned)kept - 1, 0);
		from = kept + 1;
	}
}
