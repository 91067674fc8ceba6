/* SPDX-License-Identifier: MIT */
/* Arrays that grow. */
#ifndef REPOINT_OBJECT_GROW_H
#define REPOINT_OBJECT_GROW_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/**
 * rp_grow() - room for @n elements of @size bytes.
 * @array: address of the pointer to the elements
 * @room:  how many there is room for
 *
 * Return: 0 or -ENOMEM; then the array is as it was.
 */
static inline int rp_grow_array(void **array, size_t *room, size_t n,
				size_t size)
{
	size_t more = *room ? *room : 16;

	if (n <= *room)
		return 0;
	while (more < n)
		more *= 2;
	void *grown = reallocarray(*array, more, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

/* Through a pointer of its own: pointers to others are not void *. */
#define rp_grow(array, room, n, size) __extension__ ({			\
	void *rp__array = *(array);					\
	int rp__rc = rp_grow_array(&rp__array, room, n, size);		\
									\
	*(array) = rp__array;						\
	rp__rc;								\
})

#endif /* REPOINT_OBJECT_GROW_H */
