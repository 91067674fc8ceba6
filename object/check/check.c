/* SPDX-License-Identifier: MIT */
/* Checking an object: the model, the walk, then each class. */
#include "internal.h"

#include <errno.h>
#include <string.h>

static const struct {
	enum rp_check_class class;
	int (*run)(struct rp_check *check);
} classes[] = {
	{ RP_CHECK_LIVEPATCH, rp_check_livepatch },
	{ RP_CHECK_SECTIONS, rp_check_sections },
	{ RP_CHECK_ALTERNATIVES, rp_check_alternatives },
	{ RP_CHECK_SITES, rp_check_sites },
	{ RP_CHECK_RETPOLINE, rp_check_retpoline },
};

/* Classes that have findings of the stack walk. */
#define WALK_CLASSES	(1u << RP_CHECK_STACK | 1u << RP_CHECK_SECTIONS | \
			 1u << RP_CHECK_ALTERNATIVES)

static bool wants(const struct rp_check *check, enum rp_check_class class)
{
	return check->options.classes & 1u << class;
}

/* Sites may be in replacements, and records may be wrong. */
#define MAX_NESTED	8

/* The first instruction of the site that a replacement is for, or 0. */
static uint32_t site_of(const struct rp_code *code, uint32_t insn)
{
	uint32_t group = rp_code_group_at(code, insn);
	uint32_t site = group ? code->groups[group].site : 0;

	if (!site || code->groups[site].first >= code->ninsns)
		return 0;
	return code->groups[site].first;
}

uint32_t rp_check_home(const struct rp_code *code, uint32_t insn)
{
	uint32_t function = code->insns[insn].function;

	for (int i = 0; i < MAX_NESTED &&
	     code->insns[insn].flags & RP_CODE_GROUP; i++) {
		insn = site_of(code, insn);
		if (!insn)
			break;
		function = code->insns[insn].function;
	}
	return function ? rp_function_whole(code, function) : 0;
}

bool rp_check_is_borrowed(const struct rp_check *check, uint32_t section)
{
	const char *name = check->obj.sections[section].name;

	return !strcmp(name, check->options.abi->replacements) ||
	       !strcmp(name, "rp_patchlet_code");
}

bool rp_check_is_tramp(const struct rp_check *check,
		       const struct rp_function *function)
{
	const char *tramp = check->options.abi->tramp_prefix;

	return !strncmp(check->obj.symbols[function->symbol].name, tramp,
			strlen(tramp));
}

const char *rp_check_symbol_name(const struct rp_relobj *obj, uint32_t symbol)
{
	const struct rp_symbol *s = &obj->symbols[symbol];

	if (!s->name[0] && s->section && s->section != RP_SECTION_NONE)
		return obj->sections[s->section].name;
	return s->name;
}

/* A thunk's branch has the flow of what it stands for. */
static bool is_branch(uint8_t flow)
{
	switch (flow) {
	case RP_FLOW_CALL:
	case RP_FLOW_CALL_INDIRECT:
	case RP_FLOW_JMP:
	case RP_FLOW_JCC:
	case RP_FLOW_JMP_INDIRECT:
	case RP_FLOW_RET:
		return true;
	default:
		return false;
	}
}

void rp_check_each_way(struct rp_check *check,
		       void (*way)(struct rp_check *check, uint32_t from,
				   uint32_t to, void *context), void *context)
{
	const struct rp_code *code = &check->code;

	for (uint32_t i = 1; i < code->ninsns; i++) {
		uint32_t to = code->insns[i].dest;

		if (to && is_branch(code->insns[i].flow))
			way(check, i, to, context);
	}
	for (size_t i = 0; i < code->nedges; i++)
		way(check, code->edges[i].from, code->edges[i].to, context);
	for (size_t i = 0; i < code->nalts; i++) {
		if (code->alts[i].kind == RP_ALT_JUMP && code->alts[i].to)
			way(check, code->alts[i].from, code->alts[i].to,
			    context);
	}
}

/* ---- the run ---- */

static int open_object(struct rp_check *check, const void *image, size_t size)
{
	return rp_relobj_open_linked(&check->obj, image, size, check->diag) ?:
	       rp_relobj_refuse_debug_file(&check->obj, check->diag);
}

static bool wants_walk(const struct rp_check *check)
{
	return check->options.classes & WALK_CLASSES;
}

// The kernel's objects have none, and no use for what there may be.
static int read_frames(struct rp_check *check)
{
	const struct rp_abi *abi = check->options.abi;

	if (abi->kernel || (!wants_walk(check) &&
			    !rp_code_uses_frames(&check->obj, abi)))
		return 0;
	int rc = rp_frame_rows_init(&check->frames, &check->obj, check->diag);
	check->has_frames = !rc && check->frames.nfdes;
	return rc;
}

static int follow(struct rp_check *check)
{
	if (!wants_walk(check))
		return 0;
	check->walked = true;
	return rp_stack_walk_init(&check->walk, &check->code,
				  check->has_frames ? &check->frames : NULL,
				  &check->findings, check->diag);
}

static int run_classes(struct rp_check *check)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes) && !rc; i++) {
		if (wants(check, classes[i].class))
			rc = classes[i].run(check);
	}
	return rc;
}

static void count(struct rp_check *check)
{
	check->stats.instructions = check->code.ninsns ?
				    check->code.ninsns - 1 : 0;
	check->stats.functions = check->code.nfunctions ?
				 check->code.nfunctions - 1 : 0;
	check->stats.skipped = check->walk.skipped + check->code.unseen;
}

int rp_check_init(struct rp_check *check, const void *image, size_t size,
		  const struct rp_check_options *options, struct rp_diag *diag)
{
	memset(check, 0, sizeof(*check));
	check->options = *options;
	check->diag = diag;
	check->findings.left_out = ~options->classes;
	int rc = open_object(check, image, size);
	if (!rc)
		rc = read_frames(check);
	if (!rc)
		rc = rp_code_init_frames(&check->code, &check->obj,
					 options->abi, &check->frames,
					 &check->findings, diag);
	if (!rc)
		rc = follow(check);
	if (!rc)
		rc = run_classes(check);
	count(check);
	rp_findings_sort(&check->findings);
	if (!rc && check->findings.nomem)
		rc = rp_diag_nomem(diag);
	return rc;
}

void rp_check_deinit(struct rp_check *check)
{
	if (check->walked)
		rp_stack_walk_deinit(&check->walk);
	rp_frame_rows_deinit(&check->frames);
	rp_code_deinit(&check->code);
	rp_findings_deinit(&check->findings);
	rp_relobj_close(&check->obj);
}
