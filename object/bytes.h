/* SPDX-License-Identifier: MIT */
/* Numbers in files: little-endian, wherever they are. */
#ifndef REPOINT_OBJECT_BYTES_H
#define REPOINT_OBJECT_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t rp_load_le16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

static inline uint32_t rp_load_le32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

/** Distances and the fields of instructions, which have a sign. */
static inline int32_t rp_load_sle32(const uint8_t *at)
{
	return (int32_t)rp_load_le32(at);
}

static inline uint64_t rp_load_le64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static inline void rp_store_le16(uint8_t *at, uint16_t v)
{
	v = htole16(v);
	memcpy(at, &v, sizeof(v));
}

static inline void rp_store_le32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

/** rp_align_up() - @alignment: a power of two, or 0 for none. */
static inline uint64_t rp_align_up(uint64_t offset, uint64_t alignment)
{
	return alignment > 1 ? (offset + alignment - 1) & -alignment : offset;
}

/**
 * rp_align_in_file() - where a section that asks for @alignment begins. Large ones
 * are for the linker; in the file they would only make holes, and a hostile one
 * would ask for a file of exabytes.
 */
static inline uint64_t rp_align_in_file(uint64_t offset, uint64_t alignment)
{
	return rp_align_up(offset, alignment < 4096 ? alignment : 4096);
}

#endif /* REPOINT_OBJECT_BYTES_H */
