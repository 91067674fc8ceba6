/* SPDX-License-Identifier: MIT */
/*
 * Sites of an ops table made by hand, with records by hand: each where the test
 * wants it, and of known bytes. For tests on ../stress/harness.h.
 */
#ifndef SITES_H
#define SITES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <repoint/ops.h>

#include "harness.h"

/* The result of a site that does nothing: what was in %eax before. */
#define NOTHING		77

/* The record of an instruction at @code, which lies in the section of @text. */
#define SITE_RECORD(text, code, slot, kind, len)			\
	".pushsection rp_op_sites,\"ao\",@progbits," text "\n\t"	\
	".p2align 2\n\t"						\
	".long " code " - .\n\t"					\
	".long " slot " - .\n\t"					\
	".byte " kind ", " len "\n\t"					\
	".short 0\n\t"						\
	".popsection\n\t"

/*
 * SITE_CALL() - int name(int x): call *slot(%rip), at @offset of 64 bytes.
 * @prefixes: string of ".byte 0x2e" or ""; NAME_insn, then NAME_site
 * @len:      of the instruction, prefixes included
 */
#define SITE_CALL_AT(name, offset, prefixes, len, slot)			\
	__asm__(".pushsection .text.sites,\"ax\",@progbits\n\t"		\
		".p2align 6, 0xcc\n\t"					\
		".fill (" #offset " - 9 - (" #len " - 6)) & 63, 1, 0xcc\n\t" \
		".globl " #name ", " #name "_insn, " #name "_site\n\t"	\
		".hidden " #name ", " #name "_insn, " #name "_site\n\t" \
		".type " #name ", @function\n"				\
		#name ":\n\t"						\
		"subq $8, %rsp\n\t"					\
		"movl $77, %eax\n\t"					\
		#name "_insn:\n\t"					\
		prefixes						\
		#name "_site:\n\t"					\
		"call *" slot "(%rip)\n\t"				\
		SITE_RECORD(#name, #name "_insn", slot, "1", #len)\
		"addq $8, %rsp\n\t"					\
		"ret\n\t"						\
		".size " #name ", . - " #name "\n\t"			\
		".popsection\n");					\
	int name(int x) __attribute__((visibility("hidden")));		\
	extern uint8_t name##_insn[] __attribute__((visibility("hidden"))); \
	extern uint8_t name##_site[] __attribute__((visibility("hidden")))

/* SITE_TAIL_AT() - int name(int x): jmp *slot(%rip), at @offset of 64 bytes. */
#define SITE_TAIL_AT(name, offset, slot)				\
	__asm__(".pushsection .text.sites,\"ax\",@progbits\n\t"		\
		".p2align 6, 0xcc\n\t"					\
		".fill (" #offset " - 5) & 63, 1, 0xcc\n\t"	\
		".globl " #name ", " #name "_site\n\t"			\
		".hidden " #name ", " #name "_site\n\t"			\
		".type " #name ", @function\n"				\
		#name ":\n\t"						\
		"movl $77, %eax\n"					\
		#name "_site:\n\t"					\
		"jmp *" slot "(%rip)\n\t"				\
		SITE_RECORD(#name, #name "_site", slot, "2", "6")	\
		".size " #name ", . - " #name "\n\t"			\
		".popsection\n");					\
	int name(int x) __attribute__((visibility("hidden")));		\
	extern uint8_t name##_site[] __attribute__((visibility("hidden")))

static inline uintptr_t site_rel32(const uint8_t *field)
{
	int32_t displacement;

	memcpy(&displacement, field, 4);
	return (uintptr_t)field + 4 + (uintptr_t)(intptr_t)displacement;
}

/* The six bytes at @site are as built: through @slot. */
static inline bool site_is_built(const uint8_t *site, uint8_t modrm,
				 const void *slot)
{
	return site[0] == 0xff && site[1] == modrm &&
	       site_rel32(site + 2) == (uintptr_t)slot;
}

static inline bool site_is_call(const uint8_t *site, const void *func)
{
	return site[0] == 0x2e && site[1] == 0xe8 &&
	       site_rel32(site + 2) == (uintptr_t)func;
}

static inline bool site_is_jump(const uint8_t *site, const void *func)
{
	return site[0] == 0xe9 && site[5] == 0xcc &&
	       site_rel32(site + 1) == (uintptr_t)func;
}

/* Bytes that one store may change, on this machine and in this environment. */
static inline unsigned int engine_block(void)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	rp_text_poke_get_info(&info);
	return info.block;
}

static inline bool straddles(const uint8_t *site)
{
	uintptr_t mask = -(uintptr_t)engine_block();

	return ((uintptr_t)site & mask) != (((uintptr_t)site + 5) & mask);
}

static inline const char *site_text(const char *bytes)
{
	static char text[6 * 3 + 1];

	for (int i = 0; i < 6; i++)
		snprintf(text + 3 * i, 4, "%02x ", (uint8_t)bytes[i]);
	return text;
}

#define IS_BYTES(site, bytes)	(!memcmp(site, bytes, 6))
#define CHECK_BYTES(site, bytes)					\
	CHECKF(IS_BYTES(site, bytes),					\
	       "%s is %02x %02x %02x %02x %02x %02x, not %s", #site, \
	       (site)[0], (site)[1], (site)[2], (site)[3], (site)[4],	\
	       (site)[5], site_text(bytes))

#endif
