/* Names of 255 and 256 bytes, paths of PATH_MAX. */
#include "../probe.h"

int main(void)
{
	char name[300], path[PATH_MAX + 10];
	struct stat st;

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	say_result("255", open(name, O_CREAT | O_WRONLY, 0600));
	name[255] = 'n';
	name[256] = 0;
	say_result("256", open(name, O_CREAT | O_WRONLY, 0600));
	for (size_t i = 0; i + 2 < sizeof(path); i += 2)
		memcpy(path + i, "./", 3);
	path[PATH_MAX - 1] = 0;
	say_result("4095", stat(path, &st));
	memcpy(path + PATH_MAX - 3, ".//", 4);
	say_result("4096", stat(path, &st));
	say_result("fault", stat(bad_pointer(), &st));
	return 0;
}
