/* SPDX-License-Identifier: MIT */
/* Code of an object as atoms: functions, what is in none, and branches. */
#include "../insn/insn.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Symbols that may start an atom, by section and place. */
struct named {
	uint32_t section;
	uint32_t symbol;
	uint64_t value;
	uint64_t size;
	uint8_t rank;	/* of several at one place, the least one names it */
};

static int by_place(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static bool is_function(const struct rp_symbol *symbol)
{
	return symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
}

static bool may_start(const struct rp_relobj *obj,
		      const struct rp_symbol *symbol)
{
	if (!symbol->section || symbol->section == RP_SECTION_NONE ||
	    !rp_atoms_wants(obj, symbol->section) || !symbol->size)
		return false;
	const struct rp_section *section = &obj->sections[symbol->section];
	if (symbol->value >= section->hdr.sh_size ||
	    rp_atoms_record_size(section))
		return false;
	if (rp_section_is_text(section))
		return is_function(symbol);
	return symbol->type == STT_OBJECT || symbol->type == STT_TLS ||
	       symbol->type == STT_NOTYPE;
}

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool ends_with(const char *s, size_t length, const char *suffix)
{
	size_t n = strlen(suffix);

	return length >= n && !memcmp(s + length - n, suffix, n);
}

/*
 * Objects that compilers make and name: nobody can tell one from a copy of it.
 * Names of functions as strings, tables that stand for a switch, constants that
 * automatic variables are initialized from.
 */
static bool is_compilers(const char *name)
{
	static const char *const starts[] = {
		"__func__.", "__FUNCTION__.", "__PRETTY_FUNCTION__.",
		"CSWTCH.", ".L", "switch.table.", "reltable.", ".str",
		"__const.", "str.", ".compoundliteral.const",
	};
	static const char *const mangled[] = {
		"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__",
	};
	size_t length = strcspn(name, ".");

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (starts_with(name, starts[i]))
			return true;
	}
	if (name[0] == 'C' && name[1] == '.' && name[2] >= '0' && name[2] <= '9')
		return true;
	for (size_t i = 0; i < sizeof(mangled) / sizeof(*mangled); i++) {
		if (starts_with(name, "_ZZ") &&
		    (ends_with(name, length, mangled[i]) ||
		     ends_with(name, length - 2, mangled[i])))
			return true;
		// Of clang, and of gcc without a number.
		if (!strcmp(name, mangled[i]) ||
		    (starts_with(name, "__") && ends_with(name, strlen(name),
							  mangled[i])))
			return true;
	}
	return false;
}

static uint8_t kind_of(const struct rp_section *section,
		       const struct rp_symbol *symbol)
{
	if (rp_section_is_text(section))
		return RP_ATOM_FUNCTION;
	if (!rp_section_is_const(section) || (section->hdr.sh_flags & SHF_TLS))
		return RP_ATOM_DATA;
	return symbol->bind == STB_LOCAL && is_compilers(symbol->name) ?
	       RP_ATOM_LITERAL : RP_ATOM_CONST;
}

static uint8_t flags_of(const struct rp_section *section)
{
	uint8_t flags = 0;

	if (section->hdr.sh_type == SHT_NOBITS)
		flags |= RP_ATOM_ZERO;
	if (section->hdr.sh_flags & SHF_TLS)
		flags |= RP_ATOM_TLS;
	if (section->group)
		flags |= RP_ATOM_COMDAT;
	return flags;
}

/* GCC gives an IFUNC's resolver two symbols: its own, and the IFUNC. */
static void mark_resolver(struct rp_atoms_builder *b,
			  const struct rp_symbol *symbol)
{
	struct rp_atom *last = &b->atoms->v[b->atoms->n - 1];

	if (symbol->type == STT_GNU_IFUNC && symbol->value == last->offset)
		last->flags |= RP_ATOM_IFUNC;
}

static int add_named(struct rp_atoms_builder *b, const struct named *named,
		     size_t n)
{
	uint64_t end = 0;
	uint32_t section = 0;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		const struct rp_symbol *symbol = &b->obj->symbols[named[i].symbol];
		const struct rp_section *s = &b->obj->sections[named[i].section];
		uint64_t room = s->hdr.sh_size - named[i].value;
		struct rp_atom atom = {
			.section = named[i].section, .symbol = named[i].symbol,
			.offset = named[i].value,
			.size = named[i].size < room ? named[i].size : room,
			.kind = kind_of(s, symbol), .flags = flags_of(s),
		};

		// Another name of the same, or of a place inside it.
		if (atom.section == section && atom.offset < end) {
			mark_resolver(b, symbol);
			continue;
		}
		if (symbol->bind != STB_LOCAL)
			atom.flags |= RP_ATOM_GLOBAL;
		if (symbol->type == STT_GNU_IFUNC)
			atom.flags |= RP_ATOM_IFUNC;
		section = atom.section;
		end = atom.offset + atom.size;
		rc = rp_atoms_add(b, &atom);
	}
	return rc;
}

/* Code between functions: everything but fill. */
struct gap {
	uint32_t section;
	uint64_t start, end;
};

static const struct rp_symbol *label_in(const struct rp_relobj *obj,
					const struct gap *gap, uint64_t from,
					uint32_t *ret)
{
	const struct rp_symbol *best = NULL;

	for (size_t i = 1; i < obj->nsymbols; i++) {
		const struct rp_symbol *s = &obj->symbols[i];

		if (s->section != gap->section || s->value < from ||
		    s->value >= gap->end || s->type == STT_SECTION ||
		    s->type == STT_FILE || s->type == STT_OBJECT || !*s->name)
			continue;
		if (!best || s->value < best->value ||
		    (s->value == best->value && s->bind > best->bind)) {
			best = s;
			*ret = i;
		}
	}
	return best;
}

static uint64_t skip_fill(const uint8_t *code, uint64_t at, uint64_t end)
{
	struct rp_insn insn;

	while (at < end) {
		if (!code[at]) {
			at++;
			continue;
		}
		if (rp_insn_decode(code + at, end - at, &insn) ||
		    (!insn.nop && !insn.trap))
			break;
		at += insn.length;
	}
	return at < end ? at : end;
}

static int add_gap(struct rp_atoms_builder *b, const struct gap *gap)
{
	const uint8_t *code = rp_section_data(b->obj, gap->section);
	uint64_t at = skip_fill(code, gap->start, gap->end);
	int rc = 0;

	while (at < gap->end && !rc) {
		uint32_t symbol = 0, next_symbol = 0;
		const struct rp_symbol *label, *next;

		label = label_in(b->obj, gap, gap->start, &symbol);
		if (label && label->value > at)
			label = NULL;
		next = label_in(b->obj, gap, at + 1, &next_symbol);
		uint64_t end = next ? next->value : gap->end;
		struct rp_atom atom = {
			.section = gap->section, .symbol = label ? symbol : 0,
			.offset = at, .size = end - at, .kind = RP_ATOM_CODE,
			.flags = flags_of(&b->obj->sections[gap->section]) |
				 (label && label->bind != STB_LOCAL ?
				  RP_ATOM_GLOBAL : 0),
		};

		rc = rp_atoms_add(b, &atom);
		at = skip_fill(code, end, gap->end);
		// The next one is named by what stands at its start.
		((struct gap *)gap)->start = at;
	}
	return rc;
}

static int add_gaps(struct rp_atoms_builder *b)
{
	size_t n = b->atoms->n, k = 1;
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		uint64_t end = b->obj->sections[i].hdr.sh_size, at = 0;

		while (k < n && b->atoms->v[k].section < i)
			k++;
		if (!rp_section_is_text(&b->obj->sections[i]))
			continue;
		for (; k < n && b->atoms->v[k].section == i && !rc; k++) {
			struct gap gap = { i, at, b->atoms->v[k].offset };

			at = b->atoms->v[k].offset + b->atoms->v[k].size;
			if (gap.start < gap.end)
				rc = add_gap(b, &gap);
		}
		struct gap gap = { i, at, end };

		if (!rc && at < end)
			rc = add_gap(b, &gap);
	}
	return rc;
}

int rp_atoms_from_symbols(struct rp_atoms_builder *b)
{
	struct named *named = calloc(b->obj->nsymbols + 1, sizeof(*named));
	size_t n = 0;

	if (!named)
		return rp_diag_nomem(b->diag);
	for (size_t i = 1; i < b->obj->nsymbols; i++) {
		const struct rp_symbol *s = &b->obj->symbols[i];

		if (may_start(b->obj, s))
			named[n++] = (struct named){ s->section, i, s->value,
				s->size, s->bind == STB_GLOBAL ? 0 :
				s->bind == STB_WEAK ? 1 : 2 };
	}
	qsort(named, n, sizeof(*named), by_place);
	int rc = add_named(b, named, n);
	free(named);
	return rc ? rc : add_gaps(b);
}

/* One piece of code that is being decoded. */
struct decode {
	struct rp_atoms_builder *b;
	const struct rp_atom *atom;
	const uint8_t *code;
	size_t next;		/* relocation */
};

static int add_split(struct decode *d, const struct rp_raw_ref *ref)
{
	const struct rp_relobj *obj = d->b->obj;
	const struct rp_symbol *symbol = &obj->symbols[ref->symbol];
	int64_t at = symbol->value;

	if (!symbol->section || symbol->section == RP_SECTION_NONE ||
	    rp_section_is_text(&obj->sections[symbol->section]))
		return 0;
	if (symbol->type == STT_SECTION)
		at = rp_wrap_add(at, rp_wrap_add(ref->addend,
			rp_reloc_is_relative(ref->type) ? ref->end : 0));
	if (at < 0 || (uint64_t)at >= obj->sections[symbol->section].hdr.sh_size)
		return 0;
	return rp_atoms_add_split(d->b, symbol->section, at);
}

static int note_relocs(struct decode *d, uint64_t at,
		       const struct rp_insn *insn, bool *relocated)
{
	const unsigned int field = insn->relative ? insn->imm : insn->disp;
	struct rp_raw_section *s = &d->b->sections[d->atom->section];
	int rc = 0;

	*relocated = false;
	for (; d->next < s->nrelocs && s->refs[d->next].offset <
	       at + insn->length && !rc; d->next++) {
		struct rp_raw_ref *ref = &s->refs[d->next];

		if (ref->offset < at)
			continue;
		ref->end = at + insn->length - ref->offset;
		ref->branch = insn->branch;
		if (ref->offset == at + field)
			*relocated = true;
		rc = add_split(d, ref);
	}
	return rc;
}

/* A distance that the assembler computed: to a place of the same section. */
static int note_distance(struct decode *d, uint64_t at,
			 const struct rp_insn *insn)
{
	bool rip = !insn->relative;
	unsigned int field = rip ? insn->disp : insn->imm;
	unsigned int size = rip ? insn->disp_size : insn->imm_size;
	int64_t target = rp_insn_field_target(d->code + at, at, insn, field,
					      size);
	struct rp_raw_ref ref = {
		.offset = at + field, .target = target,
		.type = size == 4 ? R_X86_64_PC32 : R_X86_64_PC8,
		.form = size == 4 ? RP_REF_BRANCH32 : RP_REF_BRANCH8,
		.branch = insn->branch, .end = insn->length - field,
	};

	if (target >= (int64_t)d->atom->offset &&
	    (uint64_t)target < d->atom->offset + d->atom->size)
		return 0;
	if (target < 0 || (uint64_t)target >=
	    d->b->obj->sections[d->atom->section].hdr.sh_size)
		return 0;
	return rp_atoms_add_ref(d->b, d->atom->section, &ref);
}

// What cannot be decoded keeps the usual: the field ends its instruction.
static void guess_rest(struct decode *d)
{
	struct rp_raw_section *s = &d->b->sections[d->atom->section];
	uint64_t end = d->atom->offset + d->atom->size;

	for (; d->next < s->nrelocs && s->refs[d->next].offset < end; d->next++)
		s->refs[d->next].end = 4;
}

static int decode_atom(struct decode *d)
{
	uint64_t at = d->atom->offset, end = at + d->atom->size;
	struct rp_insn insn;
	bool relocated;
	int rc = 0;

	while (at < end && !rc) {
		if (rp_insn_decode(d->code + at, end - at, &insn)) {
			guess_rest(d);
			break;
		}
		rc = note_relocs(d, at, &insn, &relocated);
		if (!rc && (insn.relative || insn.rip) && !relocated)
			rc = note_distance(d, at, &insn);
		at += insn.length;
	}
	return rc;
}

static size_t first_reloc(const struct rp_raw_section *s, uint64_t offset)
{
	size_t low = 0, high = s->nrelocs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->refs[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int rp_atoms_decode(struct rp_atoms_builder *b)
{
	int rc = 0;

	for (size_t i = 1; i < b->atoms->n && !rc; i++) {
		const struct rp_atom atom = b->atoms->v[i];

		if (!rp_atom_is_code(&atom))
			continue;
		struct decode d = {
			.b = b, .atom = &atom,
			.code = rp_section_data(b->obj, atom.section),
			.next = first_reloc(&b->sections[atom.section],
					    atom.offset),
		};

		rc = decode_atom(&d);
	}
	return rc;
}
