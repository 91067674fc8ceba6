/* SPDX-License-Identifier: MIT */
/* Writing a changed copy of a relocatable object, through libelf. */
#include "../bytes.h"
#include "edit.h"
#include "relobj_internal.h"

#include <errno.h>
#include <string.h>

// Sections one behind the other, then their headers. Returns the latters' place.
static uint64_t lay_out(struct rp_elf_edit *edit)
{
	uint64_t offset = sizeof(Elf64_Ehdr);

	for (size_t i = 1; i < edit->nsections; i++) {
		GElf_Shdr *hdr = &edit->sections[i].hdr;

		if (hdr->sh_type == SHT_NULL) {
			// No section: what its fields say means nothing. But
			// libelf makes the file as long as they say, and fills
			// the gap behind the place that they name.
			memset(hdr, 0, sizeof(*hdr));
			hdr->sh_offset = offset;
			continue;
		}
		offset = rp_align_in_file(offset, hdr->sh_addralign);
		hdr->sh_offset = offset;
		if (hdr->sh_type != SHT_NOBITS)
			offset += hdr->sh_size;
	}
	return rp_align_in_file(offset, sizeof(uint64_t));
}

/*
 * Where memory runs out, elf_newscn() may return a section that has no header
 * (of the first call: section 0, in place of 1), which must not be touched; but
 * it has set an error.
 */
static Elf_Scn *new_section(Elf *elf)
{
	elf_errno();	// forgets the last one
	Elf_Scn *scn = elf_newscn(elf);

	return elf_errno() ? NULL : scn;
}

static int put_section(Elf *elf, struct rp_edit_section *section)
{
	Elf_Scn *scn = new_section(elf);
	Elf_Data *data;

	if (!scn)
		return -EINVAL;
	if (section->hdr.sh_type != SHT_NULL) {
		data = elf_newdata(scn);
		if (!data)
			return -EINVAL;
		data->d_buf = (void *)section->data;
		data->d_size = section->hdr.sh_size;
		data->d_type = ELF_T_BYTE;
		data->d_align = 1;
		data->d_off = 0;
		data->d_version = EV_CURRENT;
	}
	return gelf_update_shdr(scn, &section->hdr) ? 0 : -EINVAL;
}

/*
 * Section 0 holds what does not fit into the ELF header: libelf fills in the
 * number of sections, the index of the names is left to the caller.
 */
static int put_section_zero(Elf *elf, const struct rp_elf_edit *edit)
{
	Elf_Scn *zero = elf_getscn(elf, 0);
	GElf_Shdr hdr;

	if (!zero || !gelf_getshdr(zero, &hdr))
		return -EINVAL;
	if (edit->obj->shstrtab >= SHN_LORESERVE)
		hdr.sh_link = edit->obj->shstrtab;
	return gelf_update_shdr(zero, &hdr) ? 0 : -EINVAL;
}

static int put_header(Elf *elf, const struct rp_elf_edit *edit, uint64_t shoff)
{
	uint32_t shstrtab = edit->obj->shstrtab;
	GElf_Ehdr ehdr = edit->obj->ehdr;

	ehdr.e_shoff = shoff;
	ehdr.e_phoff = 0;
	ehdr.e_phnum = 0;
	ehdr.e_phentsize = 0;
	ehdr.e_shstrndx = shstrtab >= SHN_LORESERVE ? SHN_XINDEX : shstrtab;
	return gelf_update_ehdr(elf, &ehdr) ? 0 : -EINVAL;
}

static int put_all(Elf *elf, struct rp_elf_edit *edit)
{
	if (!gelf_newehdr(elf, ELFCLASS64))
		return -EINVAL;
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	uint64_t shoff = lay_out(edit);
	for (size_t i = 1; i < edit->nsections; i++) {
		if (put_section(elf, &edit->sections[i]))
			return -EINVAL;
	}
	if (put_header(elf, edit, shoff) || put_section_zero(elf, edit))
		return -EINVAL;
	errno = 0;	// for the reason of a write that fails
	return elf_update(elf, ELF_C_WRITE) < 0 ? -EINVAL : 0;
}

static int cannot_write(struct rp_diag *diag)
{
	// libelf has no name for this in its interface.
	if (errno == ENOMEM)
		return rp_diag_nomem(diag);
	// "Cannot write data to file", says libelf of a full disk.
	const char *why = errno ? strerror(errno) : elf_errmsg(-1);
	return rp_diag_set(diag, RP_DIAG_WRITE, NULL,
			   "cannot write the object: %s",
			   why ? why : "unknown error");
}

int rp_elf_edit_write(struct rp_elf_edit *edit, int fd, struct rp_diag *diag)
{
	errno = 0;
	Elf *elf = elf_begin(fd, ELF_C_WRITE, NULL);
	int rc = !elf || put_all(elf, edit) ? cannot_write(diag) : 0;

	if (elf)
		elf_end(elf);
	return rc;
}
