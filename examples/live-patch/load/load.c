// SPDX-License-Identifier: MIT
/*
 * load - keep a server busy, and say truthfully how that went
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define SECOND 1000000000ULL

static const char usage_text[] =
"usage: load [OPTION...] PROTOCOL PORT\n"
"PROTOCOL: line, redis, http, memcached (binary), mqtt\n"
"  -a ADDRESS      not 127.0.0.1\n"
"  -c N            connections, each with one request under way (8)\n"
"  -r 'ASK=>WANT'  ask this and expect that, in turn (built-in requests);\n"
"                  \\r \\n \\t \\\\ \\xHH; %c, %n: number of connection, of round;\n"
"                  WANT is all of the answer, its beginning if it ends in *\n"
"  -b 'ASK=>WANT'  the first request of each connection\n"
"  -w USEC         wait before each request (0)\n"
"  -T SEC          an answer that takes longer has failed (10)\n"
"  -t SEC          end after so long (600)\n"
"  -H              a table, not JSON\n"
"SIGUSR1 starts the next phase: before, during, after. So does a line\n"
"\"phase NAME\" on standard input; \"stat\" prints counts so far; \"quit\" (or the\n"
"end of a pipe, SIGTERM, SIGINT) ends, when all answers that are owed have come.\n"
"Exit status: 0, 1 if a request failed or a connection was lost, 64 usage.\n";

struct settings {
	struct load load;
	unsigned int connections;
	uint64_t limit;
	bool table;
};

static volatile sig_atomic_t next_phase, quit;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		next_phase++;
	else
		quit = 1;
}

static _Noreturn void usage(const char *why)
{
	if (why)
		fprintf(stderr, "load: %s\n", why);
	fputs(usage_text, stderr);
	exit(64);
}

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "load: error: %s: %s\n", what, strerror(error));
	exit(1);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > max)
		usage("not a number, or too large");
	return value;
}

static void add_request(struct load *load, const char *spec)
{
	load->requests = reallocarray(load->requests, load->nrequests + 1,
				      sizeof(*load->requests));
	if (!load->requests)
		die("requests", ENOMEM);
	if (request_parse(&load->requests[load->nrequests++], spec))
		usage("a request is ASK=>WANT");
}

static void set_hello(struct load *load, const char *spec)
{
	request_deinit(&load->hello);
	if (request_parse(&load->hello, spec))
		usage("a request is ASK=>WANT");
}

static void option(struct settings *settings, int letter)
{
	struct load *load = &settings->load;

	switch (letter) {
	case 'a': load->address = optarg; break;
	case 'b': set_hello(load, optarg); break;
	case 'c': settings->connections = (unsigned int)number(optarg, 1000); break;
	case 'r': add_request(load, optarg); break;
	case 'w': load->think = number(optarg, 60000000) * 1000; break;
	case 'T': load->timeout = number(optarg, 3600) * SECOND; break;
	case 't': settings->limit = number(optarg, 86400) * SECOND; break;
	case 'H': settings->table = true; break;
	default: usage(NULL);
	}
}

static void parse(struct settings *settings, int argc, char **argv)
{
	struct load *load = &settings->load;
	int letter;

	while ((letter = getopt(argc, argv, "a:b:c:r:w:T:t:H")) != -1)
		option(settings, letter);
	if (argc - optind != 2)
		usage("which protocol, which port?");
	load->protocol = protocol_find(argv[optind]);
	if (!load->protocol)
		usage("there is no such protocol");
	load->port = (unsigned int)number(argv[optind + 1], 65535);
	if (!load->hello.text && load->protocol->hello)
		set_hello(load, load->protocol->hello);
	if (load->nrequests)
		return;
	for (int i = 0; load->protocol->requests[i]; i++)
		add_request(load, load->protocol->requests[i]);
}

static void start_phase(struct load *load, const char *name)
{
	int error = report_phase(&load->report, name);

	if (error)
		die("phase", -error);
}

static void start_next_phase(struct load *load)
{
	static const char *const names[] = { "before", "during", "after" };
	char name[32];

	if (load->report.nphases < 3) {
		start_phase(load, names[load->report.nphases]);
		return;
	}
	snprintf(name, sizeof(name), "phase %zu", load->report.nphases + 1);
	start_phase(load, name);
}

static void obey(struct load *load, char *line)
{
	if (!strncmp(line, "phase ", 6))
		start_phase(load, line + 6);
	else if (!strcmp(line, "quit"))
		quit = 1;
	else if (!strcmp(line, "stat"))
		printf("%llu requests, %llu failed, %llu reconnects\n",
		       (unsigned long long)load->report.requests,
		       (unsigned long long)load->report.failed,
		       (unsigned long long)load->report.reconnects);
	else
		fprintf(stderr, "load: what is \"%s\"?\n", line);
	fflush(stdout);
}

/* Whoever held the other end of a pipe is gone: nobody would end this. */
static bool is_pipe(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISFIFO(status.st_mode);
}

/* Return: whether there may be more. */
static bool read_control(struct load *load)
{
	static char line[256];
	static size_t size;
	ssize_t n = read(STDIN_FILENO, line + size, sizeof(line) - 1 - size);
	char *end;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) {
		quit |= is_pipe(STDIN_FILENO);
		return false;
	}
	size += (size_t)n;
	while ((end = memchr(line, '\n', size))) {
		*end++ = 0;
		obey(load, line);
		size -= (size_t)(end - line);
		memmove(line, end, size);
	}
	return size < sizeof(line) - 1;
}

static void wait_for(struct pollfd *polls, size_t n, uint64_t until)
{
	uint64_t now = load_now(), left = until > now ? until - now : 0;
	struct timespec limit = {
		.tv_sec = (time_t)(left / SECOND),
		.tv_nsec = (long)(left % SECOND),
	};
	sigset_t none;

	sigemptyset(&none);
	if (ppoll(polls, n, &limit, &none) >= 0)
		return;
	if (errno != EINTR)
		die("ppoll", errno);
	for (size_t i = 0; i < n; i++)
		polls[i].revents = 0;
}

/* polls[0] is standard input. */
static void run(struct settings *settings, struct connection *connections,
		struct pollfd *polls)
{
	struct load *load = &settings->load;
	uint64_t end = load_now() + settings->limit, until = 0;
	bool owed = true;

	while (!load->ending || owed) {
		wait_for(polls, settings->connections + 1, until);
		if (polls[0].revents && !read_control(load))
			polls[0].fd = -1;
		for (; next_phase; next_phase--)
			start_next_phase(load);
		load->ending |= quit || load_now() >= end;
		owed = false;
		until = end > load_now() ? end : load_now() + 100000000;
		for (unsigned int i = 0; i < settings->connections; i++) {
			struct connection *connection = &connections[i];
			uint64_t again = connection_run(connection,
							polls[i + 1].revents);

			polls[i + 1].fd = connection->fd;
			owed |= connection->asked != 0;
			if (again < until && (!load->ending || connection->asked))
				until = again;
		}
	}
}

static void connect_all(struct settings *settings,
			struct connection *connections, struct pollfd *polls)
{
	for (unsigned int i = 0; i < settings->connections; i++) {
		int error;

		connections[i].load = &settings->load;
		connections[i].number = i;
		error = connection_open(&connections[i]);
		if (error)
			die("cannot connect", -error);
		polls[i + 1].fd = connections[i].fd;
		polls[i + 1].events = POLLIN;
	}
}

/* Blocked but while waiting, so that none comes between a look and the wait. */
static void catch_signals(void)
{
	static const int signals[] = { SIGUSR1, SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.load = { .address = "127.0.0.1", .timeout = 10 * SECOND },
		.connections = 8,
		.limit = 600 * SECOND,
	};
	struct load *load = &settings.load;
	struct connection *connections;
	struct pollfd *polls;

	parse(&settings, argc, argv);
	connections = calloc(settings.connections + 1, sizeof(*connections));
	polls = calloc(settings.connections + 1, sizeof(*polls));
	if (!connections || !polls)
		die("connections", ENOMEM);
	polls[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };

	catch_signals();
	start_next_phase(load);
	connect_all(&settings, connections, polls);
	run(&settings, connections, polls);
	if (settings.table)
		report_table(&load->report, stdout);
	else
		report_json(&load->report, stdout);

	for (unsigned int i = 0; i < settings.connections; i++)
		connection_close(&connections[i]);
	for (size_t i = 0; i < load->nrequests; i++)
		request_deinit(&load->requests[i]);
	request_deinit(&load->hello);
	free(load->requests);
	free(connections);
	free(polls);
	int status = load->report.failed || load->report.reconnects;
	report_deinit(&load->report);
	return status;
}
