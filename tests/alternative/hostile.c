// SPDX-License-Identifier: MIT
/*
 * Tables that are wrong: each is refused with a reason, and nothing of its
 * object is applied. Then mutations of a right one: all, or nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <repoint/alternative.h>
#include <repoint/log.h>

#include "../text/check.h"
#include "hostile.h"

/* struct text - an executable segment, and what it was. */
struct text {
	uint8_t *start;
	size_t len;
	uint8_t *before;
};

static struct text text;

static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t addr = (uintptr_t)arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || addr - start >= p->p_memsz)
			continue;
		text.start = (uint8_t *)start;
		text.len = p->p_memsz;
		return 1;
	}
	return 0;
}

static bool text_is_same(void)
{
	return !memcmp(text.start, text.before, text.len);
}

/* ---- warnings ---- */

static unsigned int warnings;
static char warning[512];

static void note(enum rp_log_level level, const char *category,
		 const char *message, void *data)
{
	(void)data;
	if (level != RP_LOG_WARN || strcmp(category, "alternative"))
		return;
	warnings++;
	snprintf(warning, sizeof(warning), "%s", message);
}

/* ---- the tables ---- */

static void check_table(struct hostile_table *table)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	int before = check_failures;

	warnings = 0;
	warning[0] = '\0';
	CHECK_EQ(rp_object_register(&table->object), 0);
	CHECK_EQ(warnings, 1);
	CHECK(strstr(warning, "rp_tables"));	/* the object */
	/* The place, unless it is the table as a whole. */
	CHECK(strstr(warning, "0x") || strstr(table->why, "version"));
	CHECK(strstr(warning, table->why));
	CHECK(text_is_same());
	CHECK_EQ(good(), 1);
	CHECK_EQ(site(), 5);

	CHECK_EQ(rp_object_apply_alternatives(&table->object, &opts),
		 table->error);
	CHECK_EQ(error.code, table->error);
	CHECK(strstr(error.message, table->why));
	CHECK(text_is_same());
	CHECK_EQ(rp_object_apply_alternatives(&table->object, NULL),
		 table->error);
	CHECK_EQ(warnings, 1);
	rp_object_unregister(&table->object);
	CHECK(text_is_same());
	if (check_failures != before)
		fprintf(stderr, "table %s: \"%s\", \"%s\"\n", table->name,
			warning, error.message);
}

/* The checks above would see it if something were applied. */
static void check_right(struct hostile_table *table)
{
	warnings = 0;
	CHECK_EQ(rp_object_register(&table->object), 0);
	CHECK_EQ(warnings, 0);
	CHECK(!text_is_same());
	CHECK_EQ(good(), 2);
	CHECK_EQ(site(), 15);
	CHECK_EQ(rp_object_apply_alternatives(&table->object, NULL), 0);
	rp_object_unregister(&table->object);
}

/* ---- mutations ---- */

#define SECONDS		3
#define ROUNDS_MAX	20000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Noted before its text is garbage, which has the function that tells. */
static struct rp_object *mutable;

/* Most changes are small, so that some records stay right. */
static void mutate(uint8_t *table, size_t len)
{
	static const uint8_t likely[] = { 0, 1, 2, 5, 0x7f, 0x80, 0xff };
	unsigned int nr = 1 + (unsigned int)random() % 4;

	while (nr--) {
		size_t at = (size_t)random() % len;
		uint8_t *byte;

		/* Bytes that make an address one far away: seldom. */
		if (at % 8 && at % 16 < 8 && random() % 8)
			at &= ~(size_t)3;
		byte = &table[at];

		switch (random() % 4) {
		case 0:
			*byte = (uint8_t)random();
			break;
		case 1:
			*byte = likely[(size_t)random() % sizeof(likely)];
			break;
		case 2:
			*byte = (uint8_t)(*byte + random() % 5 - 2);
			break;
		default:
			*byte ^= (uint8_t)(1 << random() % 8);
		}
	}
}

static bool in_a_site(const uint8_t *byte)
{
	const struct rp_alternative *record = mutable->alternatives;

	for (; record < mutable->alternatives_end; record++)
		if ((uintptr_t)byte - ((uintptr_t)record +
				       (uintptr_t)(intptr_t)record->code) <
		    record->len)
			return true;
	return false;
}

static void check_changes(unsigned int round)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.start[i] == text.before[i])
			continue;
		if (!warnings && in_a_site(&text.start[i]))
			continue;
		check_failures++;
		fprintf(stderr, "round %u: byte %zu of the text changed, %s\n",
			round, i, warnings ? warning : "outside of all sites");
		return;
	}
}

static void mutation(unsigned int round, uint8_t *table, size_t len,
		     unsigned int *refused)
{
	struct rp_object copy = *mutable;

	mutate(table, len);
	warnings = 0;
	CHECK_EQ(rp_object_register(mutable), 0);
	CHECK(warnings <= 1);
	check_changes(round);
	*refused += warnings;
	rp_object_apply_alternatives(mutable, NULL);
	rp_object_set_feature(mutable, RP_FEATURE_SYNTHETIC(0), round & 1);
	rp_object_apply_alternatives(mutable, NULL);
	rp_object_unregister(mutable);
	*mutable = copy;
	memcpy(text.start, text.before, text.len);
}

static int mutations(unsigned int seed)
{
	uint8_t *table = (uint8_t *)(uintptr_t)mutable->alternatives;
	size_t len = (size_t)((uintptr_t)mutable->alternatives_end -
			      (uintptr_t)table);
	uintptr_t page = (uintptr_t)text.start & -(uintptr_t)4096;
	uint8_t *right = malloc(len);
	unsigned int round = 0, refused = 0;
	double end = now() + SECONDS;

	srandom(seed);
	memcpy(right, table, len);
	if (mprotect((void *)page, (uintptr_t)text.start + text.len - page,
		     PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return 77;
	for (; round < ROUNDS_MAX && now() < end && !check_failures; round++) {
		mutation(round, table, len, &refused);
		memcpy(table, right, len);
	}
	printf("%u mutations, of which %u were refused\n", round, refused);
	/* Neither all nor none: else there is nothing to see. */
	CHECK(refused > round / 10 && refused < round);
	return check_status();
}

static void check_mutations(void)
{
	unsigned int seed = (unsigned int)time(NULL);
	int status;
	pid_t pid;

	printf("seed %u\n", seed);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(10 * SECONDS);
		status = mutations(seed);
		fflush(NULL);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("no mutations: text cannot be made writable for good\n");
	else
		CHECK_EQ(status, 0);
}

int main(void)
{
	struct hostile_table *table = hostile_tables();

	mutable = hostile_mutable();
	dl_iterate_phdr(find_text, (void *)(uintptr_t)good);
	text.before = malloc(text.len);
	memcpy(text.before, text.start, text.len);
	rp_log_set(note, RP_LOG_WARN, NULL);
	for (; table->name; table++)
		check_table(table);
	check_mutations();
	check_right(table);
	return check_status();
}
