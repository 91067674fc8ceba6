/* SPDX-License-Identifier: MIT */
/* The other way round: the executable has the keys, plugin.c the sites. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "../site.h"

#pragma GCC visibility push(default)
RP__BEGIN_DECLS
int plugin_call(void);
int plugin_tail(void);
int plugin_branches(void);
int plugin_two(void);
int plugin_update(void);
RP__END_DECLS
#pragma GCC visibility pop

RP_DECLARE_STATIC_CALL(exe_key_call, int(void));

#endif
