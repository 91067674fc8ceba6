/* SPDX-License-Identifier: MIT */
/* The instructions of a function as text, with symbols for addresses. */
#ifndef REPOINT_TOOLS_PATCH_LISTING_H
#define REPOINT_TOOLS_PATCH_LISTING_H

#include "../../object/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct rp_listing_line - one instruction.
 * @offset: from the start of the function
 * @text:   for people
 * @key:    equal for instructions that do the same: @text without distances
 *          inside the function
 */
struct rp_listing_line {
	uint64_t offset;
	char *text;
	char *key;
};

struct rp_listing {
	struct rp_listing_line *v;
	size_t n;
	size_t capacity;
};

/** What a number in an instruction is. */
enum rp_listing_number {
	RP_LISTING_BRANCH,	/**< where a branch goes */
	RP_LISTING_RIP,		/**< an operand in memory, relative to rip */
	RP_LISTING_DISP,	/**< another displacement in memory */
	RP_LISTING_IMM,
};

/**
 * struct rp_listing_field - a number in an instruction.
 * @offset: of the field, from the start of the function
 * @behind: of the next instruction
 * @value:  the number; of branches and RIP the address
 * @size:   of the field, in bytes
 * @tls:    beside %fs: an offset from the thread pointer
 */
struct rp_listing_field {
	enum rp_listing_number what;
	uint64_t offset;
	uint64_t behind;
	uint64_t value;
	unsigned int size;
	bool tls;
};

#define RP_LISTING_NAME_MAX	200

/**
 * struct rp_listing_code - what is listed.
 * @code:    its bytes, @size of them
 * @address: of the first one
 * @name:    finds the name of what a field means; @name has RP_LISTING_NAME_MAX
 *           bytes. Returns false if it has none.
 * @context: for @name
 */
struct rp_listing_code {
	const uint8_t *code;
	uint64_t size;
	uint64_t address;
	bool (*name)(void *context, const struct rp_listing_field *field,
		     char *name);
	void *context;
};

/** rp_listing_init() - Return: 0, or -ENOMEM with @diag set. */
int rp_listing_init(struct rp_listing *listing,
		    const struct rp_listing_code *code, struct rp_diag *diag);
void rp_listing_deinit(struct rp_listing *listing);

#endif /* REPOINT_TOOLS_PATCH_LISTING_H */
