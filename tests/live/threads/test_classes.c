// SPDX-License-Identifier: MIT
/*
 * Each class of ./target is stopped hundreds of times, and must not be able to
 * tell.
 *
 *   test_classes TARGET PREFIX
 */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOPS	200

static void test_class(const char *class)
{
	/* Waits in the kernel for what no signal ends. */
	bool may = strstr(class, "vfork") || strstr(class, "spawn");
	int again = 0;
	struct victim victim;
	const char *why;
	bool is_good;

	if (!start(&victim, class)) {
		victim_kill(&victim);
		result(class, false, "it did not start");
		return;
	}
	why = cycles(&victim, getenv("STOPS") ? atoi(getenv("STOPS")) : STOPS,
		     &again);
	if (!why && !is_free(victim.pid))
		why = "a thread is traced or stopped";
	/* On a busy machine any may wait for a lock of the kernel's. */
	if (!why && !may && again > 4)
		why = "it did not stop in time, again and again";
	is_good = end(&victim) && !why;
	result(class, is_good, why ? why : "it could tell");
}

/* A class that cannot be on this machine says so before it is ready. */
static bool is_possible(const char *class)
{
	char *const argv[] = { (char *)target_program, (char *)class, NULL };
	struct victim victim;
	char line[512];

	run_program(&victim, argv);
	snprintf(line, sizeof(line), "%s", victim_line(&victim));
	victim.target.mem = victim.target.proc = -1;
	victim_kill(&victim);
	if (strncmp(line, "skip ", 5))
		return true;
	skipped(class, line + 5);
	return false;
}

int main(int argc, char **argv)
{
	char class[64], command[512];
	FILE *list;

	if (argc != 3)
		return 64;
	plan(argv[1]);
	snprintf(command, sizeof(command), "'%s'", target_program);
	list = popen(command, "re");
	if (!list)
		return 99;
	while (fscanf(list, "%63s", class) == 1) {
		if (!strncmp(class, argv[2], strlen(argv[2])) &&
		    (strcmp(class, "time-io-uring") || is_possible(class)))
			test_class(class);
	}
	pclose(list);
	return done();
}
