// SPDX-License-Identifier: MIT
/* usage: load STATE [LIBRARY]: forms_check() of a library, linked or loaded */
#include <dlfcn.h>
#include <stdio.h>

#ifdef LOAD_LINKED
int forms_check(const char *state);
#endif

int main(int argc, char **argv)
{
	int (*check)(const char *state);
	void *library;

#ifdef LOAD_LINKED
	(void)library;
	check = forms_check;
#else
	if (argc < 3)
		return 64;
	library = dlopen(argv[2], RTLD_NOW);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	check = (int (*)(const char *))dlsym(library, "forms_check");
	if (!check)
		return 1;
#endif
	return check(argc > 1 ? argv[1] : "") != 0;
}
