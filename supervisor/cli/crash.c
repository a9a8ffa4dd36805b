/* crash.c: see crash.h. */
#include "supervisor/cli/crash.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/crash.h"

int crash_memory(void)
{
	int fd = memfd_create("carrick-crash", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, sizeof(struct crash_ring)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The fields that the supervisor could not know. */
static void complete(int memory, const char *container, const char *reason)
{
	struct crash_ring *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);

	if (r == MAP_FAILED)
		return;
	snprintf(r->container, sizeof(r->container), "%s", container);
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	r->when = (uint64_t)time(NULL);
	munmap(r, sizeof(*r));
}

bool crash_keep(struct ipc_client *fsd, int memory, const char *container, const char *reason, char *path,
		size_t size)
{
	struct fsd_crash_keep_req req = {.container = ipc_bytes_of(container)};
	struct fsd_crash_keep_rep rep;
	struct ipc_reply reply;

	if (memory < 0 || !fsd)
		return false;
	complete(memory, container, reason);
	if (fsd_callfds_crash_keep(fsd, &req, &memory, 1, &rep, &reply) < 0)
		return false;
	snprintf(path, size, "%.*s", (int)rep.path.len, (const char *)rep.path.data);
	ipc_reply_release(&reply);
	return true;
}
