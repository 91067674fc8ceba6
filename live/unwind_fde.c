/* SPDX-License-Identifier: MIT */
/*
 * Finding a function's record in .eh_frame, in the target's memory.
 *
 * libdw reads unwind tables of ELF files, and of images laid out like them. Here
 * only the few entries that occur on stacks are read, from wherever they are in
 * a living process, a payload's table without header and section included; all
 * of it is input that may be damaged, every read is bounded.
 */
#define _GNU_SOURCE
#include "unwind_fde.h"
#include "modules_internal.h"

#include "../object/grow.h"

#include <stdlib.h>
#include <string.h>

#define FDES_MAX	2000000u
#define SEARCH_MAX	(256u << 20)	/* of a segment without header */
#define TABLE_ENTRY	8u	/* .eh_frame_hdr: two sdata4, relative to it */

static struct rp_cfi_reader reader_of(const uint8_t *bytes, size_t size,
				      uint64_t address, uint64_t data)
{
	return (struct rp_cfi_reader){
		.eh = { .at = bytes, .end = bytes + size },
		.start = bytes, .address = address, .data = data,
	};
}

static uint64_t here(const struct rp_cfi_reader *reader)
{
	return reader->address + (uint64_t)(reader->eh.at - reader->start);
}

uint64_t rp_cfi_pointer(struct rp_cfi_reader *reader, uint8_t encoding)
{
	uint64_t at = here(reader), v = rp_eh_form(&reader->eh, encoding);

	switch (encoding & RP_EH_PE_BASE) {
	case DW_EH_PE_absptr:
		return v;
	case DW_EH_PE_pcrel:
		return v + at;
	case DW_EH_PE_datarel:
		return v + reader->data;
	default:
		rp_eh_fail(&reader->eh);
		return 0;
	}
}

static void cie_augmentation(struct rp_cfi_cie *cie, struct rp_eh_reader *eh,
			     const char *letters)
{
	if (*letters == 'z') {
		cie->sized = true;
		rp_eh_uleb(eh);
		letters++;
	}
	for (; *letters && !eh->bad; letters++) {
		switch (*letters) {
		case 'R':
			cie->encoding = (uint8_t)rp_eh_fixed(eh, 1);
			break;
		case 'L':
			rp_eh_fixed(eh, 1);
			break;
		case 'P':
			cie->personality |= rp_eh_form(eh,
				(uint8_t)rp_eh_fixed(eh, 1)) != 0;
			break;
		case 'S':
			cie->signal = true;
			break;
		default:
			rp_eh_fail(eh);
		}
	}
}

static bool cie_parse(struct rp_cfi_cie *cie, struct rp_cfi_reader *reader)
{
	struct rp_eh_reader *eh = &reader->eh;
	uint8_t version = (uint8_t)rp_eh_fixed(eh, 1);
	const char *letters = (const char *)eh->at;
	size_t room = rp_eh_left(eh);

	if ((version != 1 && version != 3) || strnlen(letters, room) == room)
		return false;
	rp_eh_skip(eh, strlen(letters) + 1);
	cie->factors.code = rp_eh_uleb(eh);
	cie->factors.data = rp_eh_sleb(eh);
	uint64_t return_column = version == 1 ? rp_eh_fixed(eh, 1) :
						rp_eh_uleb(eh);
	/* The augmentation's size is not needed: all letters are known ones. */
	cie_augmentation(cie, eh, letters);
	cie->program = *reader;
	return !eh->bad && return_column == RP_REG_PC;
}

/* One CIE or FDE: @ret begins behind its length. Return: false at the end of the
 * section, and if there is none. */
static bool read_record(struct rp_unwinder *unwinder, uint64_t address,
			uint64_t data, uint8_t *buffer,
			struct rp_cfi_reader *ret)
{
	uint32_t length;

	if (rp_unwind_text(unwinder, address, &length, 4) != 4 || length < 4 ||
	    length > RP_UNWIND_RECORD_MAX ||
	    rp_unwind_text(unwinder, address + 4, buffer, length) != length)
		return false;
	*ret = reader_of(buffer, length, address + 4, data);
	return true;
}

static bool read_cie(struct rp_unwinder *unwinder, uint64_t address,
		     uint64_t data, struct rp_cfi_cie *cie)
{
	struct rp_cfi_reader reader;

	*cie = (struct rp_cfi_cie){ .encoding = DW_EH_PE_absptr };
	if (!read_record(unwinder, address, data,
			 unwinder->record + RP_UNWIND_RECORD_MAX, &reader))
		return false;
	return rp_eh_fixed(&reader.eh, 4) == 0 && cie_parse(cie, &reader);
}

static bool read_fde(struct rp_unwinder *unwinder, uint64_t address,
		     uint64_t data, struct rp_cfi_fde *fde)
{
	struct rp_cfi_reader reader;
	struct rp_eh_reader *eh = &reader.eh;

	if (!read_record(unwinder, address, data, unwinder->record, &reader))
		return false;
	uint32_t cie = (uint32_t)rp_eh_fixed(eh, 4);
	if (cie == 0 ||
	    !read_cie(unwinder, reader.address - cie, data, &fde->cie))
		return false;
	fde->start = rp_cfi_pointer(&reader, fde->cie.encoding);
	fde->end = fde->start + rp_eh_form(eh, fde->cie.encoding);
	if (fde->cie.sized)
		rp_eh_skip(eh, rp_eh_uleb(eh));
	fde->program = reader;
	return !eh->bad && !(fde->cie.encoding & RP_EH_PE_INDIRECT);
}

/* Which FDE? */

static int by_start(const void *a, const void *b)
{
	const struct rp_fde *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

int rp_unwind_fdes(struct rp_unwinder *unwinder, uint64_t eh_frame,
		   uint64_t size, struct rp_fdes *fdes)
{
	uint64_t at = eh_frame;
	struct rp_cfi_fde fde;

	while (size - (at - eh_frame) >= 4 && fdes->n < FDES_MAX) {
		uint32_t length;

		if (rp_unwind_text(unwinder, at, &length, 4) != 4)
			return -EINVAL;
		if (length == 0)
			break;
		if (length > size - (at - eh_frame) - 4)
			return -EINVAL;
		if (read_fde(unwinder, at, 0, &fde)) {
			if (rp_grow(&fdes->v, &fdes->room, fdes->n + 1,
				    sizeof(*fdes->v)))
				return -ENOMEM;
			fdes->v[fdes->n++] = (struct rp_fde){
				fde.start, fde.end, at
			};
		}
		at += 4 + (uint64_t)length;
	}
	if (fdes->n)
		qsort(fdes->v, fdes->n, sizeof(*fdes->v), by_start);
	return 0;
}

static uint64_t listed_fde(const struct rp_fdes *fdes, uint64_t pc)
{
	size_t low = 0, high = fdes->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (fdes->v[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < fdes->v[low - 1].end ? fdes->v[low - 1].address : 0;
}

/* One entry of the sorted table. */
static bool table_entry(struct rp_unwinder *unwinder, uint64_t header,
			uint64_t table, size_t i, uint64_t ret[2])
{
	int32_t v[2];

	if (rp_unwind_text(unwinder, table + i * TABLE_ENTRY, v, sizeof(v)) !=
	    sizeof(v))
		return false;
	ret[0] = header + (uint64_t)(int64_t)v[0];
	ret[1] = header + (uint64_t)(int64_t)v[1];
	return true;
}

static uint64_t table_fde(struct rp_unwinder *unwinder, uint64_t header,
			  uint64_t table, uint64_t n, uint64_t pc)
{
	uint64_t low = 0, high = n, entry[2], found = 0;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!table_entry(unwinder, header, table, middle, entry))
			return 0;
		if (entry[0] <= pc) {
			found = entry[1];
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return found;
}

/* What nearly every CIE of this machine holds behind its length: no other CIE, a
 * version, augmentation, factors 1 and -8, return column 16. */
static bool is_cie(const uint8_t *at, size_t size)
{
	uint32_t length, id;

	if (size < 24)
		return false;
	memcpy(&length, at, 4);
	memcpy(&id, at + 4, 4);
	if (id || length > 64 || length < 12 || at[8] != 1 || at[9] != 'z')
		return false;
	const uint8_t *end = memchr(at + 9, 0, 6);
	return end && end[1] == 1 && end[2] == 0x78 && end[3] == RP_REG_PC;
}

/* Functions that are in the module, and the list has an end. */
static bool is_sound_list(const struct rp_module *module,
			  const struct rp_fdes *fdes)
{
	for (size_t i = 0; i < fdes->n; i++) {
		if (!rp_module_is_text(module, fdes->v[i].start))
			return false;
	}
	return fdes->n;
}

static bool search_segment(struct rp_unwinder *unwinder,
			   const struct rp_module *module,
			   const uint8_t *bytes, size_t size, uint64_t start,
			   struct rp_fdes *fdes)
{
	for (size_t at = 0; at + 24 <= size; at += 4) {
		if (!is_cie(bytes + at, size - at))
			continue;
		if (!rp_unwind_fdes(unwinder, start + at, size - at, fdes) &&
		    is_sound_list(module, fdes))
			return true;
		fdes->n = 0;
	}
	return false;
}

/* Static programs have .eh_frame, but often no header that says where. */
static void search_module(struct rp_unwinder *unwinder,
			  const struct rp_module *module, struct rp_fdes *fdes)
{
	bool found = false;

	for (size_t i = 0; i < module->nphdrs && !found; i++) {
		const Elf64_Phdr *phdr = &module->phdrs[i];
		uint64_t start = phdr->p_vaddr + module->bias;

		if (phdr->p_type != PT_LOAD || (phdr->p_flags & PF_W) ||
		    phdr->p_memsz > SEARCH_MAX)
			continue;
		uint8_t *bytes = malloc(phdr->p_memsz + 1);
		if (!bytes)
			return;
		size_t n = rp_target_read_some(unwinder->target, start, bytes,
					       phdr->p_memsz);
		found = search_segment(unwinder, module, bytes, n, start, fdes);
		free(bytes);
	}
}

/* Of a module that has no table that can be searched. @eh_frame: 0: not known. */
static uint64_t unsorted_fde(struct rp_unwinder *unwinder,
			     const struct rp_module *module, uint64_t eh_frame,
			     uint64_t pc)
{
	struct rp_fdes *fdes = &unwinder->module_fdes[module -
						      unwinder->modules->v];

	if (!fdes->searched) {
		fdes->searched = true;
		if (!eh_frame)
			search_module(unwinder, module, fdes);
		else if (rp_unwind_fdes(unwinder, eh_frame,
					module->high - eh_frame, fdes))
			fdes->n = 0;
	}
	return listed_fde(fdes, pc);
}

static uint64_t module_fde(struct rp_unwinder *unwinder,
			   const struct rp_module *module, uint64_t pc)
{
	uint64_t header = module->eh_frame_hdr;
	uint8_t bytes[32];

	if (!header)
		return unsorted_fde(unwinder, module, 0, pc);
	size_t n = rp_unwind_text(unwinder, header, bytes, sizeof(bytes));
	struct rp_cfi_reader reader = reader_of(bytes, n, header, header);
	struct rp_eh_reader *eh = &reader.eh;

	if (n < 4 || rp_eh_fixed(eh, 1) != 1)
		return 0;
	uint8_t frame = (uint8_t)rp_eh_fixed(eh, 1);
	uint8_t count = (uint8_t)rp_eh_fixed(eh, 1);
	uint8_t table = (uint8_t)rp_eh_fixed(eh, 1);
	uint64_t eh_frame = rp_cfi_pointer(&reader, frame);
	if (eh->bad)
		return 0;
	if (count != DW_EH_PE_omit &&
	    table == (DW_EH_PE_datarel | DW_EH_PE_sdata4)) {
		uint64_t entries = rp_cfi_pointer(&reader, count);
		return eh->bad ? 0 : table_fde(unwinder, header, here(&reader),
					       entries, pc);
	}
	if (eh_frame < module->low || eh_frame >= module->high)
		return 0;
	return unsorted_fde(unwinder, module, eh_frame, pc);
}

bool rp_fde_find(struct rp_unwinder *unwinder, uint64_t pc,
		 struct rp_cfi_fde *ret)
{
	const struct rp_area *area = rp_unwind_area(unwinder, pc);
	const struct rp_module *module = area ? NULL :
		rp_modules_at(unwinder->modules, pc);
	uint64_t address = area ? listed_fde(&area->fdes, pc) :
			   module ? module_fde(unwinder, module, pc) : 0;

	return address &&
	       read_fde(unwinder, address, module ? module->eh_frame_hdr : 0,
			ret) &&
	       pc >= ret->start && pc < ret->end;
}

bool rp_unwind_is_passive(struct rp_unwinder *unwinder, uint64_t pc)
{
	struct rp_cfi_fde fde;

	return rp_fde_find(unwinder, pc - 1, &fde) && !fde.cie.personality;
}

/* Where .eh_frame begins, by its header; 0: not known. */
static uint64_t module_frames(struct rp_unwinder *unwinder,
			      const struct rp_module *module)
{
	uint64_t header = module->eh_frame_hdr;
	uint8_t bytes[16];
	size_t n = header ? rp_unwind_text(unwinder, header, bytes,
					   sizeof(bytes)) : 0;

	if (n < sizeof(bytes))
		return 0;
	struct rp_cfi_reader reader = reader_of(bytes + 4, n - 4, header + 4,
						header);
	uint64_t start = rp_cfi_pointer(&reader, bytes[1]);
	return reader.eh.bad || !rp_module_contains(module, start, 4) ? 0 : start;
}

bool rp_unwind_has_personality(struct rp_unwinder *unwinder,
			       const struct rp_module *module)
{
	uint64_t at = module_frames(unwinder, module);
	struct rp_cfi_cie cie;

	for (size_t i = 0; at && i < FDES_MAX; i++) {
		uint32_t head[2];

		if (!rp_module_contains(module, at, sizeof(head)) ||
		    rp_unwind_text(unwinder, at, head, sizeof(head)) !=
		    sizeof(head) || !head[0])
			return false;
		if (!head[1] && (!read_cie(unwinder, at, 0, &cie) ||
				 cie.personality))
			return true;
		at += 4 + (uint64_t)head[0];
	}
	return true;	/* as far as anybody can tell */
}
