// SPDX-License-Identifier: MIT
/*
 * A program that patches itself. Also compiled as C++.
 *
 * usage: self CASE TOOL FIX.rpp OTHER.rpp
 */
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"
#include "work.h"

#define THREADS	4

const char *fix, *other;
char message[RP_LIVEPATCH_MESSAGE_SIZE];
struct rp_livepatch_options options;

static char text[8192];
static volatile bool stop;

int apply(const char *payload)
{
	return rp_livepatch_apply(payload, &options, message, sizeof(message));
}

int revert(const char *name)
{
	return rp_livepatch_revert(name, &options, message, sizeof(message));
}

static bool listed(const char *name)
{
	char quoted[64];

	CHECK(rp_livepatch_list(&options, text, sizeof(text)) == 0);
	snprintf(quoted, sizeof(quoted), "\"name\":\"%s\"", name);
	return strstr(text, quoted);
}

/* ---- what the functions do ---- */

static void basics(void)
{
	CHECK(answer() == 1);
	CHECK(!listed("fix"));
	CHECK(apply(fix) == 0);
	CHECK(!message[0]);
	CHECK(answer() == 2 && listed("fix"));
	CHECK(apply(fix) == -EAGAIN && message[0]);
	CHECK(answer() == 2);
	CHECK(rp_livepatch_replace(other, &options, message,
				   sizeof(message)) == 0);
	CHECK(answer() == 3 && listed("other") && !listed("fix"));
	CHECK(revert("fix") == -EAGAIN);
	CHECK(revert("other") == 0);
	CHECK(answer() == 1 && !listed("other"));
	CHECK(apply(fix) == 0 && answer() == 2);
	CHECK(revert(NULL) == 0);
	CHECK(answer() == 1 && !listed("fix"));
}

/* Nobody asks what was said. */
static void silent(void)
{
	CHECK(rp_livepatch_apply(fix, &options, NULL, 0) == 0);
	CHECK(answer() == 2);
	CHECK(rp_livepatch_apply(fix, &options, NULL, 100) == -EAGAIN);
	CHECK(rp_livepatch_revert(NULL, &options, NULL, 0) == 0);
	CHECK(answer() == 1);
}

static void arguments(void)
{
	CHECK(apply(NULL) == -EINVAL);
	CHECK(rp_livepatch_replace(NULL, &options, message,
				   sizeof(message)) == -EINVAL);
	CHECK(apply("--force") == -EINVAL);
	CHECK(revert("--all") == -EINVAL);
	CHECK(rp_livepatch_list(&options, NULL, 10) == -EINVAL);
	CHECK(rp_livepatch_list(&options, text, 0) == -EINVAL);
	CHECK(apply("/nowhere/fix.rpp") == -EINVAL);
	CHECK(strstr(message, "/nowhere/fix.rpp"));
	CHECK(answer() == 1);
}

static void no_tool(void)
{
	struct rp_livepatch_options none = options;

	none.tool = "/nowhere/repoint";
	CHECK(rp_livepatch_apply(fix, &none, message,
				 sizeof(message)) == -ENOENT);
	CHECK(strstr(message, none.tool));
	CHECK(rp_livepatch_revert(NULL, &none, NULL, 0) == -ENOENT);
	CHECK(rp_livepatch_list(&none, text, sizeof(text)) == -ENOENT);
	none.tool = "/";
	CHECK(rp_livepatch_apply(fix, &none, message,
				 sizeof(message)) == -ENOENT);
	CHECK(answer() == 1);
}

static int apply_inside(void *context)
{
	(void)context;
	return apply(fix);
}

/* The caller's own caller is to be replaced. */
static void in_use(void)
{
	options.timeout_ms = 200;
	CHECK(around(apply_inside, NULL) == -EAGAIN);
	CHECK(strstr(message, "around"));
	CHECK(answer() == 1 && !listed("fix"));
	CHECK(apply(fix) == 0 && answer() == 2);
}

/* Of each size, what fits, and not a byte beyond. */
static void short_messages(void)
{
	static const size_t sizes[] = { 1, 2, 3, 10, 40 };
	char whole[RP_LIVEPATCH_MESSAGE_SIZE], part[64];

	CHECK(apply("/nowhere") == -EINVAL);
	memcpy(whole, message, sizeof(whole));
	CHECK(strlen(whole) > 40);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(part, '#', sizeof(part));
		CHECK(rp_livepatch_apply("/nowhere", &options, part,
					 sizes[i]) == -EINVAL);
		CHECK(strlen(part) == sizes[i] - 1);
		CHECK(!strncmp(part, whole, sizes[i] - 1));
		CHECK(part[sizes[i]] == '#');
	}
	memset(part, '#', sizeof(part));
	CHECK(rp_livepatch_apply("/nowhere", &options, part, 0) == -EINVAL);
	CHECK(part[0] == '#');
}

static void list(void)
{
	size_t size;

	CHECK(apply(fix) == 0 && listed("fix"));
	size = strlen(text) + 1;
	CHECK(!strncmp(text, "{\"processes\":[{\"pid\":", 21));
	CHECK(!strcmp(text + size - 4, "]}\n"));
	CHECK(rp_livepatch_list(&options, text, size) == 0);
	for (size_t less = 1; less < size; less = 2 * less + 1) {
		memset(text, '#', sizeof(text));
		CHECK(rp_livepatch_list(&options, text, size - less) ==
		      -ENOSPC);
		CHECK(strlen(text) == size - less - 1);
		CHECK(text[size - less] == '#');
	}
	CHECK(rp_livepatch_list(&options, text, sizeof(text)) == 0);
	fputs(text, stdout);
}

/* ---- threads ---- */

static void *call_answer(void *context)
{
	(void)context;
	while (!stop) {
		int got = answer();

		CHECK(got >= 1 && got <= 3);
		usleep(50);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, call_answer, NULL));
	basics();
	stop = true;
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static void *watch_errno(void *context)
{
	unsigned int *spoilt = (unsigned int *)context;

	errno = 4242;
	while (!stop)
		*spoilt += errno != 4242;
	*spoilt += errno != 4242;
	return NULL;
}

static void errno_of_others(void)
{
	unsigned int spoilt = 0;
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, watch_errno, &spoilt));
	basics();
	no_tool();
	stop = true;
	CHECK(!pthread_join(thread, NULL));
	CHECK(!spoilt);
}

static void *apply_fix(void *context)
{
	(void)context;
	return (void *)(long)rp_livepatch_apply(fix, &options, NULL, 0);
}

static void concurrent(void)
{
	for (int i = 0; i < 10; i++) {
		void *first, *second;
		pthread_t thread;

		CHECK(!pthread_create(&thread, NULL, apply_fix, NULL));
		second = apply_fix(NULL);
		CHECK(!pthread_join(thread, &first));
		snprintf(message, sizeof(message), "%ld and %ld", (long)first,
			 (long)second);
		CHECK((long)first + (long)second == -EAGAIN);
		CHECK(!first || !second);
		CHECK(answer() == 2);
		CHECK(revert("fix") == 0 && answer() == 1);
	}
}

static void in_child(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		basics();
		CHECK(apply(fix) == 0 && answer() == 2);
		exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(answer() == 1 && !listed("fix"));
	CHECK(apply(fix) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(answer() == 2 && listed("fix"));
		CHECK(revert("fix") == 0 && answer() == 1);
		exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(answer() == 2 && listed("fix"));
}

static bool run_case(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "basics", basics }, { "silent", silent },
		{ "arguments", arguments }, { "no-tool", no_tool },
		{ "in-use", in_use }, { "short-messages", short_messages },
		{ "list", list }, { "threads", threads },
		{ "errno", errno_of_others }, { "concurrent", concurrent },
		{ "in-child", in_child },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!strcmp(cases[i].name, name)) {
			cases[i].run();
			return true;
		}
	}
	return run_signals(name) || run_resources(name);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "patch"))
		return pretend_tool();
	if (argc != 5)
		return 64;
	options.tool = argv[2];
	fix = argv[3];
	other = argv[4];
	/* However it ends, somebody else need not end it. */
	alarm(100);
	return run_case(argv[1]) ? 0 : 64;
}
