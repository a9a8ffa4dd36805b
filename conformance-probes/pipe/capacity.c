/* A pipe holds 64 KiB; F_SETPIPE_SZ; partial writes. */
#include "../probe.h"

int main(void)
{
	int p[2];
	static char big[200000];
	int n;

	pipe2(p, O_NONBLOCK);
	say_count("fill", write(p[1], big, sizeof(big)));
	say_result("full", write(p[1], big, 1));
	say_count("size", fcntl(p[1], F_GETPIPE_SZ));
	read(p[0], big, 4096);
	say_count("room", write(p[1], big, 4096));
	say_count("bigger", fcntl(p[1], F_SETPIPE_SZ, 100000));
	say_result("smaller", fcntl(p[1], F_SETPIPE_SZ, 4096));
	for (n = 0; read(p[0], big, sizeof(big)) > 0; n++)
		;
	say_count("atomic", write(p[1], big, 4096));
	return 0;
}
