/* SPDX-License-Identifier: MIT */
/*
 * A load generator that misses nothing: connections that stay open for the whole
 * run, each with one request under way; every answer is compared with what it
 * has to be, and a connection that ends is counted.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* report.c: what has happened, in phases that follow each other. */

struct phase;

struct report {
	struct phase *phases;
	size_t nphases;
	uint64_t requests, failed, reconnects;
};

int report_phase(struct report *report, const char *name);
void report_answer(struct report *report, uint64_t ns);
void report_failure(struct report *report);
void report_reconnect(struct report *report);
void report_json(struct report *report, FILE *out);
void report_table(struct report *report, FILE *out);
void report_deinit(struct report *report);

/* protocol.c: where an answer ends, and what it says. */

/**
 * struct protocol
 * @complete: bytes of the first whole answer; 0: more are needed; -1: it is none
 * @view:     the answer as a line of text, which is what requests expect
 * @hello:    request for each new connection, NULL: none
 * @requests: what is asked if nothing else is said, up to a NULL
 */
struct protocol {
	const char *name;
	ssize_t (*complete)(const char *data, size_t size);
	void (*view)(const char *data, size_t size, char *text, size_t room);
	const char *hello;
	const char *requests[5];
};

const struct protocol *protocol_find(const char *name);

/* request.c */

/**
 * struct request - "REQUEST=>ANSWER". In both, \r \n \t \\ \xHH are escapes, and
 * %c and %n are the number of the connection and that of the round, with three
 * and eight digits (of constant width, for protocols that count bytes).
 * @answer: the view of the answer; only its beginning, if it ends in "*"
 */
struct request {
	char *text, *answer;
	size_t text_size;
};

int request_parse(struct request *request, const char *spec);
size_t request_write(const struct request *request, unsigned int connection,
		     uint64_t round, char *out, size_t room);
bool request_is_answer(const struct request *request, unsigned int connection,
		       uint64_t round, const char *view);
void request_deinit(struct request *request);

/* connection.c */

enum { LOAD_BUFFER = 1 << 16 };

/** struct load - what all connections share. Times are in nanoseconds. */
struct load {
	const char *address;
	unsigned int port;
	const struct protocol *protocol;
	struct request *requests;
	size_t nrequests;
	struct request hello;
	uint64_t timeout, think;
	struct report report;
	unsigned int complaints;
	bool ending;
};

/**
 * struct connection
 * @fd:    -1: closed
 * @asked: when the request under way was sent; 0: none is
 * @due:   when the next is to be sent
 * @said_hello: the next request is one of the load
 */
struct connection {
	struct load *load;
	int fd;
	unsigned int number;
	uint64_t round, asked, due;
	size_t next, size;
	bool said_hello;
	char in[LOAD_BUFFER];
};

uint64_t load_now(void);
int connection_open(struct connection *connection);
void connection_close(struct connection *connection);
/** connection_run() - do what is due; @readable: there is something to read.
 *  Return: when it wants to be called again at the latest. */
uint64_t connection_run(struct connection *connection, bool readable);

#endif /* LOAD_H */
