/* main.c: the entry point of carrick-supervisor. */
#include "common/base.h"

#include <stdio.h>

int main(void)
{
	printf("carrick-supervisor %s\n", CARRICK_VERSION);
	return 0;
}
