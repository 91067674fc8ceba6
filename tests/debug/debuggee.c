// SPDX-License-Identifier: MIT
/*
 * A program for debuggers and profilers to look at. It does what it reads from
 * standard input, a command a line, and answers a line each:
 *
 *   site              address of the call site, and its offset in the file
 *   update one|two|blocks|spins
 *   call              through the site
 *   key on|off        change the static key
 *   branch            on it
 *   updates N         back and forth; ends as it was
 *   mark              call on_mark()
 *   work SECONDS      one thread calls while this one updates
 */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <repoint/batch.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

#ifdef __clang__
# define NOINLINE	__attribute__((noinline))
#else
# define NOINLINE	__attribute__((noinline, noclone))
#endif

/* For gdb, by name. */
void on_ready(void);
void on_mark(void);
int callee_one(int x);
int callee_two(int x);
int callee_blocks(int x);
int callee_spins(int x);
int caller(int x);
extern const unsigned char *site_address;

const unsigned char *site_address;

NOINLINE int callee_one(int x)
{
	__asm__ volatile("");
	return x + 1;
}

NOINLINE int callee_two(int x)
{
	__asm__ volatile("");
	return x + 2;
}

/* Until somebody has looked. */
NOINLINE int callee_blocks(int x)
{
	pause();
	return x;
}

NOINLINE int callee_spins(int x)
{
	for (volatile int i = 0; i < 20000; i++)
		;
	return x + 3;
}

RP_DEFINE_STATIC_CALL(op, callee_one);
RP_DEFINE_STATIC_KEY_FALSE(key);

NOINLINE int caller(int x)
{
	int result = rp_static_call(op)(x);

	__asm__ volatile("" : "+r" (result));
	return result;
}

NOINLINE static bool branch(void)
{
	if (rp_static_branch_unlikely(&key))
		return true;
	return false;
}

NOINLINE void on_ready(void)
{
	__asm__ volatile("");
}

NOINLINE void on_mark(void)
{
	__asm__ volatile("");
}

/* The call is inline, so it goes to the function itself. */
static void find_site(void)
{
	const unsigned char *code = (const unsigned char *)caller;
	int32_t displacement;

	for (int i = 0; i < 64; i++) {
		memcpy(&displacement, code + i + 1, sizeof(displacement));
		if (code[i] == 0xe8 && code + i + 5 + displacement ==
		    (const unsigned char *)callee_one)
			site_address = code + i;
	}
}

static int offset_one(struct dl_phdr_info *info, size_t size, void *data)
{
	uintptr_t addr = (uintptr_t)site_address, *ret = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t offset = addr - info->dlpi_addr - p->p_vaddr;

		if (p->p_type == PT_LOAD && offset < p->p_filesz)
			*ret = offset + p->p_offset;
	}
	return 1;
}

static int (*function(const char *name))(int)
{
	if (!strcmp(name, "one"))
		return callee_one;
	if (!strcmp(name, "two"))
		return callee_two;
	return strcmp(name, "blocks") ? callee_spins : callee_blocks;
}

static void update(const char *name)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	struct rp_batch *batch;
	int result = rp_batch_begin(&batch, &opts);

	if (!result) {
		rp_batch_static_call_update(batch, op, function(name));
		result = rp_batch_commit(batch);
	}
	printf("update: %d %s\n", result, result ? error.message : "");
}

static void updates(int nr)
{
	int failed = 0;

	for (int i = 0; i < 2 * nr; i++)
		failed += rp_static_call_update(op, i & 1 ? callee_one
							  : callee_two) != 0;
	printf("updates: %d failed\n", failed);
}

static bool stop;

static void *call_loop(void *wrong)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int result = caller(10);

		branch();
		if (result != 11 && result != 12 && result != 13)
			*(bool *)wrong = true;
	}
	return NULL;
}

/* Of the processor, so that an emulator does not take longer. */
static void work(int seconds)
{
	time_t end = time(NULL) + seconds;
	bool wrong = false;
	pthread_t thread;
	int failed = 0;

	stop = false;
	if (pthread_create(&thread, NULL, call_loop, &wrong))
		abort();
	for (int i = 0; time(NULL) < end; i++) {
		failed += rp_static_call_update(op, i & 1 ? callee_spins
							  : callee_two) != 0;
		failed += (i & 1 ? rp_static_key_enable(&key)
				 : rp_static_key_disable(&key)) != 0;
		usleep(1000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("work: %d failed%s\n", failed, wrong ? ", wrong results" : "");
}

static void site(void)
{
	uintptr_t offset = 0;

	dl_iterate_phdr(offset_one, &offset);
	printf("site: %p 0x%lx\n", (const void *)site_address,
	       (unsigned long)offset);
}

static void obey(const char *command, const char *argument)
{
	if (!strcmp(command, "site"))
		site();
	else if (!strcmp(command, "update"))
		update(argument);
	else if (!strcmp(command, "updates"))
		updates(atoi(argument));
	else if (!strcmp(command, "call"))
		printf("call: %d\n", caller(10));
	else if (!strcmp(command, "key"))
		printf("key: %d\n", strcmp(argument, "on") ?
		       rp_static_key_disable(&key) : rp_static_key_enable(&key));
	else if (!strcmp(command, "branch"))
		printf("branch: %d\n", branch());
	else if (!strcmp(command, "work"))
		work(atoi(argument));
	else if (!strcmp(command, "mark"))
		on_mark();
	else
		printf("%s: what?\n", command);
	fflush(stdout);
}

int main(void)
{
	char line[128], command[32], argument[32];

	find_site();
	on_ready();
	while (fgets(line, sizeof(line), stdin)) {
		*argument = '\0';
		if (sscanf(line, "%31s %31s", command, argument) >= 1)
			obey(command, argument);
	}
	return 0;
}
