/* SPDX-License-Identifier: MIT */
/* What the cases of self.c, self_signals.c and self_resources.c share. */
#ifndef SELF_H
#define SELF_H

#include <repoint/livepatch_apply.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			printf("%s, line %d: %s\n", __FILE__, __LINE__,	\
			       #condition);				\
			printf("message: %s\n", message);		\
			exit(1);					\
		}							\
	} while (0)

/* Payloads, what the last call said, and where the tool is. */
extern const char *fix, *other;
extern char message[RP_LIVEPATCH_MESSAGE_SIZE];
extern struct rp_livepatch_options options;

int apply(const char *payload);
int revert(const char *name);

/* Does what @name says; else false. */
bool run_signals(const char *name);
bool run_resources(const char *name);

/* What this program does where it is the tool. */
int pretend_tool(void);

#endif /* SELF_H */
