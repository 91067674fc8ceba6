/* SPDX-License-Identifier: MIT */
/* Has room for a stack of nonsense, and waits. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	printf("room %llx\n", (unsigned long long)(size_t)calloc(3, 65536));
	fflush(stdout);
	for (;;)
		pause();
}
