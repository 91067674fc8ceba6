// SPDX-License-Identifier: MIT
/* Growing arrays in memory of their own. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "inject.h"
#include "vec.h"

#define VEC_FIRST	((size_t)16 << 10)
#define VEC_HUGE	((size_t)2 << 20)

void *rp__map(size_t size)
{
	void *data;

	if (RP__FAIL(RP__FAIL_MAP))
		return NULL;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return data == MAP_FAILED ? NULL : data;
}

void rp__unmap(void *data, size_t size)
{
	if (data)
		munmap(data, size);
}

static int vec_grow(struct rp__vec *vec, size_t need)
{
	size_t size = vec->size ? vec->size : VEC_FIRST;
	void *data;

	while (size < need) {
		if (size > (size_t)-1 / 4)
			return -1;
		size *= 2;
	}
	if (!vec->data) {
		data = rp__map(size);
		if (!data)
			return -1;
	} else {
		if (RP__FAIL(RP__FAIL_MAP))
			return -1;
		data = mremap(vec->data, vec->size, size, MREMAP_MAYMOVE);
		if (data == MAP_FAILED)
			return -1;
	}
	/* One fault for 512 pages, where the system gives huge ones. */
	if (size >= VEC_HUGE)
		madvise(data, size, MADV_HUGEPAGE);
	vec->data = data;
	vec->size = size;
	return 0;
}

void *rp__vec_reserve(struct rp__vec *vec, size_t bytes)
{
	if (bytes > (size_t)-1 / 4 - vec->used)
		return NULL;
	if (vec->used + bytes > vec->size &&
	    vec_grow(vec, vec->used + bytes) < 0)
		return NULL;
	return (char *)vec->data + vec->used;
}

void *rp__vec_push(struct rp__vec *vec, size_t bytes)
{
	void *element = rp__vec_reserve(vec, bytes);

	if (element)
		vec->used += bytes;
	return element;
}

void rp__vec_deinit(struct rp__vec *vec)
{
	rp__unmap(vec->data, vec->size);
	vec->data = NULL;
	vec->used = vec->size = 0;
}

void rp__vec_reset(struct rp__vec *vec, size_t keep)
{
	vec->used = 0;
	if (vec->size > keep)
		rp__vec_deinit(vec);
}

/* ---- a heap sort ---- */

#define ELEMENT_MAX	16

static int32_t key_of(const char *elements, size_t index, size_t size)
{
	int32_t key;

	memcpy(&key, elements + index * size, sizeof(key));
	return key;
}

static void sift(char *elements, size_t root, size_t nr, size_t size)
{
	char moved[ELEMENT_MAX];
	int32_t key = key_of(elements, root, size);
	size_t child;

	memcpy(moved, elements + root * size, size);
	while ((child = 2 * root + 1) < nr) {
		if (child + 1 < nr && key_of(elements, child, size) <
					      key_of(elements, child + 1, size))
			child++;
		if (key_of(elements, child, size) <= key)
			break;
		memcpy(elements + root * size, elements + child * size, size);
		root = child;
	}
	memcpy(elements + root * size, moved, size);
}

static bool is_sorted(const char *elements, size_t nr, size_t size)
{
	for (size_t i = 1; i < nr; i++)
		if (key_of(elements, i - 1, size) > key_of(elements, i, size))
			return false;
	return true;
}

void rp__vec_sort(struct rp__vec *vec, size_t size)
{
	char *elements = vec->data, last[ELEMENT_MAX];
	size_t nr = vec->used / size;

	/* Linkers mostly leave no work. */
	if (is_sorted(elements, nr, size))
		return;
	for (size_t i = nr / 2; i-- > 0;)
		sift(elements, i, nr, size);
	for (size_t i = nr; i-- > 1;) {
		memcpy(last, elements + i * size, size);
		memcpy(elements + i * size, elements, size);
		memcpy(elements, last, size);
		sift(elements, 0, i, size);
	}
}
