/* getdents64(2): every entry once, also while entries are removed. */
#include "../probe.h"

#include <dirent.h>

int main(void)
{
	char name[16];
	int seen = 0, dots = 0;
	DIR *d;
	struct dirent *e;

	mkdir("d", 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	d = opendir("d");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.') {
			dots++;
			continue;
		}
		seen++;
		snprintf(name, sizeof(name), "d/%.10s", e->d_name);
		unlink(name);
	}
	say("seen", seen);
	say("dots", dots);
	rewinddir(d);
	seen = 0;
	while ((e = readdir(d)) != NULL)
		seen++;
	say("after", seen);
	closedir(d);
	say_result("rmdir", rmdir("d"));
	return 0;
}
