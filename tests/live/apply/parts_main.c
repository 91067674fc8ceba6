// SPDX-License-Identifier: MIT
/* A program that says what its parts are. */
#include "serve.h"

#include <string.h>

int parts(void);

void serve_begin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

bool serve_command(const char *line)
{
	if (strcmp(line, "parts"))
		return false;
	answer("%d", parts());
	return true;
}
