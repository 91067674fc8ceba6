// SPDX-License-Identifier: MIT
/* Hostile environments that need more than hostile.c's table can say. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <repoint/text_poke.h>

#include "case.h"
#include "environment.h"
#include "special.h"
#include "subject.h"
#include "unharmed.h"

void set_garbage(void)
{
	char value[301];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	setenv("RP_BACKEND", value, 1);
	setenv("RP_SYNC", "%s%n%s%n", 1);
	setenv("RP_ATOMIC_BLOCK", "-9223372036854775809", 1);
	setenv("RP_LOG", "warn,,no-such-category,,%s%n,", 1);
	setenv("RP_EMIT_RELOCS", "\1\2\3", 1);
}

static int count_lines_with(const char *path, const char *word)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	int nr = 0;

	while (file && fgets(line, sizeof(line), file))
		nr += strstr(line, word) != NULL;
	if (file)
		fclose(file);
	return nr;
}

static void work_a_little(void)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	subject_start(1);
	try_calls(0, false);
	try_keys(0);
	CHECK(subject_stop());
	rp_text_poke_get_info(&info);
	CHECK_EQ(info.backend, RP_BACKEND_MPROTECT);
	CHECK_EQ(info.sync, RP_SYNC_MEMBARRIER);
}

/* Run the case once more, by another program, its standard error in a file. */
static int run_again(const char *program, const char *name, const char *log)
{
	char command[9000];

	snprintf(command, sizeof(command), "%s --run %s 2>'%s'", program, name,
		 log);
	return system(command);
}

static void own_path(char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", case_directory(),
		 program_invocation_short_name);
}

/* Each is named once in the log, and otherwise as if it were not set. */
void garbage(void)
{
	char log[] = "/tmp/repoint-garbage.XXXXXX", self[4200];
	int fd;

	if (!getenv("CASE_INNER")) {
		/* Constructors speak before a callback can be set. */
		setenv("CASE_INNER", "1", 1);
		fd = mkstemp(log);
		REQUIRE(fd >= 0);
		close(fd);
		own_path(self, sizeof(self));
		CHECK_EQ(run_again(self, "garbage-in-the-environment", log), 0);
		CHECK_EQ(count_lines_with(log, "RP_BACKEND=xxx"), 1);
		CHECK_EQ(count_lines_with(log, "RP_SYNC=%s%n%s%n"), 1);
		CHECK_EQ(count_lines_with(log, "RP_ATOMIC_BLOCK=-922"), 1);
		CHECK_EQ(count_lines_with(log, "ignored"), 3);
		unlink(log);
	} else {
		work_a_little();
	}
}

/*
 * A filter that lets text become writable and not back. Nothing can help
 * that, but it must not be passed over in silence.
 */
void text_cannot_be_locked(void)
{
	struct rp_error error = { .code = 0 };

	subject_start(1);
	DENY(&deny_restore_exec);
	CHECK_EQ(subject_batch(SUBJECT_TWO, true, &error), -EPERM);
	CHECK_EQ(error.code, -EPERM);
	CHECKF(strstr(error.message, "restored"), "the message is \"%s\"",
	       error.message);
	CHECK(subject_is(SUBJECT_ONE, false));
	CHECK(subject_stop());
}

void map_count(void)
{
	int result;

	note_maps();
	subject_start(1);
	exhaust_maps();
	for (int i = 0; i < 6; i++) {
		enum subject_func before = subject_func();
		enum subject_func after = (enum subject_func)(i % 4);
		bool was = subject_enabled();

		result = subject_set(after);
		CHECKF(result == 0 || result == -ENOMEM, "result is %d",
		       result);
		CHECK_EQ(subject_func(), result ? before : after);
		result = subject_enable(!was);
		CHECKF(result == 0 || result == -ENOMEM, "result is %d",
		       result);
		CHECK_EQ(subject_enabled(), result ? was : !was);
		CHECK(subject_consistent());
	}
	release_maps();
	check_unharmed();
	try_calls(0, false);
	try_keys(0);
	CHECK(subject_stop());
}

/* Batches that are kept open use up what the library has in store. */
void address_space(void)
{
	struct rp_text_poke_batch *held[64];
	unsigned int nr = 0;
	uint8_t byte = 0;
	int result = 0;

	subject_start(1);
	exhaust_address_space();
	while (nr < 64 && rp_text_poke_batch_begin(&held[nr], NULL) == 0)
		nr++;
	CHECK(nr < 64);
	CHECK_EQ(subject_set(SUBJECT_TWO), -ENOMEM);
	CHECK_EQ(subject_enable(true), -ENOMEM);
	CHECK(subject_is(SUBJECT_ONE, false));
	CHECK(subject_moves());
	while (nr-- > 0) {
		/* Must fail at some point, and stay usable. */
		for (int i = 0; i < 1 << 20 && !result; i++)
			result = rp_text_poke_batch_add(held[nr], &byte, &byte,
							&byte, 1);
		rp_text_poke_batch_abort(held[nr]);
	}
	CHECK_EQ(result, -ENOMEM);
	release_address_space();
	try_calls(0, false);
	try_keys(0);
	CHECK(subject_stop());
}

/*
 * Daemons close all descriptors and go on to open their own. What the library
 * had open must neither be used after that, nor closed once more.
 */
void descriptors_reused(void)
{
	static const char mine[] = "not to be touched\n";
	char path[] = "/tmp/repoint-reused.XXXXXX", text[64];
	int first, fd, nr = 0;
	off_t size;

	CHECK_EQ(subject_set(SUBJECT_FAR), 0);
	CHECK_EQ(subject_enable(true), 0);
	for (fd = 3; fd < case_proc(); fd++)
		close(fd);
	first = mkstemp(path);
	REQUIRE(first == 3);
	unlink(path);
	REQUIRE(write(first, mine, sizeof(mine)) == sizeof(mine));
	while (++nr < 8)
		REQUIRE(dup(first) == 3 + nr);
	subject_start(1);
	try_calls(0, false);
	try_keys(0);
	CHECK(subject_stop());
	size = lseek(first, 0, SEEK_END);
	CHECK_EQ(size, sizeof(mine));
	CHECK(pread(first, text, sizeof(mine), 0) == sizeof(mine) &&
	      !strcmp(text, mine));
	for (fd = 3; fd < 3 + nr; fd++)
		CHECKF(fcntl(fd, F_GETFD) >= 0, "descriptor %d is closed", fd);
}

static unsigned long handled;

/* A handler of the usual kind: nothing else may interrupt it. */
static void on_alarm(int signal)
{
	(void)signal;
	if (subject_is(subject_func(), subject_enabled()))
		handled++;
	handled++;
}

void handler_blocks_all(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	sigset_t set, saved;
	double end;
	int result;

	sigfillset(&action.sa_mask);
	sigaction(SIGUSR2, &action, NULL);
	subject_start(1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &saved);
	end = case_now() + 2;
	for (int i = 0; case_now() < end; i++) {
		/* Taken by the other thread, sooner or later. */
		kill(getpid(), SIGUSR2);
		result = subject_set((enum subject_func)(i % 4));
		CHECKF(result == 0 || result == -EBUSY, "result is %d",
		       result);
	}
	CHECK(handled > 0);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	CHECK(subject_stop());
}

/*
 * MADV_DONTNEED brings back what is in the file. That cannot be noticed, but
 * the next update must put things right and not be confused.
 */
void text_reverted(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)subject_text() & -page;

	CHECK_EQ(subject_set(SUBJECT_TWO), 0);
	CHECK_EQ(subject_enable(true), 0);
	REQUIRE(madvise((void *)start, page, MADV_DONTNEED) == 0);
	CHECK_EQ(subject_enable(false), 0);
	CHECK_EQ(subject_set(SUBJECT_FAR), 0);
	CHECK(subject_consistent());
	subject_start(1);
	REQUIRE(madvise((void *)start, page, MADV_DONTNEED) == 0);
	try_calls(0, false);
	try_keys(0);
	CHECK(subject_stop());
}

static void copy_file(const char *from, int to)
{
	char buffer[65536];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	REQUIRE(fd >= 0);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		REQUIRE(write(to, buffer, (size_t)n) == n);
	close(fd);
}

/* Who runs it must not choose how a program of another user is patched. */
void setuid_program(void)
{
	char copy[] = "/tmp/repoint-setuid.XXXXXX", self[4200];
	int fd;

	if (getenv("CASE_INNER")) {
		if (!getauxval(AT_SECURE))
			_exit(7);
		work_a_little();
		return;
	}
	if (geteuid())
		SKIP("a setuid program needs root");
	fd = mkstemp(copy);
	REQUIRE(fd >= 0);
	own_path(self, sizeof(self));
	copy_file(self, fd);
	CHECK_EQ(fchmod(fd, 04755), 0);
	close(fd);
	setenv("CASE_INNER", "1", 1);
	setenv("RP_BACKEND", "procmem", 1);
	setenv("RP_SYNC", "affinity", 1);
	if (fork() == 0) {
		become_nobody();
		execl(copy, copy, "--run", "environment-ignored-if-setuid",
		      (char *)NULL);
		_exit(8);
	}
	wait(&fd);
	unlink(copy);
	if (WIFEXITED(fd) && WEXITSTATUS(fd) == 7)
		SKIP("/tmp is mounted nosuid");
	CHECK_EQ(fd, 0);
}

/* An emulator of user mode translates code, and may not see it change. */
void under_qemu(void)
{
	char self[4200], command[4300];

	if (getenv("CASE_INNER")) {
		subject_start(1);
		try_calls(0, false);
		try_keys(0);
		CHECK(subject_stop());
		return;
	}
	if (system("qemu-x86_64 --version >/dev/null 2>&1"))
		SKIP("no qemu-x86_64");
	setenv("CASE_INNER", "1", 1);
	own_path(self, sizeof(self));
	snprintf(command, sizeof(command), "qemu-x86_64 '%s' --run qemu-user",
		 self);
	CHECK_EQ(system(command), 0);
}
