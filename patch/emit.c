/* SPDX-License-Identifier: MIT */
/* Writing a payload: a section for each atom, tables of records joined. */
#define _GNU_SOURCE
#include "expected.h"

#include "../object/grow.h"
#include "../object/insn/insn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rp_side *side_of(const struct rp_patch *p,
				     const struct rp_node *node)
{
	return &p->units[node->unit].new_side;
}

static bool is_separate(const struct rp_side *side, uint32_t atom)
{
	uint8_t kind = side->atoms.v[atom].kind;

	return kind != RP_ATOM_RECORD && kind != RP_ATOM_FDE &&
	       kind != RP_ATOM_CIE;
}

static uint64_t alignment(const struct rp_side *side, const struct rp_atom *atom)
{
	uint64_t align = side->obj.sections[atom->section].hdr.sh_addralign;
	uint64_t lowest = atom->offset & -atom->offset;

	if (!align)
		align = 1;
	return atom->offset && lowest < align ? lowest : align;
}

/* Sections that hold several atoms get the atom's name as well. */
static char *section_name(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const char *section = side->obj.sections[a->section].name;
	const char *name = rp_atom_name(&side->atoms, atom);
	char *ret = NULL;

	if (!*name || strstr(section, name))
		return strdup(section);
	return asprintf(&ret, "%s.%s", section, name) < 0 ? NULL : ret;
}

static uint64_t section_flags(const struct rp_side *side,
			      const struct rp_atom *atom)
{
	uint64_t flags = side->obj.sections[atom->section].hdr.sh_flags;

	flags &= SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE;
	if (atom->kind == RP_ATOM_CONST || atom->kind == RP_ATOM_LITERAL)
		flags &= ~(uint64_t)SHF_WRITE;
	return flags;
}

static int emit_section(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_side *side = side_of(p, node);
	const struct rp_atom *atom = &side->atoms.v[node->atom];
	struct rp_pick *pick = &p->picks[node->unit][node->atom];
	struct rp_payload_section_in in = {
		.type = atom->flags & RP_ATOM_ZERO ? SHT_NOBITS : SHT_PROGBITS,
		.flags = section_flags(side, atom),
		.align = alignment(side, atom), .size = atom->size,
		.bytes = rp_atom_bytes(&side->atoms, node->atom),
	};
	struct rp_payload_symbol_in symbol = {
		.bind = STB_LOCAL, .size = atom->size,
		.name = rp_atom_name(&side->atoms, node->atom),
		.type = !atom->symbol ? STT_SECTION :
			rp_atom_is_code(atom) ? STT_FUNC : STT_OBJECT,
	};
	char *name = section_name(side, node->atom);
	int rc = name ? 0 : rp_diag_nomem(p->diag);

	in.name = name;
	if (symbol.type == STT_SECTION)
		symbol.size = 0;
	if (!rc)
		rc = rp_payload_add_section(p->builder, &in, &pick->section,
					    p->diag);
	symbol.section = pick->section;
	if (!rc)
		rc = rp_payload_add_symbol(p->builder, &symbol, &pick->symbol,
					   p->diag);
	free(name);
	return rc;
}

static int emit_bound(struct rp_patch *p, struct rp_bound *b)
{
	const struct rp_payload_symbol_in symbol = {
		.name = b->label, .type = b->type,
		.bind = b->in.flags & RP_BIND_WEAK ? STB_WEAK : STB_GLOBAL,
	};

	return rp_payload_add_symbol(p->builder, &symbol, &b->symbol, p->diag);
}

int rp_patch_target_symbol(struct rp_patch *p, const struct rp_target *target,
			   uint32_t *ret)
{
	struct rp_bound *b;
	int rc = 0;

	if (target->in_payload) {
		*ret = p->picks[target->node.unit][target->node.atom].symbol;
		return 0;
	}
	b = &p->bound[target->bound];
	if (!b->symbol)
		rc = emit_bound(p, b);
	*ret = b->symbol;
	return rc;
}

static const char *from_label(const struct rp_patch *p,
			      const struct rp_node *node, char *buffer,
			      size_t size)
{
	return rp_atom_label(&side_of(p, node)->atoms, node->atom, buffer, size);
}

static bool is_near(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_32 ||
	       type == R_X86_64_32S;
}

/*
 * By a section and an offset, where the variable in front of it ends: it may be
 * meant as the end of that one. Only harmless if both stay where they are.
 */
static bool is_end_or_start(const struct rp_side *side, const struct rp_unit *u,
			    const struct rp_ref *ref)
{
	const struct rp_atom *a = &side->atoms.v[ref->atom];

	if (!ref->atom || ref->place || ref->form != RP_REF_RELOC ||
	    side->obj.symbols[ref->symbol].type != STT_SECTION ||
	    (a->kind != RP_ATOM_DATA && a->kind != RP_ATOM_CONST) ||
	    !a->symbol || !a->offset)
		return false;
	return a[-1].section == a->section && a[-1].symbol &&
	       a[-1].offset + a[-1].size == a->offset &&
	       u->change[ref->atom].fate != u->change[ref->atom - 1].fate;
}

/* What another library has may be out of reach of a direct reference. */
static int check_reach(struct rp_patch *p, const struct rp_node *node,
		       const struct rp_ref *ref, const struct rp_target *target)
{
	char label[64];

	if (ref->form == RP_REF_BRANCH8)
		return rp_patch_refuse(p, p->units[node->unit].name,
			RP_DIAG_PATCH_REACH,
			from_label(p, node, label, sizeof(label)),
			"at +0x%llx branches with a distance of 8 bits into "
			"another function; compile with -ffunction-sections",
			(unsigned long long)ref->offset);
	if (is_end_or_start(side_of(p, node), &p->units[node->unit], ref))
		return rp_patch_refuse(p, p->units[node->unit].name,
			RP_DIAG_PATCH_SECTIONS,
			from_label(p, node, label, sizeof(label)),
			"refers to a place that is the end of one variable and "
			"the start of another, and these will not be neighbours "
			"any more; compile with -fdata-sections");
	if (target->in_payload || !is_near(ref->type) || ref->branch ==
	    RP_INSN_CALL || ref->branch == RP_INSN_JMP ||
	    ref->branch == RP_INSN_JCC)
		return 0;
	const struct rp_bound *b = &p->bound[target->bound];
	if (b->in.kind != RP_BIND_IMPORT && b->in.kind != RP_BIND_SLOT)
		return 0;
	return rp_patch_refuse(p, p->units[node->unit].name, RP_DIAG_PATCH_REACH,
		from_label(p, node, label, sizeof(label)),
		"refers directly to %.80s, which is in another library and may "
		"be out of reach; compile the fix with -fPIC, or with "
		"-mno-direct-extern-access", b->in.name);
}

static int emit_reloc(struct rp_patch *p, const struct rp_node *node,
		      const struct rp_ref *ref, uint32_t section,
		      uint64_t offset)
{
	struct rp_payload_reloc_in reloc = {
		.offset = offset + ref->offset, .type = ref->type,
		.addend = ref->addend,
	};
	struct rp_target target;
	int rc = rp_patch_resolve(p, node->unit, node->atom, ref, &target);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = check_reach(p, node, ref, &target);
	if (rc || ref->form == RP_REF_BRANCH8)
		return rc;
	if (!target.in_payload)
		reloc.addend += target.shift;
	rc = rp_patch_target_symbol(p, &target, &reloc.symbol);
	return rc ? rc : rp_payload_add_reloc(p->builder, section, &reloc,
					      p->diag);
}

static int emit_relocs(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_atom *atom = &side_of(p, node)->atoms.v[node->atom];
	uint32_t section = p->picks[node->unit][node->atom].section;
	int rc = 0;

	for (size_t i = 0; i < atom->nrefs && !rc; i++)
		rc = emit_reloc(p, node, &atom->refs[i], section, 0);
	return rc;
}

/* Calls @emit for everything that was picked, in the order of units and atoms. */
static int each_pick(struct rp_patch *p,
		     int (*emit)(struct rp_patch *p, const struct rp_node *node))
{
	int rc = 0;

	for (uint32_t i = 0; i < p->nunits; i++) {
		const struct rp_side *side = &p->units[i].new_side;

		for (uint32_t k = 1; k < side->atoms.n && !rc; k++) {
			const struct rp_node node = { i, k };

			if (p->picks[i][k].picked && is_separate(side, k))
				rc = emit(p, &node);
		}
	}
	return rc;
}

/* A table of records: one section, however many objects have a part of it. */
struct table {
	const char *name;
	uint8_t *bytes;
	size_t size;
};

static bool is_record(const struct rp_patch *p, const struct rp_node *node,
		      const char *name)
{
	const struct rp_side *side = side_of(p, node);
	const struct rp_atom *a = &side->atoms.v[node->atom];
	const char *section = side->obj.sections[a->section].name;

	return p->picks[node->unit][node->atom].picked &&
	       a->kind == RP_ATOM_RECORD &&
	       strncmp(section, "rp_livepatch_", 13) &&
	       (!name || !strcmp(section, name));
}

/* A record of a table, where it is to be in the table's section. */
struct row {
	struct rp_node node;
	uint64_t at;
};

struct rows {
	struct row *v;
	size_t n, room;
	uint64_t size;
};

static int list_rows(struct rp_patch *p, const char *name, struct rows *rows)
{
	for (uint32_t i = 0; i < p->nunits; i++) {
		const struct rp_atoms *atoms = &p->units[i].new_side.atoms;

		for (uint32_t k = 1; k < atoms->n; k++) {
			const struct rp_node node = { i, k };

			if (!is_record(p, &node, name))
				continue;
			if (rp_grow(&rows->v, &rows->room, rows->n + 1,
				    sizeof(*rows->v)))
				return rp_diag_nomem(p->diag);
			rows->v[rows->n++] = (struct row){ node, rows->size };
			rows->size += atoms->v[k].size;
		}
	}
	return 0;
}

static int emit_rows(struct rp_patch *p, const char *name,
		     const struct rows *rows, uint8_t *bytes)
{
	struct rp_payload_section_in in = {
		.name = name, .type = SHT_PROGBITS, .flags = SHF_ALLOC,
		.align = 8, .bytes = bytes, .size = rows->size,
	};
	uint32_t section;

	for (size_t i = 0; i < rows->n; i++) {
		const struct rp_node *node = &rows->v[i].node;
		const struct rp_atoms *atoms = &side_of(p, node)->atoms;

		memcpy(bytes + rows->v[i].at, rp_atom_bytes(atoms, node->atom),
		       atoms->v[node->atom].size);
	}
	int rc = rp_payload_add_section(p->builder, &in, &section, p->diag);
	for (size_t i = 0; i < rows->n && !rc; i++) {
		const struct rp_node *node = &rows->v[i].node;
		const struct rp_atom *a = &side_of(p, node)->atoms.v[node->atom];

		p->picks[node->unit][node->atom].section = section;
		for (size_t k = 0; k < a->nrefs && !rc; k++)
			rc = emit_reloc(p, node, &a->refs[k], section,
					rows->v[i].at);
	}
	return rc;
}

static int emit_table(struct rp_patch *p, const char *name)
{
	struct rows rows = { 0 };
	int rc = list_rows(p, name, &rows);
	uint8_t *bytes = calloc(1, rows.size + 1);

	if (!rc)
		rc = bytes ? emit_rows(p, name, &rows, bytes) :
			     rp_diag_nomem(p->diag);
	free(bytes);
	free(rows.v);
	return rc;
}

static int emit_tables(struct rp_patch *p)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->nunits && !rc; i++) {
		const struct rp_side *side = &p->units[i].new_side;

		for (uint32_t k = 1; k < side->atoms.n && !rc; k++) {
			const struct rp_node node = { i, k };

			if (is_record(p, &node, NULL) && !p->picks[i][k].section)
				rc = emit_table(p, side->obj.sections[
					side->atoms.v[k].section].name);
		}
	}
	return rc;
}

/* Old code of the function that lies elsewhere: threads may be in it, too. */
static void find_cold(struct rp_unit *u, uint32_t twin,
		      struct rp_payload_function_in *in)
{
	const struct rp_atoms *atoms = &u->old_side.atoms;

	for (uint32_t i = 1; i < atoms->n; i++) {
		if (!(atoms->v[i].flags & RP_ATOM_COLD) ||
		    atoms->v[i].parent != twin || !rp_patch_is_found(u, i))
			continue;
		in->cold = rp_unit_match(u, i)->address;
		in->cold_size = rp_unit_match(u, i)->size;
	}
}

static int emit_function(struct rp_patch *p, const struct rp_node *node)
{
	struct rp_unit *u = &p->units[node->unit];
	uint32_t twin = u->new_side.twin[node->atom];
	const struct rp_match *m = rp_unit_match(u, twin);
	const struct rp_change *change = &u->change[node->atom];
	struct rp_payload_function_in in = {
		.address = m->address, .old_size = m->size,
		.symbol = p->picks[node->unit][node->atom].symbol,
		.name = rp_atom_name(&u->old_side.atoms, twin),
		.detour = rp_patch_landing(p, m),
	};
	const struct rp_patched told = {
		.kind = RP_PATCHED_REPLACED, .unit = u->name,
		.name = (char *)in.name, .why = change->why,
		.offset = change->offset, .has_offset = change->has_offset,
		.old_size = m->size,
		.new_size = u->new_side.atoms.v[node->atom].size,
	};
	struct rp_expected expected;

	if (m->symbol != UINT32_MAX) {
		const struct rp_binary_symbol *s =
			rp_binary_symbol(p->binary, m->symbol);

		in.name = s->name;
		in.position = s->position;
		in.file = s->bind == STB_LOCAL ? s->file : NULL;
	}
	find_cold(u, twin, &in);
	int rc = rp_patch_expect(p, u, twin, &expected);
	in.masks = expected.masks;
	in.nmasks = expected.nmasks;
	memcpy(in.hash, expected.hash, sizeof(in.hash));
	if (!rc)
		rc = rp_payload_add_function(p->builder, &in, p->diag);
	rp_expected_deinit(&expected);
	return rc ? rc : rp_patch_tell(p, &told);
}

static int tell_added(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_unit *u = &p->units[node->unit];
	const struct rp_atom *atom = &u->new_side.atoms.v[node->atom];
	const char *name = rp_atom_name(&u->new_side.atoms, node->atom);
	bool code = rp_atom_is_code(atom);
	const struct rp_patched told = {
		.kind = code ? RP_PATCHED_ADDED : RP_PATCHED_DATA,
		.unit = u->name, .name = (char *)name, .new_size = atom->size,
	};

	if (!*name || (atom->flags & RP_ATOM_COLD) ||
	    !strncmp(name, "DW.ref.", 7) ||
	    (!code && atom->kind != RP_ATOM_DATA) ||
	    (!code && u->change[node->atom].fate != RP_FATE_NEW))
		return 0;
	return rp_patch_tell(p, &told);
}

static int emit_or_tell(struct rp_patch *p, const struct rp_node *node)
{
	if (rp_patch_has_detour(p, node->unit, node->atom))
		return emit_function(p, node);
	return tell_added(p, node);
}

static int emit_bindings(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nearlier && !rc; i++)
		rc = rp_payload_add_depend(p->builder, p->earlier[i].payload.id,
			rp_payload_string(&p->earlier[i].payload,
					  p->earlier[i].payload.header.name),
			&p->earlier[i].number, p->diag);
	for (size_t i = 0; i < p->nbound && !rc; i++) {
		struct rp_payload_binding_in in = p->bound[i].in;

		if (!p->bound[i].symbol)
			continue;
		in.symbol = p->bound[i].symbol;
		if (in.kind == RP_BIND_PAYLOAD)
			in.depend = p->earlier[in.depend].number;
		rc = rp_payload_add_binding(p->builder, &in, p->diag);
	}
	return rc;
}

static int start(struct rp_patch *p)
{
	const struct rp_patch_options *o = p->options;
	const char *slash = strrchr(o->binary, '/');
	struct rp_payload_info info = {
		.name = o->name, .patch_version = o->patch_version,
		.description = o->description, .tool = o->tool,
		.target = slash ? slash + 1 : o->binary,
	};

	info.build_id = rp_binary_build_id(p->binary, &info.build_id_size);
	return rp_payload_builder_new(&p->builder, &info, p->diag);
}

int rp_patch_emit(struct rp_patch *p, int fd)
{
	int rc = start(p);

	if (!rc)
		rc = each_pick(p, emit_section);
	if (!rc)
		rc = each_pick(p, emit_relocs);
	if (!rc)
		rc = emit_tables(p);
	if (!rc)
		rc = rp_patch_emit_unwind(p);
	if (!rc)
		rc = each_pick(p, emit_or_tell);
	if (!rc)
		rc = rp_patch_emit_markers(p);
	if (!rc)
		rc = emit_bindings(p);
	// What was found on the way may be a reason not to.
	if (!rc && !p->report->refusals) {
		p->culprit = p->options->name;
		rc = rp_payload_builder_write(p->builder, fd, p->diag);
		p->report->made = !rc;
	}
	return rc;
}
