/* smaps tells pages that are shared with a child from the process's own, and clean from dirty. */
#include "../probe.h"

#include <sys/mman.h>
#include <sys/wait.h>

static long field(void *addr, const char *name)
{
	char line[512], head[32];
	FILE *f = fopen("/proc/self/smaps", "r");
	int inside = 0;
	long value = -1;

	snprintf(head, sizeof(head), "%08lx-", (unsigned long)addr);
	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, head, strlen(head)) == 0)
			inside = 1;
		else if (inside && strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

static void show(const char *when, void *addr)
{
	static const char *const names[] = {"Size", "Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean",
					    "Private_Dirty", "Anonymous"};
	char key[64];

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(key, sizeof(key), "%s_%s", when, names[i]);
		say(key, field(addr, names[i]));
	}
}

int main(void)
{
	long page = 4096;
	char *map = mmap(NULL, 8 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *mine = map + page;
	char *file;
	int fd = open("/tmp/probe-smaps", O_RDWR | O_CREAT | O_TRUNC, 0600);

	mprotect(mine, 2 * page, PROT_READ | PROT_WRITE);
	memset(mine, 1, 2 * page);
	show("alone", mine);
	/* The child sees its parent's pages as shared, until one of them writes. */
	fflush(stdout);
	if (fork() == 0) {
		show("child", mine);
		mine[0] = 2;
		show("child_wrote", mine);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show("parent", mine);
	madvise(mine, page, MADV_DONTNEED);
	show("dropped", mine);
	/* A private mapping of a file: what was written is its own. */
	unlink("/tmp/probe-smaps");
	if (write(fd, map + page, 1) != 1 || ftruncate(fd, 3 * page) < 0)
		return 1;
	file = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	file[0] = 1;
	say("file_Anonymous", field(file, "Anonymous"));
	say("file_Private_Dirty", field(file, "Private_Dirty"));
	return 0;
}
