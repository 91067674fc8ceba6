/* SPDX-License-Identifier: MIT */
/*
 * What the debug information of a relocatable object says about its source:
 * lines of code, layouts of types, prototypes of functions. Over libdw.
 */
#ifndef REPOINT_OBJECT_DEBUG_INFO_H
#define REPOINT_OBJECT_DEBUG_INFO_H

#include "../elf/relobj.h"

struct rp_debug_info;

/**
 * rp_debug_info_open() - find the debug information of an object.
 * @ret:  NULL if the object has none, or has it in another file (.dwo)
 * @obj:  must outlive it
 * @diag: on failure
 *
 * Compressed debug sections and DWARF 3 to 5 are understood. Damaged debug
 * information is an error of its own (RP_DIAG_DEBUG_INFO), never a crash.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_debug_info_open(struct rp_debug_info **ret, const struct rp_relobj *obj,
		       struct rp_diag *diag);

/**
 * rp_debug_lines_open() - the same, for lines alone: of -gsplit-dwarf, too, where
 * the line tables are in the object and all the rest is in another file, which
 * is not read. Only rp_debug_line() may be asked.
 * @ret: NULL if the object has no unit
 */
int rp_debug_lines_open(struct rp_debug_info **ret, const struct rp_relobj *obj,
			struct rp_diag *diag);
void rp_debug_info_close(struct rp_debug_info *info);

/**
 * struct rp_source_line - a line of the source.
 * @file: as the compiler wrote it: without the directory of the compilation;
 *        lives with the info
 */
struct rp_source_line {
	const char *file;
	uint32_t line;
};

/**
 * rp_debug_line() - the line of an instruction.
 *
 * Return: is one known? Not in a line table that is damaged, nor where the
 * compiler says that code belongs to no line.
 */
bool rp_debug_line(struct rp_debug_info *info, uint32_t section,
		   uint64_t offset, struct rp_source_line *ret);

/** struct rp_line_row - a row of a line table. */
struct rp_line_row {
	uint64_t offset;	/* in the section */
	uint32_t line;
};

/**
 * rp_debug_line_rows() - the rows that start in a stretch of code, in order. The
 * call of an inlined function has a row of its own, where the function's is too.
 * Return: how many there are; the first @room of them are in @ret.
 */
size_t rp_debug_line_rows(struct rp_debug_info *info, uint32_t section,
			  uint64_t offset, uint64_t size,
			  struct rp_line_row *ret, size_t room);

/**
 * rp_debug_call_lines() - lines of the calls that were inlined into the function
 * that starts at a place; 0 for those that are not known. Takes time: the
 * function is searched for.
 * Return: how many there are; the first @room of them are in @ret.
 */
size_t rp_debug_call_lines(struct rp_debug_info *info, uint32_t section,
			   uint64_t offset, uint32_t *ret, size_t room);

/**
 * struct rp_static_variable - a static variable that a function declares.
 * @function: "" for one that no function declares
 * @rank: which one of that name in that function, counted from 0
 * @line: where it is declared
 */
struct rp_static_variable {
	const char *function;
	const char *name;
	uint32_t rank;
	uint32_t line;
};

/**
 * rp_debug_static() - the static variable of a function at a place. Inlined or
 * not, it is that of the function that declares it.
 * Return: is there one?
 */
bool rp_debug_static(struct rp_debug_info *info, uint32_t section,
		     uint64_t offset, struct rp_static_variable *ret);

/**
 * enum rp_type_change_kind - how a type differs.
 */
enum rp_type_change_kind {
	RP_TYPE_SIZE,		/**< the size of a struct, union or class */
	RP_TYPE_MEMBER,		/**< a member moved, vanished or has another size or
				     kind of type, or a new one (also: a base class) */
	RP_TYPE_ENUMERATOR,	/**< a name has another number */
	RP_TYPE_VIRTUAL,	/**< a virtual function has another place */
};

/**
 * struct rp_type_change - one type that differs.
 * @type:   as in source: "struct redisServer", "ns::Class"
 * @member: which member; "" if the type as a whole
 * @text:   one sentence: what it was, what it is
 * @file, @line: where the new one is declared; "" and 0 if unknown
 */
struct rp_type_change {
	enum rp_type_change_kind kind;
	char type[160];
	char member[96];
	char text[256];
	char file[160];
	uint32_t line;
};

struct rp_type_changes {
	struct rp_type_change *v;
	size_t n;
};

/**
 * rp_debug_types_compare() - types of the same name that are laid out otherwise.
 * @old_info, @new_info: of the two objects
 * @ret:  at most one change for each type and member; those of a type follow
 *        each other, by offset; that of its size comes last
 * @diag: on failure
 *
 * Types without a name count as part of those that hold them ("x.a", "p->a"), or
 * go by the typedef or the static variable that has them, or, enums, by their
 * first enumerator. Names are compared with their scopes. Only names that both
 * define, completely, are compared. Bit fields by bit. Not a change: the sign
 * of an integer, an enum for an integer of its size, what a pointer points to,
 * enumerators that are new or gone. Of several definitions of one name, those
 * that have an equal one on the other side count as unchanged.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_debug_types_compare(struct rp_debug_info *old_info,
			   struct rp_debug_info *new_info,
			   struct rp_type_changes *ret, struct rp_diag *diag);
void rp_type_changes_deinit(struct rp_type_changes *changes);

/**
 * rp_debug_prototype_changed() - did a function's parameters or result change?
 * @text: filled in if so: "was int f(int), is int f(long)"; @size bytes
 *
 * Matches by linkage name, or else by name; without a suffix like .part.0 if
 * there is none with it. Typedefs, const, and volatile are no difference.
 *
 * Return: 1 if so, 0 if not, -1 if one of the two does not describe it.
 */
int rp_debug_prototype_changed(struct rp_debug_info *old_info,
			       struct rp_debug_info *new_info,
			       const char *old_name, const char *new_name,
			       char *text, size_t size);

/** rp_debug_has_types() - does it describe types, and not lines alone (-g1)? */
bool rp_debug_has_types(struct rp_debug_info *info);

/** rp_debug_producer() - compiler and options of the first unit, or "". */
const char *rp_debug_producer(struct rp_debug_info *info);

/** rp_debug_source() - primary source file of the first unit, or "". */
const char *rp_debug_source(struct rp_debug_info *info);

#endif /* REPOINT_OBJECT_DEBUG_INFO_H */
