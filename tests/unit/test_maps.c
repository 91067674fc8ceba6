// SPDX-License-Identifier: MIT
/*
 * Mappings of this process: each way to ask for them gives what is there. The
 * file is included, because the choice between the ways is made inside.
 */
#include "../../src/maps.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGES	9
#define PAGE	4096u

static char *area;

/* Every other page has a protection of its own, some are not there. */
static const int protections[PAGES] = {
	PROT_READ, PROT_READ | PROT_EXEC, PROT_NONE, -1, PROT_READ | PROT_WRITE,
	PROT_READ | PROT_WRITE | PROT_EXEC, -1, PROT_EXEC, PROT_READ,
};

static int area_init(void **state)
{
	(void)state;
	area = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	for (size_t i = 0; i < PAGES; i++)
		if (protections[i] < 0)
			munmap(area + i * PAGE, PAGE);
		else
			mprotect(area + i * PAGE, PAGE, protections[i]);
	return area == MAP_FAILED;
}

static int area_deinit(void **state)
{
	(void)state;
	rp__maps_close();
	return munmap(area, PAGES * PAGE);
}

typedef int query_fn(uintptr_t addr, struct rp__mapping *ret);

static void expect_page(query_fn *query, size_t i, size_t offset)
{
	uintptr_t start = (uintptr_t)area + i * PAGE;
	struct rp__mapping m = { 0, 0, 0 };
	int result = query(start + offset, &m);

	if (protections[i] < 0) {
		assert_int_equal(result, -EFAULT);
		return;
	}
	assert_int_equal(result, 0);
	assert_int_equal(m.prot, protections[i]);
	assert_true(m.start <= start && start + PAGE <= m.end);
	/* Within the area, no two neighbours are the same. */
	assert_true(i == 0 || m.start == start);
	assert_true(i == PAGES - 1 || m.end == start + PAGE);
}

static void expect_area(query_fn *query)
{
	for (size_t i = 0; i < PAGES; i++) {
		expect_page(query, i, 0);
		expect_page(query, i, PAGE - 1);
	}
}

static void text_says_what_is_there(void **state)
{
	struct rp__mapping m;

	(void)state;
	expect_area(query_text);
	assert_int_equal(query_text(0, &m), -EFAULT);
	assert_int_equal(query_text(UINTPTR_MAX, &m), -EFAULT);
}

static bool has_ioctl(void)
{
	struct rp__mapping m;

	return query_ioctl((uintptr_t)area, &m) != -ENOTTY;
}

static void ioctl_says_what_is_there(void **state)
{
	struct rp__mapping m;

	(void)state;
	if (!has_ioctl()) {
		print_message("SKIP: no PROCMAP_QUERY before Linux 6.11\n");
		skip();
	}
	expect_area(query_ioctl);
	assert_int_equal(query_ioctl(0, &m), -EFAULT);
	assert_int_equal(query_ioctl(UINTPTR_MAX, &m), -EFAULT);
}

/* For every mapping there is, first and last byte. */
static void ioctl_and_text_agree(void **state)
{
	struct reader r = { .fd = maps_open() };
	struct rp__mapping line, a = { 0 }, b = { 0 };
	unsigned int lines = 0;

	(void)state;
	if (!has_ioctl()) {
		print_message("SKIP: no PROCMAP_QUERY before Linux 6.11\n");
		skip();
	}
	while (reader_next(&r, &line)) {
		/* Of the kernel; no query tells of it. */
		if (line.start >= (uintptr_t)0xffffffff00000000u)
			continue;
		for (int last = 0; last < 2; last++) {
			uintptr_t addr = last ? line.end - 1 : line.start;

			assert_int_equal(query_text(addr, &a), 0);
			assert_int_equal(query_ioctl(addr, &b), 0);
			/* The stack may have grown since. */
			assert_true(a.end == b.end && a.end == line.end);
			assert_int_equal(a.prot, b.prot);
			assert_int_equal(a.prot, line.prot);
		}
		lines++;
	}
	assert_true(lines > 10);
}

/* The last resort: of loaded objects, what their headers say. */
static void headers_know_text(void **state)
{
	struct rp__mapping a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(query_phdr((uintptr_t)headers_know_text, &a), 0);
	assert_int_equal(query_text((uintptr_t)headers_know_text, &b), 0);
	assert_int_equal(a.prot, PROT_READ | PROT_EXEC);
	assert_int_equal(a.prot, b.prot);
	assert_true(a.start == b.start && a.end == b.end);
	assert_int_equal(query_phdr((uintptr_t)area, &a), -EPERM);
}

static void query_chooses_a_way(void **state)
{
	(void)state;
	expect_area(rp__maps_query);
	no_query = true;
	expect_area(rp__maps_query);
	no_query = false;
}

/* ---- gaps ---- */

static bool is_free(uintptr_t at, uintptr_t size)
{
	struct reader r = { .fd = maps_open() };
	struct rp__mapping m;

	while (reader_next(&r, &m))
		if (at < m.end && m.start < at + size)
			return false;
	return true;
}

static void gap_is_free_and_near(void **state)
{
	static const uintptr_t reaches_tried[] = {
		0x10000000, 0x7ff00000, 0x100000000,
	};
	uintptr_t start = (uintptr_t)headers_know_text;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uintptr_t reach = reaches_tried[i], size = 0x10000;
		uintptr_t gap = rp__maps_find_gap(start, start + 0x1000, size,
						  reach);

		assert_true(gap != 0);
		assert_true(is_free(gap, size));
		assert_true(distance(gap, start + 0x1000) <= reach);
		assert_true(distance(gap + size, start) <= reach);
	}
}

static void no_gap_within_reach(void **state)
{
	uintptr_t start = (uintptr_t)headers_know_text;

	(void)state;
	assert_true(rp__maps_find_gap(start, start + 0x1000, 0x10000, 0x100) ==
		    0);
}

static void nothing_stays_open(void **state)
{
	struct rp__mapping m;

	(void)state;
	assert_int_equal(rp__maps_query((uintptr_t)area, &m), 0);
	assert_true(maps_fd >= 0);
	rp__maps_close();
	assert_int_equal(maps_fd, -1);
	rp__maps_close();
	assert_int_equal(rp__maps_query((uintptr_t)area, &m), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_says_what_is_there),
		cmocka_unit_test(ioctl_says_what_is_there),
		cmocka_unit_test(ioctl_and_text_agree),
		cmocka_unit_test(headers_know_text),
		cmocka_unit_test(query_chooses_a_way),
		cmocka_unit_test(gap_is_free_and_near),
		cmocka_unit_test(no_gap_within_reach),
		cmocka_unit_test(nothing_stays_open),
	};

	return cmocka_run_group_tests_name("maps", tests, area_init,
					   area_deinit);
}
