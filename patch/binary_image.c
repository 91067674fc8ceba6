/* SPDX-License-Identifier: MIT */
/* A linked ELF file: headers, sections, notes. */
#include "binary_internal.h"

#include "../object/elf/mapped_file.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int map_file(struct rp_image *image, struct rp_diag *diag)
{
	struct rp_diag why;
	void *map;

	if (rp_file_map(image->path, &map, &image->size, &why))
		return rp_diag_set(diag, why.id, NULL, "%s: %s", image->path,
				   why.text);
	image->map = map;
	if (image->size < sizeof(Elf64_Ehdr))
		return rp_diag_set(diag, RP_DIAG_BINARY_KIND, NULL,
				   "%s: too short for an ELF file",
				   image->path);
	return 0;
}

static const char *type_name(unsigned int type)
{
	switch (type) {
	case ET_REL: return "an object that is not linked";
	case ET_CORE: return "a core file";
	default: return "of an unknown type";
	}
}

static int check_kind(const struct rp_image *image, struct rp_diag *diag)
{
	const uint8_t *ident = image->map;
	uint16_t type, machine;

	memcpy(&type, ident + offsetof(Elf64_Ehdr, e_type), 2);
	memcpy(&machine, ident + offsetof(Elf64_Ehdr, e_machine), 2);
	if (memcmp(ident, ELFMAG, SELFMAG))
		return rp_diag_set(diag, RP_DIAG_BINARY_KIND, NULL,
			"%s: not an ELF file; name the linked program or "
			"library itself, not a script around it", image->path);
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
	    le16toh(machine) != EM_X86_64)
		return rp_diag_set(diag, RP_DIAG_BINARY_KIND, "ELF header",
			"%s: not for x86-64, the only machine whose programs "
			"are patched", image->path);
	type = le16toh(type);
	if (type != ET_EXEC && type != ET_DYN)
		return rp_diag_set(diag, RP_DIAG_BINARY_KIND, "ELF header",
			"%s: %s; name the linked program or library",
			image->path, type_name(type));
	return 0;
}

static int damaged_header(const struct rp_image *image, const char *what,
			  struct rp_diag *diag)
{
	return rp_diag_set(diag, RP_DIAG_BINARY_DAMAGED, "ELF header",
			   "%s: %s; the file is damaged", image->path, what);
}

static bool segments_fit(const struct rp_image *image)
{
	for (size_t i = 0; i < image->nphdr; i++) {
		const Elf64_Phdr *p = &image->phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_memsz < p->p_filesz ||
		    p->p_vaddr + p->p_memsz < p->p_vaddr)
			return false;
	}
	return true;
}

// libelf takes a file for one without sections if they are not inside it.
static bool sections_fit(const struct rp_image *image)
{
	const uint64_t at = image->ehdr->e_shoff;

	return at && !(at & 7) && at <= image->size &&
	       image->nsections <= (image->size - at) / sizeof(Elf64_Shdr) &&
	       image->nsections > 1;
}

static int read_headers(struct rp_image *image, struct rp_diag *diag)
{
	elf_version(EV_CURRENT);
	// libelf does not write to an image that it opens this way.
	image->elf = elf_memory((char *)image->map, image->size);
	if (!image->elf)
		return damaged_header(image, "libelf cannot read it", diag);
	image->ehdr = elf64_getehdr(image->elf);
	if (!image->ehdr || elf_getshdrnum(image->elf, &image->nsections) < 0 ||
	    elf_getphdrnum(image->elf, &image->nphdr) < 0)
		return damaged_header(image, "counts of sections or segments "
				      "do not fit", diag);
	if (!sections_fit(image))
		return damaged_header(image, "it has no section headers, or "
				      "they are not inside the file", diag);
	if (image->nphdr) {
		image->phdr = elf64_getphdr(image->elf);
		if (!image->phdr || (image->ehdr->e_phoff & 7) ||
		    !segments_fit(image))
			return damaged_header(image, "segments do not fit",
					      diag);
	}
	return 0;
}

int rp_image_open(struct rp_image *image, const char *path,
		  struct rp_diag *diag)
{
	memset(image, 0, sizeof(*image));
	image->path = strdup(path);
	if (!image->path)
		return rp_diag_nomem(diag);
	int rc = map_file(image, diag);
	if (!rc)
		rc = check_kind(image, diag);
	if (!rc)
		rc = read_headers(image, diag);
	if (rc)
		rp_image_close(image);
	return rc;
}

void rp_image_close(struct rp_image *image)
{
	if (image->elf)
		elf_end(image->elf);
	if (image->map)
		munmap((void *)image->map, image->size);
	free(image->path);
	memset(image, 0, sizeof(*image));
}

const Elf64_Shdr *rp_image_header(const struct rp_image *image, size_t index)
{
	Elf_Scn *scn = index ? elf_getscn(image->elf, index) : NULL;

	return scn ? elf64_getshdr(scn) : NULL;
}

const char *rp_image_section_name(const struct rp_image *image, size_t index)
{
	const Elf64_Shdr *hdr = rp_image_header(image, index);
	size_t names;
	const char *name = NULL;

	if (hdr && !elf_getshdrstrndx(image->elf, &names))
		name = elf_strptr(image->elf, names, hdr->sh_name);
	return name ? name : "";
}

size_t rp_image_find(const struct rp_image *image, uint32_t type)
{
	for (size_t i = 1; i < image->nsections; i++) {
		const Elf64_Shdr *hdr = rp_image_header(image, i);

		if (hdr && hdr->sh_type == type)
			return i;
	}
	return 0;
}

size_t rp_image_find_name(const struct rp_image *image, const char *name)
{
	for (size_t i = 1; i < image->nsections; i++) {
		if (!strcmp(rp_image_section_name(image, i), name))
			return i;
	}
	return 0;
}

const void *rp_image_data(const struct rp_image *image, size_t index,
			  size_t *size)
{
	const Elf64_Shdr *hdr = rp_image_header(image, index);

	*size = 0;
	if (!hdr || hdr->sh_type == SHT_NOBITS || !hdr->sh_size)
		return NULL;
	const Elf_Data *data = elf_getdata(elf_getscn(image->elf, index), NULL);
	if (!data || !data->d_buf)
		return NULL;
	*size = data->d_size;
	return data->d_buf;
}

int rp_image_damaged(const struct rp_image *image, size_t index,
		     const char *what, struct rp_diag *diag)
{
	char where[96];

	snprintf(where, sizeof(where), "section %zu (%.50s)", index,
		 rp_image_section_name(image, index));
	return rp_diag_set(diag, RP_DIAG_BINARY_DAMAGED, where,
			   "%s: %s; the file is damaged", image->path, what);
}

int rp_image_table(const struct rp_image *image, size_t index, size_t entry,
		   const void **ret, size_t *n, struct rp_diag *diag)
{
	const Elf64_Shdr *hdr = rp_image_header(image, index);
	size_t size;
	const void *data = rp_image_data(image, index, &size);

	if (!hdr || (!data && hdr->sh_size))
		return rp_image_damaged(image, index, "its bytes are not "
					"inside the file", diag);
	const size_t align = entry < 8 ? entry : 8;
	if (hdr->sh_entsize != entry || size % entry ||
	    (uintptr_t)data % align)
		return rp_image_damaged(image, index, "entries of a wrong size "
					"or at a wrong place", diag);
	*ret = data;
	*n = size / entry;
	return 0;
}

static const uint8_t *note_build_id(const uint8_t *p, size_t size,
				    size_t align, size_t *ret)
{
	const size_t mask = align == 8 ? 7 : 3;

	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr hdr;
		size_t name, desc;

		memcpy(&hdr, p, sizeof(hdr));
		p += sizeof(hdr);
		size -= sizeof(hdr);
		// Both are 32-bit: their sums do not overflow.
		name = ((size_t)hdr.n_namesz + mask) & ~mask;
		desc = ((size_t)hdr.n_descsz + mask) & ~mask;
		if (name > size || hdr.n_descsz > size - name)
			return NULL;
		if (hdr.n_type == NT_GNU_BUILD_ID && hdr.n_descsz &&
		    hdr.n_namesz == 4 && !memcmp(p, "GNU", 4)) {
			*ret = hdr.n_descsz;
			return p + name;
		}
		if (desc > size - name)
			return NULL;
		p += name + desc;
		size -= name + desc;
	}
	return NULL;
}

// A debug file has the segments of its binary, but not their bytes.
const uint8_t *rp_image_build_id(const struct rp_image *image, size_t *size)
{
	for (size_t i = 1; i < image->nsections; i++) {
		const Elf64_Shdr *hdr = rp_image_header(image, i);
		const uint8_t *ret;

		if (!hdr || hdr->sh_type != SHT_NOTE ||
		    hdr->sh_offset > image->size ||
		    hdr->sh_size > image->size - hdr->sh_offset)
			continue;
		ret = note_build_id(image->map + hdr->sh_offset, hdr->sh_size,
				    hdr->sh_addralign, size);
		if (ret)
			return ret;
	}
	return NULL;
}
