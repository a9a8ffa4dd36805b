/* Threads: own tid, shared pid, own thread-local storage, join through futex. */
#include "../probe.h"

static __thread int local = 1;
static int tids_differ;

static void *body(void *arg)
{
	local = 7;
	tids_differ = gettid() != getpid();
	return (void *)((uintptr_t)arg + local);
}

int main(void)
{
	pthread_t t;
	void *result;

	say("create", pthread_create(&t, NULL, body, (void *)10));
	pthread_join(t, &result);
	say("result", (long)result);
	say("local", local);
	say_bool("tid", tids_differ);
	return 0;
}
