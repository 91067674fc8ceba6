/* SPDX-License-Identifier: MIT */
/* Making a payload, from the first step to the last. */
#include "patch_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_file(const char *path, void **image, size_t *size,
		    struct rp_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*image = NULL;
	if (fd < 0 || fstat(fd, &st)) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		rp_diag_set(diag, RP_DIAG_READ, NULL, "%s", strerror(error));
		return -error;
	}
	*size = st.st_size;
	if (*size)
		*image = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	int error = errno;
	close(fd);
	if (*image != MAP_FAILED)
		return 0;
	*image = NULL;
	rp_diag_set(diag, RP_DIAG_READ, NULL, "%s", strerror(error));
	return -error;
}

int rp_patch_open_earlier(struct rp_patch *p)
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
		rc = map_file(list[i], &e->image, &e->size, p->diag);
		if (rc)
			return rc;
		e->opened = true;
		rc = rp_payload_open(&e->payload, e->image, e->size, p->diag);
	}
	return rc;
}

void rp_patch_close_earlier(struct rp_patch *p)
{
	for (size_t i = 0; i < p->nearlier; i++) {
		if (p->earlier[i].opened)
			rp_payload_close(&p->earlier[i].payload);
		if (p->earlier[i].image)
			munmap(p->earlier[i].image, p->earlier[i].size);
	}
	free(p->earlier);
}

static bool same_file(const char *a, const char *b)
{
	struct rp_diag ignored;
	void *x, *y = NULL;
	size_t n, m = 0;
	bool same = false;

	if (map_file(a, &x, &n, &ignored))
		return false;
	if (!map_file(b, &y, &m, &ignored))
		same = n == m && (!n || !memcmp(x, y, n));
	if (x)
		munmap(x, n);
	if (y)
		munmap(y, m);
	return same;
}

static size_t count_functions(const struct rp_unit *unit)
{
	size_t n = 0;

	for (size_t i = 1; i < unit->new_side.atoms.n; i++)
		n += unit->new_side.atoms.v[i].kind == RP_ATOM_FUNCTION;
	return n;
}

/* What nothing came of is closed again: trees have thousands of objects. */
static bool is_dull(const struct rp_unit *unit)
{
	if (!unit->old_side.present)
		return false;
	for (uint32_t i = 1; i < unit->new_side.atoms.n; i++) {
		const struct rp_atom *a = &unit->new_side.atoms.v[i];

		if (a->kind == RP_ATOM_RECORD && !strncmp(unit->new_side.obj
		    .sections[a->section].name, "rp_livepatch_", 13))
			return false;
	}
	return !unit->changed;
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
	if (!rc)
		rc = rp_unit_correlate(unit, p->diag);
	if (!rc)
		rc = rp_unit_compare(unit, p->diag);
	if (rc)
		return rc;
	p->report->functions += count_functions(unit);
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

/* What has no functions, only data or code without types, goes by its names. */
static bool is_linked(const struct rp_patch *p, const struct rp_unit *unit)
{
	const struct rp_relobj *obj = &unit->old_side.obj;

	if (unit->matches.agreeing || unit->matches.differing)
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
		rc = rp_patch_open_earlier(p);
	if (!rc)
		rc = open_livepatch(p);
	if (!rc)
		rc = make_picks(p);
	if (!rc)
		rc = rp_patch_index_globals(p);
	if (!rc)
		rc = rp_patch_spread(p);
	if (!rc)
		rc = rp_patch_markers(p);
	if (!rc)
		rc = rp_patch_select(p);
	if (!rc)
		rc = rp_patch_check(p);
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
	rp_patch_close_earlier(p);
	if (p->builder)
		rp_payload_builder_free(p->builder);
	if (p->binary)
		rp_binary_close(p->binary);
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
			rc = rp_patch_refuse(&p, inputs[0].name,
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
