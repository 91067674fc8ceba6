// SPDX-License-Identifier: MIT
/*
 * The program of the behaviour matrix: linked with the other files, or with a
 * shared object of them, or loading that.
 *
 * usage: matrix bound|table
 */
#include <stdio.h>
#include <string.h>

#ifdef MATRIX_DLOPEN
# include <dlfcn.h>
#endif

#include "matrix.h"

#ifdef MATRIX_DLOPEN
static int load_and_run(int bound)
{
	void *handle = dlopen(MATRIX_DLOPEN, RTLD_NOW);
	union {
		void *object;
		int (*run)(int);
	} symbol;
	int result;

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return 99;
	}
	symbol.object = dlsym(handle, "matrix_run");
	result = symbol.object ? symbol.run(bound) : 99;
	return dlclose(handle) ? 99 : result;
}
#endif

int main(int argc, char **argv)
{
	int bound = argc > 1 && !strcmp(argv[1], "bound");

#ifdef MATRIX_DLOPEN
	return load_and_run(bound) ? 1 : load_and_run(bound);
#else
	return matrix_run(bound);
#endif
}
