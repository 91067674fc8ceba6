/* SPDX-License-Identifier: MIT */
/* A table of terminated strings that is being made. */
#define _GNU_SOURCE
#include "string_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS	64
#define FIRST_BYTES	256

void rp_strings_deinit(struct rp_strings *strings)
{
	free(strings->bytes);
	free(strings->slots);
	memset(strings, 0, sizeof(*strings));
}

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;	// FNV-1a

	while (*s)
		h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
	return h ^ h >> 32;
}

static uint32_t *slot_of(const struct rp_strings *strings, const char *s)
{
	size_t i = hash(s) & (strings->nslots - 1);

	while (strings->slots[i] &&
	       strcmp(strings->bytes + strings->slots[i], s))
		i = (i + 1) & (strings->nslots - 1);
	return &strings->slots[i];
}

// At most half of the slots are in use: a search ends soon.
static int grow_slots(struct rp_strings *strings)
{
	size_t nold = strings->nslots;
	uint32_t *old = strings->slots, *slots;

	if (2 * (strings->n + 1) <= nold)
		return 0;
	size_t n = nold ? 2 * nold : FIRST_SLOTS;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	strings->slots = slots;
	strings->nslots = n;
	for (size_t i = 0; i < nold; i++) {
		if (old[i])
			*slot_of(strings, strings->bytes + old[i]) = old[i];
	}
	free(old);
	return 0;
}

static int grow_bytes(struct rp_strings *strings, size_t more)
{
	size_t need = strings->size + more + 1;
	size_t capacity = strings->capacity ? strings->capacity : FIRST_BYTES;

	if (need > UINT32_MAX)
		return -ENOMEM;
	while (capacity < need)
		capacity *= 2;
	if (capacity == strings->capacity)
		return 0;
	char *bytes = realloc(strings->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	strings->bytes = bytes;
	strings->capacity = capacity;
	return 0;
}

int rp_strings_add(struct rp_strings *strings, const char *s, uint32_t *ret)
{
	size_t size = s ? strlen(s) + 1 : 1;

	if (grow_slots(strings) || grow_bytes(strings, size))
		return -ENOMEM;
	if (!strings->size)
		strings->bytes[strings->size++] = '\0';
	*ret = 0;
	if (size == 1)
		return 0;
	uint32_t *slot = slot_of(strings, s);
	if (!*slot) {
		*slot = strings->size;
		memcpy(strings->bytes + strings->size, s, size);
		strings->size += size;
		strings->n++;
	}
	*ret = *slot;
	return 0;
}
