/* SPDX-License-Identifier: MIT */
/* Arrays that grow. */
#ifndef REPOINT_PAYLOAD_GROW_H
#define REPOINT_PAYLOAD_GROW_H

#include <stddef.h>
#include <stdlib.h>

/**
 * rp_grow_one() - room for one more element.
 * @v:        the array, or NULL
 * @n:        elements in use
 * @capacity: for how many there is room
 * @size:     of one element
 *
 * Return: the array, perhaps elsewhere; NULL without memory: @v is as it was.
 */
static inline void *rp_grow_one(void *v, size_t n, size_t *capacity, size_t size)
{
	size_t wanted = n < 8 ? 8 : 2 * n;

	if (n < *capacity)
		return v;
	void *larger = reallocarray(v, wanted, size);
	if (larger)
		*capacity = wanted;
	return larger;
}

#endif /* REPOINT_PAYLOAD_GROW_H */
