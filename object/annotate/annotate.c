/* SPDX-License-Identifier: MIT */
/* Annotating one relocatable object that is in memory. */
#include "../code/kernel_tables.h"
#include "annotate.h"
#include "patchlets.h"
#include "site_table.h"

#include <errno.h>
#include <string.h>

static int find_sites(struct rp_annotation *a, struct rp_diag *diag)
{
	int rc = 0;

	for (unsigned int i = 0; i < RP_TABLE_NR && !rc; i++)
		rc = rp_sites_find(&a->obj, i, &a->sites[i], diag);
	return rc;
}

static bool has_sites(const struct rp_annotation *a)
{
	for (size_t i = 0; i < RP_TABLE_NR; i++) {
		if (a->sites[i].n)
			return true;
	}
	for (size_t i = 0; i < RP_THUNKS_NR; i++) {
		if (a->thunks[i].n)
			return true;
	}
	return false;
}

static enum rp_annotate_outcome outcome(const struct rp_annotation *a,
					bool matches)
{
	if (!matches)
		return RP_ANNOTATE_CHANGED;
	if (has_sites(a))
		return RP_ANNOTATE_UNCHANGED;
	return a->obj.lto == RP_LTO_SLIM ? RP_ANNOTATE_LTO :
					   RP_ANNOTATE_NO_SITES;
}

int rp_annotate_begin(struct rp_annotation *annotation, const void *image,
		      size_t size, struct rp_diag *diag)
{
	struct rp_annotation *a = annotation;
	bool matches = true;

	memset(a, 0, sizeof(*a));
	a->abi = rp_abi(RP_ABI_REPOINT);
	int rc = rp_relobj_open(&a->obj, image, size, diag);
	if (!rc)
		rc = rp_patchlets_check(&a->obj, diag);
	if (!rc)
		rc = find_sites(a, diag);
	if (!rc)
		rc = rp_site_table_matches(&a->obj, a->sites, &matches, diag);
	if (!rc)
		a->outcome = outcome(a, matches);
	return rc;
}

// What is wrong with the code is for the checks to say.
static int find_thunks(struct rp_annotation *a, struct rp_diag *diag)
{
	struct rp_findings findings = { .left_out = ~0u };
	struct rp_code code;

	if (!rp_kernel_has_thunks(&a->obj))
		return 0;
	int rc = rp_code_init(&code, &a->obj, a->abi, &findings, diag);
	if (!rc)
		rc = rp_kernel_thunks_find(&code, a->thunks, diag);
	rp_code_deinit(&code);
	rp_findings_deinit(&findings);
	return rc;
}

static int compare_kernel(const struct rp_annotation *a, bool *matches,
			  struct rp_diag *diag)
{
	int rc = rp_kernel_sites_match(&a->obj, &a->sites[RP_TABLE_CALLS],
				       matches, diag);

	for (unsigned int i = 0; i < RP_THUNKS_NR && !rc && *matches; i++)
		rc = rp_kernel_thunks_match(&a->obj, i, &a->thunks[i], matches,
					    diag);
	return rc;
}

int rp_annotate_begin_kernel(struct rp_annotation *annotation,
			     const void *image, size_t size,
			     const struct rp_abi *abi, bool module,
			     struct rp_diag *diag)
{
	struct rp_annotation *a = annotation;
	struct rp_sites *calls = &a->sites[RP_TABLE_CALLS];
	bool matches = true;

	memset(a, 0, sizeof(*a));
	a->abi = abi;
	int rc = rp_relobj_open(&a->obj, image, size, diag);
	if (!rc)
		rc = rp_kernel_sites_find(&a->obj, abi, module, calls, diag);
	if (!rc)
		rc = find_thunks(a, diag);
	if (!rc)
		rc = compare_kernel(a, &matches, diag);
	if (!rc)
		a->outcome = outcome(a, matches);
	return rc;
}

int rp_annotate_write(struct rp_annotation *annotation, int fd,
		      struct rp_diag *diag)
{
	struct rp_elf_edit edit;

	int rc = rp_elf_edit_init(&edit, &annotation->obj, diag);
	if (!rc && annotation->abi->kernel)
		rc = rp_kernel_tables_build(&edit,
			&annotation->sites[RP_TABLE_CALLS], annotation->thunks,
			diag);
	else if (!rc)
		rc = rp_site_table_build(&edit, annotation->sites, diag);
	if (!rc)
		rc = rp_elf_edit_write(&edit, fd, diag);
	rp_elf_edit_deinit(&edit);
	return rc;
}

void rp_annotate_end(struct rp_annotation *annotation)
{
	for (size_t i = 0; i < RP_TABLE_NR; i++)
		rp_sites_deinit(&annotation->sites[i]);
	for (size_t i = 0; i < RP_THUNKS_NR; i++)
		rp_sites_deinit(&annotation->thunks[i]);
	rp_relobj_close(&annotation->obj);
}
