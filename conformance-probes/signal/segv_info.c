/* SIGSEGV: address and code for unmapped and protected memory. */
#include "../probe.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;
static void *volatile addr;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	code = info->si_code;
	addr = info->si_addr;
	siglongjmp(back, 1);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	if (sigsetjmp(back, 1) == 0)
		*(volatile int *)bad_pointer() = 1;
	say("unmapped", code);
	say("addr", (long)addr);
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)(page + 5) = 1;
	say("protected", code);
	say("offset", (char *)addr - page);
	munmap(page + 4096, 4096);
	if (sigsetjmp(back, 1) == 0)
		(void)*(volatile long *)(page + 4092);
	say("crossing", code);
	say("cross_offset", (char *)addr - page);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	ftruncate(fd, 10);
	page = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	if (sigsetjmp(back, 1) == 0)
		(void)*(volatile char *)(page + 5000);
	say("past_end", code);
	return 0;
}
