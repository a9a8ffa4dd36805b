/* flock(2): shared, exclusive, non-blocking, released at close. */
#include "../probe.h"

#include <sys/file.h>

int main(void)
{
	int a = open("f", O_CREAT | O_RDWR, 0600), b = open("f", O_RDWR), c = dup(a);

	say_result("shared_a", flock(a, LOCK_SH));
	say_result("shared_b", flock(b, LOCK_SH | LOCK_NB));
	say_result("exclusive_b", flock(b, LOCK_EX | LOCK_NB));
	say_result("unlock_a", flock(a, LOCK_UN));
	say_result("exclusive_b2", flock(b, LOCK_EX | LOCK_NB));
	say_result("a_blocked", flock(a, LOCK_SH | LOCK_NB));
	close(b);
	say_result("a_free", flock(a, LOCK_EX | LOCK_NB));
	say_result("dup_same", flock(c, LOCK_SH | LOCK_NB));
	say_result("bad", flock(a, 99));
	return 0;
}
