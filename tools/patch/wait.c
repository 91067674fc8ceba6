/* SPDX-License-Identifier: MIT */
/* `repoint patch wait`: until a live patch is there, or is not. */
#define _GNU_SOURCE
#include "../tool.h"
#include "live_settings.h"

#include <time.h>

#define PAUSE_MS	100

static const char help_text[] =
"Usage: repoint patch wait [OPTION...] PID NAME\n"
"\n"
"Waits until the live patch NAME is applied to a process, by whomever.\n"
"\n"
"  PID                  the process\n"
"      --gone           until it is not applied (any more)\n"
"      --timeout SEC    give up after that time (10)\n"
"      --wait           never give up\n"
"  -h, --help           this text\n"
"\n"
"Exit status: 0 when it is so, 2 if the time is up, 1 after an error (the process\n"
"ended), 64 if the command line is wrong.\n";

static const struct option options[] = {
	{ "gone", no_argument, NULL, RP_LIVE_OPT_GONE },
	{ "timeout", required_argument, NULL, RP_LIVE_OPT_TIMEOUT },
	{ "wait", no_argument, NULL, RP_LIVE_OPT_WAIT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Return: 1: applied; 0: not; a negative value, with @diag. */
static int is_applied(pid_t pid, const char *name, struct rp_diag *diag)
{
	struct rp_records records;
	const struct rp_record *r;
	int ret = rp_live_list(pid, &records, diag);

	r = ret ? NULL : rp_records_find(&records, name);
	if (!ret)
		ret = r && r->region.state == RP_STATE_APPLIED;
	rp_records_free(&records);
	return ret;
}

static int wait_for(pid_t pid, const char *name, bool gone, unsigned int ms)
{
	uint64_t until = now_ms() + ms;
	struct rp_diag diag = { 0 };
	char where[32];

	for (;;) {
		int got = is_applied(pid, name, &diag);

		if (got == !gone)
			return RP_EXIT_OK;
		if (got < 0) {
			snprintf(where, sizeof(where), "%d", pid);
			rp_error(where, &diag);
			return RP_EXIT_ERROR;
		}
		if (now_ms() >= until)
			return RP_PATCH_EXIT_REFUSED;
		nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000 }, NULL);
	}
}

int rp_cmd_patch_wait(int argc, char **argv)
{
	struct rp_live_settings settings;
	struct rp_processes processes = { 0 };
	struct rp_diag diag = { 0 };
	int status = rp_live_settings_parse(&settings, "patch wait", options,
		argc, argv, 1, "name a process and a live patch");

	if (status)
		return status;
	if (settings.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	if (rp_processes_find(&processes, settings.which, settings.what,
			      &diag)) {
		rp_error(settings.what, &diag);
		rp_processes_free(&processes);
		return RP_EXIT_ERROR;
	}
	status = wait_for(processes.v[0], argv[optind],
			  settings.gone,
			  settings.options.timeout_ms ||
			  settings.options.once ? settings.options.timeout_ms :
			  RP_LIVE_TIMEOUT_MS);
	rp_processes_free(&processes);
	return status;
}
