/* SPDX-License-Identifier: MIT */
/* Annotating one relocatable object that is in memory. */
#include "annotate.h"
#include "site_table.h"

#include <errno.h>
#include <string.h>

int rp_annotate_begin(struct rp_annotation *annotation, const void *image,
		      size_t size, struct rp_diag *diag)
{
	struct rp_annotation *a = annotation;
	bool matches = true;

	memset(a, 0, sizeof(*a));
	int rc = rp_relobj_open(&a->obj, image, size, diag);
	if (!rc)
		rc = rp_call_sites_find(&a->obj, &a->sites, diag);
	if (!rc)
		rc = rp_site_table_matches(&a->obj, &a->sites, &matches, diag);
	if (rc)
		return rc;
	if (!matches)
		a->outcome = RP_ANNOTATE_CHANGED;
	else if (a->sites.n)
		a->outcome = RP_ANNOTATE_UNCHANGED;
	else if (a->obj.lto == RP_LTO_SLIM)
		a->outcome = RP_ANNOTATE_LTO;
	else
		a->outcome = RP_ANNOTATE_NO_SITES;
	return 0;
}

int rp_annotate_write(struct rp_annotation *annotation, int fd,
		      struct rp_diag *diag)
{
	struct rp_elf_edit edit;

	int rc = rp_elf_edit_init(&edit, &annotation->obj, diag);
	if (!rc)
		rc = rp_site_table_build(&edit, &annotation->sites, diag);
	if (!rc)
		rc = rp_elf_edit_write(&edit, fd, diag);
	rp_elf_edit_deinit(&edit);
	return rc;
}

void rp_annotate_end(struct rp_annotation *annotation)
{
	rp_call_sites_deinit(&annotation->sites);
	rp_relobj_close(&annotation->obj);
}
