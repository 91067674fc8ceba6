/* SPDX-License-Identifier: MIT */
/*
 * Landing pads against the compiler's own words: `pads FILE <LIST`. The list has
 * lines "START END PAD", symbols of labels in the file; landings are these and
 * no others.
 */
#include "judge.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
	struct rp_landing *v;
	size_t n, room;
};

static int by_start(const void *a, const void *b)
{
	const struct rp_landing *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void find(const struct file *file, const char *name, uint32_t *section,
		 uint64_t *offset)
{
	ENTRY *found = hsearch((ENTRY){ .key = (char *)name }, FIND);

	if (!found) {
		fprintf(stderr, "%s: no symbol %s\n", file->path, name);
		exit(1);
	}
	const struct rp_symbol *symbol = found->data;
	*section = symbol->section;
	*offset = symbol->value;
}

static void read_list(const struct file *file, struct list *list)
{
	char start[256], end[256], pad[256];

	while (scanf("%255s %255s %255s", start, end, pad) == 3) {
		struct rp_landing l;
		uint32_t section;

		find(file, start, &l.section, &l.start);
		find(file, end, &section, &l.end);
		find(file, pad, &l.pad_section, &l.pad);
		if (l.start == l.end)
			continue;
		list->v = reallocarray(list->v, list->n + 1, sizeof(l));
		list->v[list->n++] = l;
	}
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), by_start);
}

static void index_symbols(const struct file *file)
{
	struct rp_relobj *obj = (struct rp_relobj *)&file->obj;

	hcreate(obj->nsymbols * 2 + 16);
	for (size_t i = 1; i < obj->nsymbols; i++) {
		ENTRY e = { (char *)obj->symbols[i].name, &obj->symbols[i] };

		if (obj->symbols[i].section && *e.key)
			hsearch(e, ENTER);
	}
}

static bool same(const struct rp_landing *a, const struct rp_landing *b)
{
	return a->section == b->section && a->start == b->start &&
	       a->end == b->end && a->pad_section == b->pad_section &&
	       a->pad == b->pad;
}

static void print(const char *whose, const struct rp_landing *l)
{
	fprintf(stderr, "%s: section %u, 0x%" PRIx64 " to 0x%" PRIx64 ": %u, 0x%"
		PRIx64 "\n", whose, l->section, l->start, l->end,
		l->pad_section, l->pad);
}

int main(int argc, char **argv)
{
	struct rp_landings landings;
	struct rp_diag diag = { 0 };
	struct list list = { 0 };
	struct file file;
	size_t n, bad = 0;

	if (argc != 2)
		return 64;
	file_open(&file, argv[1]);
	if (rp_landings_init(&landings, &file.rows, &file.obj, &diag)) {
		fprintf(stderr, "%s: %s+0x%" PRIx64 ": %s\n", argv[1],
			diag.where, diag.offset, diag.text);
		return 1;
	}
	for (size_t i = 0; i < landings.nfaults; i++)
		printf("%s+0x%" PRIx64 ": %s\n",
		       file.obj.sections[landings.faults[i].eh_frame].name,
		       landings.faults[i].place, landings.faults[i].what);
	n = landings.n;
	bad = landings.nfaults;
	index_symbols(&file);
	read_list(&file, &list);
	for (size_t i = 0; i < n && i < list.n && !bad; i++) {
		if (same(&landings.v[i], &list.v[i]))
			continue;
		print("ours", &landings.v[i]);
		print("the compiler's", &list.v[i]);
		bad++;
	}
	printf("%s: %zu landings, the compiler's list has %zu\n", argv[1], n,
	       list.n);
	bad += n != list.n || !n;
	hdestroy();
	rp_landings_deinit(&landings);
	free(list.v);
	file_close(&file);
	return bad > 0;
}
