/* SPDX-License-Identifier: MIT */
/*
 * A changed copy of a relocatable object: sections replaced and added, local
 * section symbols inserted.
 *
 *   int  rp_elf_edit_init(edit, obj, diag);
 *   int  rp_elf_edit_insert_symbols(edit, sections, n, diag);
 *   uint32_t rp_elf_edit_symbol(edit, old);
 *   void rp_elf_edit_set_data(edit, section, data, size);
 *   int  rp_elf_edit_add_section(edit, name, hdr, &index, diag);
 *   int  rp_elf_edit_join_groups(edit, diag);
 *   int  rp_elf_edit_write(edit, fd, diag);
 *   void rp_elf_edit_deinit(edit);
 *
 * Nothing is written before rp_elf_edit_write(). Sections keep their indices;
 * new ones come last. A symbol that is inserted moves all global symbols up,
 * so symbols are inserted first and everything else uses the new numbers.
 */
#ifndef REPOINT_OBJECT_ELF_EDIT_H
#define REPOINT_OBJECT_ELF_EDIT_H

#include "relobj.h"

/*
 * struct rp_edit_section - a section of the copy.
 * @group: SHT_GROUP section that it is to join, if it is new; else 0
 * @owned: @data is freed with the edit
 */
struct rp_edit_section {
	GElf_Shdr hdr;
	const void *data;
	void *owned;
	uint32_t group;
};

struct rp_elf_edit {
	const struct rp_relobj *obj;
	struct rp_edit_section *sections;
	size_t nsections;
	size_t room;
	char *names;		/* section names, once one was added */
	size_t names_size;
	size_t inserted;	/* symbols inserted before the global ones */
};

int rp_elf_edit_init(struct rp_elf_edit *edit, const struct rp_relobj *obj,
		     struct rp_diag *diag);
void rp_elf_edit_deinit(struct rp_elf_edit *edit);

/**
 * rp_elf_edit_insert_symbols() - add a section symbol for each of some sections.
 * @edit:     the edit; call this once at most, and first
 * @sections: indices of sections of the original
 * @n:        how many
 * @diag:     what is wrong, on failure
 *
 * The symbol of @sections[i] gets the number obj->first_global + i.
 *
 * Return: 0; -EINVAL, see @diag (the object holds numbers of symbols in a form
 * that is not known); -ENOMEM.
 */
int rp_elf_edit_insert_symbols(struct rp_elf_edit *edit,
			       const uint32_t *sections, size_t n,
			       struct rp_diag *diag);

/** rp_elf_edit_symbol() - the number that a symbol of the original has now. */
static inline uint32_t rp_elf_edit_symbol(const struct rp_elf_edit *edit,
					  uint32_t old)
{
	return old < edit->obj->first_global ? old : old + edit->inserted;
}

/** rp_elf_edit_set_data() - replace a section's bytes; takes over @data. */
void rp_elf_edit_set_data(struct rp_elf_edit *edit, uint32_t section,
			  void *data, size_t size);

/**
 * rp_elf_edit_add_section() - append a section.
 * @edit:  the edit
 * @name:  its name
 * @hdr:   its header; sh_name, sh_offset and sh_size are filled in
 * @group: SHT_GROUP section to join, or 0; takes effect with
 *         rp_elf_edit_join_groups()
 * @ret:   its index
 * @diag:  on failure
 *
 * Return: 0 or -ENOMEM.
 */
int rp_elf_edit_add_section(struct rp_elf_edit *edit, const char *name,
			    const GElf_Shdr *hdr, uint32_t group,
			    uint32_t *ret, struct rp_diag *diag);

/** rp_elf_edit_join_groups() - enter all new members into their groups. */
int rp_elf_edit_join_groups(struct rp_elf_edit *edit, struct rp_diag *diag);

/**
 * rp_elf_edit_write() - write the copy.
 * @edit: the edit
 * @fd:   an empty file
 * @diag: on failure
 *
 * Return: 0 or -EINVAL, see @diag.
 */
int rp_elf_edit_write(struct rp_elf_edit *edit, int fd, struct rp_diag *diag);

#endif /* REPOINT_OBJECT_ELF_EDIT_H */
