/* SPDX-License-Identifier: MIT */
/* What the shared objects of when.c have. */
#ifndef PLUGIN_H
#define PLUGIN_H

/*
 * struct plugin
 * @early:   value() as a constructor of the object itself saw it
 * @value:   2 if the synthetic feature 0 was there at the last apply, else 1
 * @has:     whether it is there now
 * @set:     set it, and apply
 */
struct plugin {
	int early;
	int (*value)(void);
	int (*has)(void);
	int (*set)(int present);
};

struct plugin *plugin_get(void);
/* The same code, in a library that is linked. */
struct plugin *linked_get(void);

#endif
