// SPDX-License-Identifier: MIT
/*
 * Threads parse a log through static calls and a static key, while another
 * thread changes the implementations thousands of times a second. Every result
 * is compared with one that was computed before the first change.
 */
#include <errno.h>
#include <pthread.h>
#include <repoint/batch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "cost.h"
#include "parse.h"

enum { WORKERS = 2, SECONDS = 8, LINES_MAX = 4096, PAUSE_US = 100 };

RP_DEFINE_STATIC_CALL(fields, fields_byte);
RP_DEFINE_STATIC_CALL(digest, digest_byte);
RP_DEFINE_STATIC_KEY_FALSE(audit);

static fields_fn *const fields_impl[PARSE_NR] = {
	fields_byte, fields_word, fields_sse2
};
static digest_fn *const digest_impl[PARSE_NR] = {
	digest_byte, digest_word, digest_sse2
};
static const char *const impl_name[PARSE_NR] = { "byte", "word", "sse2" };

/* A line of the log, and what the parsers must say of it. */
static struct line {
	const char *text;
	size_t len;
	size_t fields;
	uint32_t digest;
} lines[LINES_MAX];
static size_t lines_nr;

static struct worker {
	pthread_t thread;
	struct usage usage;
	uint64_t calls;
	uint64_t audited;
	uint64_t wrong;
} workers[WORKERS];

static uint64_t updates, failures;
static volatile sig_atomic_t stop;

static void on_interrupt(int signal)
{
	(void)signal;
	stop = 1;
}

/* ---- the log ---- */

static const char sample[] =
	"2026-01-05 10:11:12 startup archives unpack\n"
	"2026-01-05 10:11:12 install libelf1:amd64 <none> 0.188-2.1\n"
	"2026-01-05 10:11:13 status half-installed libelf1:amd64 0.188-2.1\n"
	"2026-01-05 10:11:13 status unpacked libelf1:amd64 0.188-2.1\n"
	"2026-01-05 10:11:14 configure libelf1:amd64 0.188-2.1 <none>\n";

static char *read_log(const char *path)
{
	enum { MAX = 1 << 20 };
	FILE *file = path ? fopen(path, "r") : NULL;
	char *text = malloc(MAX + 1);
	size_t len;

	if (!text) {
		if (file)
			fclose(file);
		return NULL;
	}
	if (!file) {
		memcpy(text, sample, sizeof(sample));
		return text;
	}
	len = fread(text, 1, MAX, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static void split_lines(char *text)
{
	struct usage unused = { { 0 } };
	char *end;

	for (; lines_nr < LINES_MAX && (end = strchr(text, '\n')); text = end + 1) {
		struct line *line = &lines[lines_nr++];

		line->text = text;
		line->len = (size_t)(end - text);
		line->fields = fields_byte(text, line->len, &unused);
		line->digest = digest_byte(text, line->len, &unused);
	}
}

/* ---- the threads ---- */

__attribute__((noinline)) static void parse(struct worker *w,
					    const struct line *line)
{
	if (rp_static_call(fields)(line->text, line->len, &w->usage) !=
	    line->fields)
		w->wrong++;
	if (rp_static_call(digest)(line->text, line->len, &w->usage) !=
	    line->digest)
		w->wrong++;
	if (rp_static_branch_unlikely(&audit))
		w->audited++;
	w->calls += 2;
}

static void *work(void *data)
{
	struct worker *w = data;

	while (!stop)
		for (size_t i = 0; i < lines_nr; i++)
			parse(w, &lines[i]);
	return NULL;
}

static void pause_us(long us)
{
	struct timespec t = { 0, us * 1000 };

	nanosleep(&t, NULL);
}

/* Both calls and the key change in one commit. */
static int change(unsigned int n)
{
	struct rp_batch *batch;
	int error = rp_batch_begin(&batch, NULL);

	if (error)
		return error;
	rp_batch_static_call_update(batch, fields, fields_impl[n % PARSE_NR]);
	rp_batch_static_call_update(batch, digest,
				    digest_impl[n / 2 % PARSE_NR]);
	if (n & 1)
		rp_batch_static_key_enable(batch, &audit);
	else
		rp_batch_static_key_disable(batch, &audit);
	return rp_batch_commit(batch);
}

static void *flip(void *data)
{
	(void)data;
	for (unsigned int n = 0; !stop; n++) {
		if (change(n))
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&updates, 3, __ATOMIC_RELAXED);
		pause_us(PAUSE_US);
	}
	return NULL;
}

/* ---- what is shown ---- */

static struct worker sum(void)
{
	struct worker total = { .calls = 0 };

	for (int i = 0; i < WORKERS; i++) {
		total.calls += workers[i].calls;
		total.audited += workers[i].audited;
		total.wrong += workers[i].wrong;
		for (int k = 0; k < PARSE_NR; k++)
			total.usage.calls[k] += workers[i].usage.calls[k];
	}
	return total;
}

static void progress(int second, int seconds)
{
	struct worker total = sum();

	printf("%s  %2d/%d s  %12llu calls  %8llu updates  %llu wrong%s",
	       isatty(STDOUT_FILENO) ? "\r" : "", second, seconds,
	       (unsigned long long)total.calls,
	       (unsigned long long)__atomic_load_n(&updates, __ATOMIC_RELAXED),
	       (unsigned long long)total.wrong,
	       isatty(STDOUT_FILENO) ? " " : "\n");
	fflush(stdout);
}

static void report(void)
{
	struct rp_text_poke_stats stats = { .sz = sizeof(stats) };
	struct worker total = sum();

	rp_text_poke_get_stats(&stats);
	printf("%s\n  calls made             %15llu\n",
	       isatty(STDOUT_FILENO) ? "\n" : "",
	       (unsigned long long)total.calls);
	for (int i = 0; i < PARSE_NR; i++)
		printf("    by implementation %-4s%14llu\n", impl_name[i],
		       (unsigned long long)total.usage.calls[i]);
	printf("  lines audited (key on) %15llu\n"
	       "  updates made           %15llu\n"
	       "    instructions written %15llu  (atomic stores: %llu, breakpoints: %llu)\n"
	       "    synchronisations     %15llu\n"
	       "  failed updates         %15llu\n"
	       "  wrong results          %15llu\n",
	       (unsigned long long)total.audited, (unsigned long long)updates,
	       (unsigned long long)(stats.sites[RP_PROTOCOL_STOPPED] +
				    stats.sites[RP_PROTOCOL_ATOMIC] +
				    stats.sites[RP_PROTOCOL_BREAKPOINT]),
	       (unsigned long long)stats.sites[RP_PROTOCOL_ATOMIC],
	       (unsigned long long)stats.sites[RP_PROTOCOL_BREAKPOINT],
	       (unsigned long long)stats.syncs, (unsigned long long)failures,
	       (unsigned long long)total.wrong);
}

static void run(int seconds)
{
	pthread_t flipper;

	for (int i = 0; i < WORKERS; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	pthread_create(&flipper, NULL, flip, NULL);
	for (int tick = 1; tick <= seconds * 10 && !stop; tick++) {
		pause_us(100000);
		if (isatty(STDOUT_FILENO) || tick % 10 == 0)
			progress((tick + 9) / 10, seconds);
	}
	stop = 1;
	pthread_join(flipper, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
}

static int usage(const char *program, int status)
{
	fprintf(status ? stderr : stdout,
		"usage: %s [--seconds N] [LOGFILE]\n"
		"Parse a log (default /var/log/dpkg.log) while its parsers are exchanged.\n",
		program);
	return status;
}

static bool parse_seconds(const char *text, int *ret)
{
	char *end;
	long n;

	errno = 0;
	n = text ? strtol(text, &end, 10) : 0;
	if (!text || errno || *end || n < 1 || n > 3600)
		return false;
	*ret = (int)n;
	return true;
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	int seconds = SECONDS;
	unsigned int wrong;
	char *text;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return usage(argv[0], 0);
		if (!strcmp(argv[i], "--seconds")) {
			if (!parse_seconds(argv[++i], &seconds)) {
				fprintf(stderr, "%s: error: --seconds wants a number from 1 to 3600\n",
					argv[0]);
				return 64;
			}
		} else if (argv[i][0] == '-' || path) {
			return usage(argv[0], 64);
		} else {
			path = argv[i];
		}
	}
	if (path && access(path, R_OK) != 0) {
		fprintf(stderr, "%s: error: %s: %s\n", argv[0], path,
			strerror(errno));
		return 1;
	}
	if (!path && access("/var/log/dpkg.log", R_OK) == 0)
		path = "/var/log/dpkg.log";
	text = read_log(path);
	if (!text)
		return 1;
	split_lines(text);
	if (!lines_nr) {
		fprintf(stderr, "%s: error: %s: no line in it\n", argv[0],
			path ? path : "the sample");
		return 1;
	}
	signal(SIGINT, on_interrupt);
	for (size_t i = 0; i < lines_nr; i++)
		code_line(lines[i].text, lines[i].len);
	wrong = code_print();
	printf("%d threads parse %zu lines of %s through static calls;\n"
	       "another one changes the parsers while they run.\n\n",
	       WORKERS, lines_nr, path ? path : "a built-in sample");
	run(seconds);
	report();
	cost_print();
	free(text);
	return wrong || sum().wrong || failures ? 1 : 0;
}
