// SPDX-License-Identifier: MIT
/*
 * libFuzzer target: rp__relocs_read() on any file.
 *
 * The input's first byte says whether the rest is the file, or what is wrong
 * with one: nearly all of the former would be refused for their headers. The
 * file's beginning is what was loaded of it; memory ends where the last segment
 * does, and ASan watches there.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <repoint/abi.h>

#include "relocs.h"
#include "target.h"

enum {
	TEXT = 0x200,
	DATA = 0x600,
	SLOTS = 0x700,
	LOADED = 0x800,
	SECTIONS = 0x800,
	RELAS = 0x900,
	SIZE_MIN = 0xa00,
	SEGMENTS = 3,
	SECTIONS_NR = 3,
};

/* Where the input goes; the last two mend relocations that it wrote. */
enum { ALL, HEADER, TABLE, RELOCATIONS, OFFSETS, CALLS, PLACE_NR };

static int found(void *data, uintptr_t site, enum rp_site_kind kind)
{
	uintptr_t start = (uintptr_t)data;

	if (site < start || site >= start + LOADED || !kind ||
	    kind >= RP_SITE_KIND_NR)
		abort();
	return 0;
}

static void make_headers(uint8_t *file)
{
	Elf64_Ehdr *ehdr = (void *)file;
	Elf64_Phdr *phdr = (void *)(ehdr + 1);

	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr->e_type = ET_DYN;
	ehdr->e_machine = EM_X86_64;
	ehdr->e_phoff = sizeof(*ehdr);
	ehdr->e_phentsize = sizeof(*phdr);
	ehdr->e_phnum = SEGMENTS;
	ehdr->e_shoff = SECTIONS;
	ehdr->e_shentsize = sizeof(Elf64_Shdr);
	ehdr->e_shnum = SECTIONS_NR;
	phdr[0] = (Elf64_Phdr){ PT_LOAD, PF_R, 0, 0, 0, TEXT, TEXT, 1 };
	phdr[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, TEXT, TEXT, TEXT,
				DATA - TEXT, DATA - TEXT, 1 };
	phdr[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, DATA, DATA, DATA,
				LOADED - DATA, LOADED - DATA, 1 };
}

static void make_tramp(uint8_t *file)
{
	struct rp_static_call_key key = { .magic = RP_STATIC_CALL_KEY_MAGIC };
	int32_t offset = DATA - TEXT;

	memcpy(file + DATA, &key, sizeof(key));
	memcpy(file + TEXT, &offset, sizeof(offset));
	memcpy(file + TEXT + 4, "\xcc\xcc\xcc\xcc\xc3\xcc\xcc\xcc\xcc\xcc", 10);
	memcpy(file + TEXT + RP_TRAMP_UD_OFFSET, "\x0f\x0b", 2);
}

static void make_sections(uint8_t *file, size_t size)
{
	Elf64_Shdr *section = (void *)(file + SECTIONS);

	section[1] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = TEXT, .sh_size = DATA - TEXT };
	section[2] = (Elf64_Shdr){
		.sh_type = SHT_RELA, .sh_info = 1, .sh_offset = RELAS,
		.sh_size = (size - RELAS) / sizeof(Elf64_Rela) *
			   sizeof(Elf64_Rela),
		.sh_entsize = sizeof(Elf64_Rela) };
}

static void make_offset(Elf64_Rela *rela)
{
	static const uint8_t types[] = { R_X86_64_PC32, R_X86_64_PLT32,
					 R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX };

	rela->r_offset = TEXT + rela->r_offset % (DATA - TEXT - 4);
	rela->r_info = types[rela->r_info % 4];
}

/* A displacement to the trampoline or a slot, behind the addend's bytes. */
static void make_call(uint8_t *file, const Elf64_Rela *rela)
{
	static const uint32_t destinations[] = { TEXT + RP_TRAMP_JMP_OFFSET,
						 SLOTS, SLOTS + 8, SLOTS + 16 };
	uint64_t offset = rela->r_offset;
	int32_t displacement =
		(int32_t)(destinations[rela->r_addend >> 16 & 3] - offset - 4);

	if (offset < TEXT + RP_TRAMP_SIZE + 2)
		return;
	memcpy(file + offset - 2, &rela->r_addend, 2);
	memcpy(file + offset, &displacement, sizeof(displacement));
}

static void make_relas(uint8_t *file, size_t size, int place)
{
	Elf64_Rela *rela = (void *)(file + RELAS);

	for (size_t i = 0; i < (size - RELAS) / sizeof(*rela); i++) {
		make_offset(&rela[i]);
		if (place == CALLS)
			make_call(file, &rela[i]);
	}
}

static void make_file(uint8_t *file, size_t size)
{
	make_headers(file);
	make_tramp(file);
	make_sections(file, size);
}

/* What "was loaded", from headers that may be anything but lie inside. */
static int is_loadable(const uint8_t *file)
{
	const Elf64_Ehdr *ehdr = (const void *)file;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);

	for (int i = 0; i < SEGMENTS; i++)
		if (phdr[i].p_type == PT_LOAD &&
		    (phdr[i].p_vaddr > LOADED ||
		     phdr[i].p_memsz > LOADED - phdr[i].p_vaddr))
			return 0;
	return 1;
}

/* Entries of the file's trampoline, of another object, and of nothing. */
static void make_slots(uint8_t *memory)
{
	uintptr_t slots[] = {
		(uintptr_t)memory + TEXT + RP_TRAMP_JMP_OFFSET,
		((uintptr_t)LLVMFuzzerTestOneInput & -(uintptr_t)RP_TRAMP_SIZE) +
			RP_TRAMP_JMP_OFFSET,
		(uintptr_t)memory + LOADED + RP_TRAMP_JMP_OFFSET,
	};

	memcpy(memory + SLOTS, slots, sizeof(slots));
}

static void run(uint8_t *file, size_t size)
{
	uint8_t *memory = aligned_alloc(LOADED, LOADED);
	struct rp__relocs_object object = { .base = (uintptr_t)memory,
					    .phnum = SEGMENTS };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || !memory || write(fd, file, size) != (ssize_t)size)
		abort();
	memcpy(memory, file, LOADED);
	make_slots(memory);
	object.phdr = (void *)(memory + sizeof(Elf64_Ehdr));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	object.path = path;
	rp__relocs_read(&object, found, memory);
	close(fd);
	free(memory);
}

/* Short inputs damage one place; what is left of long ones goes around. */
static void damage(uint8_t *file, size_t file_size, const uint8_t *data,
		   size_t size, int place)
{
	static const size_t starts[PLACE_NR] = {
		[TABLE] = SECTIONS,
		[RELOCATIONS] = RELAS,
		[OFFSETS] = RELAS,
		[CALLS] = RELAS,
	};

	for (size_t i = 0; i < size; i++)
		file[(starts[place] + i) % file_size] ^= data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t file_size = size > SIZE_MIN ? size : SIZE_MIN;
	uint8_t *file = calloc(1, file_size);
	int place;

	if (!file || !size)
		goto out;
	place = data[0] % PLACE_NR;
	if (place != ALL)
		make_file(file, file_size);
	damage(file, file_size, data + 1, size - 1, place);
	if (place >= OFFSETS)
		make_relas(file, file_size, place);
	if (is_loadable(file))
		run(file, file_size);
out:
	free(file);
	return 0;
}
