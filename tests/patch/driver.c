/* SPDX-License-Identifier: MIT */
/*
 * main() of the programs that are patched: what show() prints before, after
 * each payload, and after each revert, the last payload's first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

extern void show(void);

static void *find(const char *name)
{
	void *got = dlsym(RTLD_DEFAULT, name);

	if (!got) {
		fprintf(stderr, "%s is not preloaded\n", name);
		exit(99);
	}
	return got;
}

int main(int argc, char **argv)
{
	int (*apply)(const char *) = (int (*)(const char *))
				     find("rp_test_apply");
	int (*revert)(void) = (int (*)(void))find("rp_test_revert");
	const char *(*error)(void) = (const char *(*)(void))
				     find("rp_test_error");
	int applied = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("before:");
	show();
	for (int i = 1; i < argc; i++) {
		if (apply(argv[i])) {
			printf("refused: %s\n", error());
			show();
			continue;
		}
		puts("applied:");
		show();
		applied++;
	}
	while (applied--) {
		if (revert()) {
			printf("not reverted: %s\n", error());
			return 1;
		}
		puts("reverted:");
		show();
	}
	return 0;
}
