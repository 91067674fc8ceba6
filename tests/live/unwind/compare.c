/* SPDX-License-Identifier: MIT */
/* The unwinder's reading of .eh_frame beside libdw's. */
#define _GNU_SOURCE
#include "driver.h"

#include "../../../live/unwind_internal.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACES_MAX	60000	/* of one module */

/* One register, or the CFA, as libdw has it; UNKNOWN with @same unset if it is
 * something that is not compared (an expression). */
static struct rp_value their_value(Dwarf_Op *ops, size_t n, Dwarf_Op *none)
{
	struct rp_value v = { .kind = RP_VALUE_EXPR };

	if (n == 0)
		v.kind = ops == none ? RP_VALUE_UNKNOWN : RP_VALUE_SAME;
	else if (ops[0].atom == DW_OP_call_frame_cfa && n == 1)
		v = (struct rp_value){ .kind = RP_VALUE_AT_CFA };
	else if (ops[0].atom == DW_OP_call_frame_cfa && n == 2 &&
		 ops[1].atom == DW_OP_plus_uconst)
		v = (struct rp_value){ .kind = RP_VALUE_AT_CFA,
				       .offset = (int64_t)ops[1].number };
	return v;
}

static bool same_register(const struct rp_value *ours, Dwarf_Frame *frame,
			  int reg)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n))
		return false;
	struct rp_value theirs = their_value(ops, n, mem);
	/* What nobody says of a register that callers do not expect to be kept
	 * is "unknown" to libdw, by the ABI, and "same" here. */
	if (theirs.kind == RP_VALUE_UNKNOWN && ours->kind == RP_VALUE_SAME)
		return true;
	if (theirs.kind == RP_VALUE_EXPR)
		return ours->kind >= RP_VALUE_CFA;
	return theirs.kind == ours->kind && theirs.offset == ours->offset;
}

static bool same_cfa(const struct rp_value *ours, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) || n == 0)
		return false;
	if (n == 1 && ops[0].atom == DW_OP_bregx)
		return ours->kind == RP_VALUE_REG &&
		       ours->reg == ops[0].number &&
		       ours->offset == (int64_t)ops[0].number2;
	if (n == 1 && ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31)
		return ours->kind == RP_VALUE_REG &&
		       ours->reg == ops[0].atom - DW_OP_breg0 &&
		       ours->offset == (int64_t)ops[0].number;
	return ours->kind == RP_VALUE_EXPR;
}

static bool same_row(const struct rp_row *ours, Dwarf_Frame *theirs)
{
	static const int kept[] = {
		RP_REG_RBX, RP_REG_RBP, RP_REG_R12, RP_REG_R13, RP_REG_R14,
		RP_REG_R15, RP_REG_PC,
	};

	if (!same_cfa(&ours->cfa, theirs))
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (!same_register(&ours->reg[kept[i]], theirs, kept[i]))
			return false;
	}
	return true;
}

static bool is_end(Dwarf_Frame *frame)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	return dwarf_frame_register(frame, RP_REG_PC, mem, &ops, &n) == 0 &&
	       n == 0 && ops == mem;
}

/* Return: true if they agree, or neither knows. */
static bool same_place(struct process *process, Dwarf_CFI *cfi, uint64_t address,
		       uint64_t bias, size_t *known)
{
	struct rp_pc_rule rule = { .address = address, .exact = true, .text = true };
	Dwarf_Frame *frame = NULL;
	bool ours = rp_unwind_cfi(process->unwinder, &rule);
	bool theirs = dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0;
	bool same = ours == theirs;

	if (ours && theirs && rule.kind == RP_RULE_END)
		same = is_end(frame);
	else if (ours && theirs)
		same = same_row(rule.rows, frame);
	*known += ours;
	for (size_t i = 0; i < rule.nrows; i++) {
		struct rp_value *v = &rule.rows[i].cfa;

		for (size_t k = 0; k <= RP_DWARF_REG_NR; k++) {
			if (v->kind >= RP_VALUE_AT_EXPR)
				free((void *)(uintptr_t)v->expr);
			v = &rule.rows[i].reg[k];
		}
	}
	free(rule.rows);
	free(frame);
	return same;
}

static int compare_segment(struct process *process, Dwarf_CFI *cfi,
			   const struct rp_module *module,
			   const Elf64_Phdr *phdr)
{
	uint64_t step = phdr->p_memsz / PLACES_MAX + 1;
	size_t known = 0, places = 0;
	int differ = 0;

	for (uint64_t at = 0; at < phdr->p_memsz; at += step, places++) {
		uint64_t address = module->bias + phdr->p_vaddr + at;

		if (same_place(process, cfi, address, module->bias, &known))
			continue;
		if (differ++ < 5)
			printf("# %s: differs at %#" PRIx64 "\n", module->path,
			       address - module->bias);
	}
	printf("# %s: %zu places, %zu with rules, %d differ\n", module->path,
	       places, known, differ);
	return known ? differ : differ + 1;
}

static int compare_module(struct process *process, Dwarf_CFI *cfi,
			  const struct rp_module *module)
{
	int differ = 0;

	for (size_t i = 0; i < module->nphdrs; i++) {
		if (module->phdrs[i].p_type == PT_LOAD &&
		    (module->phdrs[i].p_flags & PF_X))
			differ += compare_segment(process, cfi, module,
						  &module->phdrs[i]);
	}
	return differ;
}

int compare_tables(struct process *process)
{
	int differ = 0, compared = 0;

	elf_version(EV_CURRENT);
	for (size_t i = 0; i < process->modules.n; i++) {
		const struct rp_module *module = &process->modules.v[i];
		int fd = module->path[0] == '/' ?
			 open(module->path, O_RDONLY | O_CLOEXEC) : -1;
		Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
		Dwarf_CFI *cfi = elf ? dwarf_getcfi_elf(elf) : NULL;

		if (cfi) {
			differ += compare_module(process, cfi, module);
			compared++;
			dwarf_cfi_end(cfi);
		}
		elf_end(elf);
		if (fd >= 0)
			close(fd);
	}
	return compared ? differ : 1;
}
