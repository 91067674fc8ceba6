// SPDX-License-Identifier: MIT
/*
 * tinyxmld - a program that uses libtinyxml: tinyxmld PORT
 *
 *   PARSE XML   the name of the root, or the error
 *
 * An assertion of the library that fails is reported: it should not end those
 * that ask whether it would.
 */
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tinyxml.h>

#include "serve.h"

static thread_local jmp_buf failed;

/* The library's calls come here, since the program's symbols are found first. */
extern "C" void __assert_fail(const char *, const char *, unsigned int,
			      const char *) noexcept
{
	longjmp(failed, 1);
}

static size_t parse(const char *text, char *reply)
{
	TiXmlDocument document;

	document.Parse(text);
	if (document.Error())
		return (size_t)snprintf(reply, SERVE_REPLY, "error %s",
					document.ErrorDesc());
	return (size_t)snprintf(reply, SERVE_REPLY, "root %s",
				document.RootElement()
				? document.RootElement()->Value() : "none");
}

static size_t answer(char *line, char *reply)
{
	if (strncmp(line, "PARSE ", 6))
		return (size_t)sprintf(reply, "what?");
	if (setjmp(failed))
		return (size_t)sprintf(reply, "assertion failed");
	return parse(line + 6, reply);
}

int main(int argc, char **argv)
{
	return serve(argc > 1 ? (unsigned int)atoi(argv[1]) : 0, 4, answer) != 0;
}
