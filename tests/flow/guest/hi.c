/* hi.c: says hi, then shows its arguments. */
#include <stdio.h>

int main(int argc, char **argv)
{
	puts("hi");
	for (int i = 1; i < argc; i++)
		puts(argv[i]);
	return 0;
}
