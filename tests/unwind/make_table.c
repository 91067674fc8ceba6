// SPDX-License-Identifier: MIT
/*
 * A table file from what libdw reads in .eh_frame, by another way than the
 * tool's: one row at a time, as a debugger would ask for it.
 *
 *   make_table FILE OUT
 *   make_table --id FILE        the build ID
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/unwind_table.h"
#include "table_image.h"

struct maker {
	Elf *elf;
	Dwarf_CFI *cfi;
	uint64_t *starts;	/* of FDEs, sorted */
	size_t nr_starts;
	struct image image;
};

static void die(const char *what)
{
	fprintf(stderr, "make_table: error: %s\n", what);
	exit(1);
}

/* .eh_frame_hdr as linkers write it: pairs of 32 bits, relative to itself. */
static void find_starts(struct maker *m)
{
	GElf_Phdr phdr = { .p_type = PT_NULL };
	size_t nr;
	Elf_Data *data;
	int32_t count, value;

	elf_getphdrnum(m->elf, &nr);
	for (size_t i = 0; i < nr && phdr.p_type != PT_GNU_EH_FRAME; i++)
		gelf_getphdr(m->elf, (int)i, &phdr);
	if (phdr.p_type != PT_GNU_EH_FRAME)
		die("no .eh_frame_hdr");
	data = elf_getdata_rawchunk(m->elf, (int64_t)phdr.p_offset,
				    phdr.p_filesz, ELF_T_BYTE);
	if (!data || data->d_size < 12 ||
	    memcmp(data->d_buf, "\x01\x1b\x03\x3b", 4))
		die(".eh_frame_hdr of another format");
	memcpy(&count, (char *)data->d_buf + 8, 4);
	m->nr_starts = (size_t)count;
	m->starts = calloc(m->nr_starts + 1, sizeof(*m->starts));
	if (!m->starts || data->d_size < 12 + 8 * m->nr_starts)
		die(".eh_frame_hdr");
	for (size_t i = 0; i < m->nr_starts; i++) {
		memcpy(&value, (char *)data->d_buf + 12 + 8 * i, 4);
		m->starts[i] = phdr.p_vaddr + (uint64_t)(int64_t)value;
	}
	m->starts[m->nr_starts] = UINT64_MAX;
}

static int base_of(unsigned int dwarf)
{
	switch (dwarf) {
	case 0: return RP__UNWIND_BASE_AX;
	case 1: return RP__UNWIND_BASE_DX;
	case 2: return RP__UNWIND_BASE_CX;
	case 3: return RP__UNWIND_BASE_BX;
	case 4: return RP__UNWIND_BASE_SI;
	case 5: return RP__UNWIND_BASE_DI;
	case 6: return RP__UNWIND_BASE_BP;
	case 7: return RP__UNWIND_BASE_SP;
	case 8: return RP__UNWIND_BASE_R8;
	case 9: return RP__UNWIND_BASE_R9;
	case 10: return RP__UNWIND_BASE_R10;
	case 11: return RP__UNWIND_BASE_R11;
	case 12: return RP__UNWIND_BASE_R12;
	case 13: return RP__UNWIND_BASE_R13;
	case 14: return RP__UNWIND_BASE_R14;
	case 15: return RP__UNWIND_BASE_R15;
	default: return -1;
	}
}

static int breg(const Dwarf_Op *op, int64_t *offset)
{
	if (op->atom == DW_OP_bregx) {
		*offset = (int64_t)op->number2;
		return (int)op->number;
	}
	*offset = (int64_t)op->number;
	return op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31
		       ? op->atom - DW_OP_breg0 : -1;
}

static bool is_plt(const Dwarf_Op *ops, size_t nops)
{
	static const uint8_t atoms[] = {
		DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, DW_OP_lit11,
		DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus,
	};

	if (nops != sizeof(atoms))
		return false;
	for (size_t i = 0; i < nops; i++)
		if (ops[i].atom != atoms[i])
			return false;
	return true;
}

static bool set_cfa(struct row *row, const Dwarf_Op *ops, size_t nops,
		    bool signal)
{
	int64_t offset = 0;
	int reg = nops ? breg(&ops[0], &offset) : -1;

	row->sp_offset = (int32_t)offset;
	row->sp_reg = (uint8_t)base_of((unsigned int)reg);
	if (reg < 0 || base_of((unsigned int)reg) < 0)
		return false;
	if (nops == 1)
		return true;
	if (nops < 2 || ops[1].atom != DW_OP_deref)
		return false;
	if (nops == 3 && ops[2].atom == DW_OP_plus_uconst && reg == 7 &&
	    !offset) {
		row->sp_reg = RP__UNWIND_BASE_SP_INDIRECT;
		row->sp_offset = (int32_t)ops[2].number;
		return true;
	}
	if (nops == 3 && ops[2].atom == DW_OP_plus_uconst &&
	    ops[2].number == 8 && (reg == 6 || reg == 7)) {
		row->sp_reg = reg == 6 ? RP__UNWIND_BASE_BP_SAVED :
					 RP__UNWIND_BASE_SP_SAVED;
		return true;
	}
	if (nops != 2)
		return false;
	if (signal && reg == 7) {
		/* The word that holds %rsp in uc_mcontext. */
		row->type = RP__UNWIND_SIGNAL_FRAME;
		row->sp_offset -= 160;
		return true;
	}
	if (reg != 6)
		return false;
	row->sp_reg = RP__UNWIND_BASE_BP_INDIRECT;
	return true;
}

/* How a register was saved; @ret: its offset. */
enum saved { SAME, AT_CFA, AT_BP, NOWHERE, OTHERWISE };

static enum saved saved_at(Dwarf_Frame *frame, int reg, int32_t *ret)
{
	Dwarf_Op mem[3], *ops;
	int64_t offset;
	size_t nops;

	if (dwarf_frame_register(frame, reg, mem, &ops, &nops))
		die(dwarf_errmsg(-1));
	if (!nops)
		return ops ? NOWHERE : SAME;
	if (ops[0].atom != DW_OP_call_frame_cfa || nops > 2)
		return OTHERWISE;
	*ret = nops == 2 ? (int32_t)ops[1].number : 0;
	if (nops == 1 || ops[1].atom == DW_OP_plus_uconst)
		return AT_CFA;
	// an expression, with the CFA below it on its stack
	return breg(&ops[1], &offset) == 6 ? AT_BP : OTHERWISE;
}

static void convert(Dwarf_Frame *frame, bool signal, struct row *row)
{
	int32_t offset = 0;
	Dwarf_Op *ops;
	size_t nops;
	enum saved saved = saved_at(frame, 16, &offset);

	row->type = RP__UNWIND_CALL;
	row->exact = signal;
	if (dwarf_frame_cfa(frame, &ops, &nops))
		die(dwarf_errmsg(-1));
	if (saved == NOWHERE) {
		row->type = RP__UNWIND_END_OF_STACK;
		return;
	}
	if (!set_cfa(row, ops, nops, signal) ||
	    (row->type == RP__UNWIND_CALL &&
	     (saved != AT_CFA || offset != -8))) {
		row->type = RP__UNWIND_UNDEFINED;
		return;
	}
	if (row->type == RP__UNWIND_SIGNAL_FRAME)
		return;
	saved = saved_at(frame, 6, &row->bp_offset);
	if (saved == NOWHERE || saved == OTHERWISE)
		row->type = RP__UNWIND_UNDEFINED;
	else if (saved != SAME)
		row->bp_reg = saved == AT_CFA ? RP__UNWIND_BASE_PREV_SP
					      : RP__UNWIND_BASE_BP;
}

static void add_plt(struct maker *m, uint64_t start, uint64_t end)
{
	struct row row = { .type = RP__UNWIND_CALL,
			   .sp_reg = RP__UNWIND_BASE_SP };

	for (uint64_t at = start; at < end; at += 16) {
		row.address = at;
		row.sp_offset = 8;
		image_add(&m->image, &row);
		row.address = at + 11;
		row.sp_offset = 16;
		image_add(&m->image, &row);
	}
}

static uint64_t add_frame(struct maker *m, uint64_t at, Dwarf_Frame *frame)
{
	Dwarf_Addr start, end;
	Dwarf_Op *ops;
	size_t nops;
	bool signal;
	struct row row = { .address = at };

	dwarf_frame_info(frame, &start, &end, &signal);
	if (!dwarf_frame_cfa(frame, &ops, &nops) && is_plt(ops, nops)) {
		add_plt(m, start, end);
	} else {
		convert(frame, signal, &row);
		image_add(&m->image, &row);
	}
	return end;
}

static void add_rows(struct maker *m)
{
	for (size_t i = 0; i < m->nr_starts; i++) {
		uint64_t at = m->starts[i];

		while (at < m->starts[i + 1]) {
			struct row none = { .address = at };
			Dwarf_Frame *frame;

			if (dwarf_cfi_addrframe(m->cfi, at, &frame)) {
				image_add(&m->image, &none);
				break;
			}
			at = add_frame(m, at, frame);
			free(frame);
		}
	}
}

static void find_id(struct maker *m)
{
	const void *id;
	ssize_t size = dwelf_elf_gnu_build_id(m->elf, &id);

	if (size > 0 && (size_t)size <= sizeof(m->image.build_id)) {
		memcpy(m->image.build_id, id, (size_t)size);
		m->image.build_id_size = (size_t)size;
	}
}

static int print_id(const struct maker *m)
{
	for (size_t i = 0; i < m->image.build_id_size; i++)
		printf("%02x", m->image.build_id[i]);
	putchar('\n');
	return !m->image.build_id_size;
}

int main(int argc, char **argv)
{
	struct maker m = { .nr_starts = 0 };
	bool id = argc == 3 && !strcmp(argv[1], "--id");
	int fd;

	if (argc != 3)
		die("usage: make_table FILE OUT");
	elf_version(EV_CURRENT);
	fd = open(argv[1 + id], O_RDONLY);
	m.elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!m.elf)
		die("cannot be read");
	find_id(&m);
	if (id)
		return print_id(&m);
	m.cfi = dwarf_getcfi_elf(m.elf);
	if (!m.cfi)
		die("no .eh_frame");
	find_starts(&m);
	add_rows(&m);
	image_write(&m.image, argv[2]);
	image_deinit(&m.image);
	free(m.starts);
	dwarf_cfi_end(m.cfi);
	elf_end(m.elf);
	close(fd);
	return 0;
}
