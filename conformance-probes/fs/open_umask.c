/* open(2): the umask is taken from the mode at creation. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	umask(027);
	close(open("a", O_CREAT | O_WRONLY, 0777));
	stat("a", &st);
	say("mode", st.st_mode & 07777);
	umask(0);
	close(open("b", O_CREAT | O_WRONLY, 06755));
	stat("b", &st);
	say("special", st.st_mode & 07777);
	return 0;
}
