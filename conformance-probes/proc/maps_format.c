/* /proc/self/maps names the program, the heap, the stack and the vDSO. */
#include "../probe.h"

int main(void)
{
	char buf[65536], *end = buf;
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n;

	while ((n = read(fd, end, sizeof(buf) - 1 - (end - buf))) > 0)
		end += n;
	*end = 0;
	void *heap = malloc(100);
	say_bool("heap_allocated", heap != NULL);
	say_bool("program", strstr(buf, "maps_format") != NULL);
	say_bool("stack", strstr(buf, "[stack]") != NULL);
	say_bool("vdso", strstr(buf, "[vdso]") != NULL);
	say_bool("vvar", strstr(buf, "[vvar]") != NULL);
	unsigned long lo, hi;
	char perms[8];
	say("parsed", sscanf(buf, "%lx-%lx %7s", &lo, &hi, perms));
	say_text("perms", perms);
	return 0;
}
