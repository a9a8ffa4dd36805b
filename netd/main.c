/* main.c: the entry point of carrick-netd. */
#include "common/base.h"

#include <stdio.h>

int main(void)
{
	printf("carrick-netd %s\n", CARRICK_VERSION);
	return 0;
}
