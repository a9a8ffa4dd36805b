/* copy_file_range(2): between files and within one. */
#include "../probe.h"

int main(void)
{
	char buf[16] = {0};
	off_t in = 2, out = 0;
	int a = open("a", O_CREAT | O_RDWR, 0600), b = open("b", O_CREAT | O_RDWR, 0600), ap;

	write(a, "abcdefgh", 8);
	say_count("copy", copy_file_range(a, &in, b, &out, 4, 0));
	say("in", in);
	say("out", out);
	say_count("read", pread(b, buf, 15, 0));
	say_text("content", buf);
	say_count("end", copy_file_range(a, NULL, b, NULL, 4, 0));
	in = 0;
	out = 2;
	say_count("overlap", copy_file_range(a, &in, a, &out, 4, 0));
	say_count("flags", copy_file_range(a, &in, b, &out, 4, 1));
	ap = open("b", O_WRONLY | O_APPEND);
	say_count("append", copy_file_range(a, &in, ap, NULL, 4, 0));
	return 0;
}
