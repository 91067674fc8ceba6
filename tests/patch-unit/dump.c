/* SPDX-License-Identifier: MIT */
/*
 * What the differ knows about a binary, for the scripts beside this file.
 *
 *   dump [-d DEBUG] [-D DIR] binary FILE         facts about it
 *   dump [-d DEBUG] [-D DIR] import FILE NAME... how it imports each
 *   dump [-d DEBUG] [-D DIR] library FILE NAME...   who exports each
 *   dump [-d DEBUG] [-D DIR] match FILE OBJECT...   where atoms are:
 *        STATE 0xADDRESS NAME: WHY, and a line of sums
 *   dump mutated FILE COUNT OBJECT               the same of COUNT damaged copies:
 *        nothing is printed of them but how many could be opened
 */
#define _GNU_SOURCE
#include "../../patch/match.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(const char *file, const struct rp_diag *diag)
{
	fprintf(stderr, "%s: error: %s%s%s [RP%04d]\n", file, diag->where,
		*diag->where ? ": " : "", diag->text, (int)diag->id);
	return 1;
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* Every index agrees with the table itself. */
static bool is_consistent(const struct rp_binary *binary)
{
	for (size_t i = 0; i < rp_binary_nsymbols(binary); i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary, i);
		size_t n;
		const uint32_t *list = rp_binary_by_name(binary, s->name, &n);

		if (!list || s->position > n || list[s->position - 1] != i)
			return false;
		if (s->type != STT_FUNC || s->section == UINT32_MAX)
			continue;
		if (!rp_binary_at(binary, s->value) ||
		    !rp_binary_is_text(binary, s->value))
			return false;
		if (s->size && (!rp_binary_bytes(binary, s->value, s->size) ||
				!rp_binary_covering(binary, s->value +
						    s->size - 1)))
			return false;
	}
	return true;
}

static void dump_binary(const struct rp_binary *binary)
{
	const char *lto = rp_binary_lto(binary);
	const char *debug = rp_binary_debug_path(binary);
	uint64_t align, size = rp_binary_tls_size(binary, &align);

	printf("pie %s\nshared %s\n", yes_no(rp_binary_is_pie(binary)),
	       yes_no(rp_binary_is_shared(binary)));
	printf("lto %s\n", lto ? lto : "no");
	printf("debug %s\n", debug ? debug : "no");
	printf("tls %llu %llu\n", (unsigned long long)size,
	       (unsigned long long)align);
	printf("consistent %s\n", yes_no(is_consistent(binary)));
}

static void dump_import(const struct rp_binary *binary, const char *name)
{
	const struct rp_binary_import *i = rp_binary_import(binary, name);

	printf("%s exported %s preemptible %s", name,
	       yes_no(rp_binary_exports(binary, name)),
	       yes_no(rp_binary_is_preemptible(binary, name)));
	if (i)
		printf(" version %s plt %s slot %s jump_slot %s copy %s "
		       "found %s", *i->version ? i->version : "-",
		       yes_no(i->plt), yes_no(i->slot), yes_no(i->jump_slot),
		       yes_no(i->copy), yes_no(!i->plt ||
		       rp_binary_import_at(binary, i->plt) == i));
	printf("\n");
}

static void dump_library(struct rp_binary *binary, const char *name)
{
	struct rp_library_symbol symbol;
	char missing[96];
	int rc = rp_binary_find_library_symbol(binary, name, &symbol, missing);

	if (rc > 0)
		printf("%s %s %s\n", name, symbol.library,
		       *symbol.version ? symbol.version : "-");
	else
		printf("%s %s %s\n", name, rc ? "unknown" : "none",
		       rc ? missing : "-");
}

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *image = NULL;
	size_t room = 0, n = 0;

	if (!f)
		return NULL;
	do {
		room = room ? 2 * room : 65536;
		image = realloc(image, room);
		n += image ? fread(image + n, 1, room - n, f) : 0;
	} while (image && n == room);
	fclose(f);
	*size = n;
	return image;
}

static void dump_matches(const struct rp_atoms *atoms,
			 const struct rp_binary *binary,
			 const struct rp_matches *matches)
{
	static const char *const states[] = {
		"unknown", "symbol", "code", "differs", "ambiguous",
	};
	size_t moved = 0;

	for (uint32_t i = 1; i < atoms->n; i++) {
		const struct rp_match *m = &matches->v[i];
		const char *name = rp_atom_name(atoms, i);
		uint64_t offset;

		if (*name && atoms->v[i].kind <= RP_ATOM_CONST)
			printf("%s 0x%llx %s: %s\n", states[m->state],
			       (unsigned long long)m->address, name,
			       m->why ? m->why : "");
		if (m->state == RP_MATCH_CODE &&
		    rp_atom_is_code(&atoms->v[i]) &&
		    (!rp_match_offset(atoms, i, binary, m, 0, &offset) ||
		     offset || rp_match_offset(atoms, i, binary, m,
					       atoms->v[i].size, &offset)))
			moved++;
	}
	printf("functions %zu agreeing %zu differing %zu moved %zu\n",
	       matches->functions, matches->agreeing, matches->differing,
	       moved);
}

static int dump_match(const struct rp_binary *binary, const char *path)
{
	struct rp_matches matches;
	struct rp_atoms atoms;
	struct rp_relobj obj;
	struct rp_diag diag;
	size_t size;
	void *image = read_file(path, &size);

	if (!image) {
		perror(path);
		return 1;
	}
	int rc = rp_relobj_open(&obj, image, size, &diag);
	if (!rc) {
		rc = rp_atoms_init(&atoms, &obj, &diag);
		if (!rc)
			rc = rp_match_object(&matches, &atoms, binary, &diag);
		if (!rc) {
			dump_matches(&atoms, binary, &matches);
			rp_matches_deinit(&matches);
		}
		rp_atoms_deinit(&atoms);
	}
	rp_relobj_close(&obj);
	free(image);
	return rc ? fail(path, &diag) : 0;
}

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* Half of the damage is where structure is: headers, and tables of sections. */
static void damage(uint8_t *image, size_t size, uint64_t *state)
{
	static const uint8_t bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
	const Elf64_Ehdr *ehdr = (const void *)image;
	size_t at = draw(state) % size;
	const size_t headers = ehdr->e_shoff;

	switch (draw(state) % 4) {
	case 0:
		at = draw(state) % 0x1000 % size;
		break;
	case 1:
		if (headers < size)
			at = headers + draw(state) % (size - headers);
		break;
	}
	image[at] = draw(state) & 1 ? draw(state) :
		    bytes[draw(state) % sizeof(bytes)];
}

static bool survive(const uint8_t *image, size_t size, const char *object)
{
	struct rp_binary *binary;
	struct rp_library_symbol symbol;
	struct rp_diag diag;
	char path[64];
	bool opened;
	int fd = memfd_create("damaged", MFD_CLOEXEC);

	if (fd < 0 || write(fd, image, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = !rp_binary_open(&binary, path, NULL, &diag);
	if (opened) {
		is_consistent(binary);
		rp_binary_find_library_symbol(binary, "none", &symbol, NULL);
		dump_match(binary, object);
		rp_binary_close(binary);
	}
	close(fd);
	return opened;
}

static int dump_mutated(const char *path, unsigned int count,
			const char *object)
{
	uint64_t state = 88172645463325252;
	unsigned int opened = 0;
	size_t size;
	uint8_t *image = read_file(path, &size);
	uint8_t *copy = malloc(size);

	if (!image || !copy)
		return 1;
	int out = dup(1), null = open("/dev/null", O_WRONLY);
	fflush(stdout);
	dup2(null, 1);
	for (unsigned int i = 0; i < count; i++) {
		memcpy(copy, image, size);
		for (uint64_t n = 1 + draw(&state) % 6; n; n--)
			damage(copy, size, &state);
		if (!(draw(&state) % 8))
			opened += survive(copy, draw(&state) % size, object);
		else
			opened += survive(copy, size, object);
	}
	fflush(stdout);
	dup2(out, 1);
	close(out);
	close(null);
	printf("opened %u of %u\n", opened, count);
	free(copy);
	free(image);
	return 0;
}

int main(int argc, char **argv)
{
	const char *dirs[] = { NULL, NULL };
	struct rp_binary_options options = { NULL, NULL };
	struct rp_binary *binary;
	struct rp_diag diag;
	int rc = 0, c;

	while ((c = getopt(argc, argv, "d:D:")) != -1) {
		if (c == 'd')
			options.debug_file = optarg;
		else if (c == 'D')
			dirs[0] = optarg, options.debug_dirs = dirs;
		else
			return 64;
	}
	argv += optind;
	argc -= optind;
	if (argc < 2)
		return 64;
	if (!strcmp(argv[0], "mutated"))
		return argc == 4 ? dump_mutated(argv[1], atoi(argv[2]),
						argv[3]) : 64;
	if (rp_binary_open(&binary, argv[1], &options, &diag))
		return fail(argv[1], &diag);
	if (!strcmp(argv[0], "binary"))
		dump_binary(binary);
	for (int i = 2; i < argc && !rc; i++) {
		if (!strcmp(argv[0], "import"))
			dump_import(binary, argv[i]);
		else if (!strcmp(argv[0], "library"))
			dump_library(binary, argv[i]);
		else
			rc = dump_match(binary, argv[i]);
	}
	rp_binary_close(binary);
	return rc;
}
