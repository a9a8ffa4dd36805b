/* SA_RESTART: a read is restarted, or ends with EINTR. */
#include "../probe.h"

static int p[2];
static volatile int calls;

static void handler(int sig)
{
	(void)sig;
	calls++;
}

static void *poke(void *arg)
{
	pthread_t *main_thread = arg;

	usleep(150000);
	pthread_kill(*main_thread, SIGUSR1);
	usleep(150000);
	write(p[1], "x", 1);
	return NULL;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler};
	pthread_t self = pthread_self(), t;
	char c;

	pipe(p);
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_count("no_restart", read(p[0], &c, 1));
	pthread_join(t, NULL);
	read(p[0], &c, 1);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_count("restart", read(p[0], &c, 1));
	pthread_join(t, NULL);
	say("calls", calls);
	return 0;
}
