/* SPDX-License-Identifier: MIT */
/*
 * Breaks an object in one place.
 *
 *   mutate --list               classes and the numbers of findings that are right
 *   mutate CLASS SEED IN OUT    prints what was done
 *
 * Exit status: 0; 3: nothing in IN can be broken in this way, and nothing was
 * written.
 */
#include "mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct class *const lists[] = {
	code_classes, frame_classes, record_classes, register_classes,
};

#define NLISTS	(sizeof(lists) / sizeof(*lists))

static int list(void)
{
	for (size_t i = 0; i < NLISTS; i++) {
		for (const struct class *c = lists[i]; c->name; c++)
			printf("%s %s\n", c->name, c->ids);
	}
	return 0;
}

static const struct class *class_named(const char *name)
{
	for (size_t i = 0; i < NLISTS; i++) {
		for (const struct class *c = lists[i]; c->name; c++) {
			if (!strcmp(c->name, name))
				return c;
		}
	}
	return NULL;
}

static uint64_t scramble(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static bool apply(struct mutant *m, const struct class *c, uint64_t seed)
{
	size_t n = c->count(m);
	size_t first = n ? scramble(seed) % n : 0;

	for (size_t i = 0; i < n; i++) {
		if (c->apply(m, (first + i) % n))
			return true;
	}
	return false;
}

static int write_image(const struct mutant *m, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(m->image, 1, m->size, f) != m->size || fclose(f)) {
		perror(path);
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mutant m;

	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	const struct class *c = argc == 5 ? class_named(argv[1]) : NULL;
	if (!c) {
		fprintf(stderr, "usage: mutate --list | CLASS SEED IN OUT\n");
		return 64;
	}
	mutant_open(&m, argv[3]);
	int status = 3;
	if (apply(&m, c, strtoull(argv[2], NULL, 0))) {
		printf("%s\n", m.place);
		status = write_image(&m, argv[4]);
	}
	mutant_close(&m);
	return status;
}
