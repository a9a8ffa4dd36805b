/* main.c: the entry point of carrick. */
#include "common/base.h"

#include <stdio.h>

int main(void)
{
	printf("carrick %s\n", CARRICK_VERSION);
	return 0;
}
