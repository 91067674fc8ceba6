/* SPDX-License-Identifier: MIT */
/*
 * A server for protocols of lines: one line is asked, one is answered.
 */
#ifndef SERVE_H
#define SERVE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SERVE_LINE = 16384,	/* the longest request */
	SERVE_REPLY = 4096	/* the longest answer, with its end */
};

/**
 * serve() - serve connections to 127.0.0.1:@port until SIGTERM or SIGINT.
 * @threads: so many workers, each with connections of its own
 * @answer:  called by any of them; writes an answer without the end of the line
 *           to @reply (SERVE_REPLY - 1 bytes are free). Return: its size.
 *
 * Return: 0 after a signal; a negative errno: it could not start.
 */
int serve(unsigned int port, unsigned int threads,
	  size_t (*answer)(char *line, char *reply));

#ifdef __cplusplus
}
#endif

#endif /* SERVE_H */
