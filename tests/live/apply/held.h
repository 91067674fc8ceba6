/* SPDX-License-Identifier: MIT */
/* Between held.c, which payloads replace, and busy.c, which calls it. */
#ifndef TESTS_LIVE_APPLY_HELD_H
#define TESTS_LIVE_APPLY_HELD_H

#include "serve.h"

struct item {
	void (*stay)(void *arg);
	void *arg;
	int key;
};

int held(void (*stay)(void *), void *arg);
int held_deep(int depth, void (*stay)(void *), void *arg);
int held_compare(const void *a, const void *b);
void held_handler(int sig);
int callee(void);
int caller(void (*stay)(void *), void *arg);
int tiny(void);
int works_for_ms(void);
int sleeps_5ms(void);

/* busy.c */
void handler_stay(void);
extern volatile int handler_version;
long now_us(void);
void sleep_us(long us);

#endif /* TESTS_LIVE_APPLY_HELD_H */
