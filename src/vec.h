/* SPDX-License-Identifier: MIT */
/* Growing arrays in memory of their own: malloc may be what is patched. */
#ifndef RP_SRC_VEC_H
#define RP_SRC_VEC_H

#include <stddef.h>

/* struct rp__vec - @used of @size bytes at @data hold elements. */
struct rp__vec {
	void *data;
	size_t used;
	size_t size;
};

/* Whole pages of zeroes, or NULL. */
void *rp__map(size_t size);
void rp__unmap(void *data, size_t size);

/* Room for @bytes more at the end, not yet counted as used; NULL if none. */
void *rp__vec_reserve(struct rp__vec *vec, size_t bytes);
/* The same, counted; NULL if there is no memory, the vector is as before. */
void *rp__vec_push(struct rp__vec *vec, size_t bytes);
/*
 * Sort elements of @size bytes, 16 at most, that begin with an int32_t, by
 * it. Not stable. qsort() may allocate.
 */
void rp__vec_sort(struct rp__vec *vec, size_t size);
void rp__vec_deinit(struct rp__vec *vec);
/* Forget the elements; keep the memory if it is at most @keep bytes. */
void rp__vec_reset(struct rp__vec *vec, size_t keep);

#endif
