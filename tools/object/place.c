/* SPDX-License-Identifier: MIT */
/* Where findings are, in words. */
#include "place.h"
#include "../tool.h"
#include "../../payload/text.h"

#include <string.h>

// A name that is too long ends with a whole character.
static void copy_name(char *ret, size_t size, const char *name)
{
	size_t n = strnlen(name, size);

	if (n == size) {
		n--;
		while (n && !rp_text_is_start(name[n]))
			n--;
	}
	memcpy(ret, name, n);
	ret[n] = '\0';
}

static uint32_t function_of(const struct rp_code *code,
			    const struct rp_finding *f)
{
	uint32_t insn;

	if (!rp_section_is_text(&code->obj->sections[f->section]))
		return 0;
	insn = rp_code_around(code, f->section, f->offset);
	return insn ? code->insns[insn].function :
		      rp_function_with(code, f->section, f->offset);
}

static void find_function(struct rp_place *place, const struct rp_code *code,
			  const struct rp_finding *f)
{
	uint32_t function = function_of(code, f);

	if (!function)
		return;
	copy_name(place->function, sizeof(place->function),
		  rp_function_name(code, function));
	// A replacement belongs to the function that its site is in.
	place->inside = code->functions[function].section == f->section;
	if (place->inside)
		place->function_offset = f->offset -
				code->functions[function].offset;
}

void rp_place_find(struct rp_place *place, const struct rp_code *code,
		   const struct rp_finding *f, struct rp_check_lines **lines)
{
	struct rp_source_line line;

	*place = (struct rp_place){ .offset = f->offset };
	if (!f->section)
		return;
	copy_name(place->section, sizeof(place->section),
		  code->obj->sections[f->section].name);
	place->linked = code->obj->linked;
	if (place->linked)
		place->address = rp_relobj_address(code->obj, f->section,
						   f->offset);
	find_function(place, code, f);
	if (rp_check_lines_find(lines, code->obj, f->section, f->offset,
				&line)) {
		place->source = line.file;
		place->line = line.line;
	}
}

/* What follows the section: "(" or ", " before each. */
static void print_rest(FILE *out, const struct rp_place *place,
		       const char *before)
{
	char file[200];

	if (place->linked) {
		fprintf(out, "%s0x%llx", before,
			(unsigned long long)place->address);
		before = ", ";
	}
	if (place->source) {
		copy_name(file, sizeof(file), place->source);
		fputs(before, out);
		rp_print_name(out, file);
		fprintf(out, ":%u", place->line);
	}
}

static void print_offset(FILE *out, const char *name, uint64_t offset)
{
	rp_print_name(out, name);
	fprintf(out, "+0x%llx", (unsigned long long)offset);
}

void rp_place_print(FILE *out, const struct rp_place *place)
{
	if (!place->section[0])
		return;
	if (place->function[0] && place->inside) {
		print_offset(out, place->function, place->function_offset);
		fputs(" (", out);
		print_offset(out, place->section, place->offset);
		print_rest(out, place, ", ");
		fputc(')', out);
	} else if (place->function[0]) {
		print_offset(out, place->section, place->offset);
		fputs(" (of ", out);
		rp_print_name(out, place->function);
		print_rest(out, place, ", ");
		fputc(')', out);
	} else {
		print_offset(out, place->section, place->offset);
		print_rest(out, place, " (");
		fputs(place->linked || place->source ? ")" : "", out);
	}
	fputs(": ", out);
}

void rp_place_print_json(FILE *out, const struct rp_place *place)
{
	if (!place->section[0])
		return;
	fprintf(out, ", \"section\": ");
	rp_json_string(out, place->section);
	fprintf(out, ", \"offset\": %llu", (unsigned long long)place->offset);
	if (place->linked)
		fprintf(out, ", \"address\": %llu",
			(unsigned long long)place->address);
	if (place->function[0]) {
		fprintf(out, ", \"function\": ");
		rp_json_string(out, place->function);
	}
	if (place->inside)
		fprintf(out, ", \"function_offset\": %llu",
			(unsigned long long)place->function_offset);
	if (place->source) {
		char file[400];

		copy_name(file, sizeof(file), place->source);
		fprintf(out, ", \"source\": ");
		rp_json_string(out, file);
		fprintf(out, ", \"line\": %u", place->line);
	}
}
