// SPDX-License-Identifier: MIT
/*
 * Two copies of the library in one process, each with a SIGTRAP handler, put on
 * top of each other by turns: what is neither one's reaches the program's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "copy.h"

static struct arena arena;
static struct site site;
static struct worker worker;

static const struct copy *load(const char *name)
{
	char path[4096] = "", file[4200];
	const struct copy *copy;
	void *object;

	REQUIRE(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	snprintf(file, sizeof(file), "%s/%s.so", dirname(path), name);
	object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		fprintf(stderr, "# %s\n", dlerror());
	REQUIRE(object);
	copy = dlsym(object, "copy");
	REQUIRE(copy);
	return copy;
}

static volatile int seen;

static void note(int signal)
{
	CHECK_EQ(signal, SIGTRAP);
	seen++;
}

static long worker_value;

static void call_site(void *unused)
{
	(void)unused;
	worker_value = site.call(0);
}

static void run_at_int3(enum rp__inject_point point)
{
	if (point != RP__INJECT_INT3_SYNCED)
		return;
	worker_post(&worker, call_site, NULL);
	worker_wait(&worker);
}

/* Its own trap gets to it, whoever's handler is on top. */
static void commit_by(const struct copy *copy, unsigned int state)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT, 0);

	copy->set_hook(run_at_int3);
	CHECK_EQ(copy->poke(site.insn, site.bytes[site.state],
			    site.bytes[state], site.len, &opts), 0);
	copy->set_hook(NULL);
	site.state = state;
	CHECK_EQ(worker_value, site.value[state]);
	CHECK_EQ(site.call(0), site.value[state]);
}

static void foreign_int3(int wanted)
{
	__asm__ volatile("int3" : : : "memory");
	CHECK_EQ(seen, wanted);
}

/* a b a: a's "handler before" is b's, and the other way round. */
static void program_gets_its_traps(void)
{
	const struct copy *a = load("stress-copy-a");
	const struct copy *b = load("stress-copy-b");

	REQUIRE(a->poke != b->poke);
	arena_init(&arena, 4 * SITE_SLOT, -1);
	arena_add(&arena, &site, SITE_CALL, 61);
	arena_ready(&arena);
	worker_start(&worker, 1);
	signal(SIGTRAP, note);
	for (int i = 0; i < 6; i++) {
		commit_by(i & 1 ? b : a, (site.state + 1) % site.states);
		foreign_int3(2 * i + 1);
		raise(SIGTRAP);
		CHECK_EQ(seen, 2 * i + 2);
	}
}

TEST_MAIN(
	TEST(program_gets_its_traps),
)
