/* SPDX-License-Identifier: MIT */
/*
 * Places inside functions that something outside refers to. When the function is
 * replaced, that goes on in the old code.
 *
 * What describes code and does not run into it (unwind tables, tables of sites,
 * debug information) is left out; and so are tables of jumps and of labels that
 * the function's own jumps go by.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what instructions the function's own tables lead to ---- */

struct labels {
	struct rp_check *check;
	uint8_t *own;		/* a bit for each instruction */
};

static void mark(struct labels *l, uint32_t insn)
{
	l->own[insn / 8] |= 1u << insn % 8;
}

static bool is_own(const struct labels *l, uint32_t insn)
{
	return l->own[insn / 8] >> insn % 8 & 1;
}

static int mark_own(struct labels *l)
{
	const struct rp_code *code = &l->check->code;

	l->own = calloc(code->ninsns / 8 + 1, 1);
	if (!l->own)
		return rp_diag_nomem(l->check->diag);
	for (size_t i = 0; i < code->nedges; i++) {
		const struct rp_edge *e = &code->edges[i];

		if (rp_check_home(code, e->from) == rp_check_home(code, e->to))
			mark(l, e->to);
	}
	return 0;
}

/* ---- places inside functions ---- */

/* The instruction at a place that is inside a function, or 0. */
static uint32_t inside(const struct rp_check *check, uint32_t section,
		       uint64_t offset)
{
	const struct rp_code *code = &check->code;
	uint32_t insn;

	if (!section || section >= check->obj.nsections ||
	    !rp_section_is_text(&check->obj.sections[section]) ||
	    rp_check_is_borrowed(check, section))
		return 0;
	insn = rp_code_at(code, section, offset);
	if (!insn || !code->insns[insn].function)
		return 0;
	const struct rp_function *f =
		&code->functions[code->insns[insn].function];
	// A part that was split off is entered where its function says.
	if (f->flags & RP_FUNCTION_COLD || !f->symbol)
		return 0;
	return offset != f->offset && offset - f->offset < f->size ? insn : 0;
}

#define IS_ENTERED "make it a function of its own (RP_FUNC), because who comes " \
	"this way stays in the old code when the function is replaced"

/* ---- code ---- */

/* The kernel's static_cpu_has() moves a bit test out of the way. */
static bool is_out_of_line(const struct rp_check *check, uint32_t insn)
{
	uint32_t section = rp_code_section(&check->code, insn);

	return check->options.abi->kernel &&
	       !strcmp(check->obj.sections[section].name, ".altinstr_aux");
}

static void check_way(struct rp_check *check, uint32_t from, uint32_t to,
		      void *context)
{
	const struct rp_code *code = &check->code;
	uint32_t section = rp_code_section(code, to);
	char place[160];

	(void)context;
	if (code->insns[from].function == code->insns[to].function ||
	    !inside(check, section, code->insns[to].offset) ||
	    rp_check_home(code, from) == rp_check_home(code, to) ||
	    is_out_of_line(check, from))
		return;
	uint32_t from_section = rp_code_section(code, from);
	rp_code_place(code, from_section, code->insns[from].offset, place,
		      sizeof(place));
	// Of the same section: whoever looks at the section sees both.
	rp_findings_add(&check->findings, RP_DIAG_CHECK_LABEL,
		from_section == section ? RP_NOTE : RP_WARNING, section,
		code->insns[to].offset, "%s branches here: " IS_ENTERED, place);
}

/* lea label(%rip): somebody may go there later. */
static void check_address(struct labels *l, uint32_t from)
{
	const struct rp_code *code = &l->check->code;
	const struct rp_reloc *r = &code->relocs[code->insns[from].reloc];
	const struct rp_symbol *symbol = &l->check->obj.symbols[r->symbol];
	uint32_t section = rp_code_section(code, from);
	uint64_t end = code->insns[from].offset + code->insns[from].length;
	uint64_t offset = symbol->value + (uint64_t)r->addend;
	char place[160];

	if (r->type == R_X86_64_PC32)
		offset += end - r->offset;
	else if (r->type != R_X86_64_64 && r->type != R_X86_64_32 &&
		 r->type != R_X86_64_32S)
		return;
	if (symbol->section == section || symbol->section == RP_SECTION_NONE)
		return;
	uint32_t to = inside(l->check, symbol->section, offset);
	if (!to || is_own(l, to) ||
	    rp_check_home(code, from) == rp_check_home(code, to))
		return;
	rp_code_place(code, section, code->insns[from].offset, place,
		      sizeof(place));
	rp_findings_add(&l->check->findings, RP_DIAG_CHECK_LABEL, RP_WARNING,
		symbol->section, offset, "%s takes the address of this place: "
		IS_ENTERED, place);
}

static void check_code(struct labels *l)
{
	const struct rp_code *code = &l->check->code;

	rp_check_each_way(l->check, check_way, NULL);
	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (code->insns[i].reloc && !code->insns[i].dest)
			check_address(l, i);
	}
}

/* ---- data ---- */

static bool begins(const char *name, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}

/* Sections that describe code, and whose readers know about replaced code. */
static bool describes_code(const char *name)
{
	static const char *const prefixes[] = {
		".eh_frame", ".gcc_except_table", ".sframe", ".note", ".stapsdt",
		".debug", ".stack_sizes", ".llvm", "rp_", "xray_", "__sanc",
		"__patchable_function_entries", "__mcount_loc",
		/* the kernel's */
		".altinstructions", ".discard", ".orc_", ".static_call",
		".retpoline_sites", ".return_sites", ".call_sites",
		".ibt_endbr_seal", ".cfi_sites", ".smp_locks",
		".parainstructions", ".kcfi_traps", "__jump_table",
		"__ex_table", "__bug_table", ".fixup",
	};

	return begins(name, prefixes, sizeof(prefixes) / sizeof(*prefixes));
}

/*
 * Does a relocation in data refer to a place as such? A difference of labels
 * (a table of jumps) looks like a reference that is relative to its own field,
 * but refers to somewhere else; these are in sections of constants.
 */
static bool is_reference(const struct rp_section *section, uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_32:
	case R_X86_64_32S:
		return true;
	case R_X86_64_PC32:
	case R_X86_64_PC64:
		return strncmp(section->name, ".rodata", 7) != 0;
	default:
		return false;
	}
}

static void check_datum(struct labels *l, uint32_t section,
			const struct rp_reloc *r)
{
	const struct rp_symbol *symbol = &l->check->obj.symbols[r->symbol];
	uint64_t offset = symbol->value + (uint64_t)r->addend;

	if (symbol->section == RP_SECTION_NONE ||
	    !is_reference(&l->check->obj.sections[section], r->type))
		return;
	uint32_t to = inside(l->check, symbol->section, offset);
	if (to && !is_own(l, to))
		rp_findings_add(&l->check->findings, RP_DIAG_CHECK_LABEL,
			RP_WARNING, symbol->section, offset, "%.60s+0x%llx "
			"refers to this place: " IS_ENTERED,
			l->check->obj.sections[section].name,
			(unsigned long long)r->offset);
}

static int check_data_section(struct labels *l, uint32_t section)
{
	const struct rp_relobj *obj = &l->check->obj;
	int rc = 0;

	for (uint32_t rela = obj->sections[section].rela; rela && !rc;
	     rela = obj->sections[rela].next_rela) {
		struct rp_relocs relocs;

		rc = rp_relobj_relocs(obj, rela, &relocs, l->check->diag);
		for (size_t i = 0; i < relocs.n && !rc; i++)
			check_datum(l, section, &relocs.v[i]);
		rp_relocs_deinit(&relocs);
	}
	return rc;
}

static int check_data(struct labels *l)
{
	const struct rp_relobj *obj = &l->check->obj;
	int rc = 0;

	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (section->rela && section->hdr.sh_flags & SHF_ALLOC &&
		    !rp_section_is_text(section) &&
		    !describes_code(section->name))
			rc = check_data_section(l, i);
	}
	return rc;
}

/* ---- names ---- */

/* Another object may go there. */
static void check_names(struct rp_check *check)
{
	for (size_t i = 1; i < check->obj.nsymbols; i++) {
		const struct rp_symbol *s = &check->obj.symbols[i];

		if (s->section == RP_SECTION_NONE || s->bind == STB_LOCAL ||
		    s->type != STT_NOTYPE || !inside(check, s->section, s->value))
			continue;
		rp_findings_add(&check->findings, RP_DIAG_CHECK_LABEL, RP_NOTE,
			s->section, s->value, "the global label %.100s is inside "
			"a function: other objects may branch here", s->name);
	}
}

int rp_check_labels(struct rp_check *check)
{
	struct labels l = { .check = check };

	int rc = mark_own(&l);
	if (!rc) {
		check_code(&l);
		check_names(check);
		rc = check_data(&l);
	}
	free(l.own);
	return rc;
}
