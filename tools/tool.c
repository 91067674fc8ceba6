/* SPDX-License-Identifier: MIT */
/* What the commands of the program `repoint` share. */
#include "tool.h"
#include "../payload/text.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

/* Bytes of the character at @s; 0: no UTF-8. */
static size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 :
		   u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)	// the end, too
			return 0;
	}
	// Longer than need be, half of a surrogate pair, beyond the last one.
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] >= 0xa0) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] >= 0x90))
		return 0;
	return n;
}

void rp_print_name(FILE *out, const char *s)
{
	while (*s) {
		size_t n = utf8_length(s);
		char one[5] = { 0 };

		memcpy(one, s, n);
		if (n && rp_text_is_printable(one))
			fwrite(one, 1, n, out);
		else
			putc('?', out);
		s += n ? n : 1;
	}
}

void rp_print_message(FILE *out, const char *file, const char *severity,
		      const struct rp_diag *diag)
{
	rp_print_name(out, file);
	fprintf(out, ": %s: ", severity);
	if (diag->where[0] && diag->has_offset)
		fprintf(out, "%s+0x%llx: ", diag->where,
			(unsigned long long)diag->offset);
	else if (diag->where[0])
		fprintf(out, "%s: ", diag->where);
	fprintf(out, "%s [RP%04d]\n", diag->text, diag->id);
}

void rp_json_message(FILE *out, const struct rp_diag *diag)
{
	fprintf(out, ", \"id\": \"RP%04d\", \"where\": ", diag->id);
	rp_json_string(out, diag->where);
	if (diag->has_offset)
		fprintf(out, ", \"offset\": %llu",
			(unsigned long long)diag->offset);
	fputs(", \"message\": ", out);
	rp_json_string(out, diag->text);
}

void rp_message(const char *file, const char *severity,
		const struct rp_diag *diag)
{
	rp_print_message(stderr, file, severity, diag);
}

#define MAX_WORD	32	/* longer words are not guessed at */
#define MAX_TYPOS	2

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

// Insertions, deletions and changes of letters between two words.
static size_t distance(const char *a, const char *b)
{
	size_t row[MAX_WORD + 1], na = strlen(a), nb = strlen(b);

	if (na > MAX_WORD || nb > MAX_WORD)
		return MAX_WORD;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, change);
		}
	}
	return row[nb];
}

const char *rp_closest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_distance = MAX_TYPOS + 1;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		// Half of a short word is not a typo.
		if (d < best_distance && 2 * d < strlen(words[i])) {
			best_distance = d;
			best = words[i];
		}
	}
	return best;
}

#define MAX_OPTIONS	32

static const char *closest_option(const char *typed,
				  const struct option *options)
{
	const char *names[MAX_OPTIONS];
	char word[MAX_WORD + 1];
	size_t n = 0;

	while (*typed == '-')
		typed++;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "="), typed);
	for (; options->name && n < MAX_OPTIONS; options++)
		names[n++] = options->name;
	return rp_closest(word, names, n);
}

/* What is wrong with the use of an option that there is; NULL: there is none. */
static const char *misused(const char *typed, const struct option *options)
{
	size_t length = strcspn(typed, "=");

	for (; options->name; options++) {
		if (length == strlen(options->name) + 2 &&
		    !strncmp(typed + 2, options->name, length - 2))
			return options->has_arg == no_argument ?
				"takes no argument" : "needs an argument";
	}
	return NULL;
}

/* Of the letters, getopt complains only of those that lack an argument. */
static bool is_letter(int letter, const struct option *options)
{
	while (options->name && options->val != letter)
		options++;
	return options->name;
}

int rp_usage_error(const char *command, const struct option *options,
		   char **argv)
{
	const char *typed = argv[optind - 1], *hint, *misuse = NULL;

	// In a cluster of letters getopt has not moved on yet.
	if (optopt && strncmp(typed, "--", 2))
		return rp_misuse(command, is_letter(optopt, options) ?
				 "option -%c needs an argument" :
				 "unknown option -%c", optopt);
	if (!strncmp(typed, "--", 2))
		misuse = misused(typed, options);
	if (misuse)
		return rp_misuse(command, "option %.*s %s",
				 (int)strcspn(typed, "="), typed, misuse);
	hint = closest_option(typed, options);
	return rp_misuse(command, "unknown option %s%s%s%s",
			 typed, hint ? "; did you mean --" : "",
			 hint ? hint : "", hint ? "?" : "");
}

int rp_misuse(const char *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "repoint %s: error: ", command);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (see: repoint help %s)\n", command);
	return RP_EXIT_USAGE;
}

int rp_one_file(const char *command, int argc, char **argv, const char **ret)
{
	if (optind == argc)
		return rp_misuse(command, "no file given");
	if (optind + 1 < argc)
		return rp_misuse(command, "more than one file given");
	*ret = argv[optind];
	return 0;
}

void rp_json_string(FILE *out, const char *s)
{
	putc('"', out);
	while (*s) {
		unsigned char c = *s;
		size_t n = utf8_length(s);

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (!n || c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	putc('"', out);
}
