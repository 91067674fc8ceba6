/* SPDX-License-Identifier: MIT */
/*
 * Code of a payload beside the code that it replaces. The two name the same
 * things by different means: the old one by addresses, the new one by
 * relocations. Texts are made alike, so that equal instructions look equal.
 */
#include "show.h"

#include "../../payload/reloc_type.h"
#include "../../payload/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING_SHOWN	24	/* of constants in quotes */

/* A terminated, printable string: in quotes. */
static bool quote(const uint8_t *bytes, size_t size, char *name)
{
	const uint8_t *end = memchr(bytes, 0, size);
	size_t length = end ? (size_t)(end - bytes) : size;
	size_t at = 0;

	if (!length || (!end && size < STRING_SHOWN + 1))
		return false;
	name[at++] = '"';
	for (size_t i = 0; i < length && i < STRING_SHOWN; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\t') {
			name[at++] = '\\';
			name[at++] = bytes[i] == '\n' ? 'n' : 't';
		} else if (bytes[i] < 0x20 || bytes[i] >= 0x7f) {
			return false;
		} else {
			name[at++] = bytes[i];
		}
	}
	strcpy(name + at, length > STRING_SHOWN ? "..\"" : "\"");
	return true;
}

static bool quote_old(const struct rp_binary *binary, uint64_t address,
		      char *name)
{
	if (rp_binary_is_text(binary, address) ||
	    rp_binary_is_writable(binary, address))
		return false;
	// The end of the segment may be near.
	for (size_t size = 2 * STRING_SHOWN; size; size /= 2) {
		const uint8_t *bytes = rp_binary_bytes(binary, address, size);

		if (bytes)
			return quote(bytes, size, name);
	}
	return false;
}

static void put_name(char *name, const char *symbol, int64_t offset,
		     const char *suffix)
{
	// The end says more than the middle of a long name.
	int shown = 120;

	if (offset)
		snprintf(name, RP_LISTING_NAME_MAX, "%.*s%s%c0x%llx", shown,
			 symbol, suffix, offset < 0 ? '-' : '+',
			 (unsigned long long)(offset < 0 ? -offset : offset));
	else
		snprintf(name, RP_LISTING_NAME_MAX, "%.*s%s", shown, symbol,
			 suffix);
}

/* Symbols of the binary were not checked by anybody. */
static bool put_old(char *name, const char *symbol, int64_t offset,
		    const char *suffix)
{
	if (!*symbol || !rp_text_is_printable(symbol))
		return false;
	put_name(name, symbol, offset, suffix);
	return true;
}

struct old_code {
	const struct rp_binary *binary;
	const struct rp_payload_function *function;
};

static bool name_address(const struct rp_binary *binary, uint64_t address,
			 char *name)
{
	const struct rp_binary_import *import;
	const struct rp_binary_symbol *symbol;
	const struct rp_binary_slot *slot;

	import = rp_binary_import_at(binary, address);
	if (import)
		return put_old(name, import->name, 0,
			       address == import->slot ? "@got" : "");
	symbol = rp_binary_covering(binary, address);
	if (symbol)
		return put_old(name, symbol->name, address - symbol->value, "");
	slot = rp_binary_ifunc_at(binary, address);
	symbol = slot ? rp_binary_at(binary, slot->resolver) : NULL;
	if (symbol)
		return put_old(name, symbol->name, 0,
			       address == slot->slot ? "@got" : "");
	return quote_old(binary, address, name);
}

/* In a program the block of its own variables ends at the thread pointer. */
static bool name_tls(const struct rp_binary *binary, uint64_t offset,
		     char *name)
{
	uint64_t align = 1, size = rp_binary_tls_size(binary, &align);

	if (!size || !align || rp_binary_is_shared(binary))
		return false;
	offset += (size + align - 1) & ~(align - 1);
	for (size_t i = 0; i < rp_binary_nsymbols(binary); i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary, i);

		if (s->type == STT_TLS && offset >= s->value &&
		    offset - s->value < s->size)
			return put_old(name, s->name, offset - s->value,
				       "@tpoff");
	}
	return false;
}

static bool name_old(void *context, const struct rp_listing_field *field,
		     char *name)
{
	const struct old_code *old = context;
	uint64_t inside = field->value - old->function->address;

	if (field->tls)
		return name_tls(old->binary, field->value, name);
	// Small numbers are numbers; in PIE there are no absolute addresses.
	if ((field->what == RP_LISTING_DISP || field->what == RP_LISTING_IMM) &&
	    (rp_binary_is_pie(old->binary) ||
	     rp_binary_is_shared(old->binary) || field->size < 4 ||
	     field->value < 0x10000))
		return false;
	if (inside && inside < old->function->old_size)
		return false;
	return name_address(old->binary, field->value, name);
}

struct new_code {
	const struct rp_payload *payload;
	const struct rp_symbol *function;
};

/* NULL if there is none: payloads are small, so they are searched. */
static const struct rp_reloc *reloc_at(const struct new_code *new,
				       uint64_t offset)
{
	for (size_t i = 0; i < new->payload->nrelocs; i++) {
		const struct rp_payload_relocs *in = &new->payload->relocs[i];

		for (size_t r = 0; r < in->relocs.n &&
		     in->section == new->function->section; r++) {
			if (in->relocs.v[r].offset == offset)
				return &in->relocs.v[r];
		}
	}
	return NULL;
}

static const char *suffix_of(uint32_t type)
{
	switch (type) {
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return "@got";
	case R_X86_64_TPOFF32:
	case R_X86_64_TPOFF64:
		return "@tpoff";
	case R_X86_64_GOTTPOFF:
		return "@gottpoff";
	case R_X86_64_TLSGD:
		return "@tlsgd";
	case R_X86_64_TLSLD:
		return "@tlsld";
	case R_X86_64_DTPOFF32:
	case R_X86_64_DTPOFF64:
		return "@dtpoff";
	default:
		return "";
	}
}

/* In constants that are not named, or by the compiler: the text. */
static bool quote_new(const struct rp_payload *payload, uint32_t index,
		      int64_t offset, char *name)
{
	const struct rp_symbol *symbol = &payload->obj.symbols[index];
	const struct rp_section *section;
	const uint8_t *bytes;

	section = &payload->obj.sections[symbol->section];
	bytes = rp_section_data(&payload->obj, symbol->section);
	uint64_t at = symbol->value + offset;
	if (!bytes || (section->hdr.sh_flags & (SHF_WRITE | SHF_EXECINSTR)) ||
	    at >= section->hdr.sh_size)
		return false;
	if (symbol->type != STT_SECTION && symbol->name[0] != '.')
		return false;
	uint64_t size = section->hdr.sh_size - at;
	return quote(bytes + at, size > 2 * STRING_SHOWN ? 2 * STRING_SHOWN :
							   size, name);
}

/* The function or object that has a byte, or NULL. */
static const struct rp_symbol *symbol_at(const struct rp_payload *payload,
					 uint32_t section, uint64_t value)
{
	for (size_t i = 1; i < payload->obj.nsymbols; i++) {
		const struct rp_symbol *s = &payload->obj.symbols[i];

		if (s->section == section &&
		    (s->type == STT_FUNC || s->type == STT_OBJECT) &&
		    (value == s->value ||
		     (value > s->value && value - s->value < s->size)))
			return s;
	}
	return NULL;
}

static bool name_place(const struct new_code *new, uint32_t section,
		       uint64_t value, char *name)
{
	const struct rp_symbol *s = symbol_at(new->payload, section, value);
	uint64_t inside = value - new->function->value;

	if (section == new->function->section && inside &&
	    inside < new->function->size)
		return false;
	if (!s || !*s->name)
		return false;
	put_name(name, s->name, value - s->value, "");
	return true;
}

static bool name_symbol(const struct new_code *new, uint32_t index,
			int64_t offset, const char *suffix, char *name)
{
	const struct rp_payload_binding *b;
	const struct rp_symbol *s = &new->payload->obj.symbols[index];
	const char *text = s->name;

	b = rp_payload_binding_of(new->payload, index);
	if (b && *rp_payload_string(new->payload, b->name))
		text = rp_payload_string(new->payload, b->name);
	if (s->section && quote_new(new->payload, index, offset, name))
		return true;
	if (s->section && s->type == STT_SECTION &&
	    name_place(new, s->section, s->value + offset, name))
		return true;
	if (!*text && s->section)
		text = new->payload->obj.sections[s->section].name;
	put_name(name, text, offset, suffix);
	return true;
}

static bool name_new(void *context, const struct rp_listing_field *field,
		     char *name)
{
	const struct new_code *new = context;
	uint64_t at = new->function->value + field->offset;
	const struct rp_reloc *reloc = reloc_at(new, at);
	bool relative = field->what == RP_LISTING_BRANCH ||
			field->what == RP_LISTING_RIP;

	if (!reloc)
		return relative && name_place(new, new->function->section,
					      field->value, name);
	int64_t offset = reloc->addend;
	if (relative)
		offset += field->behind - field->offset;
	return name_symbol(new, reloc->symbol, offset, suffix_of(reloc->type),
			   name);
}

static int list_old(struct rp_show_code *code, const struct rp_show *show,
		    const struct rp_payload_function *function,
		    struct rp_diag *diag)
{
	struct old_code old = { show->binary, function };
	struct rp_listing_code in = {
		.size = function->old_size,
		.address = function->address,
		.name = name_old,
		.context = &old,
	};

	if (!show->binary)
		return 0;
	in.code = rp_binary_bytes(show->binary, in.address, in.size);
	if (!in.code)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD,
			RP_PAYLOAD_SECTION_FUNCTIONS, "the binary has no code "
			"at 0x%llx, where the payload has %s",
			(unsigned long long)in.address,
			rp_payload_string(show->payload, function->name));
	return rp_listing_init(&code->old, &in, diag);
}

/*
 * A copy whose relocated fields are not zero: Zydis leaves displacements out
 * that are.
 */
static uint8_t *copy_code(const struct new_code *new)
{
	const struct rp_symbol *f = new->function;
	const uint8_t *code = rp_section_data(&new->payload->obj, f->section);
	uint8_t *copy = malloc(f->size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, code + f->value, f->size);
	for (size_t i = 0; i < new->payload->nrelocs; i++) {
		const struct rp_payload_relocs *in = &new->payload->relocs[i];

		for (size_t r = 0; r < in->relocs.n &&
		     in->section == f->section; r++) {
			const struct rp_reloc *reloc = &in->relocs.v[r];
			uint64_t at = reloc->offset - f->value;
			size_t width = rp_reloc_type(reloc->type)->width;

			if (at < f->size && width <= f->size - at)
				memset(copy + at, 0x11, width);
		}
	}
	return copy;
}

static int list_new(struct rp_show_code *code, const struct rp_show *show,
		    const struct rp_payload_function *function,
		    struct rp_diag *diag)
{
	const struct rp_payload *payload = show->payload;
	struct new_code new = {
		payload, rp_payload_symbol(payload, function->symbol)
	};
	struct rp_listing_code in = {
		.size = new.function->size,
		.address = new.function->value,
		.name = name_new,
		.context = &new,
	};
	uint8_t *copy = copy_code(&new);

	if (!copy)
		return rp_diag_nomem(diag);
	in.code = copy;
	int rc = rp_listing_init(&code->new, &in, diag);
	free(copy);
	return rc;
}

int rp_show_code_init(struct rp_show_code *code, const struct rp_show *show,
		      const struct rp_payload_function *function,
		      struct rp_diag *diag)
{
	memset(code, 0, sizeof(*code));
	int rc = list_old(code, show, function, diag);
	if (!rc)
		rc = list_new(code, show, function, diag);
	if (!rc)
		rc = rp_rows_init(&code->rows, &code->old, &code->new, diag);
	return rc;
}

void rp_show_code_deinit(struct rp_show_code *code)
{
	rp_listing_deinit(&code->old);
	rp_listing_deinit(&code->new);
	rp_rows_deinit(&code->rows);
}

/* Columns: each character of a name counts as one. */
static size_t columns_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += rp_text_is_start(*s);
	return n;
}

// Returns the columns that it printed, @width at most.
static size_t print_cell(const char *text, size_t width)
{
	size_t n = columns_of(text), shown = n > width ? width - 2 : n;

	for (size_t i = 0; *text; text++) {
		i += rp_text_is_start(*text);
		if (i > shown)
			break;
		putchar(*text);
	}
	if (n > width)
		fputs("..", stdout);
	return n > width ? width : n;
}

static size_t print_side(const struct rp_listing *listing, size_t index,
			 size_t width)
{
	if (index == SIZE_MAX)
		return 0;
	int n = printf("%5llx  ", (unsigned long long)listing->v[index].offset);
	return n + print_cell(listing->v[index].text, width - n);
}

static char mark_of(const struct rp_row *row)
{
	if (row->same)
		return ' ';
	if (row->old == SIZE_MAX)
		return '>';
	return row->new == SIZE_MAX ? '<' : '|';
}

// What is only new needs no second column.
static void print_new(const struct rp_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		printf("%5llx  %s\n", (unsigned long long)listing->v[i].offset,
		       listing->v[i].text);
}

void rp_show_code_print(const struct rp_show_code *code, int width)
{
	size_t side = (width - 3) / 2;

	if (!code->old.n) {
		print_new(&code->new);
		return;
	}
	for (size_t i = 0; i < code->rows.n; i++) {
		const struct rp_row *row = &code->rows.v[i];

		size_t n = print_side(&code->old, row->old, side);
		printf("%*s %c", (int)(side - n), "", mark_of(row));
		if (row->new != SIZE_MAX)
			putchar(' ');
		print_side(&code->new, row->new, side);
		putchar('\n');
	}
}
