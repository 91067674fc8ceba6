// SPDX-License-Identifier: MIT
/*
 * What the clients of a server notice: the one of examples/live-patch, with its
 * load generator. It is patched and reverted again and again while requests
 * come; each request that fails, and each connection that is lost, is the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"
#include "patch_process.h"

#define PAUSE_MS	100
#define THREADS		"4"
#define CONNECTIONS	"8"

/* Made from its source as a user would: in a copy. */
static void build(const char *repoint)
{
	patch_shell("cp -r '%s' server && cd server && "
		    "make -s kvd load/load && cp kvd .. && make -s clean && "
		    "make -s load/load && mv load/load ../load", BENCH_SERVER);
	patch_shell("cd server && '%s' patch build --source . "
		    "--patch fix.patch --binary ../kvd --name kvd-fix "
		    "-o ../server.rpp -- make -s kvd", repoint);
}

static unsigned int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		bench_die("live: no port for a server");
	close(fd);
	return ntohs(at.sin_port);
}

static bool answers(unsigned int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	yes = fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at));
	if (fd >= 0)
		close(fd);
	return yes;
}

static unsigned int start_server(struct live_process *server)
{
	unsigned int port = free_port();
	char number[16], *program = patch_path("kvd");

	snprintf(number, sizeof(number), "%u", port);
	live_start(server, (char *[]){ program, number, THREADS, NULL });
	for (int i = 0; !answers(port); i++) {
		if (i == 500)
			bench_die("live: the server does not answer");
		poll(NULL, 0, 10);
	}
	free(program);
	return port;
}

static void start_load(struct live_process *load, unsigned int port)
{
	char number[16], *program = patch_path("load");

	snprintf(number, sizeof(number), "%u", port);
	live_start(load, (char *[]){ program, "-c", CONNECTIONS, "-t", "120",
		"-r", "SET key%c %n\\n=>OK", "-r", "GET key%c\\n=>=%n",
		"-r", "RANGE key%c 4 4\\n=>=*", "-r", "PING\\n=>PONG",
		"line", number, NULL });
	free(program);
}

/* Returns the number of changes. */
static unsigned int change_for(const struct live *live, pid_t pid,
			       unsigned int ms)
{
	char *payload = patch_path("server.rpp");
	uint64_t end = bench_ns() + ms * 1000000ull;
	struct live_change change;
	unsigned int n = 0;

	while (bench_ns() < end) {
		live_apply(live->options->repoint, pid, payload, &change);
		poll(NULL, 0, PAUSE_MS);
		live_revert(live->options->repoint, pid, "kvd-fix", &change);
		poll(NULL, 0, PAUSE_MS);
		n += 2;
	}
	free(payload);
	return n;
}

/* ---- report ---- */

static double figure(const char *phase, const char *key)
{
	char quoted[32], *found;

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	found = strstr(phase, quoted);
	if (!found)
		bench_die("live: the load does not say %s", key);
	return strtod(found + strlen(quoted), NULL);
}

static void report_phase(const struct live *live, const char *json,
			 const char *name, const char *group)
{
	static const struct { const char *key, *name, *unit; } rows[] = {
		{ "p50_us", "median", "us" }, { "p99_us", "99 %", "us" },
		{ "p999_us", "99.9 %", "us" }, { "max_us", "slowest", "us" },
	};
	char start[64];
	const char *phase;

	snprintf(start, sizeof(start), "{\"name\": \"%s\"", name);
	phase = strstr(json, start);
	if (!phase)
		bench_die("live: the load has no phase %s", name);
	report_value(live->report, "load", group, "requests answered", "/s",
		     figure(phase, "requests") / figure(phase, "seconds"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		report_value(live->report, "load", group, rows[i].name,
			     rows[i].unit, figure(phase, rows[i].key), 0);
}

static void report_load(const struct live *live, const char *json, int status,
			unsigned int changes, unsigned int ms)
{
	char group[64];

	if (figure(json, "failed") || figure(json, "reconnects") || status)
		bench_die("live: requests failed: %s", json);
	report_phase(live, json, "before", "before");
	snprintf(group, sizeof(group), "during %u changes in %.1f s", changes,
		 (double)ms / 1000);
	report_phase(live, json, "during", group);
	report_phase(live, json, "after", "after");
}

static void run(const struct live *live)
{
	unsigned int ms = live->options->quick ? 200 : 4000;
	struct live_process server, load;
	char json[4096];
	unsigned int port = start_server(&server), changes;
	uint64_t start;
	int status;

	start_load(&load, port);
	poll(NULL, 0, (int)ms / 4);
	live_say(&load, "phase before");
	poll(NULL, 0, (int)ms);
	live_say(&load, "phase during");
	start = bench_ns();
	changes = change_for(live, server.pid, ms);
	start = bench_ns() - start;
	live_say(&load, "phase after");
	poll(NULL, 0, (int)ms);
	live_ask(&load, "quit", json, sizeof(json));
	status = live_end(&load, false);
	live_end(&server, true);
	report_load(live, json, status, changes,
		    (unsigned int)(start / 1000000));
}

void bench_live_load(const struct live *live)
{
	static const char *const needs[] = { "cc", "make", "patch" };

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (!patch_have(needs[i])) {
			printf("live, load: skipped: there is no %s\n",
			       needs[i]);
			return;
		}
	build(live->options->repoint);
	run(live);
}
