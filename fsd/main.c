/* main.c: the entry point of carrick-fsd. */
#include "common/base.h"

#include <stdio.h>

int main(void)
{
	printf("carrick-fsd %s\n", CARRICK_VERSION);
	return 0;
}
