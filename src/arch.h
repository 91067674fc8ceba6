/* SPDX-License-Identifier: MIT */
/*
 * What the engine and the features need from an architecture. A port supplies
 * these functions in src/arch/ARCH/ and the macros of include/repoint/arch/.
 *
 *   insn.c     encode and decode the instructions that we emit
 *   emulate.c  do in a signal handler what one of them does
 *   cpu.c      how much one store may change under other threads
 */
#ifndef RP_SRC_ARCH_H
#define RP_SRC_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <repoint/arch.h>

/* struct rp__cpu_policy - what is known of this processor. */
struct rp__cpu_policy {
	unsigned int block;	/* aligned bytes one store may change: 8, 16 */
	const char *source;	/* a line of docs/processors.md */
};

/* False: text is never written, and rp_text_poke_*() return -ENOTSUP. */
#define RP__HAVE_ENGINE	RP__HAVE_TRAMPOLINE

/* enum rp__insn_type - instructions that sites consist of. */
enum rp__insn_type {
	RP__INSN_UNKNOWN = 0,
	RP__INSN_NOP,
	RP__INSN_CALL,		/* e8 */
	RP__INSN_JMP,		/* e9, eb */
	RP__INSN_JCC,		/* 0f 8x, 7x */
	RP__INSN_RET,		/* c3 */
	RP__INSN_RET0,		/* xor %eax,%eax */
	RP__INSN_CALL_MEM,	/* ff 15: call *rel32(%rip) */
	RP__INSN_JMP_MEM,	/* ff 25: jmp *rel32(%rip) */
	RP__INSN_INT3,
};

/*
 * struct rp__insn - a decoded instruction.
 * @len:       bytes, prefixes included
 * @field:     offset of the displacement, 0 if there is none
 * @condition: low four bits of a conditional jump's opcode
 * @target:    of a branch; of a *_MEM instruction, the slot it reads
 */
struct rp__insn {
	enum rp__insn_type type;
	unsigned int len;
	unsigned int field;
	unsigned int condition;
	uintptr_t target;
};

#define RP__INSN_MAX	15

/*
 * Decode the instruction at @bytes, as if it were at @addr. Knows the
 * instructions above, with the prefixes that we emit; -EILSEQ for others.
 */
int rp__insn_decode(const uint8_t *bytes, size_t len, uintptr_t addr,
		    struct rp__insn *ret);

/*
 * Encode a branch of @type for @addr into exactly @len bytes: prefixes that
 * are ignored come first, or padding that is never reached after. Returns 0
 * or -ERANGE if @target is too far.
 */
int rp__insn_encode(enum rp__insn_type type, unsigned int condition,
		    uintptr_t addr, uintptr_t target, uint8_t *ret, size_t len);

/* True if a displacement of 32 bits at an instruction's end reaches. */
bool rp__insn_reaches(uintptr_t end, uintptr_t target);

#define RP__REACH	((uintptr_t)0x7ff00000u)

/*
 * Do for the interrupted thread what @bytes at @addr do. @context is the
 * signal handler's ucontext_t; @stub, if not 0, is where a call is made out of
 * line (struct rp__call_stub). Returns false if it is none that we emit.
 */
bool rp__arch_emulate(void *context, const uint8_t *bytes, size_t len,
		      uintptr_t addr, uintptr_t stub);

/* The address of the breakpoint that a SIGTRAP reports, 0 if it is none. */
uintptr_t rp__arch_trap_address(const void *siginfo, const void *context);
/* Run the instruction at @addr again. */
void rp__arch_trap_retry(void *context, uintptr_t addr);
/* True if a debugger's breakpoint of another form lies before @addr + 1. */
bool rp__arch_trap_is_foreign(uintptr_t addr);

/*
 * struct rp__call_stub - a call out of line, for threads with a shadow stack:
 * code that makes the call and jumps back behind the site. Never freed, since
 * a thread returns to it.
 */
struct rp__call_stub {
	uint8_t code[16];
	uint64_t target;
	uint64_t back;
};

void rp__arch_call_stub(struct rp__call_stub *stub, uintptr_t target,
			uintptr_t back);
bool rp__arch_shadow_stack(void);

/* One store of 1, 2, 4 or 8 bytes. */
void rp__arch_store(void *addr, uint64_t value, unsigned int width);
/* Plain copy, not by a function that might itself be patched. */
void rp__arch_copy(void *to, const void *from, size_t len);
void rp__arch_serialize(void);

#define RP__INT3	0xcc

struct rp__cpu_policy rp__arch_cpu_policy(void);

#endif
