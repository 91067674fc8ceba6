/* SPDX-License-Identifier: MIT */
/*
 * What a program's own instructions do: the way to know that a call is inline
 * and not merely correct.
 *
 * A function in a section of its own has bounds; its bytes are searched for
 * branches that lead to a known address. A chance match of 32 bits is not a
 * worry.
 */
#ifndef SITE_H
#define SITE_H

#ifndef _GNU_SOURCE
# define _GNU_SOURCE	/* process_vm_readv(); include this header first */
#endif
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <repoint/static_call.h>
#include <repoint/static_key.h>
#include <repoint/text_poke.h>

/** NOINLINE - a function whose body is compiled once, as it stands. */
#ifdef __clang__
# define NOINLINE	__attribute__((noinline))
#else
# define NOINLINE	__attribute__((noipa))
#endif

/*
 * SITE_SECTION() - at file scope: a section that SITE_EXPECT() looks at. Not
 * const: the compiler would take the bytes for constant.
 */
#define SITE_SECTION(name)						\
	RP__EXTERN_C uint8_t __start_code_##name[]			\
		__attribute__((visibility("hidden")));			\
	RP__EXTERN_C uint8_t __stop_code_##name[]			\
		__attribute__((visibility("hidden")))

/** IN_SECTION() - puts a function into such a section. */
#define IN_SECTION(name)						\
	__attribute__((section("code_" #name))) NOINLINE

/** enum site_mode - how static calls are made. */
enum site_mode { SITE_GENERIC, SITE_OUT_OF_LINE, SITE_INLINE, SITE_ANY };

/*
 * struct site_count - branches found.
 * @direct: to the function, an island in between or not
 * @tramp:  to the trampoline, a PLT entry in between or not
 * @fixed:  of these, how many cannot be changed by one store
 */
struct site_count {
	int direct;
	int tramp;
	int fixed;
};

static inline uintptr_t site_rel32(const uint8_t *field)
{
	int32_t displacement;

	memcpy(&displacement, field, 4);
	return (uintptr_t)field + 4 + (uintptr_t)(intptr_t)displacement;
}

/* Bytes that only look like a branch may lead anywhere, to nothing as well. */
static inline bool site_read(uintptr_t addr, void *to, size_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { (void *)addr, len };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	       (ssize_t)len;
}

static inline uintptr_t site_slot(uintptr_t slot)
{
	uintptr_t value;

	return site_read(slot, &value, sizeof(value)) ? value : 0;
}

/* Through a PLT entry or an island, both of which jump through a slot. */
static inline uintptr_t site_follow(uintptr_t target)
{
	uint8_t code[11];
	unsigned int at = 0;
	int32_t displacement;

	if (!site_read(target, code, sizeof(code)))
		return 0;
	if (!memcmp(code, "\xf3\x0f\x1e\xfa", 4))
		at += 4;
	if (code[at] == 0xf2)
		at++;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	memcpy(&displacement, code + at + 2, 4);
	return site_slot(target + at + 6 + (uintptr_t)(intptr_t)displacement);
}

/* The displacement of the branch at @code, NULL if there is no branch. */
static inline const uint8_t *site_field(const uint8_t *code)
{
	if (code[0] == 0xe8 || code[0] == 0xe9)
		return code + 1;
	if (code[0] == 0x0f && (code[1] & 0xf0) == 0x80)
		return code + 2;
	if (code[0] == 0xff && (code[1] == 0x15 || code[1] == 0x25))
		return code + 2;
	return NULL;
}

/* True if the @len bytes at @bytes are not within one block of one store. */
static inline bool site_straddles(const uint8_t *bytes, size_t len)
{
	struct rp_text_poke_info info;
	uintptr_t mask;

	info.sz = sizeof(info);
	rp_text_poke_get_info(&info);
	mask = -(uintptr_t)info.block;
	return ((uintptr_t)bytes & mask) != (((uintptr_t)bytes + len - 1) & mask);
}

/* Looked through: what is no trampoline itself and jumps through a slot. */
static inline uintptr_t site_target(const uint8_t *code, const uint8_t *field,
				    uintptr_t tramp)
{
	uintptr_t target = site_rel32(field), next;

	if (code[0] == 0xff)
		return site_slot(target);
	next = target == tramp ? 0 : site_follow(target);
	return next ? next : target;
}

/** site_scan() - count the branches in @start..@stop to @tramp and @func. */
static inline struct site_count site_scan(const uint8_t *start,
					  const uint8_t *stop,
					  const void *tramp, const void *func)
{
	struct site_count count = { 0, 0, 0 };
	const uint8_t *code, *field;
	uintptr_t target;

	for (code = start; code + 5 <= stop; code++) {
		field = site_field(code);
		if (!field)
			continue;
		target = site_target(code, field, (uintptr_t)tramp);
		count.direct += target == (uintptr_t)func;
		if (target != (uintptr_t)tramp)
			continue;
		count.tramp++;
		count.fixed += site_straddles(field, 4);
	}
	return count;
}

static inline bool site_count_is(struct site_count count, enum site_mode mode)
{
	switch (mode) {
	case SITE_GENERIC:
		return !count.direct && !count.tramp;
	case SITE_OUT_OF_LINE:
		return !count.direct && count.tramp;
	case SITE_INLINE:
		return count.tramp == count.fixed &&
		       count.direct + count.fixed > 0;
	default:
		return true;
	}
}

/** site_tramp_is_patched() - the trampoline itself jumps to @func. */
static inline bool site_tramp_is_patched(const void *tramp, const void *func)
{
	const uint8_t *code = (const uint8_t *)tramp;

	if (!memcmp(code, "\xf3\x0f\x1e\xfa", 4))
		code += 4;
	return code[0] == 0xe9 && site_rel32(code + 1) == (uintptr_t)func;
}

/** site_tramp() - the trampoline of a static call. */
#define site_tramp(name)	(RP__STATIC_CALL_KEY(name)->tramp)

/** SITE_EXPECT() - true if @name's calls in @section are made as @mode says. */
#if RP__HAVE_TRAMPOLINE
# define SITE_EXPECT(mode, section, name, func)				\
	site_count_is(site_scan(__start_code_##section,			\
				__stop_code_##section, site_tramp(name), \
				(const void *)(func)), mode)
#else
# define SITE_EXPECT(mode, section, name, func)				\
	((void)(func), (mode) == SITE_GENERIC)
#endif

#endif
