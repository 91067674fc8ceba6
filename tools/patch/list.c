/* SPDX-License-Identifier: MIT */
/* `repoint patch list`: what is applied to running processes. */
#include "../tool.h"
#include "live_settings.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char help_text[] =
"Usage: repoint patch list [OPTION...] PID\n"
"       repoint patch list [OPTION...] --name NAME | --all-using PATH | --all\n"
"\n"
"Lists the live patches of processes, from the records in their memory. Nothing is\n"
"stopped.\n"
"\n"
"%s"
"      --all            all processes that may be looked at and are patched\n"
"  -v, --verbose        functions and addresses\n"
"%s"
"\n"
"Exit status: 0, 1 after an error, 64 if the command line is wrong.\n";

static const struct option options[] = {
	RP_LIVE_OPTIONS_PROCESS,
	{ "all", no_argument, NULL, RP_LIVE_OPT_ALL },
	{ "verbose", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 }
};

struct list {
	const struct rp_live_settings *settings;
	size_t printed;
};

static const char *state_word(const struct rp_record *r)
{
	switch (r->region.state) {
	case RP_STATE_PREPARED:
		return "prepared";
	case RP_STATE_SWITCHING:
	case RP_STATE_REVERTING:
		return "interrupted";
	case RP_STATE_APPLIED:
		return "applied";
	default:
		return "gone";	/* with its library, or by a run that died */
	}
}

static bool is_shown(const struct rp_record *r)
{
	return r->region.kind == RP_REGION_PAYLOAD &&
	       r->region.record_size > sizeof(r->region);
}

static void print_when(const struct rp_record *r, const char *form)
{
	time_t when = r->applied_at;
	char text[64];
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
	    !strftime(text, sizeof(text), form, &tm))
		snprintf(text, sizeof(text), "?");
	printf("%s", text);
}

/* The process could have written anything there. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 127 ? '?' :
			*text);
}

static void print_functions(const struct rp_record *r)
{
	for (uint32_t i = 0; i < r->functions.n; i++) {
		const struct rp_record_function *f = &rp_record_functions(r)[i];

		printf("      %#" PRIx64 " -> %#" PRIx64 "  ", f->old, f->new);
		print_plain(rp_record_string(r, f->name));
		putchar('\n');
	}
}

static void print_text(const struct rp_record *r, bool verbose)
{
	const char *version = rp_record_string(r, r->patch_version);
	const char *description = rp_record_string(r, r->description);

	printf("  ");
	print_plain(rp_record_string(r, r->name));
	printf("%s", *version ? " " : "");
	print_plain(version);
	printf(": %s ", state_word(r));
	print_when(r, "%Y-%m-%d %H:%M:%S");
	printf(", %u function%s of ", r->functions.n,
	       r->functions.n == 1 ? "" : "s");
	print_plain(rp_record_string(r, r->target));
	printf(", %" PRIu64 " KB\n", r->region.size >> 10);
	if (*description) {
		printf("      ");
		print_plain(description);
		putchar('\n');
	}
	if (verbose)
		print_functions(r);
}

static void print_json(const struct rp_record *r)
{
	const struct { const char *key; uint32_t value; } strings[] = {
		{ "name", r->name }, { "version", r->patch_version },
		{ "description", r->description }, { "target", r->target },
		{ "tool", r->tool },
	};

	printf("{\"state\":\"%s\",\"id\":\"", state_word(r));
	for (size_t i = 0; i < sizeof(r->id); i++)
		printf("%02x", r->id[i]);
	putchar('"');
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		printf(",\"%s\":", strings[i].key);
		rp_json_string(stdout, rp_record_string(r, strings[i].value));
	}
	printf(",\"applied_at\":%" PRIu64 ",\"sequence\":%" PRIu64
	       ",\"address\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"functions\":[",
	       r->applied_at, r->sequence, r->region.base, r->region.size);
	for (uint32_t i = 0; i < r->functions.n; i++) {
		const struct rp_record_function *f = &rp_record_functions(r)[i];

		printf("%s{\"name\":", i ? "," : "");
		rp_json_string(stdout, rp_record_string(r, f->name));
		printf(",\"old\":%" PRIu64 ",\"new\":%" PRIu64 "}", f->old,
		       f->new);
	}
	printf("]}");
}

static void print_process(struct list *list, pid_t pid, const char *comm,
			  const struct rp_records *records)
{
	bool json = list->settings->json;
	size_t n = 0;

	for (size_t i = 0; i < records->n; i++)
		n += is_shown(records->v[i].record);
	if (!n && list->settings->which == RP_WHICH_ALL)
		return;
	if (json) {
		printf("%s{\"pid\":%d,\"comm\":", list->printed ? "," : "",
		       pid);
		rp_json_string(stdout, comm);
		printf(",\"patches\":[");
	} else {
		printf("%s (%d):%s\n", comm, pid, n ? "" :
		       " no live patches");
	}
	n = 0;
	for (size_t i = 0; i < records->n; i++) {
		const struct rp_record *r = records->v[i].record;

		if (!is_shown(r))
			continue;
		if (json) {
			printf("%s", n++ ? "," : "");
			print_json(r);
		} else {
			print_text(r, list->settings->verbose);
		}
	}
	if (json)
		printf("]}");
	list->printed++;
}

static void comm_of(pid_t pid, char *ret, size_t size)
{
	struct rp_target target;
	struct rp_diag ignored;

	rp_target_open(&target, pid, &ignored);
	snprintf(ret, size, "%s", target.comm);
	rp_target_close(&target);
}

/* With --all, those that cannot be looked at are nobody's fault. */
static int list_one(struct list *list, pid_t pid)
{
	bool all = list->settings->which == RP_WHICH_ALL;
	struct rp_records records;
	struct rp_diag diag = { 0 };
	char comm[64], where[32];
	int ret = rp_live_list(pid, &records, &diag);

	if (!ret) {
		comm_of(pid, comm, sizeof(comm));
		print_process(list, pid, comm, &records);
	} else if (!all || diag.id == RP_DIAG_LIVE_RECORD) {
		snprintf(where, sizeof(where), "%d", pid);
		rp_error(where, &diag);
	} else {
		ret = 0;
	}
	rp_records_free(&records);
	return ret;
}

int rp_cmd_patch_list(int argc, char **argv)
{
	struct rp_live_settings settings;
	struct list list = { &settings, 0 };
	struct rp_processes processes = { 0 };
	struct rp_diag diag = { 0 };
	int status = rp_live_settings_parse(&settings, "patch list", options,
		argc, argv, 0, "name one process, or use --all");

	if (status)
		return status;
	if (settings.help) {
		printf(help_text, rp_live_help_processes, rp_live_help_last);
		return RP_EXIT_OK;
	}
	if (rp_processes_find(&processes, settings.which, settings.what,
			      &diag)) {
		rp_error(settings.what, &diag);
		rp_processes_free(&processes);
		return RP_EXIT_ERROR;
	}
	if (settings.json)
		printf("{\"processes\":[");
	for (size_t i = 0; i < processes.n; i++)
		status |= list_one(&list, processes.v[i]) ? RP_EXIT_ERROR : 0;
	if (settings.json)
		printf("]}\n");
	else if (!list.printed && settings.which == RP_WHICH_ALL)
		printf("no process that may be looked at has live patches\n");
	rp_processes_free(&processes);
	return status;
}
