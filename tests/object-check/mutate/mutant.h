/* SPDX-License-Identifier: MIT */
/*
 * An object in memory that is to be broken in one place.
 *
 * Each class of mutations tries one candidate after another, from a random one
 * on, until one has an effect: a class has to know when it has none. It changes
 * the bytes of the file and nothing else.
 */
#ifndef MUTANT_H
#define MUTANT_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum kind - as much as mutations ask about. */
enum kind {
	OTHER,
	PUSH,		/* of register @reg */
	POP,		/* into register @reg */
	ADD_RSP,	/* add $imm8 or imm32, %rsp */
	RET,
	JUMP,		/* jmp, jcc: to @target, without a relocation */
	FLOW,		/* other jumps, calls, traps */
	NOP,
};

struct insn {
	uint32_t section;
	uint32_t function;	/* index of its symbol */
	uint64_t offset;
	uint8_t length;
	uint8_t kind;
	uint8_t reg;		/* as instructions number them */
	uint8_t imm, imm_size;	/* immediate, or displacement of a jump */
	bool relocated;
	uint64_t target;
};

/**
 * struct mutant - the object.
 * @insns: of all functions, by section and offset; functions do not overlap
 * @place: what was changed, for the report
 */
struct mutant {
	uint8_t *image;
	size_t size;
	Elf64_Shdr *sections;
	size_t nsections;
	const char *names;
	Elf64_Sym *symbols;
	size_t nsymbols;
	char *strings;
	size_t strings_size;
	struct insn *insns;
	size_t ninsns;
	char place[300];
};

/** mutant_open() - read a file, find its functions' instructions. Exits with 2
 *  if it cannot be read: the input is ours. */
void mutant_open(struct mutant *m, const char *path);
void mutant_close(struct mutant *m);

const char *section_name(const struct mutant *m, size_t section);
uint32_t section_named(const struct mutant *m, const char *name);
uint8_t *section_data(const struct mutant *m, size_t section);
const char *symbol_name(const struct mutant *m, size_t symbol);

/** relocations_of() - of a section. */
Elf64_Rela *relocations_of(const struct mutant *m, size_t section, size_t *n);
Elf64_Rela *relocation_at(const struct mutant *m, size_t section,
			  uint64_t offset);

/** points_to() - what a relocation of a self-relative field refers to.
 *  @behind: from the field to where it is relative to. */
bool points_to(const struct mutant *m, const Elf64_Rela *rela, int64_t behind,
	       uint32_t *section, uint64_t *offset);

/** insn_at() - the instruction that begins there; NULL if none does. */
struct insn *insn_at(const struct mutant *m, uint32_t section, uint64_t offset);

uint8_t *insn_bytes(const struct mutant *m, const struct insn *insn);
void note_insn(struct mutant *m, const struct insn *insn, const char *what);

/**
 * struct class - one class of mutations.
 * @ids:   any of these numbers is right
 * @count: candidates
 * @apply: break the @i-th; false: that would have no effect, or cannot be done
 */
struct class {
	const char *name;
	const char *ids;
	size_t (*count)(const struct mutant *m);
	bool (*apply)(struct mutant *m, size_t i);
};

extern const struct class code_classes[];
extern const struct class frame_classes[];
extern const struct class record_classes[];
extern const struct class register_classes[];

#endif /* MUTANT_H */
