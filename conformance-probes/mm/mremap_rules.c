/* mremap(2): growing, moving, errors. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q, *fixed;

	p[0] = 42;
	q = mremap(p, 4096, 16 * 4096, MREMAP_MAYMOVE);
	say_bool("grown", q != MAP_FAILED && q[0] == 42 && q[15 * 4096] == 0);
	p = mremap(q, 16 * 4096, 4096, 0);
	say_bool("shrunk", p == q);
	mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	say_result("blocked", mremap(p, 4096, 2 * 4096, 0) == MAP_FAILED ? -1 : 0);
	fixed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, fixed);
	say_bool("fixed", q == fixed && q[0] == 42);
	say_result("old_gone", mremap(p, 4096, 4096, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	say_result("zero", mremap(q, 4096, 0, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	say_result("bad_flags", mremap(q, 4096, 4096, 64) == MAP_FAILED ? -1 : 0);
	say_result("fixed_alone", mremap(q, 4096, 4096, MREMAP_FIXED, p) == MAP_FAILED ? -1 : 0);
	return 0;
}
