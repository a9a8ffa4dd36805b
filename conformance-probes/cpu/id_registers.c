/* The EL0 view of identification registers and counters. */
#include "../probe.h"

int main(void)
{
	unsigned long ctr, dczid, a, b, freq;

	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
	__asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(freq));
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(a));
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(b));
	say("dline", (ctr >> 16) & 15);
	say("dczid", dczid);
	say_bool("freq", freq > 1000000);
	say_bool("forward", b >= a);
	return 0;
}
