/* SPDX-License-Identifier: MIT */
/* What the program and its shared objects know of each other. */
#ifndef SHARED_H
#define SHARED_H

#include <stdbool.h>

#include <repoint/static_call.h>
#include <repoint/static_key.h>

typedef int op_fn(int);

/* In the program, exported to what it loads. */
int host_one(int x);
int host_two(int x);
RP_DECLARE_STATIC_CALL(host_op, op_fn);
/* host_flag: RP_EXPORT_STATIC_KEY there, RP_IMPORT_STATIC_KEY_FALSE here. */

/* In linked.c, a library that the program is linked with. */
int linked_one(int x);
int linked_two(int x);
RP_DECLARE_STATIC_CALL(linked_op, op_fn);
/* linked_flag: exported, enabled at first. */

/* In loaded.c, a library that is loaded for others to use. */
int loaded_one(int x);
int loaded_two(int x);
RP_DECLARE_STATIC_CALL(loaded_op, op_fn);

/* What loaded.c shows under the name "loaded". */
struct loaded {
	int (*set)(bool two);
	int (*enable)(bool enabled);
	int (*call)(int x);
};

/*
 * struct plugin - what plugin.c shows under the name "plugin".
 * @call_host:   a plain call of the program's static call
 * @tail_host:   a tail call of it
 * @host_flag:   a branch on the program's key
 * @call_own:    a call of a static call of the plugin's
 * @set_own:     updates that: to the plugin's function, or to @function
 * @own_flag:    a branch on a key of its own; @enable_own changes that
 * @constructed: what @call_host and @host_flag gave in a constructor
 */
struct plugin {
	int (*call_host)(int x);
	int (*tail_host)(int x);
	bool (*host_flag)(void);
	int (*call_own)(int x);
	int (*set_own)(op_fn *function);
	bool (*own_flag)(void);
	int (*enable_own)(bool enabled);
	int constructed_call;
	bool constructed_flag;
};

/* What consumer.c shows under the name "consumer": sites on loaded.c's keys. */
struct consumer {
	int (*call)(int x);
	int (*set)(bool two);
	bool (*flag)(void);
};

#endif
