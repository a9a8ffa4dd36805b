/* inotify(7): events of a directory, with names and cookies. */
#include "../probe.h"

#include <sys/inotify.h>

int main(void)
{
	char buf[4096];
	int fd = inotify_init1(IN_NONBLOCK), wd;
	ssize_t n;
	uint32_t cookie = 0;

	mkdir("d", 0755);
	wd = inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE);
	say("wd", wd);
	int f = open("d/a", O_CREAT | O_WRONLY, 0600);
	write(f, "x", 1);
	close(f);
	rename("d/a", "d/b");
	unlink("d/b");
	mkdir("d/sub", 0755);
	n = read(fd, buf, sizeof(buf));
	for (char *p = buf; p < buf + n;) {
		struct inotify_event *e = (struct inotify_event *)p;

		printf("event=%x name=%s\n", e->mask, e->len ? e->name : "");
		if (e->mask & IN_MOVED_FROM)
			cookie = e->cookie;
		if (e->mask & IN_MOVED_TO)
			say_bool("cookie", cookie == e->cookie && cookie != 0);
		p += sizeof(*e) + e->len;
	}
	say_result("empty", read(fd, buf, sizeof(buf)));
	say_result("remove", inotify_rm_watch(fd, wd));
	n = read(fd, buf, sizeof(buf));
	say_bool("ignored", n > 0 && ((struct inotify_event *)buf)->mask & IN_IGNORED);
	say_result("bad_wd", inotify_rm_watch(fd, 99));
	say_result("missing", inotify_add_watch(fd, "none", IN_CREATE));
	return 0;
}
