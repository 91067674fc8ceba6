/* SPDX-License-Identifier: MIT */
/*
 * Libraries that the target opens. -DPLUGIN: needs the one with -DDEPENDENCY;
 * -DLATE: for RTLD_GLOBAL; -DUSER: needs what that one defines.
 */
#define _GNU_SOURCE
#include "truth.h"

void print_truth(void);

/* Defined by each of them: whose is it? */
int scoped(void);
int scoped(void) { return 1; }
int pick(void);

#ifdef DEPENDENCY
int (*dependency_scoped(void))(void);
int (*dependency_scoped(void))(void) { return scoped; }
#endif

#ifdef PLUGIN
_Thread_local int tls_plugin;
_Thread_local int tls_early __attribute__((tls_model(TLS_MODEL)));
int preloaded(void);
int preloaded(void) { return 3; }
int (*dependency_scoped(void))(void);

static char *tls_plugin_here(void) { return (char *)&tls_plugin; }

void print_truth(void)
{
	print_want("scoped", ".", (void *)print_truth, (void *)scoped);
	print_want("scoped", ".", (void *)dependency_scoped,
		   (void *)dependency_scoped());
	print_want("preloaded", ".", (void *)print_truth, (void *)preloaded);
	tls_early++;
	print_tls("tls_plugin", (void *)print_truth, tls_plugin_here);
}
#endif

#ifdef LATE
int late(void);
int late(void) { return 4; }
#endif

#ifdef USER
int late(void);
void print_truth(void)
{
	print_want("late", ".", (void *)print_truth, (void *)late);
	print_want("scoped", ".", (void *)print_truth, (void *)scoped);
	print_want("pick", ".", (void *)print_truth, (void *)pick);
}
#endif
