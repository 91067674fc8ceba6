/* SPDX-License-Identifier: MIT */
/* Branches of a Linux kernel's code through thunks. */
#include "kernel_thunks.h"

#include <string.h>

#define RETPOLINE_PREFIX	"__x86_indirect_"
#define RETURN_THUNK		"__x86_return_thunk"

static bool is_retpoline(const struct rp_symbol *symbol)
{
	return symbol->bind == STB_GLOBAL &&
	       !strncmp(symbol->name, RETPOLINE_PREFIX,
			strlen(RETPOLINE_PREFIX));
}

bool rp_kernel_has_thunks(const struct rp_relobj *obj)
{
	for (size_t i = obj->first_global; i < obj->nsymbols; i++) {
		const struct rp_symbol *symbol = &obj->symbols[i];

		if (is_retpoline(symbol) || !strcmp(symbol->name, RETURN_THUNK))
			return true;
	}
	return false;
}

// Where the thunks themselves are, branches to them may have no relocations: for
// these the code says only where they go.
static bool goes_to_retpoline(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];

	if (insn->flow != RP_FLOW_CALL && !(insn->flags & RP_CODE_TAIL))
		return false;
	return is_retpoline(&code->obj->symbols[rp_code_symbol(code, i)]);
}

static bool is_site(const struct rp_code *code, uint32_t i,
		    enum rp_thunk_table table, bool template)
{
	const struct rp_code_insn *insn = &code->insns[i];
	bool thunk = insn->flags & RP_CODE_THUNK;

	if (table == RP_THUNKS_RETURN)
		return thunk && insn->flow == RP_FLOW_RET;
	if (insn->flow == RP_FLOW_RET || template)
		return false;
	return thunk || goes_to_retpoline(code, i);
}

static bool is_call(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_CALL ||
	       insn->flow == RP_FLOW_CALL_INDIRECT;
}

static unsigned int kind(const struct rp_code_insn *insn)
{
	if (is_call(insn))
		return RP_SITE_CALL;
	return insn->flow == RP_FLOW_JCC ? RP_SITE_JCC : RP_SITE_JMP;
}

static int add_site(struct rp_sites *sites, const struct rp_code *code,
		    uint32_t section, uint32_t i, struct rp_diag *diag)
{
	const struct rp_code_insn *insn = &code->insns[i];
	const struct rp_site site = {
		.offset = insn->offset,
		.section = section,
		// An indirect branch's own symbol is its pointer's.
		.symbol = insn->reloc ? code->relocs[insn->reloc].symbol : 0,
		.kind = kind(insn),
		.length = insn->length,
	};

	return rp_sites_add(sites, &site, diag);
}

static int find(const struct rp_code *code, enum rp_thunk_table table,
		bool calls, struct rp_sites *ret, struct rp_diag *diag)
{
	const struct rp_relobj *obj = code->obj;
	int rc = 0;

	for (uint32_t section = 1; section < obj->nsections; section++) {
		uint32_t end = code->section_first[section + 1];
		bool template = !strcmp(obj->sections[section].name,
					code->abi->replacements);

		for (uint32_t i = code->section_first[section];
		     i < end && !rc; i++) {
			if (is_call(&code->insns[i]) == calls &&
			    is_site(code, i, table, template))
				rc = add_site(ret, code, section, i, diag);
		}
	}
	return rc;
}

int rp_kernel_thunks_find(const struct rp_code *code, struct rp_sites *ret,
			  struct rp_diag *diag)
{
	struct rp_sites *indirect = &ret[RP_THUNKS_RETPOLINE];
	struct rp_sites *returns = &ret[RP_THUNKS_RETURN];

	memset(ret, 0, RP_THUNKS_NR * sizeof(*ret));
	int rc = find(code, RP_THUNKS_RETPOLINE, false, indirect, diag);
	if (!rc)
		rc = find(code, RP_THUNKS_RETPOLINE, true, indirect, diag);
	return rc ? rc : find(code, RP_THUNKS_RETURN, false, returns, diag);
}
