/* SPDX-License-Identifier: MIT */
/* A changed copy of a relocatable object. */
#define _GNU_SOURCE
#include "../bytes.h"
#include "edit.h"
#include "relobj_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rp_elf_edit_init(struct rp_elf_edit *edit, const struct rp_relobj *obj,
		     struct rp_diag *diag)
{
	memset(edit, 0, sizeof(*edit));
	edit->obj = obj;
	edit->room = obj->nsections + 16;
	edit->sections = calloc(edit->room, sizeof(*edit->sections));
	if (!edit->sections)
		return rp_diag_nomem(diag);
	edit->nsections = obj->nsections;
	for (size_t i = 0; i < obj->nsections; i++) {
		edit->sections[i].hdr = obj->sections[i].hdr;
		edit->sections[i].data = i ? rp_section_data(obj, i) : NULL;
	}
	return 0;
}

void rp_elf_edit_deinit(struct rp_elf_edit *edit)
{
	for (size_t i = 0; i < edit->nsections; i++)
		free(edit->sections[i].owned);
	free(edit->sections);
	free(edit->names);
	memset(edit, 0, sizeof(*edit));
}

void rp_elf_edit_set_data(struct rp_elf_edit *edit, uint32_t section,
			  void *data, size_t size)
{
	struct rp_edit_section *s = &edit->sections[section];

	free(s->owned);
	s->owned = data;
	s->data = data;
	s->hdr.sh_size = size;
}

// The names of the original are never moved: a new one goes behind them.
static int add_name(struct rp_elf_edit *edit, const char *name,
		    GElf_Word *ret, struct rp_diag *diag)
{
	const struct rp_relobj *obj = edit->obj;
	size_t length = strlen(name) + 1;
	size_t old = obj->sections[obj->shstrtab].hdr.sh_size;
	size_t size = edit->names ? edit->names_size : old;

	if (edit->names) {
		void *at = memmem(edit->names + old, size - old, name, length);

		if (at) {
			*ret = (char *)at - edit->names;
			return 0;
		}
	}
	char *names = realloc(edit->names, size + length);
	if (!names)
		return rp_diag_nomem(diag);
	if (!edit->names && old)
		memcpy(names, rp_section_data(obj, obj->shstrtab), old);
	memcpy(names + size, name, length);
	edit->names = names;
	edit->names_size = size + length;
	edit->sections[obj->shstrtab].data = names;
	edit->sections[obj->shstrtab].hdr.sh_size = size + length;
	*ret = size;
	return 0;
}

static int make_room(struct rp_elf_edit *edit, struct rp_diag *diag)
{
	struct rp_edit_section *sections;
	size_t room = edit->room * 2;

	if (edit->nsections < edit->room)
		return 0;
	sections = reallocarray(edit->sections, room, sizeof(*sections));
	if (!sections)
		return rp_diag_nomem(diag);
	edit->sections = sections;
	edit->room = room;
	return 0;
}

int rp_elf_edit_add_section(struct rp_elf_edit *edit, const char *name,
			    const GElf_Shdr *hdr, uint32_t group,
			    uint32_t *ret, struct rp_diag *diag)
{
	struct rp_edit_section section = { .hdr = *hdr, .group = group };
	int rc = make_room(edit, diag);

	if (!rc)
		rc = add_name(edit, name, &section.hdr.sh_name, diag);
	if (rc)
		return rc;
	if (group)
		section.hdr.sh_flags |= SHF_GROUP;
	*ret = edit->nsections;
	edit->sections[edit->nsections++] = section;
	return 0;
}

static int grow_group(struct rp_elf_edit *edit, uint32_t group, size_t extra,
		      struct rp_diag *diag)
{
	struct rp_edit_section *s = &edit->sections[group];
	size_t size = s->hdr.sh_size;
	uint8_t *data = malloc(size + extra * sizeof(uint32_t));

	if (!data)
		return rp_diag_nomem(diag);
	memcpy(data, s->data, size);
	rp_elf_edit_set_data(edit, group, data, size);
	return 0;
}

static void append_member(struct rp_elf_edit *edit, uint32_t group,
			  uint32_t member)
{
	struct rp_edit_section *s = &edit->sections[group];

	rp_store_le32((uint8_t *)s->owned + s->hdr.sh_size, member);
	s->hdr.sh_size += sizeof(Elf64_Word);
}

int rp_elf_edit_join_groups(struct rp_elf_edit *edit, struct rp_diag *diag)
{
	size_t first_new = edit->obj->nsections;
	size_t *extra = calloc(first_new, sizeof(*extra));
	int rc = 0;

	if (!extra)
		return rp_diag_nomem(diag);
	for (size_t i = first_new; i < edit->nsections; i++)
		extra[edit->sections[i].group]++;
	for (size_t i = 1; i < first_new && !rc; i++) {
		if (extra[i])
			rc = grow_group(edit, i, extra[i], diag);
	}
	for (size_t i = first_new; i < edit->nsections && !rc; i++) {
		if (edit->sections[i].group)
			append_member(edit, edit->sections[i].group, i);
	}
	free(extra);
	return rc;
}
