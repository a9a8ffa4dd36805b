/* Exclusives and atomics across threads lose nothing. */
#include "../probe.h"

static int plain, lse;

static void *add(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		int tmp, fail;

		__asm__ volatile("1: ldxr %w0, [%2]\n\tadd %w0, %w0, #1\n\tstxr %w1, %w0, [%2]\n\tcbnz %w1, 1b"
				 : "=&r"(tmp), "=&r"(fail)
				 : "r"(&plain)
				 : "memory");
		__asm__ volatile(".arch armv8-a+lse\n\tldadd %w0, wzr, [%1]" : : "r"(1), "r"(&lse) : "memory");
	}
	return NULL;
}

int main(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	say("exclusive", plain);
	say("lse", lse);
	return 0;
}
