// SPDX-License-Identifier: MIT
/*
 * The JIT list of this process, and perf's map of a child: as they should be,
 * and as a hostile or unlucky target may have them.
 */
#define _GNU_SOURCE
#include "../../../live/debugger.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FOREIGN_UID	12345

struct descriptor {
	uint32_t version, action;
	uint64_t relevant, first;
};

struct entry {
	uint64_t next, previous, file, size;
};

static struct rp_target self, child;
static char map_path[64];

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int open_self(void **state)
{
	(void)state;
	self = (struct rp_target){
		.pid = getpid(), .uid = geteuid(),
		.proc = open("/proc/self", O_PATH | O_DIRECTORY),
		.mem = open("/proc/self/mem", O_RDWR),
	};
	return self.proc < 0 || self.mem < 0;
}

static int close_self(void **state)
{
	(void)state;
	close(self.proc);
	return close(self.mem);
}

/* The JIT list. */

/* A list of @n entries of the program's own. */
static void make_list(struct descriptor *list, struct entry *v, int n)
{
	*list = (struct descriptor){ .version = 1, .first = n ? address(v) : 0 };
	for (int i = 0; i < n; i++)
		v[i] = (struct entry){
			i + 1 < n ? address(&v[i + 1]) : 0,
			i ? address(&v[i - 1]) : 0, 1, 1 };
}

static int add(struct descriptor *list, struct entry *entry)
{
	return rp_jit_add(&self, address(list), address(entry), 0x1000, 0x22);
}

static int take_out(struct descriptor *list, struct entry *entry)
{
	return rp_jit_remove(&self, address(list), address(entry));
}

static void jit_add_and_remove(void **state)
{
	struct entry v[3], ours[2];
	struct descriptor list, before;

	(void)state;
	for (int n = 0; n <= 3; n++) {
		struct entry was[3];

		memset(ours, 0x55, sizeof(ours));
		make_list(&list, v, n);
		before = list;
		memcpy(was, v, sizeof(v));
		assert_int_equal(add(&list, &ours[0]), 0);
		assert_int_equal(list.first, address(&ours[0]));
		assert_int_equal(ours[0].next, n ? address(v) : 0);
		assert_int_equal(ours[0].previous, 0);
		assert_int_equal(ours[0].file, 0x1000);
		assert_int_equal(ours[0].size, 0x22);
		if (n)
			assert_int_equal(v[0].previous, address(&ours[0]));
		assert_int_equal(add(&list, &ours[1]), 0);
		assert_int_equal(take_out(&list, &ours[0]), 0);
		assert_int_equal(ours[1].next, n ? address(v) : 0);
		assert_int_equal(take_out(&list, &ours[0]), -ENOENT);
		assert_int_equal(take_out(&list, &ours[1]), 0);
		assert_memory_equal(&list, &before, sizeof(list));
		if (n)
			assert_memory_equal(v, was, n * sizeof(*v));
	}
}

static void jit_unsound_list_is_left_alone(void **state)
{
	struct entry v[3], ours;
	struct descriptor list;

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		make_list(&list, v, 3);
		switch (kind) {
		case 0: list.version = 2; break;
		case 1: v[2].next = address(&v[0]); break;
		case 2: v[2].next = address(&v[1]); break;
		case 3: v[0].previous = address(&v[2]); break;
		case 4: v[1].next = 8; break;
		case 5: list.first = ~(uint64_t)0 - 7; break;
		}
		struct descriptor was = list;
		struct entry entries[3];

		memcpy(entries, v, sizeof(v));
		assert_int_equal(add(&list, &ours), -EINVAL);
		assert_memory_equal(&list, &was, sizeof(list));
		assert_memory_equal(v, entries, sizeof(v));
	}
	make_list(&list, v, 3);
	assert_int_equal(add(&list, &v[1]), -EINVAL);
	assert_int_equal(rp_jit_add(&self, 8, address(&ours), 1, 1), -EFAULT);
}

static void jit_long_list(void **state)
{
	enum { MANY = 100000 };
	struct entry *v = calloc(MANY, sizeof(*v)), ours;
	struct descriptor list;

	(void)state;
	assert_non_null(v);
	make_list(&list, v, MANY);
	assert_int_equal(add(&list, &ours), 0);
	assert_int_equal(take_out(&list, &ours), 0);
	assert_int_equal(v[0].previous, 0);
	// What is far down is not looked at: that would take too long.
	v[MANY / 2].previous = 0;
	assert_int_equal(add(&list, &ours), 0);
	free(v);
}

/* The tool died between the two words: only one of them names the entry. */
static void jit_half_added(void **state)
{
	struct entry v[2], ours;
	struct descriptor list;

	(void)state;
	make_list(&list, v, 2);
	assert_int_equal(add(&list, &ours), 0);
	v[0].previous = 0;
	assert_int_equal(take_out(&list, &ours), 0);
	assert_int_equal(list.first, address(v));

	assert_int_equal(add(&list, &ours), 0);
	list.first = address(v);
	assert_int_equal(take_out(&list, &ours), 0);
	assert_int_equal(v[0].previous, 0);
}

/* perf's map. */

static const struct rp_symfile_symbol symbols[] = {
	{ "parse_chunk", 0x7f0000001000, 0x120, true },
	{ "limit", 0x7f0000003000, 8, false },
	{ "two words\n", 0x7f0000001120, 0x10, true },
};

#define LINES	"7f0000001000 120 parse_chunk[repoint:fix]\n" \
		"7f0000001120 10 two_words_[repoint:fix]\n"
#define JIT	"5000 10 LazyCompile:~main a.js:1\n6000 20 Stub\n"

/* The child has the files open that this process has. */
static int start_child(void **state)
{
	char path[32];
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d", pid);
	child = (struct rp_target){
		.pid = pid, .ns_pid = pid, .uid = geteuid(), .mem = -1,
		.proc = open(path, O_PATH | O_DIRECTORY),
	};
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", pid);
	return pid < 0 || child.proc < 0;
}

static int end_child(void **state)
{
	(void)state;
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	unlink(map_path);
	return close(child.proc);
}

static int add_lines(const char *patch)
{
	return rp_perf_map_add(&child, patch, symbols,
			       sizeof(symbols) / sizeof(*symbols));
}

static void put_file(const char *text)
{
	FILE *file = fopen(map_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_file(const char *expected)
{
	char text[4096];
	FILE *file = fopen(map_path, "r");

	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);

	fclose(file);
	text[n] = 0;
	assert_string_equal(text, expected);
}

static void assert_no_file(void)
{
	struct stat stat;

	assert_int_equal(lstat(map_path, &stat), -1);
}

static void perf_map_of_its_own(void **state)
{
	struct stat stat;

	(void)state;
	assert_int_equal(add_lines("fix"), 0);
	assert_file(LINES);
	assert_int_equal(lstat(map_path, &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0644);
	assert_int_equal(add_lines("fix"), 0);
	assert_file(LINES);
	assert_int_equal(rp_perf_map_remove(&child, "fi"), 0);
	assert_file(LINES);
	assert_int_equal(rp_perf_map_remove(&child, "fix"), 0);
	assert_no_file();
	assert_int_equal(rp_perf_map_remove(&child, "fix"), 0);
	assert_no_file();
}

static void perf_map_of_a_jit(void **state)
{
	(void)state;
	put_file(JIT);
	assert_int_equal(add_lines("fix"), 0);
	assert_file(JIT LINES);
	assert_int_equal(rp_perf_map_remove(&child, "fix"), 0);
	assert_file(JIT);

	// Ours in the middle, and a last line that was cut.
	put_file("1 2 a\n" LINES "3 4 b\n5 6 c[repoint:other]\n7 8");
	assert_int_equal(rp_perf_map_remove(&child, "fix"), 0);
	assert_file("1 2 a\n3 4 b\n5 6 c[repoint:other]\n7 8");
	assert_int_equal(add_lines("fix"), 0);
	assert_file("1 2 a\n3 4 b\n5 6 c[repoint:other]\n7 8\n" LINES);
}

static void perf_map_the_target_appends(void **state)
{
	static char path[] = "/tmp/perf-test.XXXXXX";
	int fd = mkostemp(path, O_APPEND);

	assert_int_equal(end_child(state), 0);
	assert_int_equal(start_child(state), 0);
	assert_int_equal(rename(path, map_path), 0);
	assert_int_equal(write(fd, JIT, strlen(JIT)), strlen(JIT));
	assert_int_equal(add_lines("fix"), 0);
	assert_file(JIT LINES);
	assert_int_equal(write(fd, "8000 1 z\n", 9), 9);
	assert_int_equal(rp_perf_map_remove(&child, "fix"), 0);
	assert_file(JIT
		    "0 0 -------------------------------------\n"
		    "0 0 -----------------------------------\n"
		    "8000 1 z\n");
	close(fd);
}

static void perf_map_the_target_writes(void **state)
{
	static char path[] = "/tmp/perf-test.XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(end_child(state), 0);
	assert_int_equal(start_child(state), 0);
	assert_int_equal(rename(path, map_path), 0);
	assert_int_equal(write(fd, JIT, strlen(JIT)), strlen(JIT));
	assert_int_equal(add_lines("fix"), -EBUSY);
	assert_file(JIT);
	close(fd);
}

static void perf_map_is_not_followed(void **state)
{
	char other[sizeof(map_path) + 8];

	(void)state;
	snprintf(other, sizeof(other), "%s.other", map_path);
	put_file(JIT);
	assert_int_equal(rename(map_path, other), 0);
	assert_int_equal(symlink(other, map_path), 0);
	assert_int_equal(add_lines("fix"), -ELOOP);
	assert_int_equal(rp_perf_map_remove(&child, "fix"), -ELOOP);
	assert_file(JIT);
	unlink(map_path);

	assert_int_equal(link(other, map_path), 0);
	assert_int_equal(add_lines("fix"), -EPERM);
	assert_file(JIT);
	unlink(map_path);
	unlink(other);

	assert_int_equal(mkfifo(map_path, 0600), 0);
	assert_int_equal(add_lines("fix"), -EPERM);
	unlink(map_path);

	assert_int_equal(symlink("/nonexistent/x", map_path), 0);
	assert_int_equal(add_lines("fix"), -ELOOP);
	unlink(map_path);
}

static void perf_map_of_another_user(void **state)
{
	struct stat stat;

	(void)state;
	if (geteuid())
		skip();
	put_file(JIT);
	assert_int_equal(chown(map_path, FOREIGN_UID, FOREIGN_UID), 0);
	assert_int_equal(add_lines("fix"), -EPERM);
	assert_file(JIT);

	// A target of that user: its file is taken, and a new one is its own.
	child.uid = FOREIGN_UID;
	assert_int_equal(add_lines("fix"), 0);
	assert_file(JIT LINES);
	unlink(map_path);
	assert_int_equal(add_lines("fix"), 0);
	assert_int_equal(lstat(map_path, &stat), 0);
	assert_int_equal(stat.st_uid, FOREIGN_UID);
}

static void perf_map_lock_held(void **state)
{
	(void)state;
	put_file(JIT);

	int fd = open(map_path, O_RDONLY);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(add_lines("fix"), -EBUSY);
	assert_file(JIT);
	close(fd);
	assert_int_equal(add_lines("fix"), 0);
}

/* The symbol file: what is refused. The rest is gdb's to judge. */

static void symfile_refuses(void **state)
{
	struct rp_symfile_symbol bad[] = {
		{ "outside", 0x3000, 4, true },
		{ "behind", 0x1ff0, 0x20, true },
		{ "wraps", ~(uint64_t)0 - 3, 8, false },
		{ NULL, 0x1000, 8, true },
		{ "below", 0xfff, 1, true },
	};
	struct rp_diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct rp_symfile in = { &bad[i], 1, 0x1000, 0x1000, 0, 0, NULL };
		void *file = NULL;
		size_t size;

		diag = (struct rp_diag){ 0 };
		assert_int_equal(rp_symfile_make(&in, &file, &size, &diag),
				 -EINVAL);
		assert_int_equal(diag.id, RP_DIAG_LIVE_RECORD);
		assert_null(file);
	}
}

#define JIT_CASE(fn) cmocka_unit_test_setup_teardown(fn, open_self, close_self)
#define MAP_CASE(fn) cmocka_unit_test_setup_teardown(fn, start_child, end_child)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JIT_CASE(jit_add_and_remove),
		JIT_CASE(jit_unsound_list_is_left_alone),
		JIT_CASE(jit_long_list),
		JIT_CASE(jit_half_added),
		MAP_CASE(perf_map_of_its_own),
		MAP_CASE(perf_map_of_a_jit),
		MAP_CASE(perf_map_the_target_appends),
		MAP_CASE(perf_map_the_target_writes),
		MAP_CASE(perf_map_is_not_followed),
		MAP_CASE(perf_map_of_another_user),
		MAP_CASE(perf_map_lock_held),
		cmocka_unit_test(symfile_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
