// SPDX-License-Identifier: MIT
/*
 * C for the differ to chew on. What programs consist of, in four shapes: a
 * switch, strings, structures, pointers to functions; each with static locals,
 * floating-point constants, calls, and numbers of its own.
 *
 * IDENT goes into .comment, and nowhere else.
 */
#include "patch_source.h"

#include <stddef.h>
#include <string.h>

/* In the texts, N is the function's number, C and D are those of functions
 * before it, and a line with FIX is there in the fixed version only. */
static const char *const shapes[] = {
	"static int work_N(struct item *item, int code)\n"
	"{\n"
	"	static unsigned int seen;\n"
	"\n"
	"	seen++;\n"
	"FIX\n"
	"	switch (code & 7) {\n"
	"	case 0: return item->state + 1N;\n"
	"	case 1: item->state = code * 2N; break;\n"
	"	case 2: item->key ^= 3Nul; break;\n"
	"	case 3: return work_C(item, code - 1);\n"
	"	case 4: item->name = \"state N\"; break;\n"
	"	case 5: return (int)seen;\n"
	"	case 6: item->weight *= N.5; break;\n"
	"	default: return work_D(item->next, 4);\n"
	"	}\n"
	"	return item->state;\n"
	"}\n",

	"static int work_N(struct item *item, int code)\n"
	"{\n"
	"	static const char *const words[] = { \"open N\", \"close N\", \"again\" };\n"
	"	size_t length = 0;\n"
	"\n"
	"FIX\n"
	"	for (unsigned int i = 0; i < 3; i++) {\n"
	"		if (strcmp(item->name, words[i]) == 0)\n"
	"			return code + (int)i;\n"
	"		length += strlen(words[i]);\n"
	"	}\n"
	"	if (code > 5N)\n"
	"		snprintf(item->text, sizeof(item->text), \"%d of N: %s\",\n"
	"			 code, item->name);\n"
	"	return length > 2N ? work_C(item, code / 2) : work_D(item, code);\n"
	"}\n",

	"struct record_N {\n"
	"	struct item *item;\n"
	"	double weight;\n"
	"	short flags[4];\n"
	"	union { long value; void *pointer; } u;\n"
	"};\n"
	"static struct record_N records_N[4] = { { .weight = N.25 } };\n"
	"static long sum_N;\n"
	"\n"
	"static int work_N(struct item *item, int code)\n"
	"{\n"
	"	struct record_N *record = &records_N[code & 3];\n"
	"\n"
	"	record->item = item;\n"
	"	record->weight += item->weight * 0.N;\n"
	"FIX\n"
	"	if (record->flags[code & 1]++ > 7) {\n"
	"		sum_N += record->u.value;\n"
	"		return work_C(record->item, code);\n"
	"	}\n"
	"	record->u.value = item_left(item, code) + 6N;\n"
	"	return (int)record->u.value + work_D(item, 1N);\n"
	"}\n",

	"static int (*const ways_N[])(struct item *, int) = { work_C, work_D };\n"
	"\n"
	"int work_N(struct item *item, int code)\n"
	"{\n"
	"	unsigned long key = item->key * 7Nul;\n"
	"\n"
	"FIX\n"
	"	for (struct item *i = item->next; i && i != item; i = i->next)\n"
	"		key = (key << 5 | key >> 59) ^ i->key;\n"
	"	while (code > 3N && item->next)\n"
	"		item = item->next, code--;\n"
	"	item->key = key;\n"
	"	return ways_N[key & 1](item, code + item->state);\n"
	"}\n",
};

#define NR_SHAPES	(sizeof(shapes) / sizeof(*shapes))

static const char fix[] =
	"	if (item->state < 0 || code > 100000)\n"
	"		return -1;\n";

void patch_source_name(char *name, size_t room, unsigned int nth)
{
	snprintf(name, room, "work_%u", nth);
}

void patch_source_header(FILE *file, bool fixed)
{
	fprintf(file,
		"#include <stddef.h>\n"
		"#include <stdio.h>\n"
		"#include <string.h>\n"
		"\n"
		"struct item {\n"
		"	struct item *next;\n"
		"	const char *name;\n"
		"	unsigned long key;\n"
		"	double weight;\n"
		"	int state;\n"
		"	char text[64];\n"
		"};\n"
		"\n"
		"static inline int item_left(const struct item *item, int used)\n"
		"{\n"
		"	return item->state %s used ? item->state - used : 0;\n"
		"}\n"
		"\n", fixed ? ">" : ">=");
}

/* A number that others do not have after it, as in 1N, keeps its digits. */
static void write_letter(FILE *file, char letter, unsigned int nth)
{
	const unsigned int back = letter == 'C' ? 1 : 7;

	if (letter == 'N')
		fprintf(file, "%u", nth);
	else
		fprintf(file, "%u", nth > back ? nth - back : 0);
}

static bool is_letter(const char *text, const char *at)
{
	return strchr("NCD", *at) && at > text &&
	       (strchr("_ .", at[-1]) || (at[-1] >= '0' && at[-1] <= '9'));
}

static void write_function(FILE *file, unsigned int nth, bool fixed)
{
	const char *text = shapes[nth % NR_SHAPES];

	for (const char *at = text; *at; at++) {
		if (is_letter(text, at)) {
			write_letter(file, *at, nth);
		} else if (!strncmp(at, "FIX\n", 4)) {
			fputs(fixed ? fix : "", file);
			at += 3;
		} else {
			putc(*at, file);
		}
	}
	putc('\n', file);
}

/* Global functions have the number of their file in their names. */
static void write_defines(FILE *file, const struct patch_source *source)
{
	for (unsigned int i = 3; source->unit && i <= source->functions;
	     i += NR_SHAPES)
		fprintf(file, "#define work_%u work_%u_of_%u\n", i, i,
			source->unit);
}

void patch_source_write(FILE *file, const struct patch_source *source)
{
	const unsigned int last = source->functions;

	if (source->header)
		patch_source_header(file, false);
	else
		fputs("#include \"common.h\"\n\n", file);
	write_defines(file, source);
	fputs("static int work_0(struct item *item, int code)\n"
	      "{\n"
	      "	return item_left(item, code);\n"
	      "}\n\n", file);
	for (unsigned int i = 1; i <= last; i++)
		write_function(file, i, i == source->fixed);
	fprintf(file,
		"int unit_%u(struct item *item, int code)\n"
		"{\n"
		"	return work_%u(item, code);\n"
		"}\n"
		"\n"
		"#ifdef IDENT\n"
		"__asm__(\".ident \\\"\" IDENT \"\\\"\");\n"
		"#endif\n", source->unit, last);
}

void patch_source_main(FILE *file, unsigned int units)
{
	fputs("struct item;\n", file);
	for (unsigned int i = 0; i < units; i++)
		fprintf(file, "int unit_%u(struct item *item, int code);\n", i);
	fputs("\n"
	      "int main(int argc, char **argv)\n"
	      "{\n"
	      "	struct item *item = (void *)argv;\n"
	      "	int sum = 0;\n"
	      "\n", file);
	for (unsigned int i = 0; i < units; i++)
		fprintf(file, "	sum += unit_%u(item, argc);\n", i);
	fputs("	return sum;\n"
	      "}\n", file);
}
