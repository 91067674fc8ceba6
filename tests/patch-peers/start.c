/* SPDX-License-Identifier: MIT */
/* The part of each program that never changes. */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>

const char *progress = "none";
int limit = 8;
int trace[4];

COLD void complain(const char *what, int n)
{
	progress = what;
	printf("%s: %d\n", what, n);
}

COLD NORETURN void give_up(const char *what, int line)
{
	printf("%s: %d\n", what, line);
	exit(1);
}

NOINLINE int plain_call(int n)
{
	return n + limit;
}

int main(int argc, char **argv)
{
	(void)argv;
	printf("%d\n", work(argc));
	return 0;
}
