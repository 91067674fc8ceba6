// SPDX-License-Identifier: MIT
/*
 * One connection: a request, its answer, the next request.
 *
 * What counts as failed: an answer that is not the expected one, or none within
 * the time limit, a connection that ends while one is owed, and one that cannot
 * be made. A connection that ends, whenever and however, has to be made anew and
 * counts as a reconnect.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define RETRY_NS 10000000ULL

uint64_t load_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static const struct request *request_of(const struct connection *connection)
{
	const struct load *load = connection->load;

	return connection->said_hello ? &load->requests[connection->next]
				      : &load->hello;
}

static void complain(struct connection *connection, const char *what,
		     const char *got)
{
	if (connection->load->complaints++ >= 5)
		return;
	fprintf(stderr, "load: connection %u: %s%s%.200s\n", connection->number,
		what, *got ? ": " : "", got);
}

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->asked = 0;
	connection->size = 0;
	connection->due = load_now() + RETRY_NS;
}

/* A connection is over; whether a request is lost with it is asked here. */
static void lose(struct connection *connection, const char *what, const char *got)
{
	complain(connection, what, got);
	if (connection->asked)
		report_failure(&connection->load->report);
	report_reconnect(&connection->load->report);
	connection_close(connection);
}

int connection_open(struct connection *connection)
{
	const struct load *load = connection->load;
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = (time_t)(load->timeout / 1000000000) };
	int one = 1, error;

	if (inet_pton(AF_INET, load->address, &to.sin_addr) != 1)
		return -EINVAL;
	to.sin_port = htons((uint16_t)load->port);
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return -errno;
	setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(connection->fd, (struct sockaddr *)&to, sizeof(to))) {
		error = -errno;
		connection_close(connection);
		return error;
	}
	connection->said_hello = !load->hello.text;
	connection->next = 0;
	connection->due = 0;
	return 0;
}

static void reopen(struct connection *connection)
{
	int error = connection_open(connection);

	if (!error)
		return;
	complain(connection, "cannot connect", strerror(-error));
	report_failure(&connection->load->report);
}

static void ask(struct connection *connection)
{
	char out[4096];
	size_t size = request_write(request_of(connection), connection->number,
				    connection->round, out, sizeof(out));
	size_t done = 0;

	connection->asked = load_now();
	while (done < size) {
		ssize_t n = send(connection->fd, out + done, size - done,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			lose(connection, "cannot send", strerror(errno));
			return;
		}
		done += (size_t)n;
	}
}

static void move_on(struct connection *connection)
{
	connection->due = load_now() + connection->load->think;
	if (!connection->said_hello) {
		connection->said_hello = true;
		return;
	}
	if (++connection->next < connection->load->nrequests)
		return;
	connection->next = 0;
	connection->round++;
}

static void judge(struct connection *connection, size_t size)
{
	const struct load *load = connection->load;
	struct report *report = &connection->load->report;
	char view[4096] = "";

	load->protocol->view(connection->in, size, view, sizeof(view));
	if (request_is_answer(request_of(connection), connection->number,
			      connection->round, view)) {
		report_answer(report, load_now() - connection->asked);
	} else {
		complain(connection, "a wrong answer", view);
		report_failure(report);
	}
	connection->asked = 0;
	connection->size -= size;
	memmove(connection->in, connection->in + size, connection->size);
	move_on(connection);
}

static void take(struct connection *connection)
{
	ssize_t size;

	if (!connection->asked) {
		lose(connection, "an answer to nothing", "");
		return;
	}
	size = connection->load->protocol->complete(connection->in,
						    connection->size);
	if (size < 0 || (!size && connection->size == sizeof(connection->in))) {
		lose(connection, "not an answer", "");
		return;
	}
	if (size)
		judge(connection, (size_t)size);
	if (size && connection->size)
		lose(connection, "more than one answer", "");
}

static void receive(struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->in + connection->size,
			 sizeof(connection->in) - connection->size, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		lose(connection, "lost", strerror(errno));
		return;
	}
	if (!n) {
		lose(connection, "closed by the server", "");
		return;
	}
	connection->size += (size_t)n;
	take(connection);
}

uint64_t connection_run(struct connection *connection, bool readable)
{
	const struct load *load = connection->load;
	uint64_t now;

	if (connection->fd >= 0 && readable)
		receive(connection);
	now = load_now();
	if (connection->asked && now >= connection->asked + load->timeout)
		lose(connection, "no answer in time", "");
	if (!load->ending && now >= connection->due && !connection->asked) {
		if (connection->fd < 0)
			reopen(connection);
		if (connection->fd >= 0)
			ask(connection);
	}
	return connection->asked ? connection->asked + load->timeout
				 : connection->due;
}
