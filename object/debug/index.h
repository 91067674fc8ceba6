/* SPDX-License-Identifier: MIT */
/* Names that debug information defines: types, constants, functions. */
#ifndef REPOINT_OBJECT_DEBUG_INDEX_H
#define REPOINT_OBJECT_DEBUG_INDEX_H

#include "internal.h"

/** enum rp_def_kind - names of different kinds never meet. */
enum rp_def_kind {
	RP_DEF_TYPE,		/**< by its tag, in C++ also by its typedef */
	RP_DEF_TYPEDEF,		/**< without a tag, by its typedef */
	RP_DEF_VARIABLE,	/**< without a name, by the variable that has it */
	RP_DEF_CONSTANT,	/**< enumerator of an enum without a name */
	RP_DEF_LINKAGE,		/**< a function, by the name of its symbol */
	RP_DEF_FUNCTION,	/**< a function, by its name in the source */
};

#define RP_DEF_NONE	UINT32_MAX

/**
 * struct rp_def - one definition of a name.
 * @name: place of its name with all scopes, see rp_def_name()
 * @next: the next definition of the same name, or RP_DEF_NONE
 * @last: of the first one: the last
 * @rank: of functions: the lowest describes it best
 */
struct rp_def {
	Dwarf_Die die;
	uint64_t hash;
	uint32_t name;
	uint32_t next;
	uint32_t last;
	uint8_t kind;
	uint8_t rank;
	bool is_cxx;
};

struct rp_debug_table {
	uint32_t *slots;	/* indices of definitions, or RP_DEF_NONE */
	uint32_t mask;
};

/**
 * struct rp_debug_index - definitions, in the order of the file.
 * @by_name: the first definition of each name
 * @by_die:  types by where their DIE is
 */
struct rp_debug_index {
	struct rp_def *defs;
	uint32_t ndefs;
	size_t room;
	char *names;
	size_t names_size, names_room;
	struct rp_debug_table by_name, by_die;
};

/* Read what is defined, if it has not been. */
int rp_debug_index_get(struct rp_debug_info *info, struct rp_diag *diag);

static inline const char *rp_def_name(const struct rp_debug_index *index,
				      const struct rp_def *def)
{
	return index->names + def->name;
}

/* The first definition of @name, or RP_DEF_NONE. */
uint32_t rp_debug_index_find(const struct rp_debug_index *index,
			     enum rp_def_kind kind, const char *name);

/* The definition that this DIE of a type is, or NULL. */
const struct rp_def *rp_debug_index_of(const struct rp_debug_index *index,
				       const Dwarf_Die *die);

#define RP_HASH_INIT	0x9e3779b97f4a7c15u

/* Mixing steps; a difference in any argument changes all of the result. */
static inline uint64_t rp_hash_number(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

uint64_t rp_hash_string(uint64_t hash, const char *s);

#endif /* REPOINT_OBJECT_DEBUG_INDEX_H */
