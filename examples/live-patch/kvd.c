// SPDX-License-Identifier: MIT
/*
 * kvd - a small key-value server, to be patched while it works
 *
 * usage: kvd PORT [THREADS]
 *
 *   PING                    PONG
 *   SET NAME VALUE          OK
 *   GET NAME                =VALUE
 *   RANGE NAME FROM SIZE    =a part of the value
 *   STATS                   how many ranges were refused
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "store.h"

static size_t say(char *reply, const char *text)
{
	strcpy(reply, text);
	return strlen(text);
}

static size_t say_error(char *reply, int error)
{
	return say(reply, error == -ENOENT ? "ERROR no such name" :
		   error == -ENOSPC ? "ERROR full" :
		   error == -ERANGE ? "ERROR beyond the value" :
				      "ERROR not a name or value");
}

/* Names that begin with a dot are the server's own. */
static bool is_public(const char *name)
{
	return name[0] != '.';
}

static size_t do_set(char *arguments, char *reply)
{
	char *name = strsep(&arguments, " ");
	int error = !is_public(name) ? -EINVAL :
		store_set(name, arguments ? arguments : "");

	return error ? say_error(reply, error) : say(reply, "OK");
}

static size_t do_get(char *arguments, char *reply)
{
	int size = is_public(arguments) ? store_get(arguments, reply + 1)
					: -ENOENT;

	if (size < 0)
		return say_error(reply, size);
	reply[0] = '=';
	return (size_t)size + 1;
}

/* Values may hold anything: what ends lines does not end this one. */
static void show(char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)bytes[i] < 32)
			bytes[i] = '.';
}

static size_t do_range(char *arguments, char *reply)
{
	char *name = strsep(&arguments, " ");
	char *from = strsep(&arguments, " ");
	int size;

	if (!from || !arguments)
		return say(reply, "ERROR usage: RANGE NAME FROM SIZE");
	size = is_public(name)
		? store_range(name, strtoul(from, NULL, 10),
			      strtoul(arguments, NULL, 10), reply + 1)
		: -ENOENT;
	if (size < 0)
		return say_error(reply, size);
	reply[0] = '=';
	show(reply + 1, (size_t)size);
	return (size_t)size + 1;
}

static size_t do_ping(char *arguments, char *reply)
{
	(void)arguments;
	return say(reply, "PONG");
}

static size_t do_stats(char *arguments, char *reply)
{
	(void)arguments;
	return (size_t)sprintf(reply, "refused %lu", store_refused());
}

static const struct command {
	const char *name;
	size_t (*run)(char *arguments, char *reply);
} commands[] = {
	{ "PING", do_ping },
	{ "SET", do_set },
	{ "GET", do_get },
	{ "RANGE", do_range },
	{ "STATS", do_stats },
};

static size_t answer(char *line, char *reply)
{
	char *arguments = line, *name = strsep(&arguments, " ");
	char none[] = "";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(arguments ? arguments : none,
					       reply);
	return say(reply, "ERROR no such command");
}

int main(int argc, char **argv)
{
	unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
	int error;

	if (!port || port > 65535 || !threads || threads > 1000) {
		fputs("usage: kvd PORT [THREADS]\n", stderr);
		return 64;
	}
	/* What no client should ever see. */
	if (store_set("motd", "welcome") ||
	    store_set(".password", "swordfish"))
		return 1;
	error = serve((unsigned int)port, (unsigned int)threads, answer);
	if (error)
		fprintf(stderr, "kvd: error: port %lu: %s\n", port,
			strerror(-error));
	return error != 0;
}
