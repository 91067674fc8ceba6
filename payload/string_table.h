/* SPDX-License-Identifier: MIT */
/* A table of terminated strings that is being made; equal ones share a place. */
#ifndef REPOINT_PAYLOAD_STRING_TABLE_H
#define REPOINT_PAYLOAD_STRING_TABLE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct rp_strings - the table; all zero is an empty one.
 * @bytes: what goes into the file, @size of them
 * @slots: hash table of offsets in @bytes, 0 is free; @nslots a power of two
 * @n:     slots in use
 */
struct rp_strings {
	char *bytes;
	size_t size;
	size_t capacity;
	uint32_t *slots;
	size_t nslots;
	size_t n;
};

void rp_strings_deinit(struct rp_strings *strings);

/**
 * rp_strings_add() - find or add a string.
 * @strings: the table
 * @s:       the string; NULL is the empty one
 * @ret:     its offset; 0 for the empty one
 *
 * Return: 0, or -ENOMEM.
 */
int rp_strings_add(struct rp_strings *strings, const char *s, uint32_t *ret);

#endif /* REPOINT_PAYLOAD_STRING_TABLE_H */
