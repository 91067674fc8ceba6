/* SPDX-License-Identifier: MIT */
/*
 * Named values, in memory. Any thread may call these.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>

enum { STORE_NAME = 64, STORE_VALUE = 512 };

/** store_set() - Return: 0; -ENOSPC; -EINVAL: the name or value is too long. */
int store_set(const char *name, const char *value);
/** store_get() - copy a value to @value (STORE_VALUE + 1 bytes).
 *  Return: its size; -ENOENT. */
int store_get(const char *name, char *value);
/** store_range() - copy a part of a value to @part (STORE_VALUE bytes).
 *  Return: its size; -ENOENT; -ERANGE. */
int store_range(const char *name, size_t from, size_t size, char *part);
/** store_refused() - how many ranges were. */
unsigned long store_refused(void);

#endif /* STORE_H */
