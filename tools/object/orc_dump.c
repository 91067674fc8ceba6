/* SPDX-License-Identifier: MIT */
/* ORC tables as text and as JSON. */
#include "../tool.h"
#include "../../object/elf/places.h"
#include "orc_dump.h"

#include <errno.h>
#include <string.h>

struct text {
	char cfa[40];
	char rbp[40];
};

struct printer {
	FILE *out;
	const struct rp_relobj *obj;
	struct rp_places functions;
};

static bool want_function(const struct rp_relobj *obj,
			  const struct rp_symbol *symbol)
{
	return rp_section_is_text(&obj->sections[symbol->section]) &&
	       (symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC ||
		symbol->type == STT_NOTYPE) && symbol->name[0];
}

static const char *const registers[RP_ORC_REG_NR] = {
	[RP_ORC_PREV_SP] = "cfa", [RP_ORC_DX] = "rdx", [RP_ORC_DI] = "rdi",
	[RP_ORC_BP] = "rbp", [RP_ORC_SP] = "rsp", [RP_ORC_R10] = "r10",
	[RP_ORC_R13] = "r13", [RP_ORC_BX] = "rbx", [RP_ORC_R12] = "r12",
	[RP_ORC_R14] = "r14", [RP_ORC_R15] = "r15", [RP_ORC_AX] = "rax",
	[RP_ORC_CX] = "rcx", [RP_ORC_SI] = "rsi", [RP_ORC_R8] = "r8",
	[RP_ORC_R9] = "r9", [RP_ORC_R11] = "r11",
};

static const char *register_name(uint8_t reg)
{
	return reg < RP_ORC_REG_NR && registers[reg] ? registers[reg] : "?";
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case RP_FRAME_UNDEFINED:
		return "undefined";
	case RP_FRAME_END:
		return "end-of-stack";
	case RP_FRAME_CALL:
		return "call";
	case RP_FRAME_REGS:
		return "regs";
	case RP_FRAME_REGS_PARTIAL:
		return "regs-partial";
	case RP_ORC_SIGNAL_FRAME:
		return "signal-frame";
	default:
		return "?";
	}
}

static void print_cfa(const struct rp_orc_entry *e, char *ret, size_t size)
{
	switch (e->sp_reg) {
	case RP_ORC_NONE:
		ret[0] = '\0';
		break;
	case RP_ORC_BP_INDIRECT:
		snprintf(ret, size, "[rbp%+d]", e->sp_offset);
		break;
	case RP_ORC_SP_INDIRECT:
		snprintf(ret, size, "[rsp]%+d", e->sp_offset);
		break;
	case RP_ORC_SP_SAVED:
	case RP_ORC_BP_SAVED:
		snprintf(ret, size, "[%s%+d]%+d", e->sp_reg == RP_ORC_SP_SAVED ?
			 "rsp" : "rbp", e->sp_offset, RP_ORC_SAVED_PLUS);
		break;
	default:
		snprintf(ret, size, "%s%+d", register_name(e->sp_reg),
			 e->sp_offset);
		break;
	}
}

static void print_text(const struct rp_orc_entry *e, struct text *ret)
{
	ret->rbp[0] = '\0';
	print_cfa(e, ret->cfa, sizeof(ret->cfa));
	if (e->bp_reg)
		snprintf(ret->rbp, sizeof(ret->rbp), "%s%+d",
			 register_name(e->bp_reg), e->bp_offset);
}

// Linux 6.1 has an end bit in the place of the signal bit, and no type for it.
static const char *flag_name(const struct rp_orc_entry *e)
{
	if (!e->signal_or_end)
		return "";
	return e->sp_reg ? "signal" : "end";
}

/* The function that a place belongs to, and how far into it; the end of a
 * section belongs to none. */
static const struct rp_symbol *function_at(const struct printer *p,
					   const struct rp_orc_entry *e,
					   uint64_t *ret)
{
	const struct rp_place *place;

	if (e->section == RP_SECTION_NONE ||
	    e->offset >= p->obj->sections[e->section].hdr.sh_size)
		return NULL;
	place = rp_places_before(&p->functions, e->section, e->offset);
	if (!place)
		return NULL;
	const struct rp_symbol *symbol = &p->obj->symbols[place->symbol];
	*ret = e->offset - place->offset;
	return !symbol->size || *ret < symbol->size ? symbol : NULL;
}

// Names come out of untrusted files: they must not steer the terminal.
static void print_name(FILE *out, const char *s)
{
	for (; *s; s++)
		putc((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f ?
		     '?' : *s, out);
}

static void print_place(const struct printer *p, const struct rp_orc_entry *e)
{
	uint64_t offset;
	const struct rp_symbol *function = function_at(p, e, &offset);

	if (function) {
		print_name(p->out, function->name);
		fprintf(p->out, "+0x%llx  ", (unsigned long long)offset);
	} else {
		fputs("-  ", p->out);
	}
	if (e->section != RP_SECTION_NONE) {
		print_name(p->out, p->obj->sections[e->section].name);
		putc('+', p->out);
	}
	fprintf(p->out, "0x%llx", (unsigned long long)e->offset);
}

static void print_entry(const struct printer *p, const struct rp_orc_entry *e)
{
	const char *flag = flag_name(e);
	struct text text;

	print_text(e, &text);
	print_place(p, e);
	putc(' ', p->out);
	if (text.cfa[0])
		fprintf(p->out, " cfa=%s", text.cfa);
	if (text.rbp[0])
		fprintf(p->out, " rbp=%s", text.rbp);
	fprintf(p->out, " %s%s%s\n", type_name(e->type), flag[0] ? " " : "",
		flag);
}

static void print_json_place(const struct printer *p,
			     const struct rp_orc_entry *e)
{
	uint64_t offset;
	const struct rp_symbol *function = function_at(p, e, &offset);

	if (e->section != RP_SECTION_NONE) {
		fputs("\"section\": ", p->out);
		rp_json_string(p->out, p->obj->sections[e->section].name);
		fprintf(p->out, ", \"section_index\": %u, \"offset\": ",
			e->section);
	} else {
		fputs("\"address\": ", p->out);
	}
	fprintf(p->out, "%llu", (unsigned long long)e->offset);
	if (!function)
		return;
	fputs(", \"function\": ", p->out);
	rp_json_string(p->out, function->name);
	fprintf(p->out, ", \"function_offset\": %llu",
		(unsigned long long)offset);
}

static void print_json_entry(const struct printer *p,
			     const struct rp_orc_entry *e)
{
	const char *flag = flag_name(e);
	struct text text;

	print_text(e, &text);
	fputs("      { ", p->out);
	print_json_place(p, e);
	if (text.cfa[0])
		fprintf(p->out, ", \"cfa\": \"%s\"", text.cfa);
	if (text.rbp[0])
		fprintf(p->out, ", \"rbp\": \"%s\"", text.rbp);
	fprintf(p->out, ", \"type\": \"%s\"", type_name(e->type));
	if (flag[0])
		fprintf(p->out, ", \"%s\": true", flag);
	fputs(" }", p->out);
}

int rp_orc_print(FILE *out, const struct rp_orc *orc,
		 const struct rp_relobj *obj)
{
	struct printer p = { .out = out, .obj = obj };

	if (rp_places_init(&p.functions, obj, want_function))
		return -ENOMEM;
	for (size_t i = 0; i < orc->n; i++)
		print_entry(&p, &orc->v[i]);
	rp_places_deinit(&p.functions);
	return 0;
}

int rp_orc_print_json(FILE *out, const struct rp_orc *orc,
		      const struct rp_relobj *obj)
{
	struct printer p = { .out = out, .obj = obj };

	if (rp_places_init(&p.functions, obj, want_function))
		return -ENOMEM;
	putc('[', out);
	for (size_t i = 0; i < orc->n; i++) {
		fputs(i ? ",\n" : "\n", out);
		print_json_entry(&p, &orc->v[i]);
	}
	fputs(orc->n ? "\n    ]" : "]", out);
	rp_places_deinit(&p.functions);
	return 0;
}
