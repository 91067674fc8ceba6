/* SPDX-License-Identifier: MIT */
/*
 * Indirect branches in code that was to have none, plain returns where all were
 * to go through a thunk, and what stops speculation behind them.
 *
 * Code that branches to __x86_indirect_thunk_* or __x86_return_thunk was compiled
 * to do without; other code is looked at if that is asked for.
 */
#include "internal.h"

#include <string.h>

static uint32_t thunks_of(const struct rp_code *code)
{
	uint32_t require = 0;

	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (!(code->insns[i].flags & RP_CODE_THUNK))
			continue;
		require |= code->insns[i].flow == RP_FLOW_RET ?
			RP_REQUIRE_RETHUNK : RP_REQUIRE_RETPOLINE;
	}
	return require;
}

/* Runs once, before there is anybody to attack it; a module's later. */
static bool is_init(const struct rp_check *check, uint32_t section)
{
	return check->options.abi->kernel && !check->options.module &&
	       !strcmp(check->obj.sections[section].name, ".init.text");
}

static void check_branch(struct rp_check *check, uint32_t require,
			 uint32_t section, const struct rp_code_insn *i)
{
	bool ret = i->flow == RP_FLOW_RET;

	if (ret && require & RP_REQUIRE_RETHUNK)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_RETHUNK,
			RP_ERROR, section, i->offset, "a plain return, in code "
			"that was to return through __x86_return_thunk: compile "
			"with -mfunction-return=thunk-extern, in assembly jump "
			"there");
	if (!ret && require & RP_REQUIRE_RETPOLINE)
		rp_findings_add(&check->findings, RP_DIAG_CHECK_RETPOLINE,
			RP_ERROR, section, i->offset, "an indirect %s, in code "
			"that was to have none: compile with "
			"-mindirect-branch=thunk-extern -fno-jump-tables, or "
			"annotate it",
			i->flow == RP_FLOW_CALL_INDIRECT ? "call" : "jump");
}

static void check_speculation(struct rp_check *check, uint32_t section,
			      uint32_t insn)
{
	const struct rp_code *code = &check->code;
	uint32_t next = rp_code_next(code, insn);

	if (code->insns[insn].flow == RP_FLOW_CALL_INDIRECT ||
	    (next && code->insns[next].flow == RP_FLOW_TRAP))
		return;
	rp_findings_add(&check->findings, RP_DIAG_CHECK_SLS, RP_ERROR, section,
		code->insns[insn].offset, "no int3 behind %s: compile with "
		"-mharden-sls=all", code->insns[insn].flow == RP_FLOW_RET ?
		"a return" : "an indirect jump");
}

static bool is_plain(const struct rp_code_insn *i)
{
	return !(i->flags & (RP_CODE_THUNK | RP_CODE_RETPOLINE_SAFE)) &&
	       (i->flow == RP_FLOW_CALL_INDIRECT ||
		i->flow == RP_FLOW_JMP_INDIRECT || i->flow == RP_FLOW_RET);
}

int rp_check_retpoline(struct rp_check *check)
{
	const struct rp_code *code = &check->code;
	uint32_t require = check->options.require | thunks_of(code);

	if (!(require & (RP_REQUIRE_RETPOLINE | RP_REQUIRE_RETHUNK |
			 RP_REQUIRE_SLS)))
		return 0;
	for (uint32_t i = 1; i < code->ninsns; i++) {
		uint32_t section;

		if (!is_plain(&code->insns[i]))
			continue;
		section = rp_code_section(code, i);
		if (!is_init(check, section))
			check_branch(check, require, section, &code->insns[i]);
		if (require & RP_REQUIRE_SLS)
			check_speculation(check, section, i);
	}
	return 0;
}
