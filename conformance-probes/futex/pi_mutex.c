/* Priority-inheritance mutexes through the C library. */
#include "../probe.h"

int main(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;

	pthread_mutexattr_init(&attr);
	say("protocol", pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	say("init", pthread_mutex_init(&m, &attr));
	say("lock", pthread_mutex_lock(&m));
	say("trylock", pthread_mutex_trylock(&m));
	say("unlock", pthread_mutex_unlock(&m));
	return 0;
}
