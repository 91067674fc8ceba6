// SPDX-License-Identifier: MIT
/* Messages and error details. */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <repoint/text_poke.h>

#include "log.h"

static rp_log_fn *log_fn;
static enum rp_log_level log_level;
static void *log_data;

void rp_log_set(rp_log_fn *fn, enum rp_log_level level, void *data)
{
	log_level = level;
	log_data = data;
	__atomic_store_n(&log_fn, fn, __ATOMIC_RELEASE);
}

const char *rp__getenv(const char *name)
{
	return secure_getenv(name);
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && !strncmp(list, word, n))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* What RP_LOG may consist of: levels by their number, "all", categories. */
static const char *const names[] = {
	"all", "warn", "info", "debug",
	"text_poke", "sync", "object", "cpu", "alternative", "ops",
};
#define NAMES	(sizeof(names) / sizeof(*names))

_Static_assert(RP_LOG_WARN == 1 && RP_LOG_INFO == 2 && RP_LOG_DEBUG == 3,
	       "their names are there");

static bool is_name(const char *word, size_t len)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strlen(names[i]) == len && !strncmp(names[i], word, len))
			return true;
	return !len;
}

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* Who asks for messages and misspells what hears nothing else. */
static void check_names(const char *list)
{
	static bool done;
	char line[256];

	if (__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		return;
	while (*list) {
		size_t n = strcspn(list, ",");

		if (!is_name(list, n)) {
			snprintf(line, sizeof(line),
				 "repoint: log: RP_LOG: \"%.*s\" is none of all, warn, info, debug, text_poke, sync, object, cpu, alternative, ops\n",
				 n < 80 ? (int)n : 80, list);
			write_all(line, strlen(line));
		}
		list += n + (list[n] == ',');
	}
}

static bool env_enabled(enum rp_log_level level, const char *category)
{
	const char *list = rp__getenv("RP_LOG");

	if (!list || !*list)
		return false;
	check_names(list);
	if (list_has(list, "all") || list_has(list, category))
		return true;
	for (int i = level; i < RP_LOG_LEVEL_NR; i++)
		if (list_has(list, names[i]))
			return true;
	return false;
}

bool rp__log_enabled(enum rp_log_level level, const char *category)
{
	if (__atomic_load_n(&log_fn, __ATOMIC_ACQUIRE))
		return level <= log_level;
	return env_enabled(level, category);
}

void rp__log(enum rp_log_level level, const char *category,
	     const char *format, ...)
{
	char message[512], line[600];
	int saved = errno;
	rp_log_fn *fn;
	va_list ap;

	if (!rp__log_enabled(level, category))
		return;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	fn = __atomic_load_n(&log_fn, __ATOMIC_ACQUIRE);
	if (fn) {
		fn(level, category, message, log_data);
	} else {
		snprintf(line, sizeof(line), "repoint: %s: %s\n", category,
			 message);
		write_all(line, strlen(line));
	}
	errno = saved;
}

int rp__fail(struct rp_error *error, int code, const void *addr,
	     const char *format, ...)
{
	va_list ap;

	if (!error)
		return code;
	memset(error, 0, sizeof(*error));
	error->code = code;
	error->addr = addr;
	va_start(ap, format);
	vsnprintf(error->message, sizeof(error->message), format, ap);
	va_end(ap);
	return code;
}

static void hex(const unsigned char *bytes, size_t len, char *buffer)
{
	for (size_t i = 0; i < len; i++)
		sprintf(buffer + 3 * i, "%02x ", bytes[i]);
	buffer[len ? 3 * len - 1 : 0] = '\0';
}

/* struct lookup - the loaded object that an address belongs to. */
struct lookup {
	uintptr_t addr;
	const char *name;
	uintptr_t base;
	bool found;
};

static int lookup_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct lookup *l = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD &&
		    l->addr - info->dlpi_addr - p->p_vaddr < p->p_memsz) {
			l->name = info->dlpi_name;
			l->base = info->dlpi_addr;
			l->found = true;
			return 1;
		}
	}
	return 0;
}

/* "file+0x1234", or the address alone if no object is there. */
static void describe(const void *addr, char *buffer, size_t size)
{
	struct lookup l = { .addr = (uintptr_t)addr };
	const char *name;

	dl_iterate_phdr(lookup_object, &l);
	if (!l.found) {
		snprintf(buffer, size, "%p", addr);
		return;
	}
	name = l.name && *l.name ? strrchr(l.name, '/') : NULL;
	name = name ? name + 1 : l.name && *l.name ? l.name
						   : program_invocation_short_name;
	snprintf(buffer, size, "%s+0x%lx", name,
		 (unsigned long)(l.addr - l.base));
}

int rp__fail_bytes(struct rp_error *error, const void *addr,
		   const void *expected, const void *found, size_t len)
{
	char where[80], a[3 * RP_ERROR_BYTES + 1], b[3 * RP_ERROR_BYTES + 1];

	if (!error)
		return -EILSEQ;
	if (len > RP_ERROR_BYTES)
		len = RP_ERROR_BYTES;
	describe(addr, where, sizeof(where));
	hex(expected, len, a);
	hex(found, len, b);
	if (*(const unsigned char *)found == 0xcc &&
	    *(const unsigned char *)expected != 0xcc)
		rp__fail(error, -EILSEQ, addr,
			 "%s: a breakpoint that is not ours (cc); remove it from the debugger and try again",
			 where);
	else
		rp__fail(error, -EILSEQ, addr,
			 "%s: found %s, expected %s; somebody else wrote here",
			 where, b, a);
	error->len = (unsigned int)len;
	memcpy(error->expected, expected, len);
	memcpy(error->found, found, len);
	return -EILSEQ;
}

const char *rp_strerror(int code)
{
	switch (-code) {
	case 0:
		return "success";
	case EINVAL:
		return "bad argument, or sites that overlap";
	case EFAULT:
		return "text cannot be read: not mapped, or not readable";
	case EPERM:
		return "text cannot be written, or threads cannot be synchronised: not permitted";
	case EILSEQ:
		return "the bytes in place are none of the legal ones";
	case ERANGE:
		return "out of branch range, or a count would overflow or underflow";
	case EBUSY:
		return "a thread blocks or ignores SIGTRAP";
	case ENOMEM:
		return "out of memory";
	case EPROTONOSUPPORT:
		return "site tables of another version";
	case ENOTSUP:
		return "not possible with this architecture or protocol";
	case EDEADLK:
		return "called from within an update, by a log callback or a signal handler";
	default:
		return "unknown error";
	}
}
