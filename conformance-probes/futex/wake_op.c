/* futex(2): WAKE_OP changes a word and wakes on a condition. */
#include "../probe.h"

#include <linux/futex.h>

static int a, b = 5;

int main(void)
{
	say_count("op", syscall(SYS_futex, &a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)));
	say("b", b);
	syscall(SYS_futex, &a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_GT, 1));
	say("b2", b);
	say_result("bad_cmp", syscall(SYS_futex, &a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_SET, 1, 9, 1)));
	return 0;
}
