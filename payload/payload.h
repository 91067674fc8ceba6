/* SPDX-License-Identifier: MIT */
/*
 * A payload in memory, read and checked.
 *
 *   int  rp_payload_open(payload, image, size, diag);
 *   void rp_payload_close(payload);
 *
 * The input is not trusted. What open() accepts satisfies, beside I1 to I5 of
 * relobj.h:
 *
 *   P1  the identity is that of the file, every byte of it
 *   P2  names of sections and symbols and all strings are UTF-8 without control
 *       characters
 *   P3  a loaded section is writable, or executable, or neither; its alignment
 *       is at most RP_PAYLOAD_ALIGN_MAX, all of them have at most
 *       RP_PAYLOAD_SIZE_MAX bytes
 *   P4  a defined symbol, with its size, is inside its section
 *   P5  a relocation has a known type, lies with all its bytes inside a section
 *       that has bytes in the file, and its symbol is in a loaded section, or
 *       undefined and bound; thread-local types have thread-local bindings, and
 *       no others have
 *   P6  a binding's symbol is undefined, and has no other binding
 *   P7  what functions and hooks name is a function in executable code; what
 *       live data is set to is inside its section
 *   P8  replaced functions do not overlap, and each has room for its detour
 *   P9  every string offset, mask and dependency that a record names exists
 *
 * What a payload does when its code runs is not checked: it is as trusted as
 * the program that it is applied to.
 */
#ifndef REPOINT_PAYLOAD_PAYLOAD_H
#define REPOINT_PAYLOAD_PAYLOAD_H

#include "../object/elf/relobj.h"
#include "format.h"

#define RP_PAYLOAD_ALIGN_MAX	4096u
#define RP_PAYLOAD_SIZE_MAX	(256u << 20)

/** Bytes of a detour: `jmp rel32`. */
#define RP_PAYLOAD_DETOUR_SIZE	5u

/**
 * struct rp_payload_relocs - the relocations of a loaded section.
 * @section: it
 */
struct rp_payload_relocs {
	uint32_t section;
	struct rp_relocs relocs;
};

/**
 * struct rp_payload - a payload. Records are copies; strings are named by
 * offset, see rp_payload_string().
 * @obj:      its sections and symbols
 * @id:       its identity
 * @strings:  .rp.strings
 * @relocs:   of each SHT_RELA section of loaded sections, in file order
 * @bound:    for each symbol the number of its binding, counted from 1, or 0
 * @eh_frame: index of .eh_frame, or 0
 */
struct rp_payload {
	struct rp_relobj obj;
	uint8_t id[RP_PAYLOAD_ID_SIZE];
	struct rp_payload_header header;
	const char *strings;
	size_t strings_size;
	struct rp_payload_function *functions;
	size_t nfunctions;
	struct rp_payload_binding *bindings;
	size_t nbindings;
	struct rp_payload_hook *hooks;
	size_t nhooks;
	struct rp_payload_data *data;
	size_t ndata;
	struct rp_payload_range *masks;
	size_t nmasks;
	struct rp_payload_depend *depends;
	size_t ndepends;
	struct rp_payload_relocs *relocs;
	size_t nrelocs;
	uint32_t *bound;
	uint32_t eh_frame;
};

/**
 * rp_payload_open() - parse and check a payload.
 * @payload: filled in; to be closed also after a failure
 * @image:   the bytes of the file; must outlive @payload
 * @size:    how many
 * @diag:    what is wrong, on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_payload_open(struct rp_payload *payload, const void *image, size_t size,
		    struct rp_diag *diag);

/** rp_payload_close() - free the model. The image stays. */
void rp_payload_close(struct rp_payload *payload);

/** rp_payload_string() - a string of a record; "" if there is none. */
static inline const char *rp_payload_string(const struct rp_payload *payload,
					    uint32_t offset)
{
	return payload->strings + offset;
}

/** rp_payload_symbol() - a symbol by its index. */
static inline const struct rp_symbol *
rp_payload_symbol(const struct rp_payload *payload, uint32_t symbol)
{
	return &payload->obj.symbols[symbol];
}

/** rp_payload_binding_of() - the binding of a symbol, or NULL. */
static inline const struct rp_payload_binding *
rp_payload_binding_of(const struct rp_payload *payload, uint32_t symbol)
{
	uint32_t number = payload->bound[symbol];

	return number ? &payload->bindings[number - 1] : NULL;
}

/** rp_payload_is_loaded() - is a section part of what is loaded? */
static inline bool rp_payload_is_loaded(const struct rp_section *section)
{
	return section->hdr.sh_flags & SHF_ALLOC;
}

/** rp_payload_hook_name() - "pre-apply", ... of a kind that is one. */
const char *rp_payload_hook_name(enum rp_payload_hook_kind kind);

/** rp_payload_bind_is_tls() - is what is bound thread-local? */
static inline bool rp_payload_bind_is_tls(uint32_t kind)
{
	return kind == RP_BIND_TLS || kind == RP_BIND_IMPORT_TLS;
}

#endif /* REPOINT_PAYLOAD_PAYLOAD_H */
