// SPDX-License-Identifier: MIT
/*
 * Requests as they are given on the command line, and their answers.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
		tolower((unsigned char)c) - 'a' + 10;
}

static bool is_hex(const char *text)
{
	return text[0] == 'x' && isxdigit((unsigned char)text[1]) &&
		isxdigit((unsigned char)text[2]);
}

/* Bytes of @from that make one byte, *@c. */
static size_t unescape(const char *from, char *c)
{
	static const char names[] = "rnt\\", values[] = "\r\n\t\\";
	const char *name;

	*c = from[0];
	if (from[0] != '\\' || !from[1])
		return 1;
	if (is_hex(from + 1)) {
		*c = (char)(hex_digit(from[2]) * 16 + hex_digit(from[3]));
		return 4;
	}
	name = strchr(names, from[1]);
	if (!name)
		return 1;
	*c = values[name - names];
	return 2;
}

static char *unescaped(const char *from, size_t size, size_t *ret)
{
	const char *end = from + size;
	char *to = malloc(size + 1);
	size_t n = 0;

	while (to && from < end)
		from += unescape(from, &to[n++]);
	if (to)
		to[n] = 0;
	*ret = n;
	return to;
}

int request_parse(struct request *request, const char *spec)
{
	const char *arrow = strstr(spec, "=>");
	size_t size;

	if (!arrow || arrow == spec)
		return -EINVAL;
	request->text = unescaped(spec, (size_t)(arrow - spec),
				  &request->text_size);
	request->answer = unescaped(arrow + 2, strlen(arrow + 2), &size);
	return request->text && request->answer ? 0 : -ENOMEM;
}

void request_deinit(struct request *request)
{
	free(request->text);
	free(request->answer);
}

static size_t expand(const char *from, size_t size, unsigned int connection,
		     uint64_t round, char *out, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < size && n + 9 < room; i++) {
		bool escape = from[i] == '%' && i + 1 < size;

		if (escape && from[i + 1] == 'c')
			n += (size_t)sprintf(out + n, "%03u", connection % 1000);
		else if (escape && from[i + 1] == 'n')
			n += (size_t)sprintf(out + n, "%08u",
					     (unsigned int)(round % 100000000));
		else
			out[n++] = from[i];
		i += escape && (from[i + 1] == 'c' || from[i + 1] == 'n');
	}
	out[n] = 0;
	return n;
}

size_t request_write(const struct request *request, unsigned int connection,
		     uint64_t round, char *out, size_t room)
{
	return expand(request->text, request->text_size, connection, round, out,
		      room);
}

bool request_is_answer(const struct request *request, unsigned int connection,
		       uint64_t round, const char *view)
{
	char want[4096];
	size_t size = expand(request->answer, strlen(request->answer),
			     connection, round, want, sizeof(want));

	if (size && want[size - 1] == '*')
		return !strncmp(want, view, size - 1);
	return !strcmp(want, view);
}
