/* SPDX-License-Identifier: MIT */
/* `repoint litmus` where nobody has written the test yet. */
#include "litmus.h"

#include <stdio.h>

int rp_cmd_litmus(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fprintf(stderr, "repoint litmus: error: there is no tear test for this "
		"architecture yet; see tools/litmus/site.c and protocol.c\n");
	return 77;
}
