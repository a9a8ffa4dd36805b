/* A robust mutex whose owner died is handed on with EOWNERDEAD. */
#include "../probe.h"

struct shared {
	pthread_mutex_t m;
};

int main(void)
{
	struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;
	int status;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->m, &attr);
	if (fork() == 0) {
		pthread_mutex_lock(&s->m);
		_exit(0);
	}
	wait(&status);
	say_bool("owner_dead", pthread_mutex_lock(&s->m) == EOWNERDEAD);
	say("consistent", pthread_mutex_consistent(&s->m));
	say("unlock", pthread_mutex_unlock(&s->m));
	say("lock", pthread_mutex_lock(&s->m));
	return 0;
}
