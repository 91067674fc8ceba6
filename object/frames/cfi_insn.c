/* SPDX-License-Identifier: MIT */
/* Decoding call frame information, and its expressions of common forms. */
#include "cfi_insn.h"

#define DWARF_RSP	7
#define DWARF_RIP	16

/* What an instruction is followed by. */
enum operands {
	NONE,
	VALUE_1, VALUE_2, VALUE_4,	/* times the code factor */
	OFFSET,			/* uleb, bytes */
	OFFSET_FACTORED,	/* sleb, times the data factor */
	EXPR,
	/* These begin with a register. */
	REG,
	REG_REG,
	REG_OFFSET,
	REG_UFACTORED, REG_SFACTORED,
	REG_NFACTORED,		/* GNU's: subtracted */
	REG_EXPR,
};

static const struct form {
	bool known;
	uint8_t op;
	uint8_t operands;
} forms[0x40] = {
#define FORM(name, op, operands) \
	[DW_CFA_##name] = { true, RP_CFI_##op, operands }
	FORM(nop, NOP, NONE),
	FORM(set_loc, SET_LOC, NONE),
	FORM(advance_loc1, ADVANCE, VALUE_1),
	FORM(advance_loc2, ADVANCE, VALUE_2),
	FORM(advance_loc4, ADVANCE, VALUE_4),
	FORM(offset_extended, OFFSET, REG_UFACTORED),
	FORM(restore_extended, RESTORE, REG),
	FORM(undefined, UNDEFINED, REG),
	FORM(same_value, SAME, REG),
	FORM(register, REGISTER, REG_REG),
	FORM(remember_state, REMEMBER_STATE, NONE),
	FORM(restore_state, RESTORE_STATE, NONE),
	FORM(def_cfa, CFA, REG_OFFSET),
	FORM(def_cfa_register, CFA_REGISTER, REG),
	FORM(def_cfa_offset, CFA_OFFSET, OFFSET),
	FORM(def_cfa_expression, CFA_EXPRESSION, EXPR),
	FORM(expression, EXPRESSION, REG_EXPR),
	FORM(offset_extended_sf, OFFSET, REG_SFACTORED),
	FORM(def_cfa_sf, CFA, REG_SFACTORED),
	FORM(def_cfa_offset_sf, CFA_OFFSET, OFFSET_FACTORED),
	FORM(val_offset, VAL_OFFSET, REG_UFACTORED),
	FORM(val_offset_sf, VAL_OFFSET, REG_SFACTORED),
	FORM(val_expression, VAL_EXPRESSION, REG_EXPR),
	FORM(GNU_args_size, NOP, OFFSET),
	FORM(GNU_negative_offset_extended, OFFSET, REG_NFACTORED),
#undef FORM
};

/* Products wrap: what is too large is found where it is used. */
static int64_t times(uint64_t a, uint64_t b)
{
	return (int64_t)(a * b);
}

static void read_expr(struct rp_eh_reader *reader, struct rp_cfi_insn *ret)
{
	uint64_t size = rp_eh_uleb(reader);

	ret->expr = reader->at;
	rp_eh_skip(reader, size);
	ret->size = reader->bad ? 0 : (size_t)size;
}

static void read_operands(struct rp_eh_reader *reader, uint8_t operands,
			  const struct rp_cfi_factors *factors,
			  struct rp_cfi_insn *ret)
{
	uint64_t data = (uint64_t)factors->data;

	if (operands >= REG)
		ret->reg = rp_eh_uleb(reader);
	switch (operands) {
	case VALUE_1: ret->value = times(rp_eh_fixed(reader, 1), factors->code); break;
	case VALUE_2: ret->value = times(rp_eh_fixed(reader, 2), factors->code); break;
	case VALUE_4: ret->value = times(rp_eh_fixed(reader, 4), factors->code); break;
	case REG_REG:
	case OFFSET:
	case REG_OFFSET: ret->value = (int64_t)rp_eh_uleb(reader); break;
	case OFFSET_FACTORED:
	case REG_SFACTORED: ret->value = times(rp_eh_leb(reader, true), data); break;
	case REG_UFACTORED: ret->value = times(rp_eh_uleb(reader), data); break;
	case REG_NFACTORED: ret->value = times(rp_eh_uleb(reader), -data); break;
	case EXPR:
	case REG_EXPR: read_expr(reader, ret); break;
	default: break;
	}
}

bool rp_cfi_insn(struct rp_eh_reader *reader,
		 const struct rp_cfi_factors *factors, struct rp_cfi_insn *ret)
{
	uint8_t byte = (uint8_t)rp_eh_fixed(reader, 1), low = byte & 0x3f;

	*ret = (struct rp_cfi_insn){ .reg = low };
	switch (byte & 0xc0) {
	case DW_CFA_advance_loc:
		ret->op = RP_CFI_ADVANCE;
		ret->value = times(low, factors->code);
		break;
	case DW_CFA_offset:
		ret->op = RP_CFI_OFFSET;
		ret->value = times(rp_eh_uleb(reader), (uint64_t)factors->data);
		break;
	case DW_CFA_restore:
		ret->op = RP_CFI_RESTORE;
		break;
	default:
		ret->op = forms[low].op;
		read_operands(reader, forms[low].operands, factors, ret);
		if (!forms[low].known)
			return false;
	}
	return !reader->bad;
}

/* Expressions. */

/* breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus: N is ret's @plus. */
static bool is_plt(const uint8_t *expr, size_t size, struct rp_cfi_expr *ret)
{
	static const uint8_t start[] = {
		DW_OP_breg0 + DWARF_RSP, 8, DW_OP_breg0 + DWARF_RIP, 0,
		DW_OP_lit15, DW_OP_and,
	};
	static const uint8_t end[] = {
		DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus,
	};
	uint8_t from;

	if (size != sizeof(start) + 1 + sizeof(end) ||
	    memcmp(expr, start, sizeof(start)) ||
	    memcmp(expr + sizeof(start) + 1, end, sizeof(end)))
		return false;
	from = expr[sizeof(start)];
	*ret = (struct rp_cfi_expr){
		RP_CFI_FORM_PLT, DWARF_RSP, 8, from - DW_OP_lit0,
	};
	return from >= DW_OP_lit1 && from <= DW_OP_lit15;
}

/* "plus_uconst N" or "litN, plus", none or one: the sum is added to @ret. */
static void take_plus(struct rp_eh_reader *reader, int64_t *ret)
{
	struct rp_eh_reader at = *reader;
	uint8_t op = (uint8_t)rp_eh_fixed(&at, 1);
	uint64_t v;

	if (op == DW_OP_plus_uconst) {
		v = rp_eh_uleb(&at);
	} else if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		v = op - DW_OP_lit0;
		op = (uint8_t)rp_eh_fixed(&at, 1);
		if (op != DW_OP_plus)
			return;
	} else {
		return;
	}
	if (at.bad)
		return;
	*ret = (int64_t)((uint64_t)*ret + v);
	*reader = at;
}

struct rp_cfi_expr rp_cfi_expr(const uint8_t *expr, size_t size)
{
	struct rp_eh_reader reader = { .at = expr, .end = expr + size };
	struct rp_cfi_expr other = { RP_CFI_FORM_OTHER, 0, 0, 0 }, ret = other;

	if (is_plt(expr, size, &ret))
		return ret;
	uint8_t op = (uint8_t)rp_eh_fixed(&reader, 1);
	if (op < DW_OP_breg0 || op > DW_OP_breg0 + 15)
		return other;
	ret = (struct rp_cfi_expr){ RP_CFI_FORM_REG, op - DW_OP_breg0,
				    rp_eh_sleb(&reader), 0 };
	take_plus(&reader, &ret.offset);
	if (rp_eh_left(&reader) && *reader.at == DW_OP_deref) {
		reader.at++;
		ret.form = RP_CFI_FORM_AT_REG;
		take_plus(&reader, &ret.plus);
	}
	return reader.bad || rp_eh_left(&reader) ? other : ret;
}
