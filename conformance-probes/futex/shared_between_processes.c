/* A futex in shared memory wakes another process. */
#include "../probe.h"

#include <linux/futex.h>

int main(void)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), status;

	if (fork() == 0) {
		while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
			syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(6);
	}
	usleep(100000);
	*word = 1;
	say_count("wake", syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
	wait(&status);
	say_status("child", status);
	return 0;
}
