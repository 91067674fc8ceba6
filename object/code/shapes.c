/* SPDX-License-Identifier: MIT */
/*
 * Jumps through switch tables of ordinary programs. What an indirect jump jumps
 * through is followed backward to where it was loaded from a table, by an index;
 * what the table's address was loaded into, to the instruction that names it; and
 * the index, to what it was compared with.
 *
 *	jmp *T(,%i,8)			absolute, 8 bytes each
 *	mov (%b,%i,8),%r; jmp *%r	the same; %b has been loaded with T
 *	movslq (%b,%i,4),%r		relative to T, 4 bytes each: position
 *	add %b,%r; jmp *%r		independent code
 *	add (%b,%i,8),%b; jmp *%b	the same, 8 bytes each: the large code
 *					model; or mov, add
 */
#include "../bytes.h"
#include "switches.h"

#include <string.h>

// So far back what is jumped through is looked for.
#define FAR_BACK	200
// A comparison with more is none with the size of a table.
#define MOST_ENTRIES	0x10000

/* struct step - an instruction, decoded anew, as the search needs it. */
struct step {
	uint32_t insn;
	uint8_t opcode, second;
	bool reg_only, wide;
	uint8_t modrm_reg, modrm_rm;
	uint16_t writes;
	struct rp_insn_flow flow;
};

#define OP_ADD_RM	0x01
#define OP_ADD_REG	0x03
#define OP_TWO_BYTES	0x0f
#define OP_MOVSLQ	0x63
#define OP_COMPARE_IMM	0x81
#define OP_COMPARE_IMM8	0x83
#define OP_STORE	0x89
#define OP_LOAD		0x8b
#define OP_LEA		0x8d
#define OP_CLTQ		0x98
#define OP_COMPARE_AL	0x3c
#define OP_COMPARE_EAX	0x3d

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
	ret->wide = rex & 8;
	ret->opcode = bytes[at];
	ret->second = at + 1 < length ? bytes[at + 1] : 0;
	if (ret->opcode == OP_TWO_BYTES && at + 2 < length)
		at++;
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

bool rp_code_goes_on(const struct rp_code_insn *insn)
{
	return insn->flow != RP_FLOW_JMP && insn->flow != RP_FLOW_RET &&
	       insn->flow != RP_FLOW_JMP_INDIRECT && insn->flow != RP_FLOW_UD &&
	       insn->flow != RP_FLOW_HLT;
}

bool rp_code_is_lost_at(const struct rp_code_insn *insn, uint8_t reg)
{
	return rp_code_is_call(insn) && reg < RP_REG_NR && reg != RP_RSP &&
	       !rp_reg_is_kept(reg);
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
	shape->wide = s->wide && s->opcode != OP_MOVSLQ;
	shape->base = s->flow.base;
	shape->index = s->flow.index;
	shape->other = s->flow.scale > 1 ? RP_REG_NONE : s->flow.index;
	if (s->flow.base == RP_REG_NONE)
		shape->table = rp_code_reference(code, s->insn, &s->flow);
}

static bool loads_by_index(const struct step *s)
{
	return !s->reg_only && s->flow.memory && s->flow.index != RP_REG_NONE &&
	       (s->opcode == OP_LOAD || s->opcode == OP_MOVSLQ);
}

static bool adds_by_index(const struct step *s)
{
	return !s->reg_only && s->flow.memory && s->flow.index != RP_REG_NONE &&
	       s->opcode == OP_ADD_REG && s->wide;
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
		if (!rp_code_goes_on(&code->insns[i]) || rp_code_is_call(&code->insns[i]) ||
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
		if (!rp_code_goes_on(&code->insns[i]) ||
		    rp_code_is_lost_at(&code->insns[i], reg) ||
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
		if (adds_by_index(&s)) {
			take_load(code, &s, shape);
			return true;
		}
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

// movzbl and its like.
static bool widens(const struct step *s)
{
	return s->opcode == OP_TWO_BYTES && s->reg_only &&
	       ((s->second & 0xfe) == 0xb6 || (s->second & 0xfe) == 0xbe);
}

// Leaves the flags as they are, as far as it matters.
static bool moves(const struct step *s)
{
	return s->opcode == OP_LOAD || s->opcode == OP_STORE ||
	       s->opcode == OP_LEA || s->opcode == OP_MOVSLQ ||
	       s->opcode == OP_CLTQ || widens(s) ||
	       (s->opcode & 0xf0) == 0xb0;
}

// `ja`, `jae`: 1, 2. What is behind it has an index that is small enough.
static int kind_of_branch(const struct step *s)
{
	uint8_t condition = s->opcode == OP_TWO_BYTES ? s->second - 0x80 :
							s->opcode - 0x70;

	return condition == 7 ? 1 : condition == 3 ? 2 : 0;
}

// The constant that a register is compared with, or -1.
static int64_t compared_with(const struct rp_code *code, const struct step *s,
			     uint8_t reg)
{
	const uint8_t *bytes = rp_code_bytes(code, s->insn);
	bool with_reg = (s->opcode == OP_COMPARE_IMM ||
			 s->opcode == OP_COMPARE_IMM8 || s->opcode == 0x80) &&
			s->reg_only && (s->modrm_reg & 7) == 7 &&
			s->modrm_rm == reg;
	bool with_rax = (s->opcode == OP_COMPARE_AL ||
			 s->opcode == OP_COMPARE_EAX) && reg == RP_RAX;

	if ((!with_reg && !with_rax) || code->insns[s->insn].reloc)
		return -1;
	if (s->flow.imm_size == 1)
		return (int8_t)bytes[s->flow.imm];
	if (s->flow.imm_size == 2)
		return (int16_t)rp_load_le16(bytes + s->flow.imm);
	return s->flow.imm_size == 4 ? rp_load_sle32(bytes + s->flow.imm) : -1;
}

/*
 * cmp $N, %i; ja: the table has N + 1 entries. Return: how many; 0: not known.
 * @branch: of the branch behind, if nothing has changed the flags since.
 */
static uint32_t find_bound(const struct rp_code *code, uint32_t first,
			   const struct rp_shape *shape)
{
	uint8_t reg = shape->index;
	int branch = 0;
	struct step s;

	for (uint32_t i = shape->load, n = 0; reg != RP_REG_NONE &&
	     i-- > first && n < FAR_BACK; n++) {
		const struct rp_code_insn *insn = &code->insns[i];
		int64_t constant;

		if (!rp_code_goes_on(insn) ||
		    rp_code_is_lost_at(insn, reg) ||
		    !read_step(code, i, &s))
			return 0;
		constant = branch ? compared_with(code, &s, reg) : -1;
		if (constant >= 0 && constant < MOST_ENTRIES)
			return constant + (branch == 1);
		if (insn->flow == RP_FLOW_JCC)
			branch = kind_of_branch(&s);
		else if (!moves(&s))
			branch = 0;
		if (writes(&s, reg))
			reg = widens(&s) ? s.modrm_rm : copied_from(&s, reg);
	}
	return 0;
}

static bool find_shape(const struct rp_code *code, uint32_t jump,
		       struct rp_shape *shape)
{
	uint32_t f = code->insns[jump].function;
	struct step s;

	memset(shape, 0, sizeof(*shape));
	shape->base = shape->other = shape->origin_reg = RP_REG_NONE;
	shape->index = RP_REG_NONE;
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

bool rp_code_shape(const struct rp_code *code, uint32_t jump,
		   struct rp_shape *shape)
{
	uint32_t f = code->insns[jump].function;

	if (!find_shape(code, jump, shape))
		return false;
	shape->bound = find_bound(code, code->functions[f].first, shape);
	return true;
}

