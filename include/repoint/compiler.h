/* SPDX-License-Identifier: MIT */
/* What the public headers need from the compiler, in one place. */
#ifndef REPOINT_COMPILER_H
#define REPOINT_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
# define RP__BEGIN_DECLS	extern "C" {
# define RP__END_DECLS		}
# define RP__EXTERN_C		extern "C"
#else
# define RP__BEGIN_DECLS
# define RP__END_DECLS
# define RP__EXTERN_C		extern
#endif

/**
 * RP_API - marks a function that librepoint exports.
 *
 * The library is compiled with hidden visibility; src/repoint.map lists the
 * same names with their version.
 */
#define RP_API		__attribute__((visibility("default")))

#define RP__HIDDEN	__attribute__((visibility("hidden")))

/*
 * RP__DEFINE_HIDDEN() - define a hidden variable; `static` may precede.
 *
 * GCC warns of a visibility on a static definition but merges that of a later
 * declaration silently; clang is the other way round. @init has its commas from
 * a macro, or in parentheses: C++98 has no variadic macros.
 */
#ifdef __clang__
# define RP__DEFINE_HIDDEN(type, name, dim, init)			\
	type RP__HIDDEN name dim = init
#else
# define RP__DEFINE_HIDDEN(type, name, dim, init)			\
	type name dim = init;						\
	extern type name dim RP__HIDDEN
#endif

/*
 * Objects that only assembly refers to. GCC's LTO makes a global local, and
 * renames it, unless it is told that somebody outside sees it.
 */
#if defined(__GNUC__) && !defined(__clang__)
# define RP__ASM_VISIBLE	__attribute__((used, externally_visible))
# define RP__ALIAS_VISIBLE	__attribute__((externally_visible))
#else
# define RP__ASM_VISIBLE	__attribute__((used))
# define RP__ALIAS_VISIBLE	__attribute__((used))
#endif

/*
 * A record of a table that compilers write. The alignment keeps GCC from giving
 * larger structs a larger one, which would leave gaps in the table; retain is
 * for lld, which drops what only __start_ symbols refer to.
 */
#ifdef __has_attribute
# if __has_attribute(retain)
#  define RP__RETAIN	retain,
# endif
#endif
#ifndef RP__RETAIN
# define RP__RETAIN
#endif
#define RP__RECORD(table)						\
	__attribute__((section(table), used, RP__RETAIN aligned(8)))

#define RP__STR_(x)	#x
#define RP__STR(x)	RP__STR_(x)
#define RP__CAT_(a, b)	a##b
#define RP__CAT(a, b)	RP__CAT_(a, b)

#endif /* REPOINT_COMPILER_H */
