/* SIGSTOP stops all threads, SIGCONT continues them. */
#include "../probe.h"

static volatile unsigned long counter;

static void *spin(void *arg)
{
	(void)arg;
	for (;;) {
		counter++;
		usleep(1000);
	}
	return NULL;
}

int main(void)
{
	int p[2], status;
	pid_t child;
	unsigned long a, b;
	volatile unsigned long *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	pipe(p);
	child = fork();
	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, spin, NULL);
		for (;;) {
			*shared = counter;
			usleep(1000);
		}
	}
	usleep(200000);
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	say_bool("stopped", WIFSTOPPED(status));
	a = *shared;
	usleep(100000);
	b = *shared;
	say_bool("still", a == b);
	kill(child, SIGCONT);
	usleep(200000);
	say_bool("moving", *shared > b);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	say_status("end", status);
	return 0;
}
