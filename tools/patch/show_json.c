/* SPDX-License-Identifier: MIT */
/* `repoint patch show --json`. */
#include "show.h"

#include "../tool.h"

static void print_hex(const uint8_t *bytes, size_t size)
{
	putchar('"');
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

static void print_member(const char *name, const char *value)
{
	printf("\"%s\": ", name);
	rp_json_string(stdout, value);
}

static void print_head(const struct rp_show *show)
{
	const struct rp_payload *p = show->payload;
	const struct rp_payload_header *h = &p->header;

	printf("{\n  ");
	print_member("file", show->path);
	printf(",\n  ");
	print_member("name", rp_payload_string(p, h->name));
	printf(",\n  ");
	print_member("version", rp_payload_string(p, h->patch_version));
	printf(",\n  ");
	print_member("description", rp_payload_string(p, h->description));
	printf(",\n  ");
	print_member("tool", rp_payload_string(p, h->tool));
	printf(",\n  \"identity\": ");
	print_hex(p->id, sizeof(p->id));
	printf(",\n  \"target\": { ");
	print_member("name", rp_payload_string(p, h->target));
	printf(", \"build_id\": ");
	print_hex(h->build_id, h->build_id_size);
	printf(" }");
}

static void print_line(const char *side, const struct rp_listing *listing,
		       size_t index)
{
	if (index == SIZE_MAX)
		return;
	printf("\"%s\": { \"offset\": %llu, \"text\": ", side,
	       (unsigned long long)listing->v[index].offset);
	rp_json_string(stdout, listing->v[index].text);
	printf(" }, ");
}

static int print_code(const struct rp_show *show,
		      const struct rp_payload_function *f, struct rp_diag *diag)
{
	struct rp_show_code code;

	int rc = rp_show_code_init(&code, show, f, diag);
	printf(",\n      \"code\": [");
	for (size_t i = 0; i < code.rows.n && !rc; i++) {
		const struct rp_row *row = &code.rows.v[i];

		printf("%s\n        { ", i ? "," : "");
		print_line("old", &code.old, row->old);
		print_line("new", &code.new, row->new);
		printf("\"same\": %s }", row->same ? "true" : "false");
	}
	printf("]");
	rp_show_code_deinit(&code);
	return rc;
}

static int print_function(const struct rp_show *show,
			  const struct rp_payload_function *f,
			  struct rp_diag *diag)
{
	const struct rp_payload *p = show->payload;
	int rc = 0;

	printf("    { ");
	print_member("name", rp_payload_string(p, f->name));
	printf(", ");
	print_member("file", rp_payload_string(p, f->file));
	printf(", \"position\": %u, \"address\": %llu, \"old_size\": %llu, "
	       "\"new_size\": %llu, \"detour\": %u, ", f->position,
	       (unsigned long long)f->address, (unsigned long long)f->old_size,
	       (unsigned long long)rp_payload_symbol(p, f->symbol)->size,
	       f->detour);
	if (f->cold_size)
		printf("\"cold\": %llu, \"cold_size\": %llu, ",
		       (unsigned long long)f->cold,
		       (unsigned long long)f->cold_size);
	printf("\"symbol\": ");
	rp_json_string(stdout, rp_payload_symbol(p, f->symbol)->name);
	if (show->disassemble)
		rc = print_code(show, f, diag);
	printf(" }");
	return rc;
}

static int print_functions(const struct rp_show *show, struct rp_diag *diag)
{
	const struct rp_payload *p = show->payload;
	const char *separator = "";
	int rc = 0;

	printf(",\n  \"replaced\": [");
	for (size_t i = 0; i < p->nfunctions && !rc; i++) {
		printf("%s\n", i ? "," : "");
		rc = print_function(show, &p->functions[i], diag);
	}
	printf("],\n  \"added\": [");
	for (size_t i = 1; i < p->obj.nsymbols; i++) {
		if (!rp_show_is_added(p, i))
			continue;
		printf("%s\n    { ", separator);
		print_member("name", p->obj.symbols[i].name);
		printf(", \"size\": %llu }",
		       (unsigned long long)p->obj.symbols[i].size);
		separator = ",";
	}
	printf("]");
	return rc;
}

static void print_bindings(const struct rp_payload *p)
{
	printf(",\n  \"bindings\": [");
	for (size_t i = 0; i < p->nbindings; i++) {
		const struct rp_payload_binding *b = &p->bindings[i];

		printf("%s\n    { ", i ? "," : "");
		print_member("symbol", rp_payload_symbol(p, b->symbol)->name);
		printf(", ");
		print_member("kind", rp_show_bind_names[b->kind]);
		printf(", ");
		print_member("name", rp_payload_string(p, b->name));
		printf(", ");
		print_member("file", rp_payload_string(p, b->file));
		printf(", ");
		print_member("version", rp_payload_string(p, b->version));
		printf(", \"position\": %u, \"value\": %llu, \"slot\": %llu, "
		       "\"weak\": %s }", b->position,
		       (unsigned long long)b->value,
		       (unsigned long long)b->slot,
		       b->flags & RP_BIND_WEAK ? "true" : "false");
	}
	printf("]");
}

static void print_bytes(const struct rp_payload *p, const char *name,
			uint32_t symbol, uint64_t size)
{
	const struct rp_symbol *s = rp_payload_symbol(p, symbol);
	const uint8_t *bytes = rp_section_data(&p->obj, s->section);

	// Without bytes in the file they are zero: null.
	printf(", \"%s\": ", name);
	if (bytes)
		print_hex(bytes + s->value, size);
	else
		printf("null");
}

static void print_rest(const struct rp_payload *p)
{
	printf(",\n  \"hooks\": [");
	for (size_t i = 0; i < p->nhooks; i++) {
		printf("%s\n    { ", i ? "," : "");
		print_member("kind", rp_payload_hook_name(p->hooks[i].kind));
		printf(", ");
		print_member("function",
			     rp_payload_symbol(p, p->hooks[i].symbol)->name);
		printf(" }");
	}
	printf("],\n  \"data\": [");
	for (size_t i = 0; i < p->ndata; i++) {
		const struct rp_payload_data *d = &p->data[i];

		printf("%s\n    { ", i ? "," : "");
		print_member("target", rp_payload_symbol(p, d->target)->name);
		printf(", \"size\": %llu", (unsigned long long)d->size);
		print_bytes(p, "expected", d->expected, d->size);
		print_bytes(p, "value", d->value, d->size);
		printf(" }");
	}
	printf("],\n  \"depends\": [");
	for (size_t i = 0; i < p->ndepends; i++) {
		printf("%s\n    { ", i ? "," : "");
		print_member("name",
			     rp_payload_string(p, p->depends[i].name));
		printf(", \"identity\": ");
		print_hex(p->depends[i].id, sizeof(p->depends[i].id));
		printf(" }");
	}
	printf("]\n}\n");
}

int rp_show_json(const struct rp_show *show, struct rp_diag *diag)
{
	print_head(show);
	int rc = print_functions(show, diag);
	if (rc)
		return rc;
	print_bindings(show->payload);
	print_rest(show->payload);
	return 0;
}
