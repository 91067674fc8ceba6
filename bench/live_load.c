// SPDX-License-Identifier: MIT
/*
 * What the clients of a server notice: the one of examples/live-patch, and redis
 * where it was built (--redis), with the load generator of the former. It is
 * patched and reverted again and again while requests come; each request that
 * fails, and each connection that is lost, is the end.
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

/**
 * struct server - what is patched.
 * @group:   of its figures in the report, in front of the phase
 * @start:   starts it at a port
 * @load:    arguments of the load generator, up to the port's place
 * @payload: path; its name is @name
 */
struct server {
	const char *group;
	void (*start)(const struct live *live, struct live_process *server,
		      const char *port);
	const char *const *load;
	const char *protocol;
	const char *name;
};

static void start_kvd(const struct live *live, struct live_process *server,
		      const char *port)
{
	char *program = patch_path("kvd");

	(void)live;
	live_start(server, (char *[]){ program, (char *)port, THREADS, NULL });
	free(program);
}

static void start_redis(const struct live *live, struct live_process *server,
			const char *port)
{
	char program[4096];

	snprintf(program, sizeof(program), "%s/redis-server",
		 live->options->redis);
	live_start(server, (char *[]){ program, "--port", (char *)port,
		"--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--daemonize", "no", "--loglevel", "warning", NULL });
}

static const char *const kvd_load[] = {
	"-r", "SET key%c %n\\n=>OK", "-r", "GET key%c\\n=>=%n",
	"-r", "RANGE key%c 4 4\\n=>=*", "-r", "PING\\n=>PONG", NULL
};

static const char *const redis_load[] = {
	"-r", "PING\\r\\n=>+PONG", "-r", "SET load:%c %n\\r\\n=>+OK",
	"-r", "GET load:%c\\r\\n=>$%n", "-r", "PFADD hll:%c a b c\\r\\n=>:*",
	"-r", "PFCOUNT hll:%c\\r\\n=>:3", NULL
};

static const struct server kvd = {
	.group = "", .start = start_kvd, .load = kvd_load, .protocol = "line",
	.name = "kvd-fix",
};

static const struct server redis = {
	.group = "redis, ", .start = start_redis, .load = redis_load,
	.protocol = "redis", .name = "redis",
};

static void wait_for(unsigned int port)
{
	for (int i = 0; !answers(port); i++) {
		if (i == 500)
			bench_die("live: the server does not answer");
		poll(NULL, 0, 10);
	}
}

static void start_load(const struct server *server, struct live_process *load,
		       const char *port)
{
	char *program = patch_path("load");
	char *argv[32] = { program, "-c", CONNECTIONS, "-t", "120" };
	size_t n = 5;

	for (const char *const *word = server->load; *word; word++)
		argv[n++] = (char *)*word;
	argv[n++] = (char *)server->protocol;
	argv[n] = (char *)port;
	live_start(load, argv);
	free(program);
}

/* Returns the number of changes. */
static unsigned int change_for(const struct live *live, pid_t pid,
			       const char *payload, const char *name,
			       unsigned int ms)
{
	uint64_t end = bench_ns() + ms * 1000000ull;
	struct live_change change;
	unsigned int n = 0;

	while (bench_ns() < end) {
		live_apply(live->options->repoint, pid, payload, &change);
		poll(NULL, 0, PAUSE_MS);
		live_revert(live->options->repoint, pid, name, &change);
		poll(NULL, 0, PAUSE_MS);
		n += 2;
	}
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

static void report_load(const struct live *live, const struct server *server,
			const char *json, int status, unsigned int changes,
			unsigned int ms)
{
	char group[64];

	if (figure(json, "failed") || figure(json, "reconnects") || status)
		bench_die("live: requests failed: %s", json);
	snprintf(group, sizeof(group), "%sbefore", server->group);
	report_phase(live, json, "before", group);
	snprintf(group, sizeof(group), "%sduring %u changes in %.1f s",
		 server->group, changes, (double)ms / 1000);
	report_phase(live, json, "during", group);
	snprintf(group, sizeof(group), "%safter", server->group);
	report_phase(live, json, "after", group);
}

static void run(const struct live *live, const struct server *server,
		const char *payload)
{
	unsigned int ms = live->options->quick ? 200 : 4000;
	unsigned int port = free_port(), changes;
	struct live_process process, load;
	char json[4096], number[16];
	uint64_t start;
	int status;

	snprintf(number, sizeof(number), "%u", port);
	server->start(live, &process, number);
	wait_for(port);
	start_load(server, &load, number);
	poll(NULL, 0, (int)ms / 4);
	live_say(&load, "phase before");
	poll(NULL, 0, (int)ms);
	live_say(&load, "phase during");
	start = bench_ns();
	changes = change_for(live, process.pid, payload, server->name, ms);
	start = bench_ns() - start;
	live_say(&load, "phase after");
	poll(NULL, 0, (int)ms);
	live_ask(&load, "quit", json, sizeof(json));
	status = live_end(&load, false);
	live_end(&process, true);
	report_load(live, server, json, status, changes,
		    (unsigned int)(start / 1000000));
}

static void run_kvd(const struct live *live)
{
	char *payload = patch_path("server.rpp");

	run(live, &kvd, payload);
	free(payload);
}

static void run_redis(const struct live *live)
{
	char payload[4096];

	snprintf(payload, sizeof(payload), "%s/redis.rpp", live->options->redis);
	run(live, &redis, payload);
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
	run_kvd(live);
	if (live->options->redis)
		run_redis(live);
	else
		puts("live, load: redis: skipped: RP_REAL=1 fetches and builds it");
}
