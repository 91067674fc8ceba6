/* SPDX-License-Identifier: MIT */
/*
 * Reading the numbers of .eh_frame and .gcc_except_table: of fixed size, LEB128,
 * encoded pointers' forms. The input is not trusted: beyond the end everything
 * is 0, and the reader is bad, which needs to be looked at only at the end.
 */
#ifndef REPOINT_OBJECT_FRAMES_EH_READER_H
#define REPOINT_OBJECT_FRAMES_EH_READER_H

#include <dwarf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not in every <dwarf.h>. */
#define RP_EH_PE_INDIRECT	0x80
#define RP_EH_PE_FORM		0x0f
#define RP_EH_PE_BASE		0x70

struct rp_eh_reader {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t rp_eh_left(const struct rp_eh_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static inline void rp_eh_fail(struct rp_eh_reader *reader)
{
	reader->bad = true;
	reader->at = reader->end;
}

/** rp_eh_fixed() - @size bytes, at most 8. */
static inline uint64_t rp_eh_fixed(struct rp_eh_reader *reader, size_t size)
{
	uint64_t v = 0;

	if (rp_eh_left(reader) < size) {
		rp_eh_fail(reader);
		return 0;
	}
	memcpy(&v, reader->at, size);
	reader->at += size;
	return v;
}

static inline uint64_t rp_eh_signed(struct rp_eh_reader *reader, size_t size)
{
	unsigned int shift = 64 - 8 * (unsigned int)size;

	return (uint64_t)((int64_t)(rp_eh_fixed(reader, size) << shift) >> shift);
}

/** rp_eh_leb() - bits beyond 64 are lost. */
static inline uint64_t rp_eh_leb(struct rp_eh_reader *reader, bool is_signed)
{
	unsigned int shift = 0;
	uint64_t v = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)rp_eh_fixed(reader, 1);
		if (shift < 64) {
			v |= (uint64_t)(byte & 0x7f) << shift;
			shift += 7;
		}
	} while (byte & 0x80);
	if (is_signed && shift < 64 && (byte & 0x40))
		v |= ~(uint64_t)0 << shift;
	return v;
}

static inline uint64_t rp_eh_uleb(struct rp_eh_reader *reader)
{
	return rp_eh_leb(reader, false);
}

static inline int64_t rp_eh_sleb(struct rp_eh_reader *reader)
{
	return (int64_t)rp_eh_leb(reader, true);
}

static inline void rp_eh_skip(struct rp_eh_reader *reader, uint64_t size)
{
	if (size > rp_eh_left(reader))
		rp_eh_fail(reader);
	else
		reader->at += size;
}

/** rp_eh_form() - the number of an encoded pointer, its base not added. */
static inline uint64_t rp_eh_form(struct rp_eh_reader *reader, uint8_t encoding)
{
	switch (encoding & RP_EH_PE_FORM) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8: return rp_eh_fixed(reader, 8);
	case DW_EH_PE_udata2: return rp_eh_fixed(reader, 2);
	case DW_EH_PE_udata4: return rp_eh_fixed(reader, 4);
	case DW_EH_PE_sdata2: return rp_eh_signed(reader, 2);
	case DW_EH_PE_sdata4: return rp_eh_signed(reader, 4);
	case DW_EH_PE_uleb128: return rp_eh_uleb(reader);
	case DW_EH_PE_sleb128: return (uint64_t)rp_eh_sleb(reader);
	default:
		rp_eh_fail(reader);
		return 0;
	}
}

#endif /* REPOINT_OBJECT_FRAMES_EH_READER_H */
