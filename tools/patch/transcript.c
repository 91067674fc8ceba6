/* SPDX-License-Identifier: MIT */
/* What the commands on running processes print. */
#include "transcript.h"

#include "../../object/path.h"
#include "../tool.h"

#include <inttypes.h>
#include <string.h>

static const char *const verb_names[] = {
	[RP_VERB_APPLY] = "apply", [RP_VERB_REPLACE] = "replace",
	[RP_VERB_CHECK] = "check", [RP_VERB_REVERT] = "revert",
};
static const char *const done_words[] = {
	[RP_VERB_APPLY] = "applied", [RP_VERB_REPLACE] = "replaced",
	[RP_VERB_CHECK] = "could be applied", [RP_VERB_REVERT] = "reverted",
};

/* Three digits that count. */
static void print_time(uint64_t ns)
{
	double us = ns / 1000.0;

	if (us < 1000)
		printf("%.0f us", us);
	else if (us < 100000)
		printf("%.2f ms", us / 1000);
	else if (us < 10000000)
		printf("%.0f ms", us / 1000);
	else
		printf("%.1f s", us / 1000000);
}

static void print_names(const char *names, size_t n, size_t most)
{
	for (size_t i = 0; i < n; i++) {
		if (i == most) {
			printf(" and %zu more", n - i);
			return;
		}
		printf("%s%s", i ? ", " : "", names);
		names += strlen(names) + 1;
	}
}

static void row(const char *name)
{
	printf("  %-9s ", name);
}

static void print_stop(const struct rp_live_report *r, bool verbose)
{
	row("stopped");
	printf("%zu thread%s for ", r->threads, r->threads == 1 ? "" : "s");
	print_time(r->window_ns);
	printf(", stacks checked in ");
	print_time(r->check_ns);
	if (r->stops > 1) {
		printf("; stop %u, ", r->stops);
		print_time(r->wait_ns);
		printf(" after the first");
	}
	putchar('\n');
	if (r->diverted) {
		row("waited");
		printf("for %zu return%s from what is replaced\n", r->diverted,
		       r->diverted == 1 ? "" : "s");
	}
	if (verbose && r->prepare_ns) {
		row("prepared");
		printf("%" PRIu64 " KB mapped, one thread borrowed for ",
		       r->size >> 10);
		print_time(r->prepare_ns);
		putchar('\n');
	}
	if (verbose && r->stops > 1) {
		row("longest");
		printf("stop of all threads: ");
		print_time(r->longest_ns);
		putchar('\n');
	}
}

static void print_done(const struct rp_live_settings *s, enum rp_live_verb verb,
		       const struct rp_live_result *result)
{
	const struct rp_live_report *r = &result->report;

	printf("%s (%d): %s ", r->comm, result->pid, done_words[verb]);
	if (verb == RP_VERB_REVERT)
		print_names(r->reverted, r->nreverted, SIZE_MAX);
	else
		printf("%s", r->name);
	printf(", in %s\n", rp_base_name(r->module));
	row(verb == RP_VERB_REVERT ? "restores" : "replaces");
	print_names(r->functions, r->nfunctions, s->verbose ? SIZE_MAX : 8);
	putchar('\n');
	if (verb != RP_VERB_REVERT && r->nreverted) {
		row("removes");
		print_names(r->reverted, r->nreverted, SIZE_MAX);
		putchar('\n');
	}
	print_stop(r, s->verbose);
}

static void message(const struct rp_live_result *result, const char *severity,
		    const struct rp_diag *diag)
{
	char where[96];

	if (*result->report.comm)
		snprintf(where, sizeof(where), "%s (%d)", result->report.comm,
			 result->pid);
	else
		snprintf(where, sizeof(where), "%d", result->pid);
	fflush(stdout);
	rp_message(where, severity, diag);
}

static void print_leftovers(const struct rp_live_result *result)
{
	struct rp_diag diag = { 0 };
	size_t n = result->report.leftovers;

	if (!n)
		return;
	rp_diag_set(&diag, RP_DIAG_LIVE_LEFTOVER, NULL,
		"an earlier run ended before it had cleaned up; what it left (%zu region%s of memory) has been put right",
		n, n == 1 ? "" : "s");
	message(result, "note", &diag);
}

static void json_names(const char *key, const char *names, size_t n)
{
	printf(",\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		printf("%s", i ? "," : "");
		rp_json_string(stdout, names);
		names += strlen(names) + 1;
	}
	putchar(']');
}

static void json_string(const char *key, const char *value)
{
	printf(",\"%s\":", key);
	rp_json_string(stdout, value);
}

static void json_process(const struct rp_live_result *result)
{
	const struct rp_live_report *r = &result->report;

	printf("{\"pid\":%d", result->pid);
	json_string("comm", r->comm);
	json_string("result", result->skipped ? "already" :
		    !result->status ? "done" :
		    result->status == RP_PATCH_EXIT_REFUSED ? "refused" :
		    "error");
	if (result->status) {
		printf(",\"diagnostic\":\"RP%04d\"", result->diag.id);
		json_string("message", result->diag.text);
	}
	if (r->warning.id)
		json_string("warning", r->warning.text);
	json_string("name", r->name);
	json_string("module", r->module);
	json_names("functions", r->functions, r->nfunctions);
	json_names("reverted", r->reverted, r->nreverted);
	printf(",\"threads\":%zu,\"stops\":%u,\"attempts\":%u,\"diverted\":%zu"
	       ",\"leftovers\":%zu,\"bytes\":%" PRIu64,
	       r->threads, r->stops, result->attempts, r->diverted,
	       r->leftovers, r->size);
	printf(",\"stopped_ns\":%" PRIu64 ",\"longest_stop_ns\":%" PRIu64
	       ",\"stop_ns\":%" PRIu64 ",\"check_ns\":%" PRIu64
	       ",\"borrowed_ns\":%" PRIu64 ",\"waited_ns\":%" PRIu64 "}",
	       r->window_ns, r->longest_ns, r->stop_ns, r->check_ns,
	       r->prepare_ns, r->wait_ns);
}

void rp_transcript_begin(const struct rp_live_settings *s,
			 enum rp_live_verb verb, const char *what)
{
	if (!s->json)
		return;
	printf("{\"command\":\"%s\",\"patch\":", verb_names[verb]);
	rp_json_string(stdout, what);
	printf(",\"processes\":[");
}

void rp_transcript_process(const struct rp_live_settings *s,
			   enum rp_live_verb verb,
			   const struct rp_live_result *result)
{
	if (s->json)
		return;
	if (!s->quiet)
		print_leftovers(result);
	if (result->status)
		message(result, "error", &result->diag);
	else if (result->skipped && !s->quiet)
		printf("%s (%d): is patched already\n", result->report.comm,
		       result->pid);
	else if (!s->quiet)
		print_done(s, verb, result);
	if (result->report.warning.id)
		message(result, "warning", &result->report.warning);
	fflush(stdout);
}

void rp_transcript_end(const struct rp_live_settings *s,
		       enum rp_live_verb verb,
		       const struct rp_live_result *results, size_t n)
{
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		done += !results[i].status;
		if (s->json) {
			printf("%s", i ? "," : "");
			json_process(&results[i]);
		}
	}
	if (s->json)
		printf("]}\n");
	else if (n > 1 && !s->quiet)
		printf("%zu of %zu processes %s\n", done, n, done_words[verb]);
}
