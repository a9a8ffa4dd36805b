/* getxattr(2): errors for attributes that are not there. */
#include "../probe.h"

#include <sys/xattr.h>

int main(void)
{
	char buf[8];

	close(open("f", O_CREAT | O_WRONLY, 0600));
	say_result("missing_file", getxattr("none", "user.a", buf, 8));
	say_result("bad_name", setxattr("f", "nonsense", "x", 1, 0));
	say_count("list", listxattr("f", buf, 8));
	return 0;
}
