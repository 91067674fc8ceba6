// SPDX-License-Identifier: MIT
/*
 * Values lie one behind the other in an arena. store_range() has a bug for the
 * demonstration: it does not look where the value ends. What it reads beyond is
 * the next value, and never outside the arena.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "store.h"

enum { VALUES = 4096, ARENA = 1 << 20 };

struct value {
	char name[STORE_NAME];
	size_t at, size, room;
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct value values[VALUES];
static size_t nvalues, used;
/* No range that begins in the arena ends outside. */
static char arena[ARENA + 2 * STORE_VALUE];
static atomic_ulong refused;

/* FNV-1a; the table is never full, and nothing is ever taken out. */
static struct value *find(const char *name)
{
	uint32_t hash = 2166136261U;
	size_t i;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619U;
	for (i = hash % VALUES; values[i].name[0]; i = (i + 1) % VALUES)
		if (!strcmp(values[i].name, name))
			break;
	return &values[i];
}

static int make_room(struct value *value, const char *name, size_t size)
{
	if (value->name[0] && size <= value->room)
		return 0;
	if (used + size > ARENA || nvalues == VALUES - 1)
		return -ENOSPC;
	if (!value->name[0]) {
		strcpy(value->name, name);
		nvalues++;
	}
	value->at = used;
	value->room = size;
	used += size;
	return 0;
}

int store_set(const char *name, const char *text)
{
	size_t size = strlen(text);
	struct value *value;
	int error;

	if (!*name || strlen(name) >= STORE_NAME || size > STORE_VALUE)
		return -EINVAL;
	pthread_rwlock_wrlock(&lock);
	value = find(name);
	error = make_room(value, name, size);
	if (!error) {
		memcpy(arena + value->at, text, size);
		value->size = size;
	}
	pthread_rwlock_unlock(&lock);
	return error;
}

int store_get(const char *name, char *text)
{
	int size = -ENOENT;
	struct value *value;

	pthread_rwlock_rdlock(&lock);
	value = find(name);
	if (value->name[0]) {
		size = (int)value->size;
		memcpy(text, arena + value->at, value->size);
		text[value->size] = 0;
	}
	pthread_rwlock_unlock(&lock);
	return size;
}

int store_range(const char *name, size_t from, size_t size, char *part)
{
	struct value *value;
	int done = -ERANGE;

	pthread_rwlock_rdlock(&lock);
	value = find(name);
	if (!value->name[0]) {
		done = -ENOENT;
	} else if (from > value->size || size > STORE_VALUE) {
		atomic_fetch_add(&refused, 1);
	} else {
		memcpy(part, arena + value->at + from, size);
		done = (int)size;
	}
	pthread_rwlock_unlock(&lock);
	return done;
}

unsigned long store_refused(void)
{
	return atomic_load(&refused);
}
