// SPDX-License-Identifier: MIT
/* Growing arrays, also when there is no memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inject.h"
#include "vec.h"

static unsigned int allocations, fail_at;

static int count(enum rp__fail_point point)
{
	if (point != RP__FAIL_MAP)
		return 0;
	return ++allocations == fail_at ? -ENOMEM : 0;
}

static int hook_init(void **state)
{
	(void)state;
	allocations = fail_at = 0;
	rp__fail_hook = count;
	return 0;
}

static int hook_deinit(void **state)
{
	(void)state;
	rp__fail_hook = NULL;
	return 0;
}

static void grows_and_keeps(void **state)
{
	enum { NR = 200000 };
	struct rp__vec vec = { 0 };

	(void)state;
	for (uint32_t i = 0; i < NR; i++) {
		uint32_t *element = rp__vec_push(&vec, sizeof(*element));

		assert_non_null(element);
		assert_int_equal(*element, 0);
		*element = i;
		assert_true(vec.used <= vec.size);
	}
	assert_int_equal(vec.used, NR * 4);
	for (uint32_t i = 0; i < NR; i++)
		assert_int_equal(((uint32_t *)vec.data)[i], i);
	/* By doubling: a page at a time would be quadratic. */
	assert_true(allocations < 10);
	rp__vec_deinit(&vec);
	assert_null(vec.data);
	assert_int_equal(vec.used, 0);
	assert_int_equal(vec.size, 0);
}

static void one_large_piece(void **state)
{
	struct rp__vec vec = { 0 };
	char *data = rp__vec_push(&vec, 1000001);

	(void)state;
	assert_non_null(data);
	data[1000000] = 1;
	assert_int_equal(allocations, 1);
	rp__vec_deinit(&vec);
}

static void reserve_counts_nothing(void **state)
{
	struct rp__vec vec = { 0 };
	void *room = rp__vec_reserve(&vec, 100);

	(void)state;
	assert_non_null(room);
	assert_int_equal(vec.used, 0);
	assert_ptr_equal(rp__vec_push(&vec, 100), room);
	assert_int_equal(vec.used, 100);
	assert_int_equal(allocations, 1);
	rp__vec_deinit(&vec);
}

static void failure_leaves_it_as_it_was(void **state)
{
	struct rp__vec vec = { 0 }, before;

	(void)state;
	fail_at = 1;
	assert_null(rp__vec_push(&vec, 8));
	assert_null(vec.data);
	assert_int_equal(vec.used, 0);
	assert_int_equal(vec.size, 0);
	memset(rp__vec_push(&vec, 5000), 0x5a, 5000);
	before = vec;
	fail_at = allocations + 1;
	assert_null(rp__vec_push(&vec, 1 << 20));
	assert_memory_equal(&vec, &before, sizeof(vec));
	for (int i = 0; i < 5000; i++)
		assert_int_equal(((char *)vec.data)[i], 0x5a);
	assert_non_null(rp__vec_push(&vec, 1 << 20));
	assert_int_equal(vec.used, 5000 + (1 << 20));
	rp__vec_deinit(&vec);
}

static void absurd_sizes(void **state)
{
	struct rp__vec vec = { 0 }, before;

	(void)state;
	assert_non_null(rp__vec_push(&vec, 100));
	before = vec;
	assert_null(rp__vec_push(&vec, SIZE_MAX));
	assert_null(rp__vec_push(&vec, SIZE_MAX - 99));
	assert_null(rp__vec_push(&vec, SIZE_MAX / 2));
	assert_null(rp__vec_push(&vec, SIZE_MAX / 4 - 100));
	assert_memory_equal(&vec, &before, sizeof(vec));
	rp__vec_deinit(&vec);
}

static void reset_keeps_little(void **state)
{
	struct rp__vec vec = { 0 };

	(void)state;
	assert_non_null(rp__vec_push(&vec, 100));
	rp__vec_reset(&vec, vec.size);
	assert_int_equal(vec.used, 0);
	assert_non_null(vec.data);
	assert_non_null(rp__vec_push(&vec, 100));
	assert_int_equal(allocations, 1);
	rp__vec_reset(&vec, vec.size - 1);
	assert_null(vec.data);
	assert_int_equal(vec.size, 0);
	rp__vec_deinit(&vec);
}

/* struct element - of 12 bytes: the key and what belongs to it. */
struct element {
	int32_t key;
	int32_t twice;
	uint32_t index;
};

/* Ascending, descending, and neither; some are equal. */
static int32_t key_for(size_t nr, size_t index)
{
	if (nr % 3 == 2)
		return (int32_t)(random() % 100) - 50;
	return nr % 3 ? -(int32_t)index : (int32_t)index;
}

static void sorts(void **state)
{
	struct rp__vec vec = { .data = NULL };

	(void)state;
	for (size_t nr = 0; nr < 300; nr++) {
		struct element *e;
		uint64_t sum = 0;

		vec.used = 0;
		for (size_t i = 0; i < nr; i++) {
			e = rp__vec_push(&vec, sizeof(*e));
			assert_non_null(e);
			e->key = key_for(nr, i);
			e->twice = 2 * e->key;
			e->index = (uint32_t)i;
		}
		rp__vec_sort(&vec, sizeof(*e));
		e = vec.data;
		for (size_t i = 0; i < nr; i++) {
			assert_int_equal(e[i].twice, 2 * e[i].key);
			assert_true(!i || e[i - 1].key <= e[i].key);
			sum += e[i].index;
		}
		assert_int_equal(sum, nr ? nr * (nr - 1) / 2 : 0);
	}
	rp__vec_deinit(&vec);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(grows_and_keeps, hook_init,
						hook_deinit),
		cmocka_unit_test_setup_teardown(one_large_piece, hook_init,
						hook_deinit),
		cmocka_unit_test_setup_teardown(reserve_counts_nothing,
						hook_init, hook_deinit),
		cmocka_unit_test_setup_teardown(failure_leaves_it_as_it_was,
						hook_init, hook_deinit),
		cmocka_unit_test_setup_teardown(absurd_sizes, hook_init,
						hook_deinit),
		cmocka_unit_test_setup_teardown(reset_keeps_little, hook_init,
						hook_deinit),
		cmocka_unit_test_setup_teardown(sorts, hook_init, hook_deinit),
	};

	return cmocka_run_group_tests_name("vec", tests, NULL, NULL);
}
