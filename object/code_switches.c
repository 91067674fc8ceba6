/* SPDX-License-Identifier: MIT */
/*
 * Switch tables of ordinary programs. What an indirect jump jumps through is
 * followed backward to where it was loaded from a table, by an index; and what
 * the table's address was loaded into, to the instruction that names it.
 *
 *	jmp *T(,%i,8)			absolute, 8 bytes each
 *	mov (%b,%i,8),%r; jmp *%r	the same; %b has been loaded with T
 *	movslq (%b,%i,4),%r		relative to T, 4 bytes each: position
 *	add %b,%r; jmp *%r		independent code
 *
 * A table ends where another one begins, and where its entries do not lead into
 * the function.
 */
#include "code_switches.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>

// So far back what is jumped through is looked for.
#define FAR_BACK	200

static bool is_text(const struct rp_code *code, uint32_t section)
{
	return rp_section_is_text(&code->obj->sections[section]);
}

/* struct step - an instruction, decoded anew, as the search needs it. */
struct step {
	uint32_t insn;
	uint8_t opcode;
	bool reg_only;
	uint8_t modrm_reg, modrm_rm;
	uint16_t writes;
	struct rp_insn_flow flow;
};

#define OP_ADD_RM	0x01
#define OP_ADD_REG	0x03
#define OP_MOVSLQ	0x63
#define OP_STORE	0x89
#define OP_LOAD		0x8b
#define OP_LEA		0x8d
#define OP_CLTQ		0x98

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 ||
	       byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 ||
	       byte == 0x64 || byte == 0x65 || byte == 0xf0;
}

static bool read_step(const struct rp_code *code, uint32_t i, struct step *ret)
{
	const uint8_t *bytes = rp_code_bytes(code, i);
	size_t at = 0, length = code->insns[i].length;
	uint8_t rex = 0, modrm = 0;

	ret->insn = i;
	if (rp_insn_flow_every(bytes, length, &ret->flow, &ret->writes))
		return false;
	while (at + 1 < length && is_prefix(bytes[at]))
		at++;
	if (at + 1 < length && (bytes[at] & 0xf0) == 0x40)
		rex = bytes[at++];
	ret->opcode = bytes[at];
	if (at + 1 < length)
		modrm = bytes[at + 1];
	ret->reg_only = modrm >> 6 == 3;
	ret->modrm_reg = (modrm >> 3 & 7) | (rex << 1 & 8);
	ret->modrm_rm = (modrm & 7) | (rex << 3 & 8);
	return true;
}

static bool writes(const struct step *s, uint8_t reg)
{
	return reg < RP_REG_NR && (s->writes >> reg & 1);
}

static bool goes_on(const struct rp_code_insn *insn)
{
	return insn->flow != RP_FLOW_JMP && insn->flow != RP_FLOW_RET &&
	       insn->flow != RP_FLOW_JMP_INDIRECT && insn->flow != RP_FLOW_UD &&
	       insn->flow != RP_FLOW_HLT;
}

static bool is_call(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_CALL || insn->flow == RP_FLOW_CALL_INDIRECT;
}

// Registers that a called function need not preserve.
static bool is_lost_by_calls(uint8_t reg)
{
	return reg < RP_REG_NR && reg != RP_RBX && reg != RP_RBP &&
	       reg != RP_RSP && reg < RP_R12;
}

// The register that a register was copied from, or RP_REG_NONE.
static uint8_t copied_from(const struct step *s, uint8_t reg)
{
	if (s->opcode == OP_STORE && s->reg_only && s->modrm_rm == reg)
		return s->modrm_reg;
	if ((s->opcode == OP_LOAD || s->opcode == OP_MOVSLQ) && s->reg_only)
		return s->modrm_rm;
	return s->opcode == OP_CLTQ ? RP_RAX : RP_REG_NONE;
}

static void take_load(const struct rp_code *code, const struct step *s,
		      struct rp_shape *shape)
{
	shape->load = s->insn;
	shape->base = s->flow.base;
	shape->other = s->flow.scale > 1 ? RP_REG_NONE : s->flow.index;
	if (s->flow.base == RP_REG_NONE)
		shape->table = rp_code_reference(code, s->insn, &s->flow);
}

static bool loads_by_index(const struct step *s)
{
	return !s->reg_only && s->flow.memory && s->flow.index != RP_REG_NONE &&
	       (s->opcode == OP_LOAD || s->opcode == OP_MOVSLQ);
}

static bool is_address(const struct step *s)
{
	return s->opcode == OP_LEA && s->flow.rip;
}

/*
 * One of two registers that were added is the table's entry, the other one what
 * it is relative to. Finds the load of the entry; and what the other one is, if
 * it is named on the way: nearly always the table itself.
 */
static bool find_entry(const struct rp_code *code, uint32_t from, uint32_t first,
		       uint8_t pair[2], struct rp_shape *shape)
{
	struct step s;

	for (uint32_t i = from, n = 0; i-- > first && n < FAR_BACK; n++) {
		if (!goes_on(&code->insns[i]) || is_call(&code->insns[i]) ||
		    !read_step(code, i, &s))
			break;
		for (int k = 0; k < 2; k++) {
			if (!writes(&s, pair[k]))
				continue;
			if (loads_by_index(&s) && !shape->load) {
				take_load(code, &s, shape);
				pair[k] = RP_REG_NONE;
				continue;
			}
			if (is_address(&s))
				shape->origin = rp_code_reference(code, i,
								  &s.flow);
			pair[k] = copied_from(&s, pair[k]);
		}
		if (shape->load && (pair[0] == shape->base ||
				    pair[1] == shape->base))
			return true;
	}
	shape->origin_reg = pair[0] != RP_REG_NONE ? pair[0] : pair[1];
	return shape->load;
}

// jmp *%reg: how its value came about.
static bool follow_register(const struct rp_code *code, uint32_t jump,
			    uint32_t first, uint8_t reg, struct rp_shape *shape)
{
	struct step s;

	for (uint32_t i = jump, n = 0; i-- > first && n < FAR_BACK; n++) {
		if (!goes_on(&code->insns[i]) ||
		    (is_call(&code->insns[i]) && is_lost_by_calls(reg)) ||
		    !read_step(code, i, &s))
			return false;
		if (!writes(&s, reg))
			continue;
		if (loads_by_index(&s) && s.opcode == OP_LOAD) {
			take_load(code, &s, shape);
			shape->relative = false;
			return true;
		}
		shape->relative = true;
		if ((s.opcode == OP_ADD_RM || s.opcode == OP_ADD_REG) &&
		    s.reg_only)
			return find_entry(code, i, first, (uint8_t[]){
				s.modrm_reg, s.modrm_rm }, shape);
		if (s.opcode == OP_LEA && s.flow.index != RP_REG_NONE &&
		    s.flow.scale <= 1)
			return find_entry(code, i, first, (uint8_t[]){
				s.flow.base, s.flow.index }, shape);
		reg = copied_from(&s, reg);
		if (reg == RP_REG_NONE)
			return false;
	}
	return false;
}

bool rp_code_shape(const struct rp_code *code, uint32_t jump,
		   struct rp_shape *shape)
{
	uint32_t f = code->insns[jump].function;
	struct step s;

	memset(shape, 0, sizeof(*shape));
	shape->base = shape->other = shape->origin_reg = RP_REG_NONE;
	if (!f || (code->insns[jump].flags & RP_CODE_THUNK) ||
	    !read_step(code, jump, &s))
		return false;
	if (s.flow.reg != RP_REG_NONE)
		return follow_register(code, jump, code->functions[f].first,
				       s.flow.reg, shape);
	if (s.flow.rip || s.flow.index == RP_REG_NONE)
		return false;
	take_load(code, &s, shape);
	return true;
}

static bool is_own(const struct rp_code *code, uint32_t function, uint32_t insn)
{
	uint32_t f = insn ? code->insns[insn].function : 0;

	return f && rp_function_whole(code, f) ==
	       rp_function_whole(code, function);
}

// Of a part without a name it is not known whose it is.
static bool may_be_own(const struct rp_code *code, uint32_t function,
		       uint32_t insn)
{
	uint32_t f = insn ? code->insns[insn].function : 0;

	return is_own(code, function, insn) ||
	       (f && (code->functions[f].flags & RP_FUNCTION_UNNAMED) &&
		code->insns[insn].offset != code->functions[f].offset);
}

static struct rp_spot by_reloc(const struct rp_code *code,
			       const struct rp_table *t, uint64_t at,
			       const struct rp_reloc *r)
{
	struct rp_spot none = { 0 };

	if (!t->relative && r->type == R_X86_64_64)
		return rp_code_spot(code->obj, r->symbol, r->addend);
	if (t->relative && r->type == R_X86_64_PC32 && !t->origin.section)
		return rp_code_spot(code->obj, r->symbol,
				    r->addend - (int64_t)(at - t->place.offset));
	return none;
}

// Entries that the assembler could resolve, and those of linked files.
static struct rp_spot by_value(const struct rp_code *code,
			       const struct rp_table *t, uint64_t value)
{
	struct rp_spot from = t->origin.section ? t->origin : t->place;
	const struct rp_relobj *obj = code->obj;
	struct rp_spot spot = { 0 };
	uint64_t address;

	if (!obj->linked) {
		if (!t->relative || !is_text(code, from.section))
			return spot;
		from.offset += (int64_t)(int32_t)value;
		return from.offset < obj->sections[from.section].hdr.sh_size ?
			from : spot;
	}
	address = t->relative ?
		rp_relobj_address(obj, from.section, from.offset) +
		(int64_t)(int32_t)value : value;
	spot.section = rp_relobj_section_at(obj, address, &spot.offset);
	return spot;
}

static struct rp_spot entry(struct rp_switches *s, const struct rp_table *t,
			    struct rp_data *data, uint64_t at)
{
	const struct rp_code *code = s->b->code;
	size_t size = t->relative ? 4 : 8;
	const struct rp_reloc *r;
	struct rp_spot none = { 0 };

	if (at > data->records.size || data->records.size - at < size)
		return none;
	if (!code->obj->linked) {
		r = rp_records_reloc(&data->records, at);
		if (r)
			return by_reloc(code, t, at, r);
	} else if (!t->relative) {
		r = rp_dynamic_at(code, rp_relobj_address(code->obj,
			t->place.section, at));
		if (r && r->type == R_X86_64_RELATIVE)
			return by_value(code, t, r->addend);
	}
	return by_value(code, t, rp_records_field(&data->records, at, size));
}

static uint32_t entry_insn(struct rp_switches *s, const struct rp_table *t,
			   struct rp_data *data, uint64_t at)
{
	struct rp_spot spot = entry(s, t, data, at);

	return spot.section ?
		rp_code_at(s->b->code, spot.section, spot.offset) : 0;
}

static int open_table(struct rp_switches *s, const struct rp_table *t,
		      struct rp_data **data)
{
	uint32_t section = t->place.section;

	*data = NULL;
	if (!section || !rp_section_data(s->b->obj, section) ||
	    !(s->b->obj->sections[section].hdr.sh_flags & SHF_ALLOC) ||
	    (t->place.offset & 3 && !is_text(s->b->code, section)))
		return 0;
	return rp_code_data(s->b, section, data);
}

int rp_table_fits(struct rp_switches *s, const struct rp_table *t,
		  uint32_t function, bool *ret)
{
	const struct rp_code *code = s->b->code;
	struct rp_data *data;
	uint32_t to;

	*ret = false;
	int rc = open_table(s, t, &data);
	if (rc || !data)
		return rc;
	to = entry_insn(s, t, data, t->place.offset);
	// A pointer to a function itself begins another array.
	*ret = is_own(code, function, to) &&
	       (t->relative || code->insns[to].offset !=
		code->functions[code->insns[to].function].offset);
	return 0;
}

static bool is_behind_function(const struct rp_code *code, uint32_t function,
			       struct rp_spot spot)
{
	const struct rp_function *f = &code->functions[function];

	return spot.section == f->section && spot.offset == f->offset + f->size;
}

static int note_text(struct rp_switches *s, const struct rp_table *t,
		     uint64_t end)
{
	struct rp_code_build *b = s->b;

	if (!is_text(b->code, t->place.section) || t->place.offset == end)
		return 0;
	return rp_code_add_span(&b->found, &b->nfound, &b->found_room,
				(struct rp_span){ t->place.offset, end,
				t->place.section, false }) ? rp_diag_nomem(b->diag) : 0;
}

int rp_table_read(struct rp_switches *s, const struct rp_table *t,
		  uint32_t jump)
{
	struct rp_code *code = s->b->code;
	uint32_t function = code->insns[jump].function;
	size_t size = t->relative ? 4 : 8;
	uint64_t at = t->place.offset;
	struct rp_data *data;

	int rc = open_table(s, t, &data);
	if (rc || !data)
		return rc;
	for (; !rc && at < data->records.size; at += size) {
		struct rp_spot spot = entry(s, t, data, at);
		uint32_t to = spot.section ?
			rp_code_at(code, spot.section, spot.offset) : 0;

		if (at != t->place.offset &&
		    rp_switch_starts(s, t->place.section, at))
			break;
		if (is_behind_function(code, function, spot))
			continue;
		if (!may_be_own(code, function, to))
			break;
		if (rp_code_has_too_many_edges(code)) {
			rp_code_say(s->b, CHECK_INDIRECT,
				    rp_code_section(code, jump),
				    code->insns[jump].offset,
				    "one of too many switch tables");
			break;
		}
		code->insns[jump].flags |= RP_CODE_EDGES;
		rc = rp_code_add_edge(s->b, jump, to, RP_EDGE_TABLE);
	}
	return rc ? rc : note_text(s, t, at);
}
