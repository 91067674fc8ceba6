/* SPDX-License-Identifier: MIT */
/*
 * Damaged tables in a target's memory: nothing that is read there ends or hangs
 * the tool. A child, which never runs on, gets random bytes at the places that
 * are looked at. Argument: how many rounds.
 */
#define _GNU_SOURCE
#include "check.h"

#include "../../../live/modules_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state = 1;

void complain(const char *format, ...)
{
	(void)format;
}

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* Values that sums and products of which overflow, and near ones. */
static uint64_t draw_value(uint64_t old)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 8, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff,
		UINT64_MAX, UINT64_MAX - 7, INT64_MAX, UINT64_C(1) << 47,
	};

	switch (draw(4)) {
	case 0: return values[draw(sizeof(values) / sizeof(*values))];
	case 1: return old ^ UINT64_C(1) << draw(64);
	case 2: return old + draw(65) - 32;
	default: return state;
	}
}

static void damage(const struct rp_target *target, uint64_t at, uint64_t size,
		   unsigned int n)
{
	while (n--) {
		const uint64_t place = at + draw(size / 4 + 1) * 4;
		uint64_t value = 0;

		if (rp_target_read(target, place, &value, sizeof(value)))
			continue;
		value = draw_value(value);
		rp_target_write(target, place, &value, 1 + draw(8));
	}
}

/* What is looked at in a module. */
static void damage_module(const struct rp_target *target,
			  struct rp_modules *modules, struct rp_module *m)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, m);

	switch (draw(7)) {
	case 0: damage(target, m->low, 64, 2); return;
	case 1: damage(target, m->low + 64, m->nphdrs * 56, 3); return;
	case 2: damage(target, m->dynamic, 400, 4); return;
	case 3: damage(target, m->link_map, 1100, 20); return;
	default: break;
	}
	if (!dyn)
		return;
	const uint64_t tables[] = {
		dyn->gnu_hash, dyn->hash, dyn->symtab, dyn->versym,
		dyn->verdef, dyn->verneed, dyn->strtab, dyn->rela, dyn->jmprel,
		dyn->debug,
	};
	const uint64_t table = tables[draw(10)];

	if (table)
		damage(target, table, 64 + draw(2) * 4096, 30);
}

/* Everything that can be asked. */
static void ask(const struct rp_target *target)
{
	static const char *const names[] = {
		"malloc", "memcpy", "stdout", "main", "none_such", "",
	};
	struct rp_modules modules;
	struct rp_live_symbol symbol;
	struct rp_diag diag;
	uint64_t value;

	if (!rp_modules_read(&modules, target, &diag))
		check_references(&modules);
	for (size_t i = 0; i < modules.n; i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
			if (rp_modules_lookup(&modules, &modules.v[i], names[k],
					      k % 2 ? "GLIBC_2.14" : "",
					      &symbol))
				continue;
			symbol.type = STT_GNU_IFUNC;
			rp_modules_ifunc(&modules, &symbol, names[k], &value);
			rp_module_local(&modules, &modules.v[i], names[k],
					&symbol);
		}
		rp_modules_at(&modules, draw(UINT64_MAX));
	}
	rp_modules_free(&modules);
}

/* Without its lists, so that DT_NEEDED is used. */
static void hide_lists(const struct rp_target *target,
		       struct rp_modules *modules)
{
	uint64_t zero[150] = { 0 };

	for (size_t i = 0; i < modules->n; i++) {
		if (modules->v[i].link_map)
			rp_target_write(target, modules->v[i].link_map + 40,
					zero, sizeof(zero));
	}
}

static bool round_of(pid_t child)
{
	struct rp_target target;
	struct rp_modules modules;
	struct rp_diag diag;
	bool ok = false;

	if (rp_target_open(&target, child, &diag) ||
	    rp_modules_read(&modules, &target, &diag)) {
		fprintf(stderr, "# %s\n", diag.text);
		return false;
	}
	ok = modules.n > 1;
	if (!draw(3))
		hide_lists(&target, &modules);
	for (uint64_t n = 1 + draw(4); n; n--)
		damage_module(&target, &modules,
			      &modules.v[draw(modules.n)]);
	rp_modules_free(&modules);
	ask(&target);
	rp_target_close(&target);
	return ok;
}

static pid_t start(void)
{
	pid_t child = fork();

	if (!child) {
		alarm(60);
		for (;;)
			pause();
	}
	// It does not run while it is being damaged, nor after.
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	return child;
}

int main(int argc, char **argv)
{
	const unsigned int rounds = argc > 1 ? atoi(argv[1]) : 300;
	unsigned int good = 0;

	// One that hangs is ended.
	alarm(300);
	for (unsigned int i = 0; i < rounds; i++) {
		pid_t child = start();

		state = 0x9e3779b97f4a7c15 * (i + 1);
		good += round_of(child);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	printf("%sok 1 - %u rounds of damaged tables\n1..1\n",
	       good == rounds ? "" : "not ", rounds);
	return good != rounds;
}
