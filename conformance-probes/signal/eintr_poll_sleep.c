/* poll, nanosleep, select end with EINTR even with SA_RESTART. */
#include "../probe.h"

#include <sys/select.h>

static void handler(int sig)
{
	(void)sig;
}

static void *poke(void *arg)
{
	pthread_t *main_thread = arg;

	usleep(150000);
	pthread_kill(*main_thread, SIGUSR1);
	return NULL;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct timespec ts = {5, 0}, left;
	struct timeval tv = {5, 0};
	pthread_t self = pthread_self(), t;

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_result("poll", poll(NULL, 0, 5000));
	pthread_join(t, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_result("nanosleep", nanosleep(&ts, &left));
	say_bool("left", left.tv_sec >= 3);
	pthread_join(t, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_result("select", select(0, NULL, NULL, NULL, &tv));
	pthread_join(t, NULL);
	pthread_create(&t, NULL, poke, &self);
	say_result("pause", pause());
	pthread_join(t, NULL);
	return 0;
}
