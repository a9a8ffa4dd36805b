/* terminal.c: see terminal.h. */
#include "supervisor/cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved_mode;
static volatile sig_atomic_t saved_fd = -1;

void terminal_restore(void)
{
	int fd = saved_fd;

	if (fd < 0)
		return;
	saved_fd = -1;
	tcsetattr(fd, TCSADRAIN, &saved_mode);
}

/* Restores, then lets the signal do what it would have done. */
static void restore_and_die(int sig)
{
	terminal_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

int terminal_raw(int fd)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGHUP};
	static bool registered;
	struct sigaction action = {.sa_handler = restore_and_die};
	struct termios raw;

	if (tcgetattr(fd, &saved_mode) < 0)
		return -errno;
	raw = saved_mode;
	cfmakeraw(&raw);
	if (!registered) {
		registered = true;
		atexit(terminal_restore);
		for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
			sigaction(fatal[i], &action, NULL);
	}
	saved_fd = fd;
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0) {
		saved_fd = -1;
		return -errno;
	}
	return 0;
}

bool terminal_size(int fd, uint32_t *rows, uint32_t *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}
