/* SPDX-License-Identifier: MIT */
/*
 * What is expected where a function is replaced: the hash of its code, without
 * bytes that Repoint itself may have changed in the running program.
 */
#include "expected.h"

#include "../object/bytes.h"
#include "compare.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SITE_SIZE	5	/* a jump */
#define CS_PREFIX	0x2e
#define PREFIXES_MAX	8

static uint64_t record_length(const struct rp_side *side, uint32_t record,
			      const uint8_t *code, uint64_t room)
{
	const char *table = side->obj.sections[
		side->atoms.v[record].section].name;
	const uint8_t *bytes = rp_atom_bytes(&side->atoms, record);
	struct rp_insn insn;

	if (!strcmp(table, "rp_alternatives"))
		return rp_load_le16(bytes + 12);
	if (!strcmp(table, "rp_static_key_sites"))
		return KEY_SITE_SIZE;
	if (!strcmp(table, "rp_op_sites"))
		return bytes[9];
	if (!strcmp(table, "rp_static_call_sites"))
		return rp_insn_decode(code, room, &insn) ? 0 : insn.length;
	return 0;
}

/*
 * Where a place of the object is in the binary's function. Sites of keys are
 * aligned by prefixes of their own instruction, and lie behind these.
 */
static bool match_place(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
			uint64_t at, uint64_t *offset)
{
	const struct rp_atoms *atoms = &u->old_side.atoms;
	const uint8_t *code = rp_atom_bytes(atoms, twin);
	const struct rp_match *m = rp_unit_match(u, twin);
	uint64_t prefixes = 0;

	while (!rp_match_offset(atoms, twin, p->binary, m, at - prefixes,
				offset)) {
		prefixes++;
		if (prefixes > PREFIXES_MAX || prefixes > at ||
		    code[at - prefixes] != CS_PREFIX)
			return false;
	}
	*offset += prefixes;
	return true;
}

static int add_mask(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
		    uint64_t at, uint64_t length, struct rp_expected *masks)
{
	const struct rp_match *m = rp_unit_match(u, twin);
	uint64_t offset;

	if (!length || !match_place(p, u, twin, at, &offset) ||
	    offset >= m->size)
		return 0;
	if (length > m->size - offset)
		length = m->size - offset;
	struct rp_payload_range *v = reallocarray(masks->masks, masks->nmasks + 1,
						  sizeof(*v));
	if (!v)
		return rp_diag_nomem(p->diag);
	masks->masks = v;
	v[masks->nmasks++] = (struct rp_payload_range){ offset, length };
	return 0;
}

static int mask_calls(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
		      struct rp_expected *masks)
{
	const struct rp_side *side = &u->old_side;
	const struct rp_atom *atom = &side->atoms.v[twin];
	int rc = 0;

	for (size_t i = 0; i < atom->nrefs && !rc; i++) {
		const struct rp_ref *ref = &atom->refs[i];
		const char *name = side->obj.symbols[ref->symbol].name;
		unsigned int opcode = ref->branch == RP_INSN_CALL ||
				      ref->branch == RP_INSN_JMP ? 1 : 2;

		if (ref->branch && !strncmp(name, "rp_tramp__", 10) &&
		    ref->offset >= opcode)
			rc = add_mask(p, u, twin, ref->offset - opcode,
				      opcode + 4, masks);
	}
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct rp_payload_range *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void join_masks(struct rp_expected *masks)
{
	size_t n = 0;

	if (masks->nmasks)
		qsort(masks->masks, masks->nmasks, sizeof(*masks->masks), by_offset);
	for (size_t i = 0; i < masks->nmasks; i++) {
		struct rp_payload_range *last = n ? &masks->masks[n - 1] : NULL;
		uint32_t end = masks->masks[i].offset + masks->masks[i].size;

		if (last && masks->masks[i].offset <= last->offset + last->size) {
			if (end > last->offset + last->size)
				last->size = end - last->offset;
		} else {
			masks->masks[n++] = masks->masks[i];
		}
	}
	masks->nmasks = n;
}

static int find_masks(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
		      struct rp_expected *masks)
{
	const struct rp_side *side = &u->old_side;
	const struct rp_atom *atom = &side->atoms.v[twin];
	const uint8_t *code = rp_atom_bytes(&side->atoms, twin);
	int rc = mask_calls(p, u, twin, masks);

	for (uint32_t r = side->records[twin]; r && !rc;
	     r = side->next_record[r]) {
		int64_t at = side->atoms.v[r].refs[0].place;

		if (at < 0 || (uint64_t)at >= atom->size)
			continue;
		rc = add_mask(p, u, twin, at, record_length(side, r, code + at,
			atom->size - at), masks);
	}
	join_masks(masks);
	return rc;
}

static int hash_old(struct rp_patch *p, const struct rp_match *m,
		    struct rp_expected *ret)
{
	const uint8_t *bytes = rp_binary_bytes(p->binary, m->address, m->size);
	uint8_t *copy = malloc(m->size + 1);

	if (!copy)
		return rp_diag_nomem(p->diag);
	if (!bytes) {
		free(copy);
		return rp_diag_set(p->diag, RP_DIAG_BINARY_DAMAGED, NULL,
			"a function at 0x%llx has no bytes in the file",
			(unsigned long long)m->address);
	}
	memcpy(copy, bytes, m->size);
	for (size_t i = 0; i < ret->nmasks; i++)
		memset(copy + ret->masks[i].offset, 0, ret->masks[i].size);
	crypto_hash_sha256(ret->hash, copy, m->size);
	free(copy);
	return 0;
}

#define LANDING_SIZE	4

unsigned int rp_patch_landing(const struct rp_patch *p,
			      const struct rp_match *m)
{
	static const uint8_t endbr64[LANDING_SIZE] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *bytes = rp_binary_bytes(p->binary, m->address,
					       LANDING_SIZE);

	return m->size >= LANDING_SIZE && bytes &&
	       !memcmp(bytes, endbr64, LANDING_SIZE) ? LANDING_SIZE : 0;
}

int rp_patch_expect(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
		    struct rp_expected *ret)
{
	memset(ret, 0, sizeof(*ret));
	int rc = find_masks(p, u, twin, ret);

	return rc ? rc : hash_old(p, rp_unit_match(u, twin), ret);
}

void rp_expected_deinit(struct rp_expected *expected)
{
	free(expected->masks);
}
