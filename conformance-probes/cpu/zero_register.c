/* The zero register as an operand, often enough that a translator sees it. */
#include "../probe.h"

int main(void)
{
	unsigned long moved = 0, inverted = 0, added = 0, tested = 0, shifted = 0;

	for (int i = 0; i < 1000; i++) {
		unsigned long a, b, c, d, e;

		__asm__ volatile("mov x6, #-1\n\tmov x6, xzr\n\tmov %0, x6" : "=r"(a) : : "x6");
		__asm__ volatile("mvn x7, xzr\n\tmov %0, x7" : "=r"(b) : : "x7");
		__asm__ volatile("mov x9, #5\n\tadd x10, x9, xzr\n\tsub x10, x10, xzr\n\torr %0, xzr, x10" : "=r"(c) : : "x9", "x10");
		__asm__ volatile("tst xzr, xzr\n\tcset %0, eq" : "=r"(d) : : "cc");
		__asm__ volatile("eor x11, xzr, xzr, lsl #3\n\tand x12, xzr, x11\n\tadd %0, x12, x11" : "=r"(e) : : "x11", "x12");
		moved |= a;
		inverted |= ~b;
		added |= c ^ 5;
		tested |= d ^ 1;
		shifted |= e;
	}
	say_bool("moved", moved == 0);
	say_bool("inverted", inverted == 0);
	say_bool("added", added == 0);
	say_bool("tested", tested == 0);
	say_bool("shifted", shifted == 0);
	return 0;
}
