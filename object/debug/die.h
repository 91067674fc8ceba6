/* SPDX-License-Identifier: MIT */
/* Attributes of one DIE, read in one pass, and what they amount to. */
#ifndef REPOINT_OBJECT_DEBUG_DIE_H
#define REPOINT_OBJECT_DEBUG_DIE_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#define RP_ATTR_LIST(X)							\
	X(NAME, DW_AT_name) X(TYPE, DW_AT_type)				\
	X(LINKAGE, DW_AT_linkage_name)					\
	X(MIPS_LINKAGE, DW_AT_MIPS_linkage_name)			\
	X(PLACE, DW_AT_data_member_location)				\
	X(BYTE_SIZE, DW_AT_byte_size) X(BIT_SIZE, DW_AT_bit_size)	\
	X(BIT_OFFSET, DW_AT_bit_offset)					\
	X(DATA_BIT_OFFSET, DW_AT_data_bit_offset)			\
	X(EXTERNAL, DW_AT_external) X(DECLARATION, DW_AT_declaration)	\
	X(VIRTUALITY, DW_AT_virtuality)					\
	X(VTABLE_PLACE, DW_AT_vtable_elem_location)			\
	X(VALUE, DW_AT_const_value) X(LOCATION, DW_AT_location)		\
	X(SPECIFICATION, DW_AT_specification)				\
	X(ORIGIN, DW_AT_abstract_origin) X(SIGNATURE, DW_AT_signature)	\
	X(ENCODING, DW_AT_encoding) X(COUNT, DW_AT_count)		\
	X(UPPER_BOUND, DW_AT_upper_bound)

enum rp_attr {
#define RP_ATTR_ENUM(name, at) RP_ATTR_##name,
	RP_ATTR_LIST(RP_ATTR_ENUM)
#undef RP_ATTR_ENUM
	RP_ATTR_NR
};

/** struct rp_attrs - @v[i] is valid if bit i of @have is set. */
struct rp_attrs {
	uint32_t have;
	Dwarf_Attribute v[RP_ATTR_NR];
};

void rp_attrs_read(struct rp_attrs *attrs, Dwarf_Die *die);

static inline bool rp_attrs_has(const struct rp_attrs *attrs, enum rp_attr i)
{
	return attrs->have >> i & 1;
}

/* NULL, false, if there is none or one of another form. */
const char *rp_attrs_string(struct rp_attrs *attrs, enum rp_attr i);
bool rp_attrs_number(struct rp_attrs *attrs, enum rp_attr i, uint64_t *ret);
bool rp_attrs_die(struct rp_attrs *attrs, enum rp_attr i, Dwarf_Die *ret);
/* A block: its first operation and that one's operand, if it has one. */
bool rp_attrs_op(struct rp_attrs *attrs, enum rp_attr i, uint8_t *op,
		 uint64_t *operand);
const char *rp_attrs_linkage(struct rp_attrs *attrs);

/** rp_die_is_aggregate() - a struct, union, class? */
bool rp_die_is_aggregate(int tag);

/**
 * rp_die_strip() - what is behind typedefs and qualifiers.
 * @die:  replaced
 * @name: the last typedef's name, or NULL; may be NULL
 *
 * Return: its tag; DW_TAG_invalid if there is nothing (void) or a cycle.
 */
int rp_die_strip(Dwarf_Die *die, const char **name);

/** rp_die_count() - elements of one dimension of an array; 0: it is open. */
uint64_t rp_die_count(Dwarf_Die *subrange);

#endif /* REPOINT_OBJECT_DEBUG_DIE_H */
