/* fcntl(2): POSIX record locks between two processes. */
#include "../probe.h"

int main(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	int fd = open("f", O_CREAT | O_RDWR, 0600), status;
	pid_t child;

	say_result("lock", fcntl(fd, F_SETLK, &l));
	child = fork();
	if (child == 0) {
		struct flock m = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};

		say_result("child_lock", fcntl(fd, F_SETLK, &m));
		m.l_type = F_RDLCK;
		fcntl(fd, F_GETLK, &m);
		say("holder_type", m.l_type);
		say("start", m.l_start);
		say("len", m.l_len);
		say_bool("holder", m.l_pid == getppid());
		m.l_type = F_RDLCK;
		m.l_start = 20;
		m.l_len = 0;
		say_result("beyond", fcntl(fd, F_SETLK, &m));
		_exit(0);
	}
	waitpid(child, &status, 0);
	l.l_type = F_UNLCK;
	say_result("unlock", fcntl(fd, F_SETLK, &l));
	l.l_type = 77;
	say_result("bad_type", fcntl(fd, F_SETLK, &l));
	return 0;
}
