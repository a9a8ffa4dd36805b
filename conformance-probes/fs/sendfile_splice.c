/* sendfile(2) and splice(2) between files and pipes. */
#include "../probe.h"

#include <sys/sendfile.h>

int main(void)
{
	char buf[16] = {0};
	off_t off = 1;
	int p[2], a = open("a", O_CREAT | O_RDWR, 0600), b = open("b", O_CREAT | O_RDWR, 0600);

	write(a, "abcdefgh", 8);
	pipe(p);
	say_count("sendfile_pipe", sendfile(p[1], a, &off, 3));
	say("off", off);
	say_count("pipe", read(p[0], buf, 15));
	say_text("content", buf);
	lseek(a, 0, SEEK_SET);
	say_count("sendfile_file", sendfile(b, a, NULL, 100));
	say_count("position", lseek(a, 0, SEEK_CUR));
	write(p[1], "12345", 5);
	off = 0;
	say_count("splice", splice(p[0], NULL, b, &off, 5, 0));
	say_count("splice_files", splice(a, NULL, b, NULL, 5, 0));
	say_count("bad_in", sendfile(b, p[0], NULL, 1));
	return 0;
}
