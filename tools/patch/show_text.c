/* SPDX-License-Identifier: MIT */
/*
 * `repoint patch show` for people. Strings and names of an opened payload are
 * printable, see P2 in payload.h; they are printed as they are.
 */
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIN_WIDTH	80
#define NO_TERMINAL	100
#define MAX_WIDTH	240
#define BYTES_SHOWN	16	/* of a value */

const char *const rp_show_bind_names[RP_BIND_NR] = {
	[RP_BIND_TARGET] = "target",
	[RP_BIND_IMPORT] = "import",
	[RP_BIND_TLS] = "tls",
	[RP_BIND_SLOT] = "slot",
	[RP_BIND_PAYLOAD] = "payload",
	[RP_BIND_ROOT] = "root",
	[RP_BIND_IMPORT_TLS] = "import-tls",
};

/* What a kind of binding means, as a heading. */
static const char *const bind_headings[RP_BIND_NR] = {
	[RP_BIND_TARGET] = "of the target",
	[RP_BIND_IMPORT] = "of other libraries",
	[RP_BIND_TLS] = "thread-local, of the target",
	[RP_BIND_SLOT] = "chosen at start (IFUNC)",
	[RP_BIND_PAYLOAD] = "of earlier payloads",
	[RP_BIND_ROOT] = "of the live-patch root",
	[RP_BIND_IMPORT_TLS] = "thread-local, of other libraries",
};

bool rp_show_is_added(const struct rp_payload *payload, uint32_t symbol)
{
	const struct rp_symbol *s = rp_payload_symbol(payload, symbol);

	if (s->type != STT_FUNC || !s->section ||
	    s->section == RP_SECTION_NONE)
		return false;
	// An alias of a replaced function is not a new one.
	for (size_t i = 0; i < payload->nfunctions; i++) {
		const struct rp_symbol *f;

		f = rp_payload_symbol(payload, payload->functions[i].symbol);
		if (f->section == s->section && f->value == s->value)
			return false;
	}
	return true;
}

static int width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	int n = columns ? atoi(columns) : 0;

	if (!n && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		n = size.ws_col;
	if (!n)
		n = NO_TERMINAL;
	return n < MIN_WIDTH ? MIN_WIDTH : n > MAX_WIDTH ? MAX_WIDTH : n;
}

static void print_hex(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

static void print_head(const struct rp_show *show)
{
	const struct rp_payload *p = show->payload;
	const struct rp_payload_header *h = &p->header;
	const char *version = rp_payload_string(p, h->patch_version);
	const char *target = rp_payload_string(p, h->target);

	printf("%s: %s%s%s\n", show->path, rp_payload_string(p, h->name),
	       *version ? " " : "", version);
	if (h->description)
		printf("  %s\n", rp_payload_string(p, h->description));
	printf("  target    %s\n  build-id  ", *target ? target : "-");
	print_hex(h->build_id, h->build_id_size);
	printf("\n  identity  ");
	print_hex(p->id, sizeof(p->id));
	printf("\n");
	if (h->tool)
		printf("  made by   %s\n", rp_payload_string(p, h->tool));
}

static void print_name(const struct rp_payload *p, uint32_t name,
		       uint32_t file, uint32_t position)
{
	printf("%s", rp_payload_string(p, name));
	if (file)
		printf(" (%s)", rp_payload_string(p, file));
	if (position > 1)
		printf(" #%u", position);
}

static void print_replaced(const struct rp_payload *p)
{
	printf("\nReplaced functions: %zu\n", p->nfunctions);
	if (p->nfunctions)
		printf("  %-14s %7s %7s  %-6s  function\n", "address", "old",
		       "new", "detour");
	for (size_t i = 0; i < p->nfunctions; i++) {
		const struct rp_payload_function *f = &p->functions[i];

		printf("  0x%-12llx %7llu %7llu  +%-5u  ",
		       (unsigned long long)f->address,
		       (unsigned long long)f->old_size,
		       (unsigned long long)rp_payload_symbol(p, f->symbol)->size,
		       f->detour);
		print_name(p, f->name, f->file, f->position);
		printf("\n");
		if (f->cold_size)
			printf("  0x%-12llx %7llu                   its cold "
			       "part\n", (unsigned long long)f->cold,
			       (unsigned long long)f->cold_size);
	}
}

static void print_added(const struct rp_payload *p)
{
	bool first = true;

	for (size_t i = 1; i < p->obj.nsymbols; i++) {
		if (!rp_show_is_added(p, i))
			continue;
		if (first)
			printf("\nAdded functions\n");
		printf("  %14s %7s %7llu          %s\n", "", "",
		       (unsigned long long)p->obj.symbols[i].size,
		       p->obj.symbols[i].name);
		first = false;
	}
}

static void print_binding(const struct rp_payload *p,
			  const struct rp_payload_binding *b)
{
	const char *own = rp_payload_symbol(p, b->symbol)->name;
	const char *name = rp_payload_string(p, b->name);

	printf("    ");
	if (*name)
		print_name(p, b->name, b->file, b->position);
	else
		printf("%s", own);
	if (b->version)
		printf("@%s", rp_payload_string(p, b->version));
	if (b->kind == RP_BIND_TARGET)
		printf(" at 0x%llx", (unsigned long long)b->value);
	if (b->kind == RP_BIND_PAYLOAD)
		printf(" of %s", rp_payload_string(p,
						p->depends[b->depend].name));
	if (b->flags & RP_BIND_WEAK)
		printf(", if it exists");
	printf("\n");
}

static void print_bindings(const struct rp_payload *p)
{
	if (p->nbindings)
		printf("\nBound symbols: %zu\n", p->nbindings);
	for (uint32_t kind = 1; kind < RP_BIND_NR; kind++) {
		bool first = true;

		for (size_t i = 0; i < p->nbindings; i++) {
			if (p->bindings[i].kind != kind)
				continue;
			if (first)
				printf("  %s\n", bind_headings[kind]);
			print_binding(p, &p->bindings[i]);
			first = false;
		}
	}
}

static void print_hooks(const struct rp_payload *p)
{
	if (p->nhooks)
		printf("\nHooks\n");
	for (size_t i = 0; i < p->nhooks; i++)
		printf("  %-11s  %s\n", rp_payload_hook_name(p->hooks[i].kind),
		       rp_payload_symbol(p, p->hooks[i].symbol)->name);
}

static void print_bytes(const struct rp_payload *p, uint32_t symbol,
			uint64_t size)
{
	const struct rp_symbol *s = rp_payload_symbol(p, symbol);
	const uint8_t *bytes = rp_section_data(&p->obj, s->section);

	for (uint64_t i = 0; i < size && i < BYTES_SHOWN; i++)
		printf(" %02x", bytes ? bytes[s->value + i] : 0);
	printf("%s\n", size > BYTES_SHOWN ? " ..." : "");
}

static void print_data(const struct rp_payload *p)
{
	if (p->ndata)
		printf("\nLive data that is set\n");
	for (size_t i = 0; i < p->ndata; i++) {
		const struct rp_payload_data *d = &p->data[i];

		printf("  %s, %llu bytes\n    from",
		       rp_payload_symbol(p, d->target)->name,
		       (unsigned long long)d->size);
		print_bytes(p, d->expected, d->size);
		printf("    to  ");
		print_bytes(p, d->value, d->size);
	}
}

static void print_depends(const struct rp_payload *p)
{
	if (p->ndepends)
		printf("\nMust be applied before\n");
	for (size_t i = 0; i < p->ndepends; i++) {
		printf("  %s\n    ", rp_payload_string(p, p->depends[i].name));
		print_hex(p->depends[i].id, sizeof(p->depends[i].id));
		printf("\n");
	}
}

static int print_code(const struct rp_show *show, struct rp_diag *diag)
{
	const struct rp_payload *p = show->payload;
	int rc = 0;

	for (size_t i = 0; i < p->nfunctions && !rc; i++) {
		const struct rp_payload_function *f = &p->functions[i];
		struct rp_show_code code;

		rc = rp_show_code_init(&code, show, f, diag);
		if (!rc) {
			printf("\n");
			print_name(p, f->name, f->file, f->position);
			printf(show->binary ? ": old | new\n" : ": new\n");
			rp_show_code_print(&code, width());
		}
		rp_show_code_deinit(&code);
	}
	return rc;
}

int rp_show_text(const struct rp_show *show, struct rp_diag *diag)
{
	const struct rp_payload *p = show->payload;

	print_head(show);
	print_replaced(p);
	print_added(p);
	print_bindings(p);
	print_hooks(p);
	print_data(p);
	print_depends(p);
	return show->disassemble ? print_code(show, diag) : 0;
}
