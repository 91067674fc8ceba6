// SPDX-License-Identifier: MIT
/*
 * A server that fails once, for the test of the load generator.
 *
 * usage: faulty PORT FAULT N    the N-th request of all meets the fault
 *
 *   none    it does not
 *   close   the connection is closed, without an answer
 *   reset   it is reset
 *   half    closed after half of the answer
 *   wrong   another answer
 *   twice   the answer, and once more
 *   silent  no answer, to this and to what follows
 *   late    the answer, after 300 ms
 *   idle    the answer, and 20 ms later the connection is closed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_ulong requests;
static unsigned long faulty;
static const char *fault;

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		perror("faulty: send");
}

static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void wait_silently(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
}

/* Return: whether the connection goes on. */
static int fail(int fd)
{
	if (!strcmp(fault, "wrong"))
		say(fd, "PING\n");
	else if (!strcmp(fault, "twice"))
		say(fd, "PONG\nPONG\n");
	else if (!strcmp(fault, "half"))
		say(fd, "PO");
	else if (!strcmp(fault, "silent"))
		wait_silently(fd);
	else if (!strcmp(fault, "late"))
		usleep(300000);
	else if (!strcmp(fault, "reset"))
		reset(fd);
	if (!strcmp(fault, "late") || !strcmp(fault, "idle"))
		say(fd, "PONG\n");
	if (!strcmp(fault, "idle"))
		usleep(20000);
	return !strcmp(fault, "wrong") || !strcmp(fault, "twice") ||
		!strcmp(fault, "late");
}

static void *serve(void *data)
{
	int fd = (int)(intptr_t)data, goes_on = 1;
	char c;

	while (goes_on && read(fd, &c, 1) == 1) {
		if (c != '\n')
			continue;
		if (atomic_fetch_add(&requests, 1) + 1 == faulty &&
		    strcmp(fault, "none"))
			goes_on = fail(fd);
		else
			say(fd, "PONG\n");
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	pthread_t thread;

	if (argc != 4)
		return 64;
	fault = argv[2];
	faulty = strtoul(argv[3], NULL, 10);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 256)) {
		perror("faulty");
		return 1;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0 && !pthread_create(&thread, NULL, serve,
						   (void *)(intptr_t)client))
			pthread_detach(thread);
	}
}
