// SPDX-License-Identifier: MIT
/*
 * Shadow variables interrupted at each instruction of theirs, by the processor's
 * trap flag: a reader by all that a writer may do meanwhile, a writer by a fork
 * whose child must find everything whole, and the lock not taken for ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <repoint/livepatch.h>

#include "../../livepatch/root.h"

#ifndef __x86_64__
int main(void)
{
	puts("1..0 # SKIP no trap flag");
	return 0;
}
#else

static struct rp_shadow *const shadow = &rp__livepatch_root.shadow;
static char objects[4096];
static int cases, failures;
static bool failed;

/* The program's own code: not libc's, where a fork may come amiss. */
extern const char __executable_start[], etext[];

#define TRAP_FLAG	0x100

static volatile unsigned long step, action_at;
static void (*action)(void);

static void trapped(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uintptr_t ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)info;
	if (ip >= (uintptr_t)__executable_start && ip < (uintptr_t)etext &&
	    ++step == action_at) {
		action();
		uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	}
}

static void trap_flag(bool on)
{
	if (on)
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
				 "pushfq\n\t"
				 "orq $0x100, (%%rsp)\n\t"
				 "popfq\n\t"
				 "lea 128(%%rsp), %%rsp" ::: "memory", "cc");
	else
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
				 "pushfq\n\t"
				 "andq $~0x100, (%%rsp)\n\t"
				 "popfq\n\t"
				 "lea 128(%%rsp), %%rsp" ::: "memory", "cc");
}

static void result(const char *name, unsigned long steps)
{
	/* One step for each instruction; fewer than these were not stepped. */
	if (steps < 20)
		failed = true;
	failures += failed;
	printf("%sok %d - %s\n# %lu steps\n", failed ? "not " : "", ++cases,
	       name, steps);
}

static void expect(bool good, const char *what)
{
	if (good)
		return;
	printf("# step %lu: %s\n", action_at, what);
	failed = true;
}

static void *add(const void *object)
{
	return rp_shadow_alloc(object, 1, 8, NULL, NULL);
}

static void forget_all(void)
{
	rp_shadow_free_all(1, NULL);
	rp_shadow_free_all(2, NULL);
	while (shadow->table) {
		struct rp_shadow_table *older = shadow->table->older;

		free(shadow->table);
		shadow->table = older;
	}
}

static uint64_t bucket_of(const void *object)
{
	const struct rp_shadow_table *table;
	const struct rp_shadow_node *node;
	uint64_t i;

	add(object);
	table = shadow->table;
	for (i = 0; i <= table->mask; i++) {
		for (node = table->bucket[i]; node; node = node->next[table->link]) {
			if (node->object == object)
				goto found;
		}
	}
found:
	rp_shadow_free(object, 1, NULL);
	return i;
}

#define CHAIN	5

/* Of one bucket of the first table. */
static const void *chain[CHAIN];
static void *data[CHAIN];

static void find_chain(void)
{
	uint64_t bucket = bucket_of(&objects[0]);
	int n = 0;

	for (int i = 0; n < CHAIN; i++) {
		if (bucket_of(&objects[i]) == bucket)
			chain[n++] = &objects[i];
	}
}

static void fill_chain(void)
{
	forget_all();
	for (int i = 0; i < CHAIN - 1; i++)
		data[i] = add(chain[i]);
}

static void remove_before(void)
{
	rp_shadow_free(chain[2], 1, NULL);
}

static void remove_it(void)
{
	rp_shadow_free(chain[1], 1, NULL);
}

static void remove_after(void)
{
	rp_shadow_free(chain[0], 1, NULL);
}

static void remove_both(void)
{
	remove_before();
	remove_after();
}

static void insert_there(void)
{
	data[4] = add(chain[4]);
}

/* The node comes back with another key, in the same chain. */
static void replace_before(void)
{
	remove_before();
	insert_there();
}

static void replace_elsewhere(void)
{
	remove_before();
	remove_after();
	for (int i = 0; i < 10; i++)
		rp_shadow_alloc(&objects[i], 2, 8, NULL, NULL);
}

static void replace_it(void)
{
	remove_it();
	insert_there();
}

static void grow(void)
{
	uint64_t mask = shadow->table->mask;

	for (int i = 0; shadow->table->mask == mask; i++)
		rp_shadow_alloc(&objects[i], 2, 8, NULL, NULL);
}

static void grow_twice(void)
{
	grow();
	grow();
}

static void grow_and_remove(void)
{
	grow();
	remove_both();
}

static const struct read_case {
	const char *name;
	void (*action)(void);
	bool may_be_gone;
} read_cases[] = {
	{ "the one before is removed", remove_before, false },
	{ "the one after is removed", remove_after, false },
	{ "both are removed", remove_both, false },
	{ "one is inserted", insert_there, false },
	{ "the one before is replaced", replace_before, false },
	{ "others move to other chains", replace_elsewhere, false },
	{ "the table grows", grow, false },
	{ "the table grows twice", grow_twice, false },
	{ "the table grows, others are removed", grow_and_remove, false },
	{ "it is removed", remove_it, true },
	{ "it is replaced", replace_it, true },
};

static void read_interrupted(const struct read_case *c)
{
	void *found;

	failed = false;
	action = c->action;
	for (action_at = 1;; action_at++) {
		fill_chain();
		step = 0;
		trap_flag(true);
		found = rp_shadow_get(chain[1], 1);
		trap_flag(false);
		if (step < action_at)
			break;
		expect(found == data[1] || (c->may_be_gone && !found),
		       found ? "another one" : "not found");
	}
	result(c->name, step);
}

/* What is not there is not found, whatever comes and goes. */
static void read_nothing(const struct read_case *c)
{
	void *found;

	failed = false;
	action = c->action;
	for (action_at = 1;; action_at++) {
		fill_chain();
		step = 0;
		trap_flag(true);
		found = rp_shadow_get(chain[1], 3);
		trap_flag(false);
		if (step < action_at)
			break;
		expect(!found, "found");
	}
	result(c->name, step);
}

/* Variables that are there before, during and after what is interrupted. */
#define STABLE		62

static bool whole(void)
{
	for (int i = 0; i < STABLE; i++) {
		if (rp_shadow_get(&objects[i], 2) == NULL)
			return false;
	}
	return true;
}

/* As a child uses it: read, write over the whole table, read. */
static int child_status(void)
{
	if (!whole())
		return 1;
	for (int i = 200; i < 400; i++) {
		if (!rp_shadow_alloc(&objects[i], 2, 8, NULL, NULL))
			return 2;
	}
	if (!whole())
		return 3;
	for (int i = 200; i < 400; i++) {
		if (rp_shadow_free(&objects[i], 2, NULL) != 0)
			return 4;
	}
	/* What was under way is there or not: both can be dealt with. */
	rp_shadow_free(&objects[100], 2, NULL);
	rp_shadow_free_all(1, NULL);
	return whole() && !rp_shadow_get(&objects[100], 2) &&
	       !rp_shadow_get(&objects[0], 1) && !shadow->lock ? 0 : 5;
}

static unsigned long orphans;

static void fork_here(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	orphans += shadow->lock != 0;
	pid = fork();
	if (pid == 0) {
		alarm(60);	/* for a lock that nobody will release */
		_exit(child_status());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFSIGNALED(status))
		expect(false, WTERMSIG(status) == SIGALRM ? "child hangs" :
							    "child dies");
	else if (WEXITSTATUS(status))
		printf("# child: %d\n", WEXITSTATUS(status));
	if (status)
		expect(false, "child finds it broken");
}

static void first_alloc(void)
{
	rp_shadow_alloc(&objects[100], 2, 8, NULL, NULL);
}

static void alloc_free(void)
{
	rp_shadow_alloc(&objects[100], 2, 8, NULL, NULL);
	rp_shadow_free(&objects[100], 2, NULL);
}

static void free_all(void)
{
	rp_shadow_free_all(1, NULL);
}

static void write_interrupted(const char *name, void (*write)(void),
			      int more, unsigned long stride)
{
	failed = false;
	orphans = 0;
	action = fork_here;
	for (action_at = 1; !failed; action_at += stride) {
		forget_all();
		for (int i = 0; i < STABLE; i++)
			rp_shadow_alloc(&objects[i], 2, 8, NULL, NULL);
		for (int i = 0; i < more; i++)
			rp_shadow_alloc(&objects[i], 1, 8, NULL, NULL);
		step = 0;
		trap_flag(true);
		write();
		trap_flag(false);
		if (step < action_at)
			break;
	}
	expect(orphans > 10, "the lock was not held");
	result(name, step);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	find_chain();
	for (size_t i = 0; i < sizeof(read_cases) / sizeof(*read_cases); i++)
		read_interrupted(&read_cases[i]);
	for (size_t i = 0; i < sizeof(read_cases) / sizeof(*read_cases); i++)
		read_nothing(&read_cases[i]);
	write_interrupted("fork while one is added and freed", alloc_free, 0, 2);
	write_interrupted("fork while the table grows", first_alloc, 1, 31);
	write_interrupted("fork while all are freed", free_all, 1, 13);
	forget_all();
	printf("1..%d\n", cases);
	return failures != 0;
}
#endif
