// SPDX-License-Identifier: MIT
/*
 * Workers with an epoll set each: all of them wait for connections, who takes
 * one keeps it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

struct client {
	int fd;
	size_t size;
	char line[SERVE_LINE];
};

struct worker {
	pthread_t thread;
	int epoll, listener;
	size_t (*answer)(char *line, char *reply);
	char reply[SERVE_REPLY];
};

static int watch(int epoll, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void take_connection(struct worker *worker)
{
	int fd = accept4(worker->listener, NULL, NULL, SOCK_CLOEXEC);
	struct client *client;
	int one = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client = calloc(1, sizeof(*client));
	if (client)
		client->fd = fd;
	if (!client || watch(worker->epoll, fd, EPOLLIN, client)) {
		free(client);
		close(fd);
	}
}

static bool send_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static bool answer_line(struct worker *worker, struct client *client, char *end)
{
	size_t size;

	*end = 0;
	if (end > client->line && end[-1] == '\r')
		end[-1] = 0;
	size = worker->answer(client->line, worker->reply);
	worker->reply[size++] = '\n';
	return send_all(client->fd, worker->reply, size);
}

/* Return: whether the connection goes on. */
static bool serve_client(struct worker *worker, struct client *client)
{
	ssize_t n = recv(client->fd, client->line + client->size,
			 sizeof(client->line) - client->size, MSG_DONTWAIT);
	char *end;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	client->size += (size_t)n;
	while ((end = memchr(client->line, '\n', client->size))) {
		size_t used = (size_t)(end + 1 - client->line);

		if (!answer_line(worker, client, end))
			return false;
		client->size -= used;
		memmove(client->line, client->line + used, client->size);
	}
	return n && client->size < sizeof(client->line);
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct epoll_event event;

	for (;;) {
		if (epoll_wait(worker->epoll, &event, 1, -1) < 1)
			continue;
		struct client *client = event.data.ptr;

		if (!client) {
			take_connection(worker);
		} else if (!serve_client(worker, client)) {
			close(client->fd);
			free(client);
		}
	}
	return NULL;
}

/* Does not wait in accept4(): another worker may have been faster. */
static int listen_at(unsigned int port, int *ret)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1, fd = socket(AF_INET,
				 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 128)) {
		int error = -errno;

		close(fd);
		return error;
	}
	*ret = fd;
	return 0;
}

static int start_worker(struct worker *worker)
{
	int error;

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0)
		return -errno;
	error = watch(worker->epoll, worker->listener, EPOLLIN | EPOLLEXCLUSIVE,
		      NULL);
	return error ? error
		     : -pthread_create(&worker->thread, NULL, work, worker);
}

/* The workers end with the process: they hold nothing that would be lost. */
int serve(unsigned int port, unsigned int threads,
	  size_t (*answer)(char *line, char *reply))
{
	struct worker *workers = calloc(threads, sizeof(*workers));
	int listener = -1, signal, error = listen_at(port, &listener);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!workers)
		return -ENOMEM;
	for (unsigned int i = 0; i < threads && !error; i++) {
		workers[i].listener = listener;
		workers[i].answer = answer;
		error = start_worker(&workers[i]);
	}
	if (!error)
		sigwait(&set, &signal);
	return error;
}
