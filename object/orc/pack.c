/* SPDX-License-Identifier: MIT */
/*
 * Entries of ORC tables as bytes: s16 sp_offset, s16 bp_offset, a byte of two
 * registers, a byte of type and flag.
 */
#include "../bytes.h"
#include "../grow.h"
#include "file.h"

#include <string.h>

/* Where in a wide entry its fields are. */
enum { WIDE_SP_OFFSET = 0, WIDE_BP_OFFSET = 4, WIDE_SP_REG = 8,
       WIDE_BP_REG = 9, WIDE_TYPE = 10, WIDE_FLAG = 11 };

static bool is_narrow(const struct rp_orc_entry *entry)
{
	return entry->sp_reg <= 0xf &&
	       entry->sp_offset == (int16_t)entry->sp_offset &&
	       entry->bp_offset == (int16_t)entry->bp_offset;
}

static int pack_wide(struct rp_orc_bytes *ret, uint8_t *at,
		     const struct rp_orc_entry *entry, struct rp_diag *diag)
{
	if (rp_grow(&ret->wide, &ret->wide_room, ret->nwide + 1,
		    RP_ORC_WIDE_SIZE))
		return rp_diag_nomem(diag);
	uint8_t *wide = ret->wide + ret->nwide * RP_ORC_WIDE_SIZE;

	rp_store_le32(wide + WIDE_SP_OFFSET, entry->sp_offset);
	rp_store_le32(wide + WIDE_BP_OFFSET, entry->bp_offset);
	wide[WIDE_SP_REG] = entry->sp_reg;
	wide[WIDE_BP_REG] = entry->bp_reg;
	wide[WIDE_TYPE] = entry->type;
	wide[WIDE_FLAG] = entry->signal_or_end;
	rp_store_le32(at, ret->nwide++);
	at[5] = RP_ORC_WIDE;
	return 0;
}

// Linux 6.1 counts from CALL on, and says "undefined" by the register alone.
static uint8_t type_of_6_1(const struct rp_orc_entry *entry)
{
	return entry->type <= RP_FRAME_CALL ? 0 : entry->type - RP_FRAME_CALL;
}

static int pack(struct rp_orc_bytes *ret, uint8_t *at,
		const struct rp_orc_entry *entry, const struct rp_abi *abi,
		struct rp_diag *diag)
{
	uint8_t type = entry->type;

	if (!is_narrow(entry) && !abi->kernel)
		return pack_wide(ret, at, entry, diag);
	if (!is_narrow(entry))
		return rp_diag_set(diag, RP_DIAG_ORC_RANGE, NULL,
			"the format of %s has no room for the offsets %d and "
			"%d", abi->name, entry->sp_offset, entry->bp_offset);
	if (abi->orc_type_bits == 2)
		type = type_of_6_1(entry);
	rp_store_le16(at, entry->sp_offset);
	rp_store_le16(at + 2, entry->bp_offset);
	at[4] = entry->sp_reg | entry->bp_reg << 4;
	at[5] = type | entry->signal_or_end << abi->orc_type_bits;
	return 0;
}

int rp_orc_pack(struct rp_orc_bytes *ret, const struct rp_orc *orc,
		const struct rp_abi *abi, struct rp_diag *diag)
{
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	ret->n = orc->n;
	ret->entries = calloc(orc->n ? orc->n : 1, RP_ORC_ENTRY_SIZE);
	if (!ret->entries)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < orc->n && !rc; i++)
		rc = pack(ret, ret->entries + i * RP_ORC_ENTRY_SIZE,
			  &orc->v[i], abi, diag);
	return rc;
}

void rp_orc_bytes_deinit(struct rp_orc_bytes *bytes)
{
	free(bytes->entries);
	free(bytes->wide);
	memset(bytes, 0, sizeof(*bytes));
}

static bool unpack_wide(const struct rp_orc_bytes *bytes, uint32_t index,
			struct rp_orc_entry *ret)
{
	if (index >= bytes->nwide)
		return false;
	const uint8_t *wide = bytes->wide + (size_t)index * RP_ORC_WIDE_SIZE;

	ret->sp_offset = rp_load_le32(wide + WIDE_SP_OFFSET);
	ret->bp_offset = rp_load_le32(wide + WIDE_BP_OFFSET);
	ret->sp_reg = wide[WIDE_SP_REG];
	ret->bp_reg = wide[WIDE_BP_REG];
	ret->type = wide[WIDE_TYPE];
	ret->signal_or_end = wide[WIDE_FLAG];
	return ret->type != RP_ORC_WIDE && ret->sp_reg < RP_ORC_REG_NR;
}

bool rp_orc_unpack(const struct rp_orc_bytes *bytes, size_t i,
		   const struct rp_abi *abi, struct rp_orc_entry *ret)
{
	const uint8_t *at = bytes->entries + i * RP_ORC_ENTRY_SIZE;
	const uint8_t mask = (1u << abi->orc_type_bits) - 1;
	uint8_t type = at[5] & mask;

	if (at[5] >> (abi->orc_type_bits + 1))
		return false;
	if (!abi->kernel && type == RP_ORC_WIDE)
		return unpack_wide(bytes, rp_load_le32(at), ret);
	ret->sp_offset = (int16_t)rp_load_le16(at);
	ret->bp_offset = (int16_t)rp_load_le16(at + 2);
	ret->sp_reg = at[4] & 0xf;
	ret->bp_reg = at[4] >> 4;
	ret->signal_or_end = at[5] >> abi->orc_type_bits;
	if (abi->orc_type_bits == 2)
		type = ret->sp_reg ? type + RP_FRAME_CALL : RP_FRAME_UNDEFINED;
	ret->type = type;
	return type <= (abi->kernel ? RP_FRAME_REGS_PARTIAL :
				      RP_ORC_SIGNAL_FRAME);
}
