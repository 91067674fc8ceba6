// SPDX-License-Identifier: MIT
/*
 * Descriptors of objects that were built with other headers: nothing behind
 * their end is touched, which is where a page is that cannot be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <repoint/alternative.h>
#include <repoint/ops.h>

/* What the first headers had, and what the present ones have. */
#define SIZE_FIRST	offsetof(struct rp_object, alternatives)
#define SIZE_NOW	sizeof(struct rp_object)

static char *page_end;

static int map_pages(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) < 0)
		return -1;
	page_end = pages + page;
	return 0;
}

static struct rp_object *object_of(size_t size)
{
	struct rp_object *object = (void *)(page_end - size);

	memset(object, 0, size);
	object->version = RP_ABI_VERSION;
	object->size = (uint32_t)size;
	return object;
}

static void older_objects_are_registered(void **state)
{
	int table = 0;

	(void)state;
	for (size_t size = SIZE_FIRST; size < SIZE_NOW; size += 8) {
		struct rp_object *object = object_of(size);

		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(rp_object_register(object), 0);
			assert_non_null(object->state);
			assert_int_equal(rp_object_apply_alternatives(object,
								      NULL), 0);
			assert_int_equal(rp_object_bind_ops(object, &table,
							    RP_OPS_BIND, NULL),
					 -EINVAL);
			rp_object_unregister(object);
			assert_null(object->state);
		}
	}
}

static void older_objects_have_no_features(void **state)
{
	struct rp_object *object = object_of(SIZE_FIRST);
	unsigned int feature = RP_FEATURE_SYNTHETIC(0);

	(void)state;
	assert_int_equal(rp_object_set_feature(object, feature, 1), -EINVAL);
	assert_int_equal(rp_object_has_feature(object, feature), 0);
	assert_int_equal(rp_object_has_feature(object, RP_FEATURE_ALWAYS), 1);
}

/* Its fields behind ours mean nothing to us. */
static void newer_objects_are_registered(void **state)
{
	struct rp_object *object = object_of(SIZE_NOW + 256);

	(void)state;
	memset((char *)object + SIZE_NOW, 0xff, 256);
	assert_int_equal(rp_object_register(object), 0);
	rp_object_unregister(object);
}

static void others_are_refused(void **state)
{
	struct rp_object *object = object_of(SIZE_FIRST - 8);

	(void)state;
	assert_int_equal(rp_object_register(object), -EPROTONOSUPPORT);
	rp_object_unregister(object);
	object = object_of(SIZE_NOW);
	object->version = RP_ABI_VERSION + 1;
	assert_int_equal(rp_object_register(object), -EPROTONOSUPPORT);
	assert_null(object->state);
	assert_int_equal(rp_object_apply_alternatives(object, NULL),
			 -EPROTONOSUPPORT);
	assert_int_equal(rp_object_register(NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_objects_are_registered),
		cmocka_unit_test(older_objects_have_no_features),
		cmocka_unit_test(newer_objects_are_registered),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests_name("object", tests, map_pages, NULL);
}
