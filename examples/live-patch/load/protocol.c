// SPDX-License-Identifier: MIT
/*
 * The protocols: where an answer ends, and what it says as text.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A copy that ends before the line's end, with NULs as spaces. */
static void view_text(const char *data, size_t size, char *text, size_t room)
{
	size = least(size, room - 1);
	while (size && (data[size - 1] == '\n' || data[size - 1] == '\r'))
		size--;
	for (size_t i = 0; i < size; i++)
		text[i] = data[i] ? data[i] : ' ';
	text[size] = 0;
}

static ssize_t line_complete(const char *data, size_t size)
{
	const char *end = memchr(data, '\n', size);

	return end ? end + 1 - data : 0;
}

/* One value: "+text", "-error", ":number", "$size" and bytes, "*count" and so
 * many values. */
static ssize_t redis_complete(const char *data, size_t size)
{
	size_t at = 0;

	for (long left = 1; left > 0; left--) {
		ssize_t line = line_complete(data + at, size - at);
		long n;

		if (line <= 0)
			return 0;
		if (!strchr("+-:$*", data[at]))
			return -1;
		n = data[at] == '$' || data[at] == '*' ? atol(data + at + 1) : 0;
		if (n < 0)
			n = 0;
		else if (data[at] == '$')
			line += n + 2;
		if (data[at] == '*')
			left += n;
		at += (size_t)line;
		if (at > size)
			return 0;
	}
	return (ssize_t)at;
}

/* A string is shown as "$" and its bytes, without their number. */
static void redis_view(const char *data, size_t size, char *text, size_t room)
{
	size_t line = (size_t)line_complete(data, size);

	if (data[0] != '$' || line >= size) {
		view_text(data, size, text, room);
		return;
	}
	text[0] = '$';
	view_text(data + line, size - line, text + 1, room - 1);
}

static const char *http_body(const char *data, size_t size)
{
	const char *end = memmem(data, size, "\r\n\r\n", 4);

	return end ? end + 4 : NULL;
}

static int http_status(const char *data, size_t size)
{
	return size > 12 && !memcmp(data, "HTTP/1.1 ", 9) ? atoi(data + 9) : -1;
}

static long http_length(const char *data, const char *body)
{
	static const char name[] = "\r\nContent-Length:";
	size_t length = sizeof(name) - 1;

	for (const char *at = data; at + length < body; at++)
		if (!strncasecmp(at, name, length))
			return atol(at + length);
	return -1;
}

static ssize_t http_complete(const char *data, size_t size)
{
	const char *body = http_body(data, size);
	int status = http_status(data, size);
	long length;

	if (!body)
		return size > 12 && status < 0 ? -1 : 0;
	length = http_length(data, body);
	if (status == 204 || status == 304)
		length = 0;
	if (status < 0 || length < 0)
		return -1;
	length += body - data;
	return (size_t)length <= size ? length : 0;
}

/* "STATUS BODY" */
static void http_view(const char *data, size_t size, char *text, size_t room)
{
	const char *body = http_body(data, size);
	int n = snprintf(text, room, "%d ", http_status(data, size));

	view_text(body, size - (size_t)(body - data), text + n, room - (size_t)n);
}

static uint32_t big_endian(const char *data, size_t n)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)data[i];
	return value;
}

/* memcached's binary protocol, which is the one that has passwords. */
static ssize_t memcached_complete(const char *data, size_t size)
{
	size_t whole;

	if (size && (unsigned char)data[0] != 0x81)
		return -1;
	if (size < 24)
		return 0;
	whole = 24 + (size_t)big_endian(data + 8, 4);
	return size >= whole ? (ssize_t)whole : 0;
}

/* "OPCODE STATUS VALUE", the first two in hexadecimal */
static void memcached_view(const char *data, size_t size, char *text, size_t room)
{
	size_t skip = 24 + (unsigned char)data[4] + big_endian(data + 2, 2);
	int n = snprintf(text, room, "%02x %04x ", (unsigned char)data[1],
			 big_endian(data + 6, 2));

	view_text(data + least(skip, size), size - least(skip, size), text + n,
		  room - (size_t)n);
}

/* Sizes of 128 and more are not asked for. */
static ssize_t mqtt_complete(const char *data, size_t size)
{
	if (size < 2)
		return 0;
	if ((unsigned char)data[1] >= 128)
		return -1;
	return size >= 2 + (size_t)data[1] ? 2 + data[1] : 0;
}

/* All in hexadecimal. */
static void mqtt_view(const char *data, size_t size, char *text, size_t room)
{
	for (size_t i = 0; i < size && 2 * i + 3 < room; i++)
		sprintf(text + 2 * i, "%02x", (unsigned char)data[i]);
}

#define MEMCACHED(opcode, key, extras, body)				\
	"\\x80" opcode "\\x00" key extras "\\x00\\x00\\x00"		\
	"\\x00\\x00\\x00" body "\\x00\\x00\\x00\\x00"			\
	"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"

static const struct protocol protocols[] = {
	{
		.name = "line",
		.complete = line_complete,
		.view = view_text,
		.requests = { "PING\\n=>PONG" },
	},
	{
		.name = "redis",
		.complete = redis_complete,
		.view = redis_view,
		.requests = {
			"PING\\r\\n=>+PONG",
			"SET load:%c %n\\r\\n=>+OK",
			"GET load:%c\\r\\n=>$%n",
		},
	},
	{
		.name = "http",
		.complete = http_complete,
		.view = http_view,
		.requests = { "GET / HTTP/1.1\\r\\nHost: load\\r\\n\\r\\n=>200 *" },
	},
	{
		.name = "memcached",
		.complete = memcached_complete,
		.view = memcached_view,
		.requests = {
			/* SET load%c: 8 bytes of flags and time, 7, 8 */
			MEMCACHED("\\x01", "\\x07", "\\x08", "\\x17")
			"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
			"load%c%n=>01 0000 ",
			MEMCACHED("\\x00", "\\x07", "\\x00", "\\x07")
			"load%c=>00 0000 %n",
		},
	},
	{
		.name = "mqtt",
		.complete = mqtt_complete,
		.view = mqtt_view,
		.hello = "\\x10\\x13\\x00\\x04MQTT\\x04\\x02\\x00\\x3c"
			 "\\x00\\x07load%c=>20020000",
		.requests = {
			"\\xc0\\x00=>d000",
			/* a PUBLISH that is acknowledged */
			"\\x32\\x13\\x00\\x07load%c\\x00\\x01%n=>40020001",
		},
	},
};

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (!strcmp(protocols[i].name, name))
			return &protocols[i];
	return NULL;
}
