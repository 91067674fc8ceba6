// SPDX-License-Identifier: MIT
/*
 * A counter under a lock, timed by a clock: first by one thread, then by four.
 * Shows what the calls of lock and clock are in the program's code meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <repoint/text_poke.h>

#include "clock.h"
#include "lock.h"

enum { THREADS = 4, TURNS = 1000000, SITE = 6, CODE = 96 };

static struct lock lock;
static uint64_t counter;

__attribute__((noinline, aligned(128))) static void count(uint64_t turns)
{
	for (; turns; turns--) {
		lock_acquire(&lock);
		counter++;
		lock_release(&lock);
	}
}

__attribute__((noinline, aligned(128))) static uint64_t tick(void)
{
	return clock_now();
}

/* ---- what is at a site? ---- */

/* The `call *slot(%rip)` that the compiler made, before anything was bound. */
static const uint8_t *find_site(const void *code, const void *slot)
{
	const uint8_t *at = code;
	int32_t rel;

	for (int i = 0; i < CODE; i++) {
		memcpy(&rel, at + i + 2, sizeof(rel));
		if (at[i] == 0xff && at[i + 1] == 0x15 &&
		    at + i + SITE + rel == (const uint8_t *)slot)
			return at + i;
	}
	return NULL;
}

static const char *describe(const uint8_t *site)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} known[] = {
		{ "\xff\x15", 2, "call through the table" },
		{ "\x2e\xe8", 2, "direct call" },
		{ "\x66\x0f\x1f\x44\x00\x00", 6, "nop" },
		{ "\xc7\x07\x00\x00\x00\x00", 6, "movl $0, (%rdi)" },
		{ "\x2e\x2e\x2e\x2e\x0f\x31", 6, "rdtsc" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!memcmp(site, known[i].bytes, known[i].len))
			return known[i].text;
	return "?";
}

static void show(const char *name, const uint8_t *site)
{
	printf("    %-8s", name);
	if (!site) {
		printf("not a call of six bytes: through the table\n");
		return;
	}
	for (int i = 0; i < SITE; i++)
		printf("%02x ", site[i]);
	printf("  %s\n", describe(site));
}

/* ---- the program ---- */

static const uint8_t *sites[3];

static void show_all(const char *when)
{
	printf("  %s (lock: %s, clock: %s)\n", when, lock_kind.name,
	       clock_source.name);
	show("lock", sites[0]);
	show("unlock", sites[1]);
	show("now", sites[2]);
}

static void *run(void *data)
{
	(void)data;
	count(TURNS);
	return NULL;
}

static int run_threads(void)
{
	pthread_t thread[THREADS];
	int error = 0, nr;

	for (nr = 0; nr < THREADS && !error; nr++)
		error = lock_thread_create(&thread[nr], run, NULL);
	if (error)
		nr--;
	while (nr)
		pthread_join(thread[--nr], NULL);
	if (error)
		fprintf(stderr, "ops: error: no thread can be started: %s\n",
			strerror(error));
	return error;
}

/* Prints what it took since @start, and whether the counter is right. */
static int result(uint64_t start, uint64_t want)
{
	uint64_t ns = clock_ns(tick() - start);

	printf("    counted to %" PRIu64 " of %" PRIu64 ", %.2f ns each\n",
	       counter, want, (double)ns / (double)want);
	return counter != want || !ns;
}

int main(void)
{
	uint64_t start;
	int error, wrong;

	sites[0] = find_site((const void *)count, &lock_kind.lock);
	sites[1] = find_site((const void *)count, &lock_kind.unlock);
	sites[2] = find_site((const void *)tick, &clock_source.now);
	show_all("as compiled");
	error = clock_init();
	if (!error)
		error = lock_init();
	if (error < 0)
		printf("  not bound (%s): calls go through the tables\n",
		       rp_strerror(error));

	show_all("one thread");
	start = tick();
	count(TURNS);
	wrong = result(start, TURNS);

	counter = 0;
	start = tick();
	wrong |= run_threads();
	show_all("threads");
	return wrong | result(start, (uint64_t)THREADS * TURNS);
}
