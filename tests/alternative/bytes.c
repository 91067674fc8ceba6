// SPDX-License-Identifier: MIT
/*
 * The exact bytes of sites: in the file, with the feature absent, with it
 * present, and absent again.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <repoint/alternative.h>

#include "../text/check.h"
#include "cases.h"

#define FA	RP_FEATURE_SYNTHETIC(0)

#define LABEL(name)	extern uint8_t name[] __attribute__((visibility("hidden")))

LABEL(far);
LABEL(data);
#define CASE(name, old, new_, built, off, on)				\
	LABEL(site_##name); LABEL(end_##name); LABEL(near_##name);
CASES
#undef CASE

/* struct site - one of cases.h. */
struct site {
	const char *name;
	uint8_t *start, *end, *near;
	const char *built, *off, *on;
};

static const struct site sites[] = {
#define CASE(name, old, new_, built, off, on)				\
	{ #name, site_##name, end_##name, near_##name, built, off, on },
CASES
#undef CASE
};

#define SITES_NR	(sizeof(sites) / sizeof(*sites))

/* struct pad - a site of @nr NOPs behind one byte. */
struct pad {
	int32_t code;
	uint32_t nr;
};

extern const struct pad pads[], pads_end[] __attribute__((visibility("hidden")));

/* ---- the file ---- */

/* struct place - an address, and where the file has it. */
struct place {
	uintptr_t addr;
	off_t offset;
};

static int find_offset(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct place *place = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD &&
		    place->addr - info->dlpi_addr - p->p_vaddr < p->p_filesz)
			place->offset = (off_t)(place->addr - info->dlpi_addr -
						p->p_vaddr + p->p_offset);
	}
	return 1;	/* the first one is the program */
}

static void read_file(const void *addr, uint8_t *to, size_t len)
{
	struct place place = { (uintptr_t)addr, -1 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	dl_iterate_phdr(find_offset, &place);
	if (fd < 0 || place.offset < 0 ||
	    pread(fd, to, len, place.offset) != (ssize_t)len)
		memset(to, 0xee, len);
	close(fd);
}

/* ---- what is expected ---- */

static uintptr_t label_address(const struct site *site, const char *name,
			       size_t len)
{
	if (len == 3 && !strncmp(name, "far", len))
		return (uintptr_t)far;
	if (len == 4 && !strncmp(name, "data", len))
		return (uintptr_t)data;
	return (uintptr_t)site->near;
}

/* One word of @text; returns how many bytes it is. */
static size_t word(const struct site *site, const char *text, uintptr_t at,
		   uint8_t *to)
{
	size_t len = strcspn(text, "+: ");
	int32_t wide;

	if (text[len] == ':') {
		*to = (uint8_t)(label_address(site, text, len) - (at + 1));
		return 1;
	}
	if (text[len] != '+') {
		*to = (uint8_t)strtoul(text, NULL, 16);
		return 1;
	}
	wide = (int32_t)(label_address(site, text, len) -
			 (at + 4 + strtoul(text + len + 1, NULL, 10)));
	memcpy(to, &wide, 4);
	return 4;
}

static size_t assemble(const struct site *site, const char *text, uint8_t *to)
{
	size_t len = 0;

	while (*text) {
		len += word(site, text, (uintptr_t)site->start + len, to + len);
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return len;
}

static void print_bytes(const char *what, const uint8_t *bytes, size_t len)
{
	fprintf(stderr, "  %-6s", what);
	for (size_t i = 0; i < len && i < 40; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, "\n");
}

static void same(const char *name, const char *when, const uint8_t *found,
		 const uint8_t *wanted, size_t len)
{
	if (!memcmp(found, wanted, len))
		return;
	check_failures++;
	fprintf(stderr, "%s, %s:\n", name, when);
	print_bytes("found", found, len);
	print_bytes("wanted", wanted, len);
}

static void check_site(const struct site *site, const char *when,
		       const char *text, const uint8_t *found)
{
	uint8_t wanted[64];
	size_t len = assemble(site, text, wanted);

	if ((size_t)(site->end - site->start) == len) {
		same(site->name, when, found, wanted, len);
		return;
	}
	check_failures++;
	fprintf(stderr, "%s, %s: %td bytes, not %zu\n", site->name, when,
		site->end - site->start, len);
}

static void check_built(const struct site *site)
{
	uint8_t bytes[64];

	read_file(site->start, bytes, sizeof(bytes));
	check_site(site, "as linked", site->built, bytes);
}

/* ---- paddings ---- */

/* Intel SDM volume 2, NOP, table 4-12; two more 66 for 10 and 11. */
static const char *const nops[] = {
	"", "90", "66 90", "0f 1f 00", "0f 1f 40 00", "0f 1f 44 00 00",
	"66 0f 1f 44 00 00", "0f 1f 80 00 00 00 00", "0f 1f 84 00 00 00 00 00",
	"66 0f 1f 84 00 00 00 00 00", "66 66 0f 1f 84 00 00 00 00 00",
	"66 66 66 0f 1f 84 00 00 00 00 00",
};

static void nothing(uint8_t *to, uint32_t nr)
{
	int32_t distance = (int32_t)nr - 5;

	memset(to, 0xcc, nr);
	if (nr <= 11) {
		assemble(&sites[0], nops[nr], to);
	} else if (nr <= 2 + 127) {
		to[0] = 0xeb;
		to[1] = (uint8_t)(nr - 2);
	} else {
		to[0] = 0xe9;
		memcpy(to + 1, &distance, 4);
	}
}

static void check_pad(const struct pad *pad, const char *when, uint8_t first,
		      bool built)
{
	const uint8_t *code = (const uint8_t *)&pad->code + pad->code;
	size_t len = 1 + pad->nr;
	uint8_t *wanted = malloc(len), *found = malloc(len);
	char name[32];

	snprintf(name, sizeof(name), "%u NOPs", pad->nr);
	wanted[0] = first;
	if (built) {
		memset(wanted + 1, 0x90, pad->nr);
		read_file(code, found, len);
	} else {
		nothing(wanted + 1, pad->nr);
		memcpy(found, code, len);
	}
	same(name, when, found, wanted, len);
	CHECK_EQ(code[len], 0xc3);
	free(wanted);
	free(found);
}

/* ---- states ---- */

static void check_all(const char *when, bool present)
{
	for (size_t i = 0; i < SITES_NR; i++)
		check_site(&sites[i], when,
			   present ? sites[i].on : sites[i].off,
			   sites[i].start);
	for (const struct pad *pad = pads; pad < pads_end; pad++)
		check_pad(pad, when, present ? 0xfd : 0xfc, false);
}

static void change(bool present)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	int result;

	CHECK_EQ(rp_cpu_set_feature(FA, present), 0);
	result = rp_alternatives_apply(&opts);
	CHECK_EQ(result, 0);
	if (result < 0)
		fprintf(stderr, "%s\n", error.message);
}

int selftest(void);
int is_data(const void *argument);

int is_data(const void *argument)
{
	return argument == data ? 42 : 0;
}

int main(void)
{
	for (size_t i = 0; i < SITES_NR; i++)
		check_built(&sites[i]);
	for (const struct pad *pad = pads; pad < pads_end; pad++)
		check_pad(pad, "as linked", 0xfc, true);
	check_all("at start", false);
	for (int i = 0; i < 3; i++) {
		change(true);
		check_all("present", true);
		change(false);
		check_all("absent again", false);
	}
	CHECK_EQ(selftest(), 42);
	return check_status();
}
