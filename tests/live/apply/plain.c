// SPDX-License-Identifier: MIT
/* A program that knows nothing but what serve.h says. */
#include "serve.h"

void serve_begin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

bool serve_command(const char *line)
{
	(void)line;
	return false;
}
