/* /dev/null, zero, full, random. */
#include "../probe.h"

int main(void)
{
	char buf[8] = "xxxxxxx";
	struct stat st;

	say_count("null_read", read(open("/dev/null", O_RDONLY), buf, 8));
	say_count("null_write", write(open("/dev/null", O_WRONLY), buf, 8));
	say_count("zero_read", read(open("/dev/zero", O_RDONLY), buf, 8));
	say("zero", buf[3]);
	say_result("full_write", write(open("/dev/full", O_WRONLY), buf, 8));
	say_count("urandom", read(open("/dev/urandom", O_RDONLY), buf, 8));
	stat("/dev/null", &st);
	say_bool("char", S_ISCHR(st.st_mode));
	say("rdev", st.st_rdev);
	say("mode", st.st_mode & 0777);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
	say_bool("map_zero", p != MAP_FAILED && p[5] == 0);
	say_result("map_null", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDWR), 0) == MAP_FAILED ? -1 : 0);
	say_result("tty", open("/dev/tty", O_RDWR));
	say_count("seek_null", lseek(open("/dev/null", O_RDONLY), 100, SEEK_SET));
	return 0;
}
