// SPDX-License-Identifier: MIT
/* A program that uses a shared object: linked to it, or as PATH for dlopen(). */
#include "serve.h"

#include <dlfcn.h>
#include <string.h>

extern int library_version(void) __attribute__((weak));

static int (*function)(void);

static void load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);

	function = library ? (int (*)(void))dlsym(library, "library_version") :
		   NULL;
}

void serve_begin(int argc, char **argv)
{
	function = library_version;
	if (argc > 1)
		load(argv[1]);
}

bool serve_command(const char *line)
{
	if (!strncmp(line, "open ", 5))
		load(line + 5);
	else if (strcmp(line, "library"))
		return false;
	answer("%d", function ? function() : -1);
	return true;
}
