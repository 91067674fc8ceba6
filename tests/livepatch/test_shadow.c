// SPDX-License-Identifier: MIT
/* Shadow variables in one thread; and that two headers agree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <repoint/livepatch.h>

#include "../../livepatch/root.h"
#include "../../payload/format.h"

#define SAME(kind)							\
	_Static_assert((int)RP_LIVEPATCH_HOOK_##kind == (int)RP_HOOK_##kind, \
		       "one number for " #kind)
SAME(PRE_APPLY);
SAME(APPLY);
SAME(POST_APPLY);
SAME(PRE_REVERT);
SAME(REVERT);
SAME(POST_REVERT);
SAME(NR);
_Static_assert(sizeof(struct rp_livepatch_hook) == 16, "record");
_Static_assert(sizeof(struct rp_livepatch_data) == 32, "record");

static char objects[100000];

/* Linked with --wrap=calloc: the next but @fail_after one fails. */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
static long fail_after = -1;
static unsigned long allocations;

void *__wrap_calloc(size_t n, size_t size)
{
	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	allocations++;
	return __real_calloc(n, size);
}

static void *alloc_int(const void *object, uint64_t id, int value)
{
	int *data = rp_shadow_alloc(object, id, sizeof(int), NULL, NULL);

	if (data)
		*data = value;
	return data;
}

static void test_alloc_get_free(void **state)
{
	int *data = alloc_int(&objects[0], 1, 7);

	(void)state;
	assert_non_null(data);
	assert_int_equal((uintptr_t)data % 16, 0);
	assert_ptr_equal(rp_shadow_get(&objects[0], 1), data);
	assert_null(rp_shadow_get(&objects[0], 2));
	assert_null(rp_shadow_get(&objects[1], 1));
	assert_int_equal(*data, 7);
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), 0);
	assert_null(rp_shadow_get(&objects[0], 1));
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), -ENOENT);
}

static void test_alloc_existing(void **state)
{
	int *data = alloc_int(&objects[0], 1, 7);

	(void)state;
	assert_null(rp_shadow_alloc(&objects[0], 1, 4, NULL, NULL));
	assert_ptr_equal(rp_shadow_get_or_alloc(&objects[0], 1, 4, NULL, NULL),
			 data);
	assert_int_equal(*data, 7);
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), 0);
}

static void test_any_key(void **state)
{
	static const uint64_t ids[] = { 0, 1, UINT32_MAX, UINT64_MAX };

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_non_null(alloc_int(NULL, ids[i], i));
		assert_non_null(alloc_int((void *)UINTPTR_MAX, ids[i], 10 + i));
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(*(int *)rp_shadow_get(NULL, ids[i]), i);
		assert_int_equal(*(int *)rp_shadow_get((void *)UINTPTR_MAX,
						       ids[i]), 10 + i);
		assert_int_equal(rp_shadow_free_all(ids[i], NULL), 0);
		assert_null(rp_shadow_get(NULL, ids[i]));
		assert_null(rp_shadow_get((void *)UINTPTR_MAX, ids[i]));
	}
}

static void test_size_zero(void **state)
{
	(void)state;
	assert_non_null(rp_shadow_alloc(&objects[0], 1, 0, NULL, NULL));
	assert_non_null(rp_shadow_get(&objects[0], 1));
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), 0);
}

static void test_zeroed_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		char *data = rp_shadow_alloc(&objects[0], 1, 100, NULL, NULL);

		for (int j = 0; j < 100; j++)
			assert_int_equal(data[j], 0);
		memset(data, 0xff, 100);
		assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), 0);
	}
}

struct call {
	const void *object;
	void *data;
	void *arg;
	int calls;
	int ret;
};
static struct call init_call, fini_call;

static int record_init(const void *object, void *data, void *arg)
{
	init_call.object = object;
	init_call.data = data;
	init_call.arg = arg;
	init_call.calls++;
	*(int *)data = 42;
	return init_call.ret;
}

static void record_fini(const void *object, void *data)
{
	fini_call.object = object;
	fini_call.data = data;
	fini_call.calls++;
	/* Still the user's, but no longer to be found. */
	assert_int_equal(*(int *)data, 42);
	assert_null(rp_shadow_get(object, 1));
}

static void test_init_and_fini(void **state)
{
	int arg, *data;

	(void)state;
	init_call = fini_call = (struct call){ .ret = 0 };
	data = rp_shadow_get_or_alloc(&objects[3], 1, 4, record_init, &arg);
	assert_int_equal(*data, 42);
	assert_int_equal(init_call.calls, 1);
	assert_ptr_equal(init_call.object, &objects[3]);
	assert_ptr_equal(init_call.data, data);
	assert_ptr_equal(init_call.arg, &arg);
	assert_ptr_equal(
		rp_shadow_get_or_alloc(&objects[3], 1, 4, record_init, &arg),
		data);
	assert_null(rp_shadow_alloc(&objects[3], 1, 4, record_init, &arg));
	assert_int_equal(init_call.calls, 1);
	assert_int_equal(rp_shadow_free(&objects[3], 1, record_fini), 0);
	assert_int_equal(fini_call.calls, 1);
	assert_ptr_equal(fini_call.object, &objects[3]);
	assert_ptr_equal(fini_call.data, data);
	assert_int_equal(rp_shadow_free(&objects[3], 1, record_fini), -ENOENT);
	assert_int_equal(fini_call.calls, 1);
}

static void test_init_fails(void **state)
{
	(void)state;
	init_call = (struct call){ .ret = -5 };
	assert_null(rp_shadow_alloc(&objects[3], 1, 4, record_init, NULL));
	assert_null(rp_shadow_get_or_alloc(&objects[3], 1, 4, record_init,
					   NULL));
	assert_int_equal(init_call.calls, 2);
	assert_null(rp_shadow_get(&objects[3], 1));
	assert_non_null(rp_shadow_alloc(&objects[3], 1, 4, NULL, NULL));
	assert_int_equal(rp_shadow_free(&objects[3], 1, NULL), 0);
}

/* The lock is held: refused instead of waiting for itself. */
static int nesting_init(const void *object, void *data, void *arg)
{
	(void)data;
	assert_ptr_equal(rp_shadow_get(object, 2), arg);
	assert_null(rp_shadow_get(object, 1));
	assert_null(rp_shadow_alloc(object, 3, 4, NULL, NULL));
	assert_null(rp_shadow_get_or_alloc(object, 3, 4, NULL, NULL));
	assert_ptr_equal(rp_shadow_get_or_alloc(object, 2, 4, NULL, NULL), arg);
	assert_int_equal(rp_shadow_free(object, 2, NULL), -EDEADLK);
	assert_int_equal(rp_shadow_free_all(2, NULL), -EDEADLK);
	return 0;
}

static void test_init_nests(void **state)
{
	void *other = alloc_int(&objects[3], 2, 1);

	(void)state;
	assert_non_null(rp_shadow_alloc(&objects[3], 1, 4, nesting_init, other));
	assert_ptr_equal(rp_shadow_get(&objects[3], 2), other);
	assert_null(rp_shadow_get(&objects[3], 3));
	assert_int_equal(rp_shadow_free(&objects[3], 1, NULL), 0);
	assert_int_equal(rp_shadow_free(&objects[3], 2, NULL), 0);
}

/* No lock is held: all is allowed, the same key as well. */
static void nesting_fini(const void *object, void *data)
{
	(void)data;
	assert_non_null(rp_shadow_alloc(object, 1, 4, NULL, NULL));
	assert_int_equal(rp_shadow_free(object, 1, NULL), 0);
	rp_shadow_free(object, 2, NULL);
}

static void test_fini_nests(void **state)
{
	(void)state;
	alloc_int(&objects[3], 1, 1);
	alloc_int(&objects[3], 2, 1);
	assert_int_equal(rp_shadow_free(&objects[3], 1, nesting_fini), 0);
	assert_null(rp_shadow_get(&objects[3], 2));
	alloc_int(&objects[3], 1, 1);
	alloc_int(&objects[4], 1, 1);
	assert_int_equal(rp_shadow_free_all(1, nesting_fini), 0);
	assert_null(rp_shadow_get(&objects[3], 1));
	assert_null(rp_shadow_get(&objects[4], 1));
}

static void test_free_all(void **state)
{
	(void)state;
	fini_call = (struct call){ .ret = 0 };
	for (int i = 0; i < 500; i++) {
		alloc_int(&objects[i], 1, 42);
		alloc_int(&objects[i], 2, i);
	}
	assert_int_equal(rp_shadow_free_all(1, record_fini), 0);
	assert_int_equal(fini_call.calls, 500);
	for (int i = 0; i < 500; i++) {
		assert_null(rp_shadow_get(&objects[i], 1));
		assert_int_equal(*(int *)rp_shadow_get(&objects[i], 2), i);
	}
	assert_int_equal(rp_shadow_free_all(1, record_fini), 0);
	assert_int_equal(fini_call.calls, 500);
	assert_int_equal(rp_shadow_free_all(2, NULL), 0);
	assert_int_equal(rp__livepatch_root.shadow.count, 0);
}

static unsigned int longest_chain(void)
{
	const struct rp_shadow_table *table = rp__livepatch_root.shadow.table;
	unsigned int longest = 0;

	for (uint64_t i = 0; i <= table->mask; i++) {
		const struct rp_shadow_node *node = table->bucket[i];
		unsigned int length = 0;

		for (; node; node = node->next[table->link])
			length++;
		if (length > longest)
			longest = length;
	}
	return longest;
}

static void check_all(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(*(int *)rp_shadow_get(&objects[i], 9), i);
}

static void test_growth(void **state)
{
	const int n = (int)sizeof(objects);
	unsigned long before;

	(void)state;
	for (int i = 0; i < n; i++)
		assert_non_null(alloc_int(&objects[i], 9, i));
	check_all(n);
	assert_int_equal(rp__livepatch_root.shadow.count, n);
	assert_int_equal(rp__livepatch_root.shadow.table->mask, 131071);
	/* With good luck 8; a hash of poor quality would give hundreds. */
	assert_in_range(longest_chain(), 1, 20);
	assert_int_equal(rp_shadow_free_all(9, NULL), 0);
	/* All nodes are there for use: one allocation each, of the data. */
	before = allocations;
	for (int i = 0; i < n; i++)
		assert_non_null(alloc_int(&objects[i], 9, i));
	assert_int_equal(allocations - before, n);
	for (int i = n - 1; i >= 0; i--)
		assert_int_equal(rp_shadow_free(&objects[i], 9, NULL), 0);
	assert_int_equal(rp__livepatch_root.shadow.count, 0);
}

/* Objects in an allocator's pattern: page after page, aligned alike. */
static void test_aligned_objects(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= 20000; i++)
		assert_non_null(alloc_int((void *)(i << 12), 9, 0));
	assert_in_range(longest_chain(), 1, 20);
	assert_int_equal(rp_shadow_free_all(9, NULL), 0);
	for (uint64_t i = 1; i <= 20000; i++)
		assert_non_null(alloc_int(&objects[0], i << 32, 0));
	assert_in_range(longest_chain(), 1, 20);
	for (uint64_t i = 1; i <= 20000; i++)
		assert_int_equal(rp_shadow_free(&objects[0], i << 32, NULL), 0);
}

/* Each allocation of an insertion fails once: nothing changed, then it works. */
static void test_no_memory(void **state)
{
	struct rp_shadow saved = rp__livepatch_root.shadow;
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	int made = 0, failed = 0;

	(void)state;
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < 200; i++) {
		for (long n = 0;; n++) {
			fail_after = n;
			if (alloc_int(&objects[i], 9, i))
				break;
			failed++;
			fail_after = -1;
			assert_null(rp_shadow_get(&objects[i], 9));
			assert_int_equal(s->lock, 0);
			check_all(made);
		}
		fail_after = -1;
		check_all(++made);
	}
	/*
	 * What an attempt got stays for the next one: the first variable fails
	 * for its table and for its nodes, 199 for their data, and each 63rd
	 * for nodes.
	 */
	assert_int_equal(failed, 2 + 199 + 3);
	/* No memory to grow is no failure, and made up for later. */
	assert_int_equal(s->table->mask, 255);
	for (; made < 300; made++) {
		fail_after = s->free ? 1 : 2;
		assert_non_null(alloc_int(&objects[made], 9, made));
	}
	assert_int_equal(s->table->mask, 255);
	fail_after = -1;
	check_all(made);
	assert_non_null(alloc_int(&objects[made], 9, made));
	assert_int_equal(s->table->mask, 511);
	check_all(++made);
	assert_int_equal(rp_shadow_free_all(9, NULL), 0);
	while (s->table) {
		struct rp_shadow_table *older = s->table->older;

		free(s->table);
		s->table = older;
	}
	while (s->chunks) {
		struct rp_shadow_chunk *older = s->chunks->older;

		free(s->chunks);
		s->chunks = older;
	}
	*s = saved;
}

static void test_other_version(void **state)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;

	(void)state;
	alloc_int(&objects[0], 1, 7);
	s->version = RP_SHADOW_VERSION + 1;
	assert_null(rp_shadow_get(&objects[0], 1));
	assert_null(alloc_int(&objects[1], 1, 7));
	assert_null(rp_shadow_get_or_alloc(&objects[0], 1, 4, NULL, NULL));
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL),
			 -EPROTONOSUPPORT);
	assert_int_equal(rp_shadow_free_all(1, NULL), -EPROTONOSUPPORT);
	assert_int_equal(s->lock, 0);
	s->version = RP_SHADOW_VERSION;
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), 0);
}

/* First of all: a root of zeros. */
static void test_empty(void **state)
{
	static const char zeros[RP_LIVEPATCH_ROOT_SIZE];

	(void)state;
	assert_int_equal((uintptr_t)&rp__livepatch_root %
			 RP_LIVEPATCH_ROOT_SIZE, 0);
	assert_memory_equal(&rp__livepatch_root, zeros, sizeof(zeros));
	assert_null(rp_shadow_get(&objects[0], 1));
	assert_memory_equal(&rp__livepatch_root, zeros, sizeof(zeros));
	assert_int_equal(rp_shadow_free(&objects[0], 1, NULL), -ENOENT);
	assert_int_equal(rp_shadow_free_all(1, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_alloc_get_free),
		cmocka_unit_test(test_alloc_existing),
		cmocka_unit_test(test_any_key),
		cmocka_unit_test(test_size_zero),
		cmocka_unit_test(test_zeroed_again),
		cmocka_unit_test(test_init_and_fini),
		cmocka_unit_test(test_init_fails),
		cmocka_unit_test(test_init_nests),
		cmocka_unit_test(test_fini_nests),
		cmocka_unit_test(test_free_all),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_aligned_objects),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_other_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
