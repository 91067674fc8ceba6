// SPDX-License-Identifier: MIT
/* Attributes of one DIE, read in one pass, and what they amount to. */
#include "die.h"

#include <string.h>

/* Typedefs of typedefs; no source has so many. */
#define MAX_HOPS	64

static int attr_index(unsigned int code)
{
	switch (code) {
#define ATTR_CASE(name, at) case at: return RP_ATTR_##name;
	RP_ATTR_LIST(ATTR_CASE)
#undef ATTR_CASE
	default:
		return -1;
	}
}

static int keep_attr(Dwarf_Attribute *attr, void *arg)
{
	struct rp_attrs *attrs = arg;
	int i = attr_index(dwarf_whatattr(attr));

	if (i >= 0) {
		attrs->v[i] = *attr;
		attrs->have |= 1u << i;
	}
	return DWARF_CB_OK;
}

void rp_attrs_read(struct rp_attrs *attrs, Dwarf_Die *die)
{
	attrs->have = 0;
	dwarf_getattrs(die, keep_attr, attrs, 0);
}

const char *rp_attrs_string(struct rp_attrs *attrs, enum rp_attr i)
{
	return rp_attrs_has(attrs, i) ? dwarf_formstring(&attrs->v[i]) : NULL;
}

const char *rp_attrs_linkage(struct rp_attrs *attrs)
{
	const char *s = rp_attrs_string(attrs, RP_ATTR_LINKAGE);

	return s ? s : rp_attrs_string(attrs, RP_ATTR_MIPS_LINKAGE);
}

bool rp_attrs_number(struct rp_attrs *attrs, enum rp_attr i, uint64_t *ret)
{
	Dwarf_Sword number;
	Dwarf_Word word;

	if (!rp_attrs_has(attrs, i))
		return false;
	unsigned int form = dwarf_whatform(&attrs->v[i]);
	if (form == DW_FORM_sdata || form == DW_FORM_implicit_const) {
		if (dwarf_formsdata(&attrs->v[i], &number))
			return false;
		*ret = (uint64_t)number;
		return true;
	}
	if (dwarf_formudata(&attrs->v[i], &word))
		return false;
	*ret = word;
	return true;
}

bool rp_attrs_die(struct rp_attrs *attrs, enum rp_attr i, Dwarf_Die *ret)
{
	return rp_attrs_has(attrs, i) &&
	       dwarf_formref_die(&attrs->v[i], ret);
}

static uint64_t read_uleb(const uint8_t *p, const uint8_t *end)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; p < end && shift < 64; shift += 7) {
		value |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80))
			break;
	}
	return value;
}

static uint64_t read_operand(uint8_t op, const uint8_t *p, const uint8_t *end)
{
	size_t room = (size_t)(end - p);

	switch (op) {
	case DW_OP_constu:
	case DW_OP_plus_uconst:
		return read_uleb(p, end);
	case DW_OP_const1u:
		return room >= 1 ? p[0] : 0;
	case DW_OP_const2u:
		return room >= 2 ? p[0] | p[1] << 8 : 0;
	default:
		if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
			return op - DW_OP_lit0;
		return 0;
	}
}

bool rp_attrs_op(struct rp_attrs *attrs, enum rp_attr i, uint8_t *op,
		 uint64_t *operand)
{
	Dwarf_Block block;

	if (!rp_attrs_has(attrs, i) || dwarf_formblock(&attrs->v[i], &block) ||
	    !block.length)
		return false;
	*op = block.data[0];
	*operand = read_operand(*op, block.data + 1, block.data + block.length);
	return true;
}

bool rp_die_is_aggregate(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type;
}

/* With type units, a declaration may say where its definition is. */
static void follow_signature(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die target;

	if (dwarf_attr(die, DW_AT_signature, &attr) &&
	    dwarf_formref_die(&attr, &target))
		*die = target;
}

int rp_die_strip(Dwarf_Die *die, const char **name)
{
	Dwarf_Attribute attr;

	if (name)
		*name = NULL;
	for (int hops = 0; hops < MAX_HOPS; hops++) {
		int tag = dwarf_tag(die);

		switch (tag) {
		case DW_TAG_typedef:
			if (name)
				*name = dwarf_diename(die);
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			if (dwarf_hasattr(die, DW_AT_declaration))
				follow_signature(die);
			return dwarf_tag(die);
		default:
			return tag;
		}
		Dwarf_Die next;
		if (!dwarf_formref_die(dwarf_attr(die, DW_AT_type, &attr),
				       &next))
			return DW_TAG_invalid;
		*die = next;
	}
	return DW_TAG_invalid;
}

uint64_t rp_die_count(Dwarf_Die *subrange)
{
	struct rp_attrs attrs;
	uint64_t n;

	rp_attrs_read(&attrs, subrange);
	if (rp_attrs_number(&attrs, RP_ATTR_COUNT, &n))
		return n == UINT64_MAX ? 0 : n;
	if (rp_attrs_number(&attrs, RP_ATTR_UPPER_BOUND, &n))
		return n + 1;
	return 0;
}
