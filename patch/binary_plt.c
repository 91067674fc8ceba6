/* SPDX-License-Identifier: MIT */
/*
 * Entries of procedure linkage tables: found by what they do, as linkers and
 * options make them in many forms. An entry is code that jumps through a slot
 * of the global offset table:
 *
 *   ff 25 disp32                       jmp  *slot(%rip)
 *   f2 ff 25 disp32                    bnd jmp
 *   f3 0f 1e fa ...                    endbr64 before either of them
 *   41 bb imm32 ...                    mov $number, %r11d before them
 */
#include "binary_internal.h"

#include "../object/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JUMP_SIZE	6u	/* ff 25 disp32 */
#define MOV_SIZE	6u

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

/** struct wanted - a slot: number of an import, or of an IFUNC behind them. */
struct wanted {
	struct rp_address *v;
	size_t n;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct rp_address *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void want(struct wanted *wanted, uint64_t address, uint32_t index)
{
	if (address)
		wanted->v[wanted->n++] = (struct rp_address){ address, index };
}

static int collect(struct wanted *wanted, const struct rp_binary *binary,
		   struct rp_diag *diag)
{
	wanted->n = 0;
	wanted->v = calloc(2 * binary->nimports + binary->nslots + 1,
			   sizeof(*wanted->v));
	if (!wanted->v)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < binary->nimports; i++) {
		want(wanted, binary->imports[i].slot, i);
		want(wanted, binary->imports[i].jump_slot, i);
	}
	for (size_t i = 0; i < binary->nslots; i++)
		want(wanted, binary->slots[i].slot, binary->nimports + i);
	qsort(wanted->v, wanted->n, sizeof(*wanted->v), compare_addresses);
	return 0;
}

static const struct rp_address *find(const struct rp_address *v, size_t n,
				     uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid].address < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && v[low].address == address ? &v[low] : NULL;
}

/** entry_start() - where the entry begins whose jump is at @at. */
static size_t entry_start(const uint8_t *code, size_t at)
{
	if (at >= 1 && code[at - 1] == 0xf2)
		at -= 1;
	if (at >= MOV_SIZE && code[at - MOV_SIZE] == 0x41 &&
	    code[at - MOV_SIZE + 1] == 0xbb)
		at -= MOV_SIZE;
	if (at >= sizeof(endbr64) &&
	    !memcmp(code + at - sizeof(endbr64), endbr64, sizeof(endbr64)))
		at -= sizeof(endbr64);
	return at;
}

static void set_entry(struct rp_binary *binary, uint32_t index, uint64_t entry)
{
	uint64_t *plt = index < binary->nimports ?
		&binary->imports[index].plt :
		&binary->slots[index - binary->nimports].plt;

	if (!*plt)
		*plt = entry;
}

static void scan(struct rp_binary *binary, const struct wanted *wanted,
		 size_t index, struct wanted *entries)
{
	const Elf64_Shdr *hdr = rp_image_header(&binary->image, index);
	size_t size;
	const uint8_t *code = rp_image_data(&binary->image, index, &size);

	for (size_t at = 0; size >= JUMP_SIZE && at <= size - JUMP_SIZE; at++) {
		const struct rp_address *slot;

		if (code[at] != 0xff || code[at + 1] != 0x25)
			continue;
		slot = find(wanted->v, wanted->n, hdr->sh_addr + at +
			    JUMP_SIZE + rp_load_sle32(code + at + 2));
		if (!slot)
			continue;
		uint64_t entry = hdr->sh_addr + entry_start(code, at);
		set_entry(binary, slot->index, entry);
		want(entries, entry, slot->index);
		at += JUMP_SIZE - 1;
	}
}

static bool is_plt(const struct rp_binary *binary, size_t index)
{
	const Elf64_Shdr *hdr = rp_image_header(&binary->image, index);
	const char *name = rp_image_section_name(&binary->image, index);

	return hdr && hdr->sh_type == SHT_PROGBITS &&
	       (hdr->sh_flags & SHF_EXECINSTR) &&
	       (!strncmp(name, ".plt", 4) || !strcmp(name, ".iplt"));
}

// Sections of a hostile file may share their bytes.
static int count_entries(const struct rp_binary *binary, size_t *ret,
			 struct rp_diag *diag)
{
	size_t sum = 0, size;

	for (size_t i = 1; i < binary->image.nsections; i++) {
		if (!is_plt(binary, i) ||
		    !rp_image_data(&binary->image, i, &size))
			continue;
		sum += size;
		if (sum > binary->image.size)
			return rp_image_damaged(&binary->image, i,
				"shares its bytes with another one", diag);
	}
	*ret = sum / JUMP_SIZE;
	return 0;
}

int rp_binary_read_plt(struct rp_binary *binary, struct rp_diag *diag)
{
	struct wanted wanted, all;
	size_t entries = 0;

	int rc = count_entries(binary, &entries, diag);
	if (!rc)
		rc = collect(&wanted, binary, diag);
	if (rc)
		return rc;
	all.n = 0;
	all.v = calloc(wanted.n + entries + binary->nimports + 1,
		       sizeof(*all.v));
	if (!all.v) {
		free(wanted.v);
		return rp_diag_nomem(diag);
	}
	for (size_t i = 1; i < binary->image.nsections; i++) {
		if (is_plt(binary, i))
			scan(binary, &wanted, i, &all);
	}
	for (size_t i = 0; i < binary->nimports; i++)
		want(&all, binary->imports[i].plt, i);
	for (size_t i = 0; i < wanted.n; i++)
		all.v[all.n++] = wanted.v[i];
	qsort(all.v, all.n, sizeof(*all.v), compare_addresses);
	free(wanted.v);
	binary->import_at = all.v;
	binary->nimport_at = all.n;
	return 0;
}

const struct rp_binary_import *rp_binary_import_at(const struct rp_binary *binary,
						   uint64_t address)
{
	const struct rp_address *at = find(binary->import_at,
					   binary->nimport_at, address);

	return at && at->index < binary->nimports ?
		&binary->imports[at->index] : NULL;
}

const struct rp_binary_slot *rp_binary_ifunc_at(const struct rp_binary *binary,
						uint64_t address)
{
	const struct rp_address *at = find(binary->import_at,
					   binary->nimport_at, address);

	return at && at->index >= binary->nimports ?
		&binary->slots[at->index - binary->nimports] : NULL;
}

const struct rp_binary_slot *rp_binary_ifunc(const struct rp_binary *binary,
					     uint64_t resolver)
{
	const struct rp_binary_slot *ret = NULL;

	for (size_t i = 0; i < binary->nslots; i++) {
		if (binary->slots[i].resolver != resolver)
			continue;
		if (binary->slots[i].plt)
			return &binary->slots[i];
		if (!ret)
			ret = &binary->slots[i];
	}
	return ret;
}
