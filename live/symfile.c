/* SPDX-License-Identifier: MIT */
/*
 * The ELF file of symbols.
 *
 * It is an ET_EXEC without segments: debuggers then take the addresses of
 * sections and symbols as they are, be it from a file or through the JIT
 * interface. Sections of code and data have no contents, those are in memory;
 * .eh_frame has, debuggers read it from the file. Data may lie on both sides of
 * the code, a section on each side keeps them from overlapping with it.
 */
#define _GNU_SOURCE
#include "debugger.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum section {
	NONE, TEXT, DATA_BELOW, DATA_ABOVE, EH_FRAME, SYMTAB, STRTAB, SHSTRTAB,
	SECTIONS,
};

static const char *const section_names[SECTIONS] = {
	"", ".text", ".data.low", ".data", ".eh_frame", ".symtab", ".strtab",
	".shstrtab",
};

/** struct file - the file being made. @strings: next free byte of .strtab */
struct file {
	const struct rp_symfile *in;
	Elf64_Shdr sections[SECTIONS];
	uint8_t *bytes;
	size_t size;
	size_t strings;
};

static enum section section_of(const struct rp_symfile *in, uint64_t address)
{
	if (address < in->text)
		return DATA_BELOW;
	return address - in->text < in->text_size ? TEXT : DATA_ABOVE;
}

static bool is_sound(const struct rp_symfile *in,
		     const struct rp_symfile_symbol *symbol)
{
	if (!symbol->name || symbol->address + symbol->size < symbol->address)
		return false;
	if (section_of(in, symbol->address) != TEXT)
		return !symbol->is_function;
	return symbol->size <= in->text + in->text_size - symbol->address;
}

static int check(const struct rp_symfile *in, struct rp_diag *diag)
{
	if (in->text + in->text_size < in->text ||
	    in->eh_frame + in->eh_frame_size < in->eh_frame)
		return rp_diag_set(diag, RP_DIAG_LIVE_RECORD, NULL,
				   "the addresses for the debugger's symbols "
				   "wrap around: the payload's placement is "
				   "damaged");
	for (size_t i = 0; i < in->nsymbols; i++) {
		const struct rp_symfile_symbol *symbol = &in->symbols[i];

		if (!is_sound(in, symbol))
			return rp_diag_set(diag, RP_DIAG_LIVE_RECORD, NULL,
					   "symbol %s at 0x%llx is not in the "
					   "memory of the payload",
					   symbol->name ? symbol->name : "(none)",
					   (unsigned long long)symbol->address);
	}
	return 0;
}

/* Sections of data reach from the first to the last symbol in them. */
static void cover(Elf64_Shdr *section, const struct rp_symfile_symbol *symbol)
{
	uint64_t end = symbol->address + symbol->size;
	uint64_t was = section->sh_addr + section->sh_size;

	if (!section->sh_addr) {
		section->sh_addr = symbol->address;
		was = symbol->address;
	}
	if (symbol->address < section->sh_addr)
		section->sh_addr = symbol->address;
	section->sh_size = (end > was ? end : was) - section->sh_addr;
}

static void lay_out_memory(struct file *file)
{
	const struct rp_symfile *in = file->in;
	Elf64_Shdr *s = file->sections;

	s[TEXT] = (Elf64_Shdr){
		.sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = in->text, .sh_size = in->text_size,
	};
	for (enum section i = DATA_BELOW; i <= DATA_ABOVE; i++) {
		s[i].sh_type = SHT_NOBITS;
		s[i].sh_flags = SHF_ALLOC | SHF_WRITE;
	}
	for (size_t i = 0; i < in->nsymbols; i++) {
		enum section where = section_of(in, in->symbols[i].address);

		if (where != TEXT)
			cover(&s[where], &in->symbols[i]);
	}
	// Debuggers look at all that occupies memory, empty or not.
	for (enum section i = TEXT; i <= DATA_ABOVE; i++)
		if (!s[i].sh_size)
			s[i].sh_flags = 0;
}

static size_t names_size(const char *const *names, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += strlen(names[i]) + 1;
	return size;
}

static void lay_out_contents(struct file *file)
{
	const struct rp_symfile *in = file->in;
	Elf64_Shdr *s = file->sections;
	size_t strings = 1;

	for (size_t i = 0; i < in->nsymbols; i++)
		strings += strlen(in->symbols[i].name) + 1;
	s[EH_FRAME] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = in->eh_frame_size ? SHF_ALLOC : 0,
		.sh_addr = in->eh_frame, .sh_size = in->eh_frame_size,
	};
	s[SYMTAB] = (Elf64_Shdr){
		.sh_type = SHT_SYMTAB, .sh_link = STRTAB, .sh_info = 1,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_size = (in->nsymbols + 1) * sizeof(Elf64_Sym),
	};
	s[STRTAB] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = strings };
	s[SHSTRTAB] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_size = names_size(section_names, SECTIONS),
	};
	for (enum section i = EH_FRAME; i < SECTIONS; i++) {
		s[i].sh_addralign = 8;
		s[i].sh_offset = (file->size + 7) & ~(size_t)7;
		file->size = s[i].sh_offset + s[i].sh_size;
	}
}

static void write_headers(struct file *file)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_ehsize = sizeof(header),
		.e_shoff = sizeof(header), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS, .e_shstrndx = SHSTRTAB,
	};
	uint8_t *names = file->bytes + file->sections[SHSTRTAB].sh_offset;
	uint32_t name = 0;

	for (enum section i = NONE; i < SECTIONS; i++) {
		file->sections[i].sh_name = name;
		memcpy(names + name, section_names[i],
		       strlen(section_names[i]) + 1);
		name += (uint32_t)strlen(section_names[i]) + 1;
	}
	memcpy(file->bytes, &header, sizeof(header));
	memcpy(file->bytes + sizeof(header), file->sections,
	       sizeof(file->sections));
}

static void write_symbol(struct file *file, size_t i)
{
	const struct rp_symfile_symbol *symbol = &file->in->symbols[i];
	const Elf64_Shdr *table = &file->sections[SYMTAB];
	const Elf64_Shdr *strings = &file->sections[STRTAB];
	Elf64_Sym out = {
		.st_name = (uint32_t)file->strings,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, symbol->is_function ?
					 STT_FUNC : STT_OBJECT),
		.st_shndx = section_of(file->in, symbol->address),
		.st_value = symbol->address, .st_size = symbol->size,
	};

	memcpy(file->bytes + table->sh_offset + (i + 1) * sizeof(out), &out,
	       sizeof(out));
	memcpy(file->bytes + strings->sh_offset + file->strings, symbol->name,
	       strlen(symbol->name) + 1);
	file->strings += strlen(symbol->name) + 1;
}

int rp_symfile_make(const struct rp_symfile *symfile, void **ret, size_t *size,
		    struct rp_diag *diag)
{
	struct file file = {
		.in = symfile, .strings = 1,
		.size = sizeof(Elf64_Ehdr) + sizeof(file.sections),
	};
	int rc = check(symfile, diag);

	if (rc)
		return rc;
	lay_out_memory(&file);
	lay_out_contents(&file);
	file.bytes = calloc(1, file.size);
	if (!file.bytes)
		return rp_diag_nomem(diag);
	write_headers(&file);
	if (symfile->eh_frame_size)
		memcpy(file.bytes + file.sections[EH_FRAME].sh_offset,
		       symfile->eh_frame_bytes, symfile->eh_frame_size);
	for (size_t i = 0; i < symfile->nsymbols; i++)
		write_symbol(&file, i);
	*ret = file.bytes;
	*size = file.size;
	return 0;
}
