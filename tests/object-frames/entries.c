/* SPDX-License-Identifier: MIT */
/*
 * ORC entries made of .eh_frame against libdw: `entries FILE...`. At the start
 * and the end of each of libdw's rows, and at addresses in between, the entry
 * yields what libdw says; or it is undefined, and one of few reasons holds.
 */
#include "judge.h"

#include "../../object/orc/orc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_ADDRESSES	100000

enum reason {
	R_NONE, R_EXPRESSION, R_REGISTER, R_MEMORY, R_RBP, R_RA, R_RSP, R_NR,
};

static const char *reasons[R_NR] = {
	[R_EXPRESSION] = "CFA by another expression",
	[R_REGISTER] = "CFA from another register",
	[R_MEMORY] = "CFA in memory elsewhere",
	[R_RBP] = "rbp elsewhere",
	[R_RA] = "return address not below the CFA",
	[R_RSP] = "rsp is not the CFA",
};

struct check {
	struct file file;
	struct judge judge;
	struct rp_orc orc;
	size_t checked, types[RP_ORC_SIGNAL_FRAME + 1], bad;
	size_t refused;		/* libdw does not know the CFA, we do */
	size_t because[R_NR];
	bool list;		/* names of what is undefined are wanted */
};

static void differ(struct check *check, uint64_t address, const char *what)
{
	if (check->bad++ < 20)
		fprintf(stderr, "%s: 0x%" PRIx64 ": %s\n", check->file.path,
			address, what);
}

/* The entry in force, by section; NULL: before the first. */
static const struct rp_orc_entry *entry_at(const struct rp_orc *orc,
					   uint32_t section, uint64_t offset)
{
	size_t low = 0, high = orc->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_orc_entry *e = &orc->v[middle];

		if (e->section < section ||
		    (e->section == section && e->offset <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	return low && orc->v[low - 1].section == section ? &orc->v[low - 1] :
							   NULL;
}

static bool entry_cfa(const struct rp_orc_entry *entry, uint64_t *ret)
{
	static const uint8_t regs[] = {
		[RP_ORC_DX] = RP_RDX, [RP_ORC_DI] = RP_RDI, [RP_ORC_BP] = RP_RBP,
		[RP_ORC_SP] = RP_RSP, [RP_ORC_R10] = RP_R10,
		[RP_ORC_R13] = RP_R13, [RP_ORC_BX] = RP_RBX,
		[RP_ORC_R12] = RP_R12, [RP_ORC_R14] = RP_R14,
		[RP_ORC_R15] = RP_R15, [RP_ORC_AX] = RP_RAX,
		[RP_ORC_CX] = RP_RCX, [RP_ORC_SI] = RP_RSI,
		[RP_ORC_R8] = RP_R8, [RP_ORC_R9] = RP_R9,
		[RP_ORC_R11] = RP_R11,
	};
	uint64_t offset = (uint64_t)entry->sp_offset;

	if (entry->sp_reg == RP_ORC_BP_INDIRECT)
		*ret = j_memory(j_register(RP_RBP) + offset);
	else if (entry->sp_reg == RP_ORC_SP_INDIRECT)
		*ret = j_memory(j_register(RP_RSP)) + offset;
	else if (entry->sp_reg == RP_ORC_SP_SAVED)
		*ret = j_memory(j_register(RP_RSP) + offset) + 8;
	else if (entry->sp_reg == RP_ORC_BP_SAVED)
		*ret = j_memory(j_register(RP_RBP) + offset) + 8;
	else if (entry->sp_reg >= RP_ORC_DX && entry->sp_reg <= RP_ORC_R11)
		*ret = j_register(regs[entry->sp_reg]) + offset;
	else
		return false;
	return true;
}

static struct j_value entry_rbp(const struct rp_orc_entry *entry, uint64_t sp)
{
	uint64_t offset = (uint64_t)entry->bp_offset;

	switch (entry->bp_reg) {
	case RP_ORC_NONE: return (struct j_value){ J_SAME, 0 };
	case RP_ORC_PREV_SP: return (struct j_value){ J_MEMORY, sp + offset };
	case RP_ORC_BP:
		return (struct j_value){ J_MEMORY, j_register(RP_RBP) + offset };
	default: return (struct j_value){ J_OTHER, 0 };
	}
}

static bool is_memory(const struct j_value *value, uint64_t address)
{
	return value->kind == J_MEMORY && value->value == address;
}

static void check_call(struct check *check, uint64_t address,
		       const struct rp_orc_entry *entry,
		       const struct j_frame *theirs)
{
	uint64_t cfa;

	if (!theirs->cfa_known) {
		check->refused++;
		return;
	}
	if (!entry_cfa(entry, &cfa) || cfa != theirs->cfa) {
		differ(check, address, "previous sp");
		return;
	}
	struct j_value rbp = entry_rbp(entry, cfa);
	if (!is_memory(&theirs->ra, cfa - 8))
		differ(check, address, "return address");
	if (!j_same(&rbp, &theirs->reg[RP_RBP]))
		differ(check, address, "rbp");
	if (theirs->reg[RP_RSP].kind != J_VALUE ||
	    theirs->reg[RP_RSP].value != cfa)
		differ(check, address, "rsp");
	if (entry->signal_or_end != theirs->signal)
		differ(check, address, "signal");
}

/* uc_mcontext, as <sys/ucontext.h> has it. */
static void check_signal(struct check *check, uint64_t address,
			 const struct rp_orc_entry *entry,
			 const struct j_frame *theirs)
{
	static const uint8_t regs[] = {
		RP_R8, RP_R9, RP_R10, RP_R11, RP_R12, RP_R13, RP_R14, RP_R15,
		RP_RDI, RP_RSI, RP_RBP, RP_RBX, RP_RDX, RP_RAX, RP_RCX,
	};
	uint64_t at = j_register(RP_RSP) + (uint64_t)entry->sp_offset + 40;

	if (entry->sp_reg != RP_ORC_SP || !theirs->signal ||
	    theirs->cfa != j_memory(at + 15 * 8) ||
	    !is_memory(&theirs->ra, at + 16 * 8))
		differ(check, address, "signal frame");
	for (size_t i = 0; i < sizeof(regs); i++) {
		if (!is_memory(&theirs->reg[regs[i]], at + i * 8))
			differ(check, address, "signal frame's registers");
	}
}

/* Why no entry can say it; R_NONE: one could. */
static enum reason unsayable(const struct rp_frame_row *row,
			     const struct j_frame *theirs)
{
	bool by_frame = row->cfa_reg == RP_RSP || row->cfa_reg == RP_RBP;
	const struct j_value *rbp = &theirs->reg[RP_RBP];

	if (row->cfa == RP_ROW_CFA_EXPRESSION || row->cfa == RP_ROW_CFA_NONE)
		return R_EXPRESSION;
	if (row->cfa == RP_ROW_CFA_REG && row->cfa_reg >= RP_REG_NR)
		return R_REGISTER;
	if (row->cfa == RP_ROW_CFA_AT_REG_PLUS && row->cfa_plus == 8 && by_frame)
		return R_NONE;
	if ((row->cfa == RP_ROW_CFA_AT_REG && row->cfa_reg != RP_RBP) ||
	    row->cfa == RP_ROW_CFA_AT_REG_PLUS)
		return row->cfa_reg == RP_RSP && !row->cfa_offset ? R_NONE :
								    R_MEMORY;
	if (theirs->ra.kind != J_MEMORY || theirs->ra.value != theirs->cfa - 8)
		return R_RA;
	if (theirs->reg[RP_RSP].value != theirs->cfa)
		return R_RSP;
	if (rbp->kind == J_SAME || (rbp->kind == J_MEMORY &&
	    row->reg[RP_RBP].rule == RP_RULE_OFFSET))
		return R_NONE;
	return R_RBP;
}

static const char *function_name(const struct check *check, uint64_t address)
{
	const struct rp_relobj *obj = &check->file.obj;

	for (size_t i = 1; i < obj->nsymbols; i++) {
		const struct rp_symbol *s = &obj->symbols[i];

		if (s->type != STT_FUNC || !s->section ||
		    s->section == RP_SECTION_NONE)
			continue;
		uint64_t start = s->value +
			obj->sections[s->section].hdr.sh_addr;
		if (address - start < s->size)
			return s->name;
	}
	return "?";
}

static void check_undefined(struct check *check, uint64_t address,
			    const struct j_frame *theirs)
{
	const struct rp_frame_row *row = row_at_address(&check->file, address);
	enum reason reason = row ? unsayable(row, theirs) : R_NONE;

	check->because[reason]++;
	if (reason == R_NONE)
		differ(check, address, "undefined without a reason");
	else if (check->list && theirs->start == address)
		printf("%s: 0x%" PRIx64 ": %s: %s (%u: %u%+d)\n",
		       check->file.path, address, function_name(check, address),
		       reasons[reason], row->cfa, row->cfa_reg,
		       row->cfa_offset);
}

static void check_at(struct check *check, uint32_t section, uint64_t offset)
{
	const GElf_Shdr *hdr = &check->file.obj.sections[section].hdr;
	const struct rp_orc_entry *entry = entry_at(&check->orc, section,
						    offset);
	uint64_t address = hdr->sh_addr + offset;
	uint8_t type = entry ? entry->type : RP_FRAME_UNDEFINED;
	struct j_frame theirs;
	bool known = judge_frame(&check->judge, address, &theirs);

	/* Behind its end, another section may begin: its own rows say that. */
	if (offset >= hdr->sh_size)
		known = false;
	check->checked++;
	check->types[type]++;
	if (!known && type != RP_FRAME_UNDEFINED)
		differ(check, address, "an entry, libdw knows nothing");
	else if (!known)
		return;
	else if (type == RP_FRAME_UNDEFINED)
		check_undefined(check, address, &theirs);
	else if (type == RP_FRAME_CALL)
		check_call(check, address, entry, &theirs);
	else if (type == RP_ORC_SIGNAL_FRAME)
		check_signal(check, address, entry, &theirs);
	else if (type != RP_FRAME_END || theirs.ra.kind != J_UNDEFINED)
		differ(check, address, "end of the stack");
}

static void check_row_starts(struct check *check)
{
	const struct rp_frame_rows *rows = &check->file.rows;

	for (size_t i = 0; i < rows->n; i++) {
		const struct rp_frame_row *row = &rows->v[i];

		if (row->start)
			check_at(check, row->section, row->start - 1);
		check->list = getenv("VERBOSE");
		check_at(check, row->section, row->start);
		check->list = false;
		check_at(check, row->section, row->end - 1);
		check_at(check, row->section, row->end);
		/* Its rule is another one at each address. */
		for (uint64_t at = row->start;
		     row->cfa == RP_ROW_CFA_PLT && at < row->end; at++)
			check_at(check, row->section, at);
	}
}

static void check_random(struct check *check)
{
	const struct rp_relobj *obj = &check->file.obj;
	uint64_t seed = 0x2545f4914f6cdd1du;

	for (size_t i = 0; i < RANDOM_ADDRESSES; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t section = (uint32_t)((seed >> 20) % obj->nsections);

		if (!rp_section_is_text(&obj->sections[section]) ||
		    !obj->sections[section].hdr.sh_size)
			continue;
		check_at(check, section, (seed >> 13) %
			 obj->sections[section].hdr.sh_size);
	}
}

/* Sorted, and no entry repeats the one before it. */
static void check_order(struct check *check)
{
	for (size_t i = 1; i < check->orc.n; i++) {
		const struct rp_orc_entry *a = &check->orc.v[i - 1], *b = a + 1;

		if (a->section > b->section ||
		    (a->section == b->section &&
		     (a->offset >= b->offset || rp_orc_same(a, b))))
			differ(check, b->offset, "order of entries");
	}
}

static int report(const struct check *check, size_t unsaid)
{
	const size_t *types = check->types;
	size_t explained = 0;

	for (size_t i = 1; i < R_NR; i++) {
		explained += check->because[i];
		if (check->because[i])
			printf("  %s: %zu\n", reasons[i], check->because[i]);
	}
	printf("%s: %zu entries of %zu rows (%zu unsaid, %zu faults), %zu places: %zu calls, "
	       "%zu ends, %zu signal frames, %zu undefined (%zu of them known to "
	       "libdw), %zu refused by libdw, %zu differ\n", check->file.path, check->orc.n,
	       check->file.rows.n, unsaid, check->file.rows.nfaults,
	       check->checked,
	       types[RP_FRAME_CALL], types[RP_FRAME_END],
	       types[RP_ORC_SIGNAL_FRAME], types[RP_FRAME_UNDEFINED], explained,
	       check->refused, check->bad);
	unsaid -= check->file.rows.nfaults;	/* libdw cannot say them either */
	if (!unsaid != !explained)
		printf("  but %zu rows are counted as unsaid\n", unsaid);
	return check->bad || !types[RP_FRAME_CALL] || !unsaid != !explained;
}

static int check_file(const char *path)
{
	struct check *check = calloc(1, sizeof(*check));
	struct rp_diag diag = { 0 };
	size_t unsaid;

	file_open(&check->file, path);
	if (!judge_open(&check->judge, path) ||
	    rp_orc_from_rows(&check->orc, &check->file.obj, &check->file.rows,
			     &unsaid, &diag)) {
		fprintf(stderr, "%s: %s\n", path, diag.text);
		return 1;
	}
	check_order(check);
	check_row_starts(check);
	check_random(check);
	int rc = report(check, unsaid);
	rp_orc_deinit(&check->orc);
	judge_close(&check->judge);
	file_close(&check->file);
	free(check);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++)
		rc |= check_file(argv[i]);
	return rc;
}
