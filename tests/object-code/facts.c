/* SPDX-License-Identifier: MIT */
/*
 * What the object library knows about an object's code, as text: a line for each
 * instruction about which there is something to say, then the findings.
 *
 * usage: facts ABI FILE
 */
#include "../../object/code/code.h"
#include "../../object/elf/mapped_file.h"

#include <stdio.h>

static void print_place(const struct rp_code *code, uint32_t insn)
{
	char place[300];

	rp_code_place(code, rp_code_section(code, insn),
		      code->insns[insn].offset, place, sizeof(place));
	// The name is enough: "name+0x12 (.text+0x34)".
	printf("%.*s", (int)__builtin_strcspn(place, " "), place);
}

static void print_flags(unsigned int flags)
{
	static const char *const names[] = {
		"dead-end", "entry", "tail", "ignore", "hint", "alts", "group",
		"edges", "label", "retpoline-safe", "ignore-alts", "pushes",
		"throws", "landing", "thunk",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (flags >> i & 1)
			printf(" %s", names[i]);
	}
}

static void print_ways(const struct rp_code *code, uint32_t insn)
{
	static const char *const kinds[] = { "table", "label", "landing" };
	static const char *const alts[] = { "code", "jump", "fault" };
	const struct rp_edge *edges;
	const struct rp_alt *alt;
	size_t n;

	edges = rp_code_edges(code, insn, &n);
	for (size_t i = 0; i < n; i++) {
		printf(" %s:", kinds[edges[i].kind]);
		print_place(code, edges[i].to);
	}
	alt = rp_code_alts(code, insn, &n);
	for (size_t i = 0; i < n; i++) {
		printf(" %s(%u,%u):", alts[alt[i].kind], alt[i].feature,
		       alt[i].flags);
		print_place(code, alt[i].to);
	}
}

static void print_insn(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];
	uint32_t symbol = 0;

	print_place(code, i);
	print_flags(insn->flags);
	if (insn->dest) {
		printf(" to:");
		print_place(code, insn->dest);
	}
	if (insn->flow == RP_FLOW_CALL || insn->flow == RP_FLOW_JMP ||
	    insn->flow == RP_FLOW_CALL_INDIRECT ||
	    insn->flow == RP_FLOW_JMP_INDIRECT)
		symbol = rp_code_symbol(code, i);
	if (symbol)
		printf(" symbol:%s", code->obj->symbols[symbol].name);
	print_ways(code, i);
	putchar('\n');
}

static void print_function(const struct rp_code *code, uint32_t i)
{
	const struct rp_function *f = &code->functions[i];

	printf("function %s size:%llu", rp_function_name(code, i),
	       (unsigned long long)f->size);
	if (f->flags & RP_FUNCTION_NORETURN)
		printf(" noreturn");
	if (f->flags & RP_FUNCTION_IGNORE)
		printf(" ignore");
	if (f->flags & RP_FUNCTION_UNTYPED)
		printf(" untyped");
	if (f->flags & RP_FUNCTION_UNNAMED)
		printf(" unnamed");
	if (f->parent)
		printf(" parent:%s", rp_function_name(code, f->parent));
	putchar('\n');
}

static void print_all(const struct rp_code *code, struct rp_findings *findings)
{
	for (uint32_t i = 1; i < code->nfunctions; i++)
		print_function(code, i);
	for (uint32_t i = 1; i < code->ninsns; i++)
		print_insn(code, i);
	if (code->unseen)
		printf("unseen %zu\n", code->unseen);
	rp_findings_sort(findings);
	for (size_t i = 0; i < findings->n; i++)
		printf("finding %d %s+0x%llx\n", findings->v[i].id,
		       code->obj->sections[findings->v[i].section].name,
		       (unsigned long long)findings->v[i].offset);
	for (int i = 0; i < RP_FINDING_IDS; i++) {
		if (findings->count[i])
			printf("count %d %u\n", i, findings->count[i]);
	}
}

static int print_object(const struct rp_relobj *obj, const struct rp_abi *abi,
			struct rp_diag *diag)
{
	struct rp_findings findings = { 0 };
	struct rp_code code;

	int rc = rp_code_init(&code, obj, abi, &findings, diag);
	if (!rc)
		print_all(&code, &findings);
	rp_code_deinit(&code);
	rp_findings_deinit(&findings);
	return rc;
}

int main(int argc, char **argv)
{
	const struct rp_abi *abi = argc == 3 ? rp_abi_by_name(argv[1]) : NULL;
	struct rp_relobj obj;
	struct rp_diag diag;
	void *image;
	size_t size;

	if (!abi || rp_file_map(argv[2], &image, &size, &diag))
		return 2;
	int rc = rp_relobj_open_linked(&obj, image, size, &diag);
	if (!rc)
		rc = print_object(&obj, abi, &diag);
	if (rc)
		printf("%s: %s\n", diag.where, diag.text);
	rp_relobj_close(&obj);
	rp_file_unmap(image, size);
	return rc != 0;
}
