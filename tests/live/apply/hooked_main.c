// SPDX-License-Identifier: MIT
/*
 *   log      what hooks have noted since it was asked last
 *   mode N   what the next hooks do
 *   count    of an object
 */
#include "serve.h"

#include <stdio.h>
#include <string.h>

int count(void *object);

char hook_log[4096];
volatile int hook_mode;
int program_version(void);

/* As the program sees it: the payload would call its own. */
OPAQUE int program_version(void)
{
	return version();
}

void serve_begin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

bool serve_command(const char *line)
{
	int n;

	if (!strcmp(line, "log")) {
		answer("%s.", hook_log);
		hook_log[0] = 0;
	} else if (sscanf(line, "mode %d", &n) == 1) {
		hook_mode = n;
		answer("ok");
	} else if (!strcmp(line, "count")) {
		answer("%d", count(&hook_log));
	} else {
		return false;
	}
	return true;
}
