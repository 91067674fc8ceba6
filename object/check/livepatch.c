/* SPDX-License-Identifier: MIT */
/*
 * Is there room for the detour of each function, and does nothing lead into it?
 *
 * A detour is jmp rel32 over the first five bytes, behind endbr64 if there is
 * one. Whoever makes a payload goes by the symbol's size, because what follows a
 * function is not known to be fill; so both are checked: that the function has
 * the bytes, and that the next one does not begin among them.
 *
 * The end of a section counts as the begin of another function: sections with
 * the same alignment follow it.
 */
#include "../bytes.h"
#include "../printable.h"
#include "internal.h"

#include <string.h>

#define DETOUR_SIZE	5
#define ENDBR_SIZE	4
/* What a linker aligns functions to that do not say more. */
#define ENOUGH_ALIGNMENT	16

static unsigned int landing_size(const struct rp_code *code, uint32_t insn)
{
	return code->insns[insn].flow == RP_FLOW_ENDBR ? ENDBR_SIZE : 0;
}

static bool is_entry(const struct rp_check *check, const struct rp_function *f)
{
	return !(f->flags & (RP_FUNCTION_COLD | RP_FUNCTION_UNNAMED)) &&
	       f->symbol && f->first < f->end &&
	       !rp_check_is_borrowed(check, f->section) &&
	       !rp_check_is_tramp(check, f);
}

/* How many bytes a function has until something else begins. */
static uint64_t distance(const struct rp_check *check, uint32_t function)
{
	const struct rp_code *code = &check->code;
	const struct rp_function *f = &code->functions[function];
	const GElf_Shdr *hdr = &check->obj.sections[f->section].hdr;

	for (uint32_t i = function + 1; i < code->nfunctions &&
	     code->functions[i].section == f->section; i++) {
		if (code->functions[i].offset > f->offset)
			return code->functions[i].offset - f->offset;
	}
	return rp_align_up(hdr->sh_size, hdr->sh_addralign) - f->offset;
}

/* Words for what makes more room. */
static const char *remedy(const struct rp_check *check,
			  const struct rp_function *f)
{
	const char *section = check->obj.sections[f->section].name;

	if (f->flags & RP_FUNCTION_UNTYPED)
		return "begin and end it with RP_FUNC and RP_END of "
		       "<repoint/linkage.h>";
	if (!strncmp(section, ".text.unlikely", 14) ||
	    !strncmp(section, ".text.cold", 10) ||
	    check->obj.sections[f->section].hdr.sh_addralign <
	    ENOUGH_ALIGNMENT)
		return "compile with -fpatchable-function-entry=5 or "
		       "-fmin-function-alignment=16 (gcc 14; "
		       "-falign-functions=16 of others leaves out what is cold "
		       "or small), or use RP_FUNCTION_ALIGNED; in assembly "
		       "RP_FUNC and RP_END";
	return "compile with -fpatchable-function-entry=5, or "
	       "-fmin-function-alignment=16 or -falign-functions=16 (repoint cc "
	       "--align-functions); in assembly RP_FUNC and RP_END";
}

static void check_room(struct rp_check *check, uint32_t function)
{
	const struct rp_function *f = &check->code.functions[function];
	enum rp_severity severity = rp_check_livepatch_severity(check);
	unsigned int need = DETOUR_SIZE + landing_size(&check->code, f->first);
	uint64_t room = distance(check, function);

	if (room < need)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_CLOSE, severity,
			f->section, f->offset, "a detour needs %u bytes, and "
			"other code begins after %llu: %s", need,
			(unsigned long long)room, remedy(check, f));
	else if (f->size < need)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_SHORT, severity,
			f->section, f->offset, "has %llu byte%s, and a detour "
			"needs %u: compile with -fpatchable-function-entry=5, "
			"which makes it longer; in assembly end it with RP_END "
			"of <repoint/linkage.h>", (unsigned long long)f->size,
			rp_s(f->size), need);
}

/* Bytes behind the function's first that a detour changes, or 0. */
static bool is_inside_detour(const struct rp_check *check, uint32_t insn)
{
	const struct rp_code *code = &check->code;
	uint32_t function = code->insns[insn].function;
	const struct rp_function *f = &code->functions[function];

	if (!function || !is_entry(check, f))
		return false;
	uint64_t at = code->insns[insn].offset - f->offset;
	unsigned int landing = landing_size(code, f->first);

	// Where the detour itself begins anybody may come in.
	return at > landing && at < landing + DETOUR_SIZE;
}

static void check_way(struct rp_check *check, uint32_t from, uint32_t to,
		      void *context)
{
	const struct rp_code *code = &check->code;
	char place[160];

	(void)context;
	if (!is_inside_detour(check, to))
		return;
	rp_code_place(code, rp_code_section(code, from),
		      code->insns[from].offset, place, sizeof(place));
	// Nobody is in the old code of a function when it is replaced.
	if (rp_check_home(code, from) == rp_check_home(code, to))
		rp_findings_add(&check->findings, RP_DIAG_CHECK_ENTERED,
			RP_NOTE, rp_code_section(code, to),
			code->insns[to].offset, "a branch of the function itself "
			"leads into the bytes of its detour (%s): it can be "
			"replaced only while no thread is in it", place);
	else
		rp_findings_add(&check->findings, RP_DIAG_CHECK_ENTERED,
			rp_check_livepatch_severity(check),
			rp_code_section(code, to), code->insns[to].offset,
			"a branch from elsewhere leads into the bytes of the "
			"function's detour (%s): make what is entered a function "
			"of its own (RP_FUNC)", place);
}

/* A label may be entered from anywhere, even if nobody does so here. */
static void check_label(struct rp_check *check, const struct rp_symbol *symbol)
{
	const struct rp_code *code = &check->code;

	if (!symbol->section || symbol->section == RP_SECTION_NONE ||
	    symbol->bind == STB_LOCAL ||
	    !rp_section_is_text(&check->obj.sections[symbol->section]))
		return;
	uint32_t insn = rp_code_at(code, symbol->section, symbol->value);
	if (insn && is_inside_detour(check, insn))
		rp_findings_add(&check->findings, RP_DIAG_CHECK_ENTERED,
			rp_check_livepatch_severity(check), symbol->section,
			symbol->value, "the global label %.100s lies in the bytes "
			"of the function's detour: move it behind them "
			"(RP_LABEL)", symbol->name);
}

int rp_check_livepatch(struct rp_check *check)
{
	const struct rp_code *code = &check->code;

	for (uint32_t i = 1; i < code->nfunctions; i++) {
		if (is_entry(check, &code->functions[i]))
			check_room(check, i);
	}
	rp_check_each_way(check, check_way, NULL);
	for (size_t i = 1; i < check->obj.nsymbols; i++)
		check_label(check, &check->obj.symbols[i]);
	return 0;
}
