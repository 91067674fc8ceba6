/* SPDX-License-Identifier: MIT */
/* Making a payload, from the first step to the last. */
#include "patch_internal.h"

#include "../object/elf/mapped_file.h"

#include <stdlib.h>
#include <string.h>

static int open_earlier(struct rp_patch *p)
{
	const char *const *list = p->options->after;
	size_t n = 0;
	int rc = 0;

	while (list && list[n])
		n++;
	p->earlier = calloc(n + 1, sizeof(*p->earlier));
	if (!p->earlier)
		return rp_diag_nomem(p->diag);
	for (size_t i = 0; i < n && !rc; i++) {
		struct rp_earlier *e = &p->earlier[p->nearlier++];

		e->path = p->culprit = list[i];
		rc = rp_file_map(list[i], &e->image, &e->size, p->diag);
		if (rc)
			return rc;
		e->opened = true;
		rc = rp_payload_open(&e->payload, e->image, e->size, p->diag);
	}
	return rc;
}

static void close_earlier(struct rp_patch *p)
{
	for (size_t i = 0; i < p->nearlier; i++) {
		if (p->earlier[i].opened)
			rp_payload_close(&p->earlier[i].payload);
		rp_file_unmap(p->earlier[i].image, p->earlier[i].size);
	}
	free(p->earlier);
}

static bool same_file(const char *a, const char *b)
{
	struct rp_diag ignored;
	void *x, *y = NULL;
	size_t n, m = 0;
	bool same = false;

	if (rp_file_map(a, &x, &n, &ignored))
		return false;
	if (!rp_file_map(b, &y, &m, &ignored))
		same = n == m && (!n || !memcmp(x, y, n));
	rp_file_unmap(x, n);
	rp_file_unmap(y, m);
	return same;
}

static size_t count_functions(const struct rp_unit *unit)
{
	size_t n = 0;

	for (size_t i = 1; i < unit->new_side.atoms.n; i++)
		n += unit->new_side.atoms.v[i].kind == RP_ATOM_FUNCTION;
	return n;
}

/*
 * Something that only one of the versions has, and that others know: by its
 * name, or because the linker collects it.
 */
static bool has_moved(const struct rp_side *side)
{
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *a = &side->atoms.v[i];

		if (!side->twin[i] && !(a->flags & RP_ATOM_COMDAT) &&
		    ((a->flags & RP_ATOM_GLOBAL) ||
		     rp_patch_is_collected(side, i)))
			return true;
	}
	return false;
}

/* What nothing came of is closed again: trees have thousands of objects. */
static bool is_dull(const struct rp_unit *unit)
{
	if (!unit->old_side.present || has_moved(&unit->old_side) ||
	    has_moved(&unit->new_side))
		return false;
	for (uint32_t i = 1; i < unit->new_side.atoms.n; i++) {
		const struct rp_atom *a = &unit->new_side.atoms.v[i];

		if (a->kind == RP_ATOM_RECORD && !strncmp(unit->new_side.obj
		    .sections[a->section].name, "rp_livepatch_", 13))
			return false;
	}
	return !unit->changed && !rp_unit_has_other_aliases(unit);
}

/* What is taken for a line number is never left out in silence. */
static int tell_lines(struct rp_patch *p, const struct rp_unit *unit)
{
	int rc = 0;

	for (uint32_t i = 1; i < unit->new_side.atoms.n && !rc; i++) {
		if (!unit->change[i].line_only)
			continue;
		p->report->line_only++;
		rc = rp_patch_find(p, RP_FINDING_NOTE, unit->name,
			RP_DIAG_PATCH_LINES, rp_atom_name(&unit->new_side.atoms,
			i), "differs in line numbers only");
	}
	return rc;
}

static int open_unit(struct rp_patch *p, const struct rp_patch_input *input)
{
	struct rp_unit *unit = &p->units[p->nunits];
	int rc;

	p->report->pairs++;
	if (!input->new_path || (input->old_path &&
				 same_file(input->old_path, input->new_path))) {
		p->report->identical++;
		return 0;
	}
	p->nunits++;
	rc = rp_unit_open(unit, input->name, input->old_path, input->new_path,
			  &p->culprit, p->diag);
	if (rc && p->diag->id == RP_DIAG_PATCH_LTO) {
		rp_unit_close(unit);
		p->nunits--;
		return rp_patch_refuse(p, p->culprit, RP_DIAG_PATCH_LTO, NULL,
				       "%s", p->diag->text);
	}
	if (!rc)
		rc = rp_unit_correlate(unit, p->diag);
	if (!rc)
		rc = rp_unit_compare(unit, p->diag);
	if (rc)
		return rc;
	p->report->functions += count_functions(unit);
	rc = tell_lines(p, unit);
	if (rc)
		return rc;
	if (is_dull(unit)) {
		p->report->unchanged++;
		rp_unit_close(unit);
		p->nunits--;
	}
	return 0;
}

static int open_units(struct rp_patch *p, const struct rp_patch_input *inputs,
		      size_t n)
{
	int rc = 0;

	p->units = calloc(n + 2, sizeof(*p->units));
	if (!p->units)
		return rp_diag_nomem(p->diag);
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_unit(p, &inputs[i]);
	return rc;
}

static bool has_functions(const struct rp_atoms *atoms)
{
	for (uint32_t i = 1; i < atoms->n; i++) {
		if (atoms->v[i].kind == RP_ATOM_FUNCTION)
			return true;
	}
	return false;
}

/* Something that is to be replaced fits in several places. */
static bool is_somewhere(const struct rp_unit *unit)
{
	const struct rp_atoms *atoms = &unit->new_side.atoms;

	for (uint32_t i = 1; i < atoms->n; i++) {
		if (atoms->v[i].kind == RP_ATOM_FUNCTION &&
		    unit->change[i].fate == RP_FATE_CHANGED &&
		    unit->matches.v[unit->new_side.twin[i]].state ==
		    RP_MATCH_AMBIGUOUS)
			return true;
	}
	return false;
}

/* What has no functions, only data or code without types, goes by its names. */
static bool is_linked(const struct rp_patch *p, const struct rp_unit *unit)
{
	const struct rp_relobj *obj = &unit->old_side.obj;

	if (unit->matches.agreeing || unit->matches.differing ||
	    is_somewhere(unit))
		return true;
	if (has_functions(&unit->old_side.atoms))
		return false;
	for (size_t i = obj->first_global; i < obj->nsymbols; i++) {
		const struct rp_symbol *s = &obj->symbols[i];
		size_t n;

		if (s->section && *s->name &&
		    rp_binary_by_name(p->binary, s->name, &n))
			return true;
	}
	return false;
}

static int match_units(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		struct rp_unit *unit = &p->units[i];

		if (unit->old_side.present) {
			p->culprit = unit->old_side.path;
			rc = rp_match_object(&unit->matches,
					     &unit->old_side.atoms, p->binary,
					     p->diag);
			if (rc)
				return rc;
			unit->matched = true;
		}
		if (unit->matched && !is_linked(p, unit)) {
			p->report->not_linked++;
			rc = rp_patch_find(p, RP_FINDING_NOTE, unit->name,
				RP_DIAG_PATCH_NOT_LINKED, NULL, "none of its "
				"functions is in the binary: left out");
			rp_unit_close(unit);
		}
	}
	return rc;
}

static int check_lto(struct rp_patch *p)
{
	const char *how = rp_binary_lto(p->binary);

	if (!how)
		return 0;
	return rp_patch_refuse(p, p->options->binary, RP_DIAG_PATCH_LTO, NULL,
		"built with link-time optimization (%.120s): functions may be "
		"inlined across objects, which no comparison of objects shows; "
		"build the program with -fno-lto", how);
}

static int open_binary(struct rp_patch *p)
{
	p->culprit = p->options->binary;
	int rc = rp_binary_open(&p->binary, p->options->binary,
				&p->options->binary_options, p->diag);

	return rc ? rc : check_lto(p);
}

static int make_picks(struct rp_patch *p)
{
	p->picks = calloc(p->nunits + 1, sizeof(*p->picks));
	if (!p->picks)
		return rp_diag_nomem(p->diag);
	for (size_t i = 0; i < p->nunits; i++) {
		p->picks[i] = calloc(p->units[i].new_side.atoms.n + 1,
				     sizeof(**p->picks));
		if (!p->picks[i])
			return rp_diag_nomem(p->diag);
	}
	return 0;
}

/* What comes with Repoint, for targets that are not linked with it. */
static int open_livepatch(struct rp_patch *p)
{
	const struct rp_patch_options *o = p->options;
	struct rp_unit *unit = &p->units[p->nunits];

	if (!o->livepatch_object)
		return 0;
	p->nunits++;
	p->culprit = "librepoint-livepatch";
	int rc = rp_unit_open_image(unit, p->culprit, o->livepatch_object,
				    o->livepatch_object_size, p->diag);
	return rc ? rc : rp_unit_compare(unit, p->diag);
}

static bool anything_to_patch(const struct rp_patch *p)
{
	for (size_t i = 0; i < p->nunits; i++) {
		if (p->units[i].changed && p->units[i].old_side.present)
			return true;
	}
	return false;
}

static bool has_markers(const struct rp_patch *p)
{
	for (size_t i = 0; i < p->nunits; i++) {
		if (!p->units[i].changed && p->units[i].old_side.present)
			return true;
	}
	return false;
}

static int make(struct rp_patch *p, int fd)
{
	int rc = open_binary(p);

	if (!rc)
		rc = match_units(p);
	if (!rc)
		rc = rp_patch_drop_flavours(p);
	if (!rc)
		rc = open_earlier(p);
	if (!rc)
		rc = open_livepatch(p);
	if (!rc)
		rc = make_picks(p);
	if (!rc)
		rc = rp_patch_index_globals(p);
	if (!rc)
		rc = rp_patch_index_gone(p);
	if (!rc)
		rc = rp_patch_spread(p);
	if (!rc)
		rc = rp_patch_markers(p);
	if (!rc)
		rc = rp_patch_select(p);
	if (!rc)
		rc = rp_patch_check(p);
	if (!rc)
		rc = rp_patch_check_moved(p);
	if (!rc)
		rc = rp_patch_check_aliases(p);
	if (!rc)
		rc = rp_patch_check_types(p);
	if (!rc && p->nqueue && !p->report->refusals)
		rc = rp_patch_emit(p, fd);
	return rc;
}

static void free_patch(struct rp_patch *p)
{
	for (size_t i = 0; p->picks && i < p->nunits; i++)
		free(p->picks[i]);
	free(p->picks);
	for (size_t i = 0; i < p->nunits; i++)
		rp_unit_close(&p->units[i]);
	free(p->units);
	for (size_t i = 0; i < p->nbound; i++) {
		free(p->bound[i].label);
		free(p->bound[i].owned);
	}
	free(p->bound);
	free(p->queue);
	rp_patch_free_globals(p);
	rp_patch_free_gone(p);
	close_earlier(p);
	if (p->builder)
		rp_payload_builder_free(p->builder);
	if (p->binary)
		rp_binary_close(p->binary);
}

static const char *first_changed(const struct rp_patch *p)
{
	for (size_t i = 0; i < p->nunits; i++) {
		if (p->units[i].changed)
			return p->units[i].name;
	}
	return p->units[0].name;
}

int rp_patch_make(const struct rp_patch_input *inputs, size_t n,
		  const struct rp_patch_options *options, int fd,
		  struct rp_patch_report *report, const char **culprit,
		  struct rp_diag *diag)
{
	struct rp_patch p = { .options = options, .report = report,
			      .diag = diag };
	int rc;

	memset(report, 0, sizeof(*report));
	elf_version(EV_CURRENT);
	rc = open_units(&p, inputs, n);
	// Whether anything changed can be said without a binary.
	if (!rc && (anything_to_patch(&p) || has_markers(&p))) {
		if (options->binary)
			rc = make(&p, fd);
		else
			rc = rp_patch_refuse(&p, first_changed(&p),
				RP_DIAG_PATCH_TARGETLESS, NULL, "something "
				"changed, and without --binary nothing can be "
				"bound to it");
	}
	*culprit = p.culprit ? p.culprit : "repoint";
	if (rc && p.culprit) {
		report->culprit = strdup(p.culprit);
		*culprit = report->culprit ? report->culprit : "repoint";
	}
	free_patch(&p);
	return rc;
}
