/* SPDX-License-Identifier: MIT */
/* Payloads: what is written is read, and only what is sound. */
#define _GNU_SOURCE
#include "sample.h"

#include "../../payload/identity.h"
#include "../../payload/payload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static struct image sound(void)
{
	struct sample s;
	struct image image;

	sample_init(&s);
	sample_fill(&s);
	assert_int_equal(sample_write(&s, &image), 0);
	sample_deinit(&s);
	return image;
}

/* Opens a copy of exactly this size, so that one byte too far is noticed. */
static int open_and_close(const uint8_t *bytes, size_t size,
			  struct rp_diag *diag)
{
	struct rp_payload payload;
	uint8_t *copy = malloc(size ? size : 1);

	memset(diag, 0, sizeof(*diag));
	memcpy(copy, bytes, size);
	int rc = rp_payload_open(&payload, copy, size, diag);
	rp_payload_close(&payload);
	free(copy);
	return rc;
}

static void check_names(const struct rp_payload *p)
{
	assert_string_equal(rp_payload_string(p, p->header.name),
			    "fix-CVE_0000.1+b");
	assert_string_equal(rp_payload_string(p, p->header.patch_version),
			    "1.2");
	assert_string_equal(rp_payload_string(p, p->header.description),
			    "Checks the length first \u2013 always");
	assert_string_equal(rp_payload_string(p, p->header.tool), "test 1");
	assert_string_equal(rp_payload_string(p, p->header.target), "program");
	assert_int_equal(p->header.build_id_size, 20);
	assert_int_equal(p->header.build_id[1], 0xad);
}

static const char *symbol_name(const struct rp_payload *p, uint32_t symbol)
{
	return rp_payload_symbol(p, symbol)->name;
}

static void check_records(const struct rp_payload *p)
{
	const struct rp_payload_function *g = &p->functions[1];

	assert_int_equal(p->nfunctions, 2);
	assert_string_equal(symbol_name(p, p->functions[0].symbol), "f");
	assert_int_equal(p->functions[0].hash[1], 0xbb);
	assert_string_equal(symbol_name(p, g->symbol), "g");
	assert_string_equal(rp_payload_string(p, g->file), "f.c");
	assert_int_equal(g->first_mask, 2);
	assert_int_equal(p->nmasks, 3);
	assert_int_equal(p->masks[1].offset, 8);
	assert_int_equal(p->nbindings, 4);
	assert_string_equal(symbol_name(p, p->bindings[2].symbol), "tls");
	assert_int_equal(p->bindings[3].slot, 0x3000);
	assert_int_equal(p->nhooks, 1);
	assert_string_equal(symbol_name(p, p->hooks[0].symbol), "hook");
	assert_int_equal(p->ndata, 1);
	assert_string_equal(symbol_name(p, p->data[0].target), "variable");
	assert_string_equal(symbol_name(p, p->data[0].expected), ".Lold");
	assert_int_equal(p->ndepends, 1);
	assert_int_equal(p->depends[0].id[2], 3);
}

static void check_relocs(const struct rp_payload *p)
{
	const struct rp_relocs *text = &p->relocs[0].relocs;

	assert_int_equal(p->nrelocs, 2);
	assert_int_equal(text->n, 4);
	assert_int_equal(text->v[0].offset, 5);
	assert_int_equal(text->v[0].type, R_X86_64_PLT32);
	assert_int_equal(text->v[0].addend, -4);
	assert_string_equal(symbol_name(p, text->v[0].symbol), "import");
	assert_string_equal(symbol_name(p, text->v[1].symbol), ".Lvalue");
	assert_string_equal(p->obj.sections[p->eh_frame].name, ".eh_frame");
}

static void payload_round_trip(void **state)
{
	struct image image = sound();
	struct rp_payload payload;
	struct rp_diag diag;

	(void)state;
	assert_int_equal(rp_payload_open(&payload, image.bytes, image.size,
					 &diag), 0);
	check_names(&payload);
	check_records(&payload);
	check_relocs(&payload);
	rp_payload_close(&payload);
	free(image.bytes);
}

static void payload_same_bytes(void **state)
{
	struct image a = sound(), b = sound();

	(void)state;
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.bytes, b.bytes, a.size);
	free(a.bytes);
	free(b.bytes);
}

static void payload_written_twice(void **state)
{
	struct image a, b;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_fill(&s);
	assert_int_equal(sample_write(&s, &a), 0);
	assert_int_equal(sample_write(&s, &b), 0);
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.bytes, b.bytes, a.size);
	sample_deinit(&s);
	free(a.bytes);
	free(b.bytes);
}

static void payload_truncated(void **state)
{
	struct image image = sound();
	struct rp_diag diag;

	(void)state;
	for (size_t size = 0; size < image.size; size++)
		assert_int_equal(open_and_close(image.bytes, size, &diag),
				 -EINVAL);
	free(image.bytes);
}

static void payload_any_byte_changed(void **state)
{
	struct image image = sound();
	struct rp_diag diag;

	(void)state;
	for (size_t i = 0; i < image.size; i++) {
		image.bytes[i] ^= 1u << i % 8;
		assert_int_equal(open_and_close(image.bytes, image.size, &diag),
				 -EINVAL);
		assert_true(diag.id != RP_DIAG_NONE && diag.text[0]);
		image.bytes[i] ^= 1u << i % 8;
	}
	assert_int_equal(open_and_close(image.bytes, image.size, &diag), 0);
	free(image.bytes);
}

/* The place of a section's bytes in the file. */
static uint64_t offset_of(const struct image *image, const char *name,
			  uint64_t *size)
{
	struct rp_relobj obj;
	struct rp_diag diag;
	uint64_t offset = 0;

	assert_int_equal(rp_relobj_open(&obj, image->bytes, image->size,
					&diag), 0);
	for (size_t i = 1; i < obj.nsections; i++) {
		if (strcmp(obj.sections[i].name, name))
			continue;
		offset = obj.sections[i].hdr.sh_offset;
		*size = obj.sections[i].hdr.sh_size;
	}
	rp_relobj_close(&obj);
	assert_int_not_equal(offset, 0);
	return offset;
}

static void seal(struct image *image)
{
	uint64_t size, at = offset_of(image, RP_PAYLOAD_NOTE_NAME, &size) +
			    offsetof(struct rp_payload_note, id);
	uint8_t id[RP_PAYLOAD_ID_SIZE];

	rp_payload_identity(image->bytes, image->size, at, id);
	memcpy(image->bytes + at, id, sizeof(id));
}

/* One field of a sound payload that gets another value. */
struct change {
	const char *section;
	size_t offset;
	size_t width;
	uint64_t value;
	enum rp_diag_id id;
	const char *text;	/* part of the message */
};

#define FIELD(type, field)						\
	offsetof(struct type, field), sizeof(((struct type *)0)->field)
#define HEADER(field, value, id, text)					\
	{ RP_PAYLOAD_SECTION_HEADER, FIELD(rp_payload_header, field), value, \
	  RP_DIAG_PAYLOAD_##id, text }
#define RECORD(SECTION, type, field, value, text)			\
	{ RP_PAYLOAD_SECTION_##SECTION, FIELD(type, field), value,	\
	  RP_DIAG_PAYLOAD_RECORD, text }
#define FUNCTION(field, value, text)					\
	RECORD(FUNCTIONS, rp_payload_function, field, value, text)
#define BINDING(field, value, text)					\
	RECORD(BINDINGS, rp_payload_binding, field, value, text)

/* Symbol 1 is f.c, 2 hook, 4 .Lvalue, 6 f, 7 import: locals first. */
#define FILE_SYMBOL	1
#define HOOK_SYMBOL	2
#define VALUE_SYMBOL	4
#define TLS_SYMBOL	9
#define NO_SYMBOL	99

// A table: lines as long as they must be.
// clang-format off
static const struct change changes[] = {
	HEADER(magic, 0x4444, FORMAT, "magic"),
	HEADER(version, 2, VERSION, "version 2"),
	HEADER(size, 8, FORMAT, "header of 8 bytes"),
	HEADER(size, 1000, FORMAT, "header of 1000 bytes"),
	HEADER(name, 0, RECORD, "patch's name"),
	HEADER(name, 0xffffff, RECORD, "string that does not exist"),
	HEADER(tool, 0xffffff, RECORD, "string that does not exist"),
	HEADER(build_id_size, 0, RECORD, "no byte"),
	HEADER(build_id_size, 65, RECORD, "more than 64"),
	HEADER(build_id_size, 3, RECORD, "behind the build-id"),
	HEADER(reserved, 1, RECORD, "reserved"),
	FUNCTION(address, UINT64_MAX - 3, "address space"),
	FUNCTION(address, SAMPLE_ADDRESS - 1, "shares bytes"),
	FUNCTION(address, SAMPLE_ADDRESS - 16, "shares bytes"),
	FUNCTION(old_size, 8, "shorter than its detour"),
	FUNCTION(old_size, 11, "mask"),
	FUNCTION(symbol, 0, "not a function"),
	FUNCTION(symbol, FILE_SYMBOL, "not a function"),
	FUNCTION(symbol, VALUE_SYMBOL, "not a function"),
	FUNCTION(symbol, TLS_SYMBOL, "not a function"),
	FUNCTION(symbol, NO_SYMBOL, "not a function"),
	FUNCTION(name, 0, "no name"),
	FUNCTION(name, 0xffffff, "string that does not exist"),
	FUNCTION(file, 0xffffff, "string that does not exist"),
	FUNCTION(position, 0, "no position"),
	FUNCTION(detour, 5, "neither at 0 nor at 4"),
	FUNCTION(cold, 0, "cold part"),
	FUNCTION(cold, UINT64_MAX - 3, "cold part"),
	FUNCTION(cold_size, 0, "cold part"),
	FUNCTION(first_mask, 1, "masks"),
	FUNCTION(nmasks, 1, "masks"),
	FUNCTION(nmasks, UINT32_MAX, "masks"),
	FUNCTION(flags, 1, "flags"),
	FUNCTION(reserved, 1, "reserved"),
	RECORD(MASKS, rp_payload_range, offset, 31, "mask"),
	RECORD(MASKS, rp_payload_range, size, 0, "mask"),
	RECORD(MASKS, rp_payload_range, size, 0xffffffff, "mask"),
	BINDING(kind, 0, "kind"),
	BINDING(kind, RP_BIND_NR, "kind"),
	BINDING(kind, RP_BIND_TARGET, "version"),
	BINDING(kind, RP_BIND_PAYLOAD, "version"),
	BINDING(kind, RP_BIND_SLOT, "version"),
	BINDING(flags, 4, "flags"),
	BINDING(reserved, 1, "reserved"),
	BINDING(symbol, 0, "undefined"),
	BINDING(symbol, FILE_SYMBOL, "undefined"),
	BINDING(symbol, HOOK_SYMBOL, "undefined"),
	BINDING(symbol, NO_SYMBOL, "undefined"),
	BINDING(symbol, TLS_SYMBOL, "already"),
	BINDING(name, 0, "has none"),
	BINDING(name, 0xffffff, "string that does not exist"),
	BINDING(version, 0xffffff, "string that does not exist"),
	BINDING(position, 1, "position"),
	BINDING(depend, 1, "depend"),
	RECORD(HOOKS, rp_payload_hook, kind, 0, "kind"),
	RECORD(HOOKS, rp_payload_hook, kind, RP_HOOK_NR, "kind"),
	RECORD(HOOKS, rp_payload_hook, symbol, VALUE_SYMBOL, "not a function"),
	RECORD(DATA, rp_payload_data, size, 0, "no bytes"),
	RECORD(DATA, rp_payload_data, size, 9, "inside"),
	RECORD(DATA, rp_payload_data, size, UINT64_MAX, "inside"),
	RECORD(DATA, rp_payload_data, target, TLS_SYMBOL, "not bound"),
	RECORD(DATA, rp_payload_data, target, VALUE_SYMBOL, "not bound"),
	RECORD(DATA, rp_payload_data, target, NO_SYMBOL, "not bound"),
	RECORD(DATA, rp_payload_data, value, TLS_SYMBOL, "inside"),
	RECORD(DATA, rp_payload_data, expected, 0, "inside"),
	RECORD(DATA, rp_payload_data, reserved, 1, "reserved"),
	RECORD(DEPENDS, rp_payload_depend, name, 0xffffff, "string"),
	RECORD(DEPENDS, rp_payload_depend, reserved, 1, "reserved"),
	{ RP_PAYLOAD_SECTION_STRINGS, 0, 1, 'a', RP_DIAG_PAYLOAD_RECORD, "terminated" },
	{ RP_PAYLOAD_SECTION_STRINGS, 1, 1, '\033', RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ RP_PAYLOAD_SECTION_STRINGS, 1, 1, '/', RP_DIAG_PAYLOAD_RECORD, "letters, digits" },
	{ RP_PAYLOAD_SECTION_STRINGS, 1, 1, 0x80, RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ RP_PAYLOAD_NOTE_NAME, 4, 4, 20, RP_DIAG_PAYLOAD_FORMAT, "build-id" },
	{ RP_PAYLOAD_NOTE_NAME, 12, 1, 'X', RP_DIAG_PAYLOAD_FORMAT, "build-id" },
	{ ".strtab", 1, 1, 0x9b, RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ ".shstrtab", 1, 1, 0x07, RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ ".symtab", 24 * 2 + 8, 8, 64, RP_DIAG_PAYLOAD_SYMBOL, "inside its section" },
	{ ".symtab", 24 * 2 + 16, 8, UINT64_MAX, RP_DIAG_PAYLOAD_SYMBOL, "inside its section" },
	{ ".symtab", 24 * 2 + 4, 1, STT_GNU_IFUNC, RP_DIAG_PAYLOAD_SYMBOL, "IFUNC" },
	{ ".symtab", 24 * 2 + 4, 1, STT_TLS, RP_DIAG_PAYLOAD_SYMBOL, "type" },
	{ ".symtab", 24 * 2 + 4, 1, STB_GLOBAL << 4 | STT_FUNC, RP_DIAG_PAYLOAD_SYMBOL, "wrong half" },
	{ ".symtab", 24 * 2 + 6, 2, SHN_ABS, RP_DIAG_PAYLOAD_SYMBOL, "absolute" },
	{ ".rela.text.f", 0, 8, 61, RP_DIAG_RELOC_OFFSET, "offset 0x3d" },
	{ ".rela.text.f", 0, 8, 64, RP_DIAG_RELOC_OFFSET, "offset 0x40" },
	{ ".rela.text.f", 8, 4, R_X86_64_NONE, RP_DIAG_PAYLOAD_RELOC, "cannot have" },
	{ ".rela.text.f", 8, 4, R_X86_64_COPY, RP_DIAG_PAYLOAD_RELOC, "cannot have" },
	{ ".rela.text.f", 8, 4, 1000, RP_DIAG_PAYLOAD_RELOC, "cannot have" },
	{ ".rela.text.f", 8, 4, R_X86_64_GOTPC32_TLSDESC, RP_DIAG_PAYLOAD_RELOC, "-mtls-dialect=gnu" },
	{ ".rela.text.f", 8, 4, R_X86_64_TLSDESC_CALL, RP_DIAG_PAYLOAD_RELOC, "-mtls-dialect=gnu" },
	{ ".rela.text.f", 8, 4, R_X86_64_TPOFF32, RP_DIAG_PAYLOAD_RELOC, "its symbol is none" },
	{ ".rela.text.f", 12, 4, TLS_SYMBOL, RP_DIAG_PAYLOAD_RELOC, "its symbol is one" },
	{ ".rela.text.f", 12, 4, FILE_SYMBOL, RP_DIAG_PAYLOAD_RELOC, "no section" },
	{ ".rela.text.f", 12, 4, 0, RP_DIAG_PAYLOAD_RELOC, "no section" },
	{ ".rela.text.f", 12, 4, NO_SYMBOL, RP_DIAG_RELOC_SYMBOL, "symbol 99" },
	{ ".rela.text.f", 24 * 2 + 12, 4, HOOK_SYMBOL, RP_DIAG_PAYLOAD_RELOC, "not thread-local" },
};
// clang-format on

static void print_wrong(const char *what, const struct rp_diag *diag, int rc)
{
	print_message("%s: %d, RP%04d %s: %s\n", what, rc, diag->id,
		      diag->where, diag->text);
}

static bool is_refused(const struct change *change)
{
	struct image image = sound();
	struct rp_diag diag;
	uint64_t size;
	char what[64];

	uint64_t at = offset_of(&image, change->section, &size);
	assert_true(change->offset + change->width <= size);
	memcpy(image.bytes + at + change->offset, &change->value,
	       change->width < 8 ? change->width : 8);
	seal(&image);
	int rc = open_and_close(image.bytes, image.size, &diag);
	free(image.bytes);
	bool right = rc == -EINVAL && diag.id == change->id &&
		     strstr(diag.text, change->text);
	snprintf(what, sizeof(what), "%s+%zu=%llx", change->section,
		 change->offset, (unsigned long long)change->value);
	if (!right)
		print_wrong(what, &diag, rc);
	return right;
}

static void payload_fields_refused(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		wrong += !is_refused(&changes[i]);
	assert_int_equal(wrong, 0);
}

/* Something added to a sound payload. */
struct addition {
	const char *name;
	void (*add)(struct sample *s);
	enum rp_diag_id id;
	const char *text;
};

static const uint8_t zeros[16];

#define SECTION(fn, name, type, flags, align, size)			\
	static void fn(struct sample *s)				\
	{								\
		sample_section(s, name, type, flags, align, zeros, size); \
	}

SECTION(add_wx, ".text.wx", SHT_PROGBITS,
	SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, 1, 16)
SECTION(add_tls, ".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, 1, 16)
SECTION(add_init, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, 8, 16)
SECTION(add_fini, ".fini_array", SHT_FINI_ARRAY, SHF_ALLOC | SHF_WRITE, 8, 16)
SECTION(add_ctors, ".ctors.1", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 16)
SECTION(add_note, ".note.x", SHT_NOTE, SHF_ALLOC, 4, 16)
SECTION(add_compressed, ".zdata", SHT_PROGBITS, SHF_ALLOC | SHF_COMPRESSED, 1,
	16)
SECTION(add_code_nobits, ".text.z", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, 1,
	16)
SECTION(add_align, ".text.a", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 8192, 0)
SECTION(add_eh_frame, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, 8, 16)
SECTION(add_large, ".bss.large", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 8,
	256u << 20)
SECTION(add_huge, ".bss.huge", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 8,
	UINT64_MAX)
SECTION(add_group, ".group", SHT_HASH, 0, 4, 8)
SECTION(add_unknown, ".rp.unknown", SHT_PROGBITS, 0, 1, 8)
SECTION(add_second, ".rp.hooks", SHT_PROGBITS, 0, 1, 8)
SECTION(add_loaded_record, ".rp.more", SHT_PROGBITS, SHF_ALLOC, 1, 8)
SECTION(add_bad_name, ".text\033[2J", SHT_PROGBITS, SHF_ALLOC, 1, 8)

static void add_unbound(struct sample *s)
{
	uint32_t symbol = sample_symbol(s, "nowhere", STB_GLOBAL, STT_NOTYPE, 0,
					0, 0);

	sample_reloc(s, s->data, 24, R_X86_64_64, symbol, 0);
}

static void add_reloc_at_end(struct sample *s)
{
	sample_reloc(s, s->data, 25, R_X86_64_64, s->f, 0);
}

static void add_reloc_of_bss(struct sample *s)
{
	sample_reloc(s, s->bss, 0, R_X86_64_64, s->f, 0);
}

static void add_reloc_to_debug(struct sample *s)
{
	uint32_t section = sample_section(s, ".debug", SHT_PROGBITS, 0, 1,
					  zeros, 16);
	uint32_t symbol = sample_symbol(s, "", STB_LOCAL, STT_SECTION, section,
					0, 0);

	sample_reloc(s, s->data, 24, R_X86_64_64, symbol, 0);
}

static void add_bound_twice(struct sample *s)
{
	sample_bind(s, s->import, RP_BIND_TARGET, 0, "import");
}

static void add_unnumbered(struct sample *s)
{
	sample_reloc(s, s->data, 24, R_X86_64_64, 1000, 0);
}

static void add_steering_name(struct sample *s)
{
	sample_symbol(s, "a\u202egnp", STB_LOCAL, STT_OBJECT, s->data, 0, 0);
}

static void add_hook_at_end(struct sample *s)
{
	uint32_t symbol = sample_symbol(s, "end", STB_LOCAL, STT_FUNC, s->text,
					64, 0);

	rp_payload_add_hook(s->builder, RP_HOOK_REVERT, symbol, &s->diag);
}

#define SECTION_CASE(fn, text)	{ #fn, fn, RP_DIAG_PAYLOAD_SECTION, text }

static const struct addition additions[] = {
	SECTION_CASE(add_wx, "both writable and executable"),
	SECTION_CASE(add_tls, "thread-local"),
	SECTION_CASE(add_init, "hook"),
	SECTION_CASE(add_fini, "hook"),
	SECTION_CASE(add_ctors, "hook"),
	SECTION_CASE(add_note, "type"),
	SECTION_CASE(add_compressed, "flags"),
	SECTION_CASE(add_code_nobits, "without bytes"),
	SECTION_CASE(add_align, "4096"),
	SECTION_CASE(add_eh_frame, "second"),
	SECTION_CASE(add_large, "256 MiB"),
	SECTION_CASE(add_huge, "256 MiB"),
	SECTION_CASE(add_group, "type"),
	{ "unknown", add_unknown, RP_DIAG_PAYLOAD_FORMAT, "version 1" },
	{ "second", add_second, RP_DIAG_PAYLOAD_FORMAT, "same meaning" },
	{ "loaded", add_loaded_record, RP_DIAG_PAYLOAD_FORMAT, "does not" },
	{ "bad name", add_bad_name, RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ "steering", add_steering_name, RP_DIAG_PAYLOAD_RECORD, "printable" },
	{ "unbound", add_unbound, RP_DIAG_PAYLOAD_UNBOUND, "nowhere" },
	{ "reloc at end", add_reloc_at_end, RP_DIAG_RELOC_OFFSET, "offset 0x19" },
	{ "reloc of .bss", add_reloc_of_bss, RP_DIAG_PAYLOAD_RELOC, "bytes of" },
	{ "reloc to debug", add_reloc_to_debug, RP_DIAG_PAYLOAD_RELOC,
	  "not loaded" },
	{ "bound twice", add_bound_twice, RP_DIAG_PAYLOAD_RECORD, "already" },
	{ "no symbol", add_unnumbered, RP_DIAG_PAYLOAD_SYMBOL, "1000" },
	{ "hook at end", add_hook_at_end, RP_DIAG_PAYLOAD_RECORD, "function" },
};

static bool addition_is_refused(const struct addition *addition)
{
	struct image image;
	struct sample s;

	sample_init(&s);
	sample_fill(&s);
	addition->add(&s);
	int rc = sample_write(&s, &image);
	bool right = rc == -EINVAL && s.diag.id == addition->id &&
		     strstr(s.diag.text, addition->text);
	if (!right)
		print_wrong(addition->name, &s.diag, rc);
	if (!rc)
		free(image.bytes);
	sample_deinit(&s);
	return right;
}

static void payload_additions_refused(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(additions); i++)
		wrong += !addition_is_refused(&additions[i]);
	assert_int_equal(wrong, 0);
}

/* What a later version may do, and this one takes. */
static void payload_debug_section_accepted(void **state)
{
	struct image image;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_fill(&s);
	uint32_t debug = sample_section(&s, ".debug_info", SHT_PROGBITS, 0, 1,
					zeros, 16);
	sample_reloc(&s, debug, 0, R_X86_64_32, s.import, 0);
	assert_int_equal(sample_write(&s, &image), 0);
	free(image.bytes);
	sample_deinit(&s);
}

static void payload_other_files_refused(void **state)
{
	static const char archive[64] = "!<arch>\n";
	static const char bitcode[64] = "BC\xc0\xde";
	static const char text[64] = "#!/bin/sh\n";
	struct rp_diag diag;

	(void)state;
	const char *const files[] = { archive, bitcode, text };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(open_and_close((const uint8_t *)files[i], 64,
						&diag), -EINVAL);
		assert_int_equal(diag.id, RP_DIAG_PAYLOAD_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_round_trip),
		cmocka_unit_test(payload_same_bytes),
		cmocka_unit_test(payload_written_twice),
		cmocka_unit_test(payload_truncated),
		cmocka_unit_test(payload_any_byte_changed),
		cmocka_unit_test(payload_fields_refused),
		cmocka_unit_test(payload_additions_refused),
		cmocka_unit_test(payload_debug_section_accepted),
		cmocka_unit_test(payload_other_files_refused),
	};

	return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
