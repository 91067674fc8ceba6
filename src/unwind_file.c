// SPDX-License-Identifier: MIT
/*
 * Table files: ELF files with the sections of a table. Nothing in them is
 * believed; an address is formed after its offset was compared with the size.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unwind_table.h"

#ifndef EM_X86_64
# define EM_X86_64	62
#endif

/* struct file - @names: the section of section names. */
struct file {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t sections;	/* offset of the first header */
	uint16_t nr;
	Elf64_Shdr names;
};

enum part { PART_IP, PART_ENTRIES, PART_WIDE, PART_HEADER, PART_NOTE, PART_NR };

static const char *const part_names[PART_NR] = {
	".orc_unwind_ip", ".orc_unwind", ".orc_unwind_wide", ".orc_header",
	".note.gnu.build-id",
};

static bool is_inside(const struct file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset;
}

static int read_section(const struct file *file, unsigned int i, Elf64_Shdr *ret)
{
	memcpy(ret, file->bytes + file->sections + i * sizeof(*ret),
	       sizeof(*ret));
	if (ret->sh_type == SHT_NOBITS || ret->sh_type == SHT_NULL)
		return 0;
	return is_inside(file, ret->sh_offset, ret->sh_size) ? 0 : -EINVAL;
}

static int read_header(struct file *file)
{
	Elf64_Ehdr header;

	if (file->size < sizeof(header))
		return -EINVAL;
	memcpy(&header, file->bytes, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (header.e_type != ET_DYN && header.e_type != ET_EXEC) ||
	    header.e_machine != EM_X86_64 ||
	    header.e_shentsize != sizeof(Elf64_Shdr) ||
	    header.e_shstrndx >= header.e_shnum ||
	    !is_inside(file, header.e_shoff,
		       header.e_shnum * sizeof(Elf64_Shdr)))
		return -EINVAL;
	file->sections = header.e_shoff;
	file->nr = header.e_shnum;
	if (read_section(file, header.e_shstrndx, &file->names) < 0 ||
	    file->names.sh_type != SHT_STRTAB)
		return -EINVAL;
	return 0;
}

static bool is_named(const struct file *file, const Elf64_Shdr *section,
		     const char *name)
{
	uint64_t size = strlen(name) + 1;

	return section->sh_name <= file->names.sh_size &&
	       size <= file->names.sh_size - section->sh_name &&
	       !memcmp(file->bytes + file->names.sh_offset + section->sh_name,
		       name, size);
}

static int take_section(const struct file *file, const Elf64_Shdr *section,
			Elf64_Shdr parts[PART_NR])
{
	for (int i = 0; i < PART_NR; i++) {
		if (!is_named(file, section, part_names[i]))
			continue;
		/* Which one of two is meant, nobody can say. */
		if (parts[i].sh_type ||
		    (section->sh_type != SHT_PROGBITS &&
		     section->sh_type != SHT_NOTE) ||
		    section->sh_flags & SHF_COMPRESSED)
			return -EINVAL;
		parts[i] = *section;
	}
	return 0;
}

static int find_parts(const struct file *file, Elf64_Shdr parts[PART_NR])
{
	Elf64_Shdr section;

	memset(parts, 0, PART_NR * sizeof(*parts));
	for (unsigned int i = 1; i < file->nr; i++) {
		int rc = read_section(file, i, &section);

		if (!rc)
			rc = take_section(file, &section, parts);
		if (rc < 0)
			return rc;
	}
	if (!parts[PART_IP].sh_type || !parts[PART_ENTRIES].sh_type ||
	    !parts[PART_HEADER].sh_type)
		return -EINVAL;
	return 0;
}

static int check_version(const struct file *file, const Elf64_Shdr *section)
{
	const uint8_t *at = file->bytes + section->sh_offset;

	/* The kernel's headers are hashes, of another size. */
	if (section->sh_size != 8 ||
	    rp__unwind_load32(at) != RP__UNWIND_VERSION ||
	    rp__unwind_load32(at + 4))
		return -EPROTONOSUPPORT;
	return 0;
}

size_t rp__unwind_note(const void *notes, size_t size, size_t align,
		       const void **ret)
{
	const uint8_t *at = notes;
	size_t pad = align == 8 ? 7 : 3;
	Elf64_Nhdr note;

	while (size >= sizeof(note)) {
		uint64_t name, data;

		memcpy(&note, at, sizeof(note));
		at += sizeof(note);
		size -= sizeof(note);
		name = ((uint64_t)note.n_namesz + pad) & ~(uint64_t)pad;
		data = ((uint64_t)note.n_descsz + pad) & ~(uint64_t)pad;
		/* Of the last one, the padding may be missing. */
		if (name > size || note.n_descsz > size - name)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(at, "GNU", 4)) {
			*ret = at + name;
			return note.n_descsz;
		}
		if (data > size - name)
			return 0;
		at += name + data;
		size -= name + data;
	}
	return 0;
}

int rp__unwind_find_sections(const void *bytes, size_t size,
			     struct rp_unwind_sections *ret)
{
	struct file file = { .bytes = bytes, .size = size };
	Elf64_Shdr parts[PART_NR];
	const Elf64_Shdr *note = &parts[PART_NOTE];
	int rc = read_header(&file);

	if (!rc)
		rc = find_parts(&file, parts);
	if (!rc)
		rc = check_version(&file, &parts[PART_HEADER]);
	if (rc < 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	ret->sz = sizeof(*ret);
	ret->ip_address = parts[PART_IP].sh_addr;
	ret->ip = file.bytes + parts[PART_IP].sh_offset;
	ret->ip_size = parts[PART_IP].sh_size;
	ret->entries = file.bytes + parts[PART_ENTRIES].sh_offset;
	ret->entries_size = parts[PART_ENTRIES].sh_size;
	ret->wide = file.bytes + parts[PART_WIDE].sh_offset;
	ret->wide_size = parts[PART_WIDE].sh_size;
	if (note->sh_type)
		ret->build_id_size =
			rp__unwind_note(file.bytes + note->sh_offset,
					note->sh_size, note->sh_addralign,
					&ret->build_id);
	return 0;
}

static int open_map(void *map, size_t size, struct rp_unwind_table **ret)
{
	struct rp_unwind_sections sections;
	int rc = rp__unwind_find_sections(map, size, &sections);

	if (!rc)
		rc = rp_unwind_table_from_memory(&sections, ret);
	if (rc < 0) {
		munmap(map, size);
		return rc;
	}
	(*ret)->map = map;
	(*ret)->map_size = size;
	return 0;
}

int rp_unwind_table_open_fd(int fd, struct rp_unwind_table **ret)
{
	struct stat stat;
	void *map;

	if (!ret)
		return -EINVAL;
	if (fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode) || !stat.st_size ||
	    (uint64_t)stat.st_size > SIZE_MAX)
		return -EINVAL;
	map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	return open_map(map, (size_t)stat.st_size, ret);
}

int rp_unwind_table_open(const char *path, struct rp_unwind_table **ret)
{
	int fd, rc;

	if (!path)
		return -EINVAL;
	/* Whatever is there instead of a file shall not keep us waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = rp_unwind_table_open_fd(fd, ret);
	close(fd);
	return rc;
}
