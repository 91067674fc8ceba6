// SPDX-License-Identifier: MIT
/*
 * expatd - a program that uses libexpat: expatd PORT
 *
 *   PARSE XML   how many elements, and which error
 *   STOP        stop a parser that has not begun
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

static void count(void *data, const XML_Char *name, const XML_Char **attributes)
{
	(void)name;
	(void)attributes;
	++*(int *)data;
}

static size_t answer(char *line, char *reply)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	int elements = 0, status = 0;
	const char *error;
	size_t size;

	XML_SetUserData(parser, &elements);
	XML_SetStartElementHandler(parser, count);
	if (!strncmp(line, "PARSE ", 6))
		status = XML_Parse(parser, line + 6, (int)strlen(line + 6), 1);
	else if (!strcmp(line, "STOP"))
		status = XML_StopParser(parser, XML_TRUE);
	error = XML_ErrorString(XML_GetErrorCode(parser));
	size = (size_t)snprintf(reply, SERVE_REPLY, "%d %d %s", status, elements,
				error ? error : "none");
	XML_ParserFree(parser);
	return size;
}

int main(int argc, char **argv)
{
	return serve(argc > 1 ? (unsigned int)atoi(argv[1]) : 0, 4, answer) != 0;
}
