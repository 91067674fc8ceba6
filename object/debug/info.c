// SPDX-License-Identifier: MIT
/* Opening the debug information of an object, and what its units say first. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

int rp_debug_damaged(struct rp_diag *diag, const char *where)
{
	const char *why = dwarf_errmsg(0);

	return rp_diag_set(diag, RP_DIAG_DEBUG_INFO, where,
		"the debug information is damaged (%s); compile again with -g",
		why ? why : "it refers to itself");
}

int rp_debug_unit_next(const struct rp_debug_info *info,
		       struct rp_debug_unit *unit, struct rp_diag *diag)
{
	const char *where = unit->in_types ? ".debug_types" : ".debug_info";
	Dwarf_Off next, root, type_offset;
	uint64_t signature;
	Dwarf_Die *die;
	size_t size;

	int rc = dwarf_next_unit(info->dwarf, unit->next, &next, &size, NULL,
				 NULL, NULL, NULL,
				 unit->in_types ? &signature : NULL,
				 unit->in_types ? &type_offset : NULL);
	if (rc > 0 && !unit->in_types && info->image.has_types) {
		unit->in_types = true;
		unit->next = 0;
		return rp_debug_unit_next(info, unit, diag);
	}
	if (rc > 0)
		return 0;
	if (rc < 0 || next <= unit->next)
		return rp_debug_damaged(diag, where);
	root = unit->next + size;
	if (unit->in_types)
		die = dwarf_offdie_types(info->dwarf, root, &unit->die);
	else
		die = dwarf_offdie(info->dwarf, root, &unit->die);
	if (!die || dwarf_tag(&unit->die) == DW_TAG_invalid)
		return rp_debug_damaged(diag, where);
	unit->next = next;
	return 1;
}

const char *rp_die_string(Dwarf_Die *die, unsigned int attribute)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr(die, attribute, &attr));
}

/* What it describes is in another file, which nothing links to this object. */
static bool is_split(Dwarf_Die *unit)
{
	return dwarf_tag(unit) == DW_TAG_skeleton_unit ||
	       dwarf_hasattr(unit, DW_AT_dwo_name) ||
	       dwarf_hasattr(unit, DW_AT_GNU_dwo_name);
}

/* @lines: asked for nothing else */
static bool is_wanted(Dwarf_Die *unit, bool lines)
{
	int tag = dwarf_tag(unit);

	if (lines && tag == DW_TAG_skeleton_unit)
		return true;
	return tag == DW_TAG_compile_unit && (lines || !is_split(unit));
}

/* Every unit's header and root are read; @found: is there one to be asked? */
static int check_units(struct rp_debug_info *info, bool lines, bool *found,
		       struct rp_diag *diag)
{
	struct rp_debug_unit unit = { .next = 0 };
	int rc;

	*found = false;
	while ((rc = rp_debug_unit_next(info, &unit, diag)) > 0) {
		if (*found || !is_wanted(&unit.die, lines))
			continue;
		info->first = unit.die;
		*found = true;
	}
	return rc;
}

/* @found stays false if there is no debug information. */
static int open_info(struct rp_debug_info *info, bool lines, bool *found,
		     struct rp_diag *diag)
{
	int rc = rp_debug_image_init(&info->image, info->obj, diag);
	if (rc || !info->image.data)
		return rc;
	elf_version(EV_CURRENT);
	info->elf = elf_memory((char *)info->image.data, info->image.size);
	if (info->elf)
		info->dwarf = dwarf_begin_elf(info->elf, DWARF_C_READ, NULL);
	if (!info->dwarf)
		return rp_debug_damaged(diag, NULL);
	return check_units(info, lines, found, diag);
}

static int open_units(struct rp_debug_info **ret, const struct rp_relobj *obj,
		      bool lines, struct rp_diag *diag)
{
	struct rp_debug_info *info = calloc(1, sizeof(*info));
	bool found = false;

	*ret = NULL;
	if (!info)
		return rp_diag_nomem(diag);
	info->obj = obj;
	int rc = open_info(info, lines, &found, diag);
	if (rc || !found) {
		rp_debug_info_close(info);
		return rc;
	}
	*ret = info;
	return 0;
}

int rp_debug_info_open(struct rp_debug_info **ret, const struct rp_relobj *obj,
		       struct rp_diag *diag)
{
	return open_units(ret, obj, false, diag);
}

int rp_debug_lines_open(struct rp_debug_info **ret, const struct rp_relobj *obj,
			struct rp_diag *diag)
{
	return open_units(ret, obj, true, diag);
}

void rp_debug_info_close(struct rp_debug_info *info)
{
	if (!info)
		return;
	rp_debug_index_free(info->index);
	free(info->rows.v);
	free(info->statics.v);
	if (info->dwarf)
		dwarf_end(info->dwarf);
	if (info->elf)
		elf_end(info->elf);
	rp_debug_image_deinit(&info->image);
	free(info);
}

const char *rp_debug_producer(struct rp_debug_info *info)
{
	const char *s = rp_die_string(&info->first, DW_AT_producer);

	return s ? s : "";
}

const char *rp_debug_source(struct rp_debug_info *info)
{
	const char *s = rp_die_string(&info->first, DW_AT_name);

	return s ? s : "";
}
