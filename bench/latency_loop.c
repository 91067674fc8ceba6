// SPDX-License-Identifier: MIT
/* What the threads of latency.c run; annotated by the build. */
#include "latency.h"

__attribute__((noinline)) unsigned int latency_zero(void)
{
	return 0;
}

__attribute__((noinline)) unsigned int latency_one(void)
{
	return 1;
}

RP_DEFINE_STATIC_CALL(latency_call, latency_zero);
unsigned int (*volatile latency_pointer)(void) = latency_zero;

void latency_loop(struct watcher *watcher)
{
	while (!__atomic_load_n(&watcher->stop, __ATOMIC_RELAXED)) {
		/* Within 8 bytes, it is patched by one store anywhere. */
		__asm__ volatile(".p2align 3");
		__atomic_store_n(&watcher->seen_call,
				 rp_static_call(latency_call)(),
				 __ATOMIC_RELAXED);
		__atomic_store_n(&watcher->seen_pointer, latency_pointer(),
				 __ATOMIC_RELAXED);
		watcher->turns++;
	}
}
