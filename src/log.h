/* SPDX-License-Identifier: MIT */
/* Messages and error details. */
#ifndef RP_SRC_LOG_H
#define RP_SRC_LOG_H

#include <stdbool.h>

#include <repoint/error.h>
#include <repoint/log.h>

bool rp__log_enabled(enum rp_log_level level, const char *category);

__attribute__((format(printf, 3, 4)))
void rp__log(enum rp_log_level level, const char *category,
	     const char *format, ...);

/* Fill in @error, which may be NULL; returns @code. */
__attribute__((format(printf, 4, 5)))
int rp__fail(struct rp_error *error, int code, const void *addr,
	     const char *format, ...);

/* As rp__fail(), with the bytes; @len is cut to what the struct holds. */
int rp__fail_bytes(struct rp_error *error, const void *addr,
		   const void *expected, const void *found, size_t len);

/* A variable of the environment, NULL if unset or the program is setuid. */
const char *rp__getenv(const char *name);

#endif
