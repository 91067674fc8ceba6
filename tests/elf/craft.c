/* SPDX-License-Identifier: MIT */
/*
 * Writes small objects, sound and corrupt ones, to standard output.
 *
 *   craft --list     NAME DIAGNOSTIC WHERE, one for each object; in place of
 *                    the diagnostic, "-": sound, with two call sites; "ops":
 *                    with WHERE ops sites, whatever the old table says
 *   craft NAME       the object
 *
 * One sound object is laid out as a struct; each case changes a few fields.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	S_NULL, S_TEXT, S_RELA, S_DATA, S_GROUP, S_SYMTAB, S_STRTAB, S_SHSTRTAB,
	S_SPARE, S_NR,
	/* only where ops() or patchlets() adds them */
	S_TABLE = S_NR, S_TABLE_RELA, S_ALL_NR
};

enum { SYM_NULL, SYM_TEXT, SYM_F, SYM_TRAMP, SYM_OPS, SYM_NR };

struct object {
	Elf64_Ehdr ehdr;
	uint8_t text[32];
	Elf64_Rela rela[2];
	uint8_t data[16];
	uint32_t group[2];
	Elf64_Sym sym[SYM_NR];
	char strtab[32];
	char shstrtab[128];
	uint32_t spare[SYM_NR];
	uint8_t table[32];
	Elf64_Rela table_rela[4];
	Elf64_Shdr shdr[S_ALL_NR];
	size_t size;		/* what is written of all this; not written */
};

#define SHSTRTAB "\0.text\0.rela.text\0.data\0.group\0.symtab\0.strtab"	\
		 "\0.shstrtab\0.relarp_op_sites\0.relarp_patchlets"		\
		 "\0rp_op_sites\0rp_patchlets"

static uint32_t name_of(const char *name)
{
	static const char names[] = SHSTRTAB;

	for (size_t at = 0; at < sizeof(names); at += strlen(names + at) + 1) {
		if (!strcmp(names + at, name))
			return at;
	}
	return 0;
}

#define SECTION(o, i, section_name, type, field)			\
	((o)->shdr[i] = (Elf64_Shdr){					\
		.sh_name = name_of(section_name), .sh_type = (type),	\
		.sh_offset = offsetof(struct object, field),		\
		.sh_size = sizeof((o)->field), .sh_addralign = 1 })

static void init_header(struct object *o)
{
	memcpy(o->ehdr.e_ident, ELFMAG, SELFMAG);
	o->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	o->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	o->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	o->ehdr.e_type = ET_REL;
	o->ehdr.e_machine = EM_X86_64;
	o->ehdr.e_version = EV_CURRENT;
	o->ehdr.e_shoff = offsetof(struct object, shdr);
	o->ehdr.e_ehsize = sizeof(Elf64_Ehdr);
	o->ehdr.e_shentsize = sizeof(Elf64_Shdr);
	o->ehdr.e_shnum = S_NR;
	o->ehdr.e_shstrndx = S_SHSTRTAB;
}

static void init_sections(struct object *o)
{
	SECTION(o, S_TEXT, ".text", SHT_PROGBITS, text);
	o->shdr[S_TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP;
	o->shdr[S_TEXT].sh_addralign = 16;
	SECTION(o, S_RELA, ".rela.text", SHT_RELA, rela);
	o->shdr[S_RELA].sh_flags = SHF_INFO_LINK;
	o->shdr[S_RELA].sh_link = S_SYMTAB;
	o->shdr[S_RELA].sh_info = S_TEXT;
	o->shdr[S_RELA].sh_entsize = sizeof(Elf64_Rela);
	SECTION(o, S_DATA, ".data", SHT_PROGBITS, data);
	o->shdr[S_DATA].sh_flags = SHF_ALLOC | SHF_WRITE;
	SECTION(o, S_GROUP, ".group", SHT_GROUP, group);
	o->shdr[S_GROUP].sh_link = S_SYMTAB;
	o->shdr[S_GROUP].sh_info = SYM_F;
	o->shdr[S_GROUP].sh_entsize = 4;
	SECTION(o, S_SYMTAB, ".symtab", SHT_SYMTAB, sym);
	o->shdr[S_SYMTAB].sh_link = S_STRTAB;
	o->shdr[S_SYMTAB].sh_info = SYM_F;
	o->shdr[S_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	SECTION(o, S_STRTAB, ".strtab", SHT_STRTAB, strtab);
	SECTION(o, S_SHSTRTAB, ".shstrtab", SHT_STRTAB, shstrtab);
	SECTION(o, S_SPARE, ".data", SHT_PROGBITS, spare);
}

static void init_contents(struct object *o)
{
	memset(o->text, 0x90, sizeof(o->text));	// nop
	o->text[0] = 0xe8;			// call rp_tramp__t
	o->text[16] = 0xe9;			// jmp rp_tramp__t
	o->rela[0] = (Elf64_Rela){ 1,
		ELF64_R_INFO(SYM_TRAMP, R_X86_64_PLT32), -4 };
	o->rela[1] = (Elf64_Rela){ 17,
		ELF64_R_INFO(SYM_TRAMP, R_X86_64_PC32), -4 };
	o->group[0] = GRP_COMDAT;
	o->group[1] = S_TEXT;
	memcpy(o->strtab, "\0rp_tramp__t\0f\0rp_ops__o", 25);
	memcpy(o->shstrtab, SHSTRTAB, sizeof(SHSTRTAB));
	o->sym[SYM_TEXT] = (Elf64_Sym){ .st_shndx = S_TEXT,
		.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION) };
	o->sym[SYM_F] = (Elf64_Sym){ .st_name = 13, .st_shndx = S_TEXT,
		.st_size = sizeof(o->text),
		.st_info = ELF64_ST_INFO(STB_WEAK, STT_FUNC) };
	o->sym[SYM_TRAMP] = (Elf64_Sym){ .st_name = 1,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) };
	o->sym[SYM_OPS] = (Elf64_Sym){ .st_name = 15,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) };
}

static void init(struct object *o)
{
	memset(o, 0, sizeof(*o));
	init_header(o);
	init_sections(o);
	init_contents(o);
	o->size = offsetof(struct object, shdr[S_NR]);
}

/* Another table, linked to the code, with relocations. */
static void add_table(struct object *o, const char *name, const char *rela,
		      size_t size, size_t relas)
{
	SECTION(o, S_TABLE, name, SHT_PROGBITS, table);
	o->shdr[S_TABLE].sh_flags = SHF_ALLOC | SHF_LINK_ORDER;
	o->shdr[S_TABLE].sh_link = S_TEXT;
	o->shdr[S_TABLE].sh_addralign = 4;
	o->shdr[S_TABLE].sh_size = size;
	SECTION(o, S_TABLE_RELA, rela, SHT_RELA, table_rela);
	o->shdr[S_TABLE_RELA].sh_flags = SHF_INFO_LINK;
	o->shdr[S_TABLE_RELA].sh_link = S_SYMTAB;
	o->shdr[S_TABLE_RELA].sh_info = S_TABLE;
	o->shdr[S_TABLE_RELA].sh_entsize = sizeof(Elf64_Rela);
	o->shdr[S_TABLE_RELA].sh_size = relas * sizeof(Elf64_Rela);
	o->ehdr.e_shnum = S_ALL_NR;
	o->size = offsetof(struct object, size);
}

static Elf64_Rela reloc(uint64_t offset, uint32_t symbol, int64_t addend)
{
	return (Elf64_Rela){ offset, ELF64_R_INFO(symbol, R_X86_64_PC32),
			     addend };
}

/* Two uses of an ops table in place of the calls, and the record of one. */
static void ops(struct object *o)
{
	add_table(o, "rp_op_sites", ".relarp_op_sites", 12, 2);
	memcpy(o->text, "\xff\x15", 2);		// call *rp_ops__o+8(%rip)
	memcpy(o->text + 16, "\xff\x25", 2);	// jmp *rp_ops__o(%rip)
	o->rela[0] = reloc(2, SYM_OPS, 8 - 4);
	o->rela[1] = reloc(18, SYM_OPS, -4);
	o->table[8] = 1;			// call
	o->table[9] = 6;			// bytes
	o->table_rela[0] = reloc(0, SYM_TEXT, 0);
	o->table_rela[1] = reloc(4, SYM_OPS, 8);
}

/* Two patchlets of four bytes behind the calls. */
static void patchlets(struct object *o)
{
	add_table(o, "rp_patchlets", ".relarp_patchlets", 32, 4);
	memcpy(o->text + 8, "\xf3\x90\xeb\xfc", 4);	// 1: pause; jmp 1b
	o->table_rela[0] = reloc(0, SYM_TEXT, 8);
	o->table_rela[1] = reloc(4, SYM_F, 12);
	o->table_rela[2] = reloc(16, SYM_TEXT, 24);
	o->table_rela[3] = reloc(20, SYM_TEXT, 28);
}

/* One case: what is changed, and what the tool must say to it. */
struct craft {
	const char *name;
	const char *diagnostic;
	const char *where;
	void (*change)(struct object *o);
};

#define CHANGE(name, statement)						\
	static void name(struct object *o) { statement; }

CHANGE(sound, (void)o)
CHANGE(huge_alignment, o->shdr[S_TEXT].sh_addralign = 1ull << 62)
CHANGE(empty, o->size = 0)
CHANGE(text_file, memset(o, 'x', sizeof(o->ehdr)); o->size = 64)
CHANGE(archive, memcpy(o, "!<arch>\n", 8))
CHANGE(ident_truncated, o->size = 10)
CHANGE(header_truncated, o->size = 40)
CHANGE(class_32, o->ehdr.e_ident[EI_CLASS] = ELFCLASS32)
CHANGE(big_endian, o->ehdr.e_ident[EI_DATA] = ELFDATA2MSB)
CHANGE(other_machine, o->ehdr.e_machine = EM_AARCH64)
CHANGE(executable, o->ehdr.e_type = ET_EXEC)
CHANGE(core_file, o->ehdr.e_type = ET_CORE)
CHANGE(no_headers, o->ehdr.e_shoff = 0)
CHANGE(headers_outside, o->ehdr.e_shoff = UINT64_MAX - 63)
CHANGE(headers_cut, o->size -= 1)
CHANGE(header_size, o->ehdr.e_shentsize = 40)
CHANGE(number_too_large, o->ehdr.e_shnum = 0xfeff)
CHANGE(number_huge, o->ehdr.e_shnum = 0; o->shdr[0].sh_size = 1ull << 58)
CHANGE(number_zero, o->ehdr.e_shnum = 0)
CHANGE(names_outside, o->ehdr.e_shstrndx = S_NR)
CHANGE(names_absent, o->ehdr.e_shstrndx = 0)
CHANGE(names_no_strings, o->ehdr.e_shstrndx = S_DATA)
CHANGE(names_unterminated, memset(o->shstrtab + 124, 'x', 4))
CHANGE(name_outside, o->shdr[S_DATA].sh_name = 128)
CHANGE(section_outside, o->shdr[S_TEXT].sh_offset = 1 << 20)
CHANGE(section_wraps, o->shdr[S_TEXT].sh_offset = UINT64_MAX - 15)
CHANGE(section_too_long, o->shdr[S_DATA].sh_size = UINT64_MAX)
CHANGE(alignment, o->shdr[S_TEXT].sh_addralign = 12)
CHANGE(overlap, o->shdr[S_DATA].sh_offset -= 8)
CHANGE(overlap_header, o->shdr[S_DATA].sh_offset = 60)
CHANGE(overlap_headers, o->shdr[S_DATA].sh_offset = o->ehdr.e_shoff)
CHANGE(symtab_twice, o->shdr[S_SPARE].sh_type = SHT_SYMTAB)
CHANGE(symtab_link, o->shdr[S_SYMTAB].sh_link = S_NR)
CHANGE(symtab_no_strings, o->shdr[S_SYMTAB].sh_link = S_DATA)
CHANGE(symtab_entsize, o->shdr[S_SYMTAB].sh_entsize = 0)
CHANGE(symtab_size, o->shdr[S_SYMTAB].sh_size -= 1)
CHANGE(symtab_info, o->shdr[S_SYMTAB].sh_info = SYM_NR + 1)
CHANGE(strings_unterminated, o->strtab[31] = 'x')
CHANGE(symbol_name, o->sym[SYM_F].st_name = 32)
CHANGE(symbol_section, o->sym[SYM_F].st_shndx = S_NR)
CHANGE(symbol_xindex, o->sym[SYM_F].st_shndx = SHN_XINDEX)

static void shndx(struct object *o)
{
	o->sym[SYM_F].st_shndx = SHN_XINDEX;
	o->spare[SYM_F] = S_TEXT;
	o->shdr[S_SPARE].sh_type = SHT_SYMTAB_SHNDX;
	o->shdr[S_SPARE].sh_link = S_SYMTAB;
	o->shdr[S_SPARE].sh_entsize = 4;
}

CHANGE(shndx_outside, shndx(o); o->spare[SYM_F] = UINT32_MAX)
CHANGE(shndx_short, shndx(o); o->shdr[S_SPARE].sh_size -= 4)
CHANGE(shndx_link, shndx(o); o->shdr[S_SPARE].sh_link = S_TEXT)
CHANGE(rela_link, o->shdr[S_RELA].sh_link = S_TEXT)
CHANGE(rela_info, o->shdr[S_RELA].sh_info = S_NR)
CHANGE(rela_entsize, o->shdr[S_RELA].sh_entsize = 16)
CHANGE(rela_size, o->shdr[S_RELA].sh_size -= 1)
CHANGE(reloc_symbol,
       o->rela[1].r_info = ELF64_R_INFO(SYM_NR, R_X86_64_PLT32))
CHANGE(reloc_offset, o->rela[1].r_offset = sizeof(o->text))
CHANGE(reloc_tail, o->rela[1].r_offset = sizeof(o->text) - 3)
CHANGE(reloc_wraps, o->rela[1].r_offset = UINT64_MAX - 1)
CHANGE(reloc_twice, o->rela[1].r_offset = 3)
CHANGE(rel_form, o->shdr[S_RELA].sh_type = SHT_REL;
       o->shdr[S_RELA].sh_entsize = 16)
CHANGE(crel_form, o->shdr[S_RELA].sh_type = 0x40000014)
CHANGE(group_empty, o->shdr[S_GROUP].sh_size = 0)
CHANGE(group_size, o->shdr[S_GROUP].sh_size = 7)
CHANGE(group_link, o->shdr[S_GROUP].sh_link = S_DATA)
CHANGE(group_symbol, o->shdr[S_GROUP].sh_info = SYM_NR)
CHANGE(group_null, o->group[1] = 0)
CHANGE(group_outside, o->group[1] = S_NR)
CHANGE(group_itself, o->group[1] = S_GROUP)
CHANGE(group_twice, o->group[0] = S_TEXT;
       o->shdr[S_GROUP].sh_offset -= 4; o->shdr[S_GROUP].sh_size += 4;
       o->shdr[S_DATA].sh_size -= 4)
CHANGE(link_order, o->shdr[S_DATA].sh_flags |= SHF_LINK_ORDER;
       o->shdr[S_DATA].sh_link = S_NR)

/* Tables of ops sites: what is wrong is written anew. */
CHANGE(ops_size, ops(o); o->shdr[S_TABLE].sh_size = 11)
CHANGE(ops_huge, ops(o); o->shdr[S_TABLE].sh_size = 1ull << 60)
CHANGE(ops_no_relocs, ops(o); o->shdr[S_TABLE_RELA].sh_size = 0)
CHANGE(ops_no_slot, ops(o); o->shdr[S_TABLE_RELA].sh_size = 24)
CHANGE(ops_reloc_outside, ops(o); o->table_rela[1].r_offset = 12)
CHANGE(ops_reloc_symbol, ops(o); o->table_rela[1] = reloc(4, SYM_NR, 8))
CHANGE(ops_no_symbol, ops(o); o->table_rela[0] = reloc(0, SYM_NULL, 0))
CHANGE(ops_twice, ops(o); o->table_rela[1] = o->table_rela[0])
CHANGE(ops_length, ops(o); o->table[9] = 255)
CHANGE(ops_wraps, ops(o); o->table_rela[0].r_addend = INT64_MIN)
CHANGE(ops_in_data, ops(o); o->sym[SYM_TEXT].st_shndx = S_DATA)
CHANGE(ops_linked_to_data, ops(o); o->shdr[S_TABLE].sh_link = S_DATA)
CHANGE(ops_linked_outside, ops(o); o->shdr[S_TABLE].sh_link = S_ALL_NR)
CHANGE(ops_overlap, ops(o); o->rela[1].r_offset = 5)
CHANGE(ops_overlap_recorded, ops(o); o->rela[1] = reloc(3, SYM_F, 0);
       o->table_rela[0].r_addend = 1)

CHANGE(patchlets_size, patchlets(o); o->shdr[S_TABLE].sh_size = 31)
CHANGE(patchlets_huge, patchlets(o); o->shdr[S_TABLE].sh_size = 1ull << 60)
CHANGE(patchlets_nobits, patchlets(o);
       o->shdr[S_TABLE].sh_type = SHT_NOBITS;
       o->shdr[S_TABLE].sh_size = 1ull << 60)
CHANGE(patchlets_no_relocs, patchlets(o); o->shdr[S_TABLE_RELA].sh_size = 0)
CHANGE(patchlets_one_reloc, patchlets(o); o->shdr[S_TABLE_RELA].sh_size = 72)
CHANGE(patchlets_reloc_outside, patchlets(o); o->table_rela[3].r_offset = 32)
CHANGE(patchlets_reloc_tail, patchlets(o);
       o->table_rela[3].r_offset = 31;
       o->table_rela[3].r_info = ELF64_R_INFO(SYM_TEXT, R_X86_64_8))
CHANGE(patchlets_reloc_symbol, patchlets(o);
       o->table_rela[3] = reloc(20, SYM_NR, 28))
CHANGE(patchlets_no_symbol, patchlets(o);
       o->table_rela[3] = reloc(20, SYM_NULL, 28))
CHANGE(patchlets_undefined, patchlets(o);
       o->table_rela[3] = reloc(20, SYM_TRAMP, 28))
CHANGE(patchlets_absolute, patchlets(o); o->sym[SYM_F].st_shndx = SHN_ABS)
CHANGE(patchlets_twice, patchlets(o); o->table_rela[3] = reloc(16, 1, 28))
CHANGE(patchlets_sections, patchlets(o); o->sym[SYM_F].st_shndx = S_DATA)
CHANGE(patchlets_in_data, patchlets(o); o->sym[SYM_F].st_shndx = S_DATA;
       o->sym[SYM_TEXT].st_shndx = S_DATA)
CHANGE(patchlets_flags, patchlets(o); o->table[12] = 1)
CHANGE(patchlets_clobbers, patchlets(o); o->table[11] = 0x80)
CHANGE(patchlets_backwards, patchlets(o); o->table_rela[3].r_addend = 23)
CHANGE(patchlets_empty, patchlets(o); o->table_rela[3].r_addend = 24)
CHANGE(patchlets_end_outside, patchlets(o); o->table_rela[3].r_addend = 33)
CHANGE(patchlets_end_huge, patchlets(o); o->table_rela[3].r_addend = INT64_MAX)
CHANGE(patchlets_start_wraps, patchlets(o); o->table_rela[2].r_addend = -1)
CHANGE(patchlets_overlap, patchlets(o); o->table_rela[2].r_addend = 11)
CHANGE(patchlets_same, patchlets(o); o->table_rela[2].r_addend = 8;
       o->table_rela[3].r_addend = 12)
CHANGE(patchlets_cut, patchlets(o); o->table_rela[1].r_addend = 11)
CHANGE(patchlets_branch, patchlets(o); o->text[11] = 0xfd)
CHANGE(patchlets_link_order, patchlets(o);
       o->shdr[S_TABLE].sh_link = S_ALL_NR)

#define EHDR	"ELF header"
#define SEC(n, name)	"section " #n " (" name ")"

static const struct craft crafts[] = {
	{ "sound", "-", "", sound },
	{ "sound-shndx", "-", "", shndx },
	{ "sound-huge-alignment", "-", "", huge_alignment },
	{ "sound-patchlets", "-", "", patchlets },
	{ "sound-ops", "ops", "2", ops },
	{ "ops-size", "ops", "2", ops_size },
	{ "ops-huge", "RP0106", "section 9+0x", ops_huge },
	{ "ops-no-relocs", "ops", "2", ops_no_relocs },
	{ "ops-no-slot", "ops", "2", ops_no_slot },
	{ "ops-reloc-outside", "RP0112", "section 10", ops_reloc_outside },
	{ "ops-reloc-symbol", "RP0111", "section 10", ops_reloc_symbol },
	{ "ops-no-symbol", "ops", "2", ops_no_symbol },
	{ "ops-twice", "ops", "2", ops_twice },
	{ "ops-length", "ops", "2", ops_length },
	{ "ops-wraps", "ops", "2", ops_wraps },
	{ "ops-in-data", "ops", "2", ops_in_data },
	{ "ops-linked-to-data", "ops", "2", ops_linked_to_data },
	{ "ops-linked-outside", "RP0108", "section 9", ops_linked_outside },
	{ "ops-overlap", "RP0117", SEC(1, ".text") "+0x5", ops_overlap },
	{ "ops-overlap-recorded", "ops", "1", ops_overlap_recorded },
	{ "empty", "RP0101", "", empty },
	{ "text-file", "RP0101", "", text_file },
	{ "archive", "RP0102", "", archive },
	{ "ident-truncated", "RP0105", EHDR "+0xa", ident_truncated },
	{ "header-truncated", "RP0105", EHDR "+0x28", header_truncated },
	{ "class-32", "RP0103", EHDR "+0x4", class_32 },
	{ "big-endian", "RP0103", EHDR "+0x5", big_endian },
	{ "other-machine", "RP0103", EHDR "+0x12", other_machine },
	{ "executable", "RP0104", EHDR "+0x10", executable },
	{ "core-file", "RP0104", EHDR "+0x10", core_file },
	{ "no-headers", "RP0105", EHDR "+0x28", no_headers },
	{ "headers-outside", "RP0105", EHDR "+0x28", headers_outside },
	{ "headers-cut", "RP0105", EHDR "+0x3c", headers_cut },
	{ "header-size", "RP0114", EHDR "+0x3a", header_size },
	{ "number-too-large", "RP0105", EHDR "+0x3c", number_too_large },
	{ "number-huge", "RP0105", EHDR "+0x3c", number_huge },
	{ "number-zero", "RP0105", EHDR "+0x3c", number_zero },
	{ "names-outside", "RP0109", EHDR "+0x3e", names_outside },
	{ "names-absent", "RP0109", EHDR "+0x3e", names_absent },
	{ "names-no-strings", "RP0109", "section 3", names_no_strings },
	{ "names-unterminated", "RP0109", "section 7+0x7f",
	  names_unterminated },
	{ "name-outside", "RP0109", "section 7+0x80", name_outside },
	{ "section-outside", "RP0106", "section 1+0x100000", section_outside },
	{ "section-wraps", "RP0106", "section 1+0xfffffffffffffff0",
	  section_wraps },
	{ "section-too-long", "RP0106", "section 3+0x", section_too_long },
	{ "alignment", "RP0116", "section 1", alignment },
	{ "overlap", "RP0107", "section 3+0x", overlap },
	{ "overlap-header", "RP0107", "section 3+0x3c", overlap_header },
	{ "overlap-headers", "RP0107", "", overlap_headers },
	{ "symtab-twice", "RP0110", SEC(8, ".data"), symtab_twice },
	{ "symtab-link", "RP0108", SEC(5, ".symtab"), symtab_link },
	{ "symtab-no-strings", "RP0109", SEC(3, ".data"), symtab_no_strings },
	{ "symtab-entsize", "RP0114", SEC(5, ".symtab"), symtab_entsize },
	{ "symtab-size", "RP0114", SEC(5, ".symtab"), symtab_size },
	{ "symtab-info", "RP0110", SEC(5, ".symtab"), symtab_info },
	{ "strings-unterminated", "RP0109", SEC(6, ".strtab") "+0x1f",
	  strings_unterminated },
	{ "symbol-name", "RP0109", SEC(6, ".strtab") "+0x20", symbol_name },
	{ "symbol-section", "RP0110", SEC(5, ".symtab") "+0x30",
	  symbol_section },
	{ "symbol-xindex", "RP0110", SEC(5, ".symtab") "+0x30", symbol_xindex },
	{ "shndx-outside", "RP0110", SEC(5, ".symtab") "+0x30", shndx_outside },
	{ "shndx-short", "RP0110", SEC(8, ".data"), shndx_short },
	{ "shndx-link", "RP0110", SEC(8, ".data"), shndx_link },
	{ "rela-link", "RP0108", SEC(2, ".rela.text"), rela_link },
	{ "rela-info", "RP0108", SEC(2, ".rela.text"), rela_info },
	{ "rela-entsize", "RP0114", SEC(2, ".rela.text"), rela_entsize },
	{ "rela-size", "RP0114", SEC(2, ".rela.text"), rela_size },
	{ "reloc-symbol", "RP0111", SEC(2, ".rela.text") "+0x18",
	  reloc_symbol },
	{ "reloc-offset", "RP0112", SEC(2, ".rela.text") "+0x18",
	  reloc_offset },
	{ "reloc-tail", "RP0112", SEC(2, ".rela.text") "+0x18", reloc_tail },
	{ "reloc-wraps", "RP0112", SEC(2, ".rela.text") "+0x18", reloc_wraps },
	{ "reloc-twice", "RP0117", SEC(1, ".text") "+0x3", reloc_twice },
	{ "rel-form", "RP0115", SEC(2, ".rela.text"), rel_form },
	{ "crel-form", "RP0115", SEC(2, ".rela.text"), crel_form },
	{ "group-empty", "RP0113", SEC(4, ".group"), group_empty },
	{ "group-size", "RP0113", SEC(4, ".group"), group_size },
	{ "group-link", "RP0108", SEC(4, ".group"), group_link },
	{ "group-symbol", "RP0113", SEC(4, ".group"), group_symbol },
	{ "group-null", "RP0113", SEC(4, ".group") "+0x4", group_null },
	{ "group-outside", "RP0113", SEC(4, ".group") "+0x4", group_outside },
	{ "group-itself", "RP0113", SEC(4, ".group") "+0x4", group_itself },
	{ "group-twice", "RP0113", SEC(4, ".group") "+0x8", group_twice },
	{ "link-order", "RP0108", SEC(3, ".data"), link_order },
	{ "patchlets-size", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_size },
	{ "patchlets-huge", "RP0106", "section 9+0x", patchlets_huge },
	{ "patchlets-nobits", "RP0301", SEC(9, "rp_patchlets"),
	  patchlets_nobits },
	{ "patchlets-no-relocs", "RP0301", SEC(9, "rp_patchlets") "+0x0",
	  patchlets_no_relocs },
	{ "patchlets-one-reloc", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_one_reloc },
	{ "patchlets-reloc-outside", "RP0112", "section 10",
	  patchlets_reloc_outside },
	{ "patchlets-reloc-tail", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_reloc_tail },
	{ "patchlets-reloc-symbol", "RP0111", "section 10",
	  patchlets_reloc_symbol },
	{ "patchlets-no-symbol", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_no_symbol },
	{ "patchlets-undefined", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_undefined },
	{ "patchlets-absolute", "RP0301", SEC(9, "rp_patchlets") "+0x0",
	  patchlets_absolute },
	{ "patchlets-twice", "RP0301", SEC(9, "rp_patchlets") "+0x10",
	  patchlets_twice },
	{ "patchlets-sections", "RP0301", SEC(9, "rp_patchlets") "+0x0",
	  patchlets_sections },
	{ "patchlets-in-data", "RP0301", SEC(9, "rp_patchlets") "+0x0",
	  patchlets_in_data },
	{ "patchlets-flags", "RP0301", SEC(9, "rp_patchlets") "+0x0",
	  patchlets_flags },
	{ "patchlets-clobbers", "RP0303", "patchlet ", patchlets_clobbers },
	{ "patchlets-backwards", "RP0302", "patchlet ", patchlets_backwards },
	{ "patchlets-empty", "RP0302", "patchlet ", patchlets_empty },
	{ "patchlets-end-outside", "RP0302", "patchlet ",
	  patchlets_end_outside },
	{ "patchlets-end-huge", "RP0302", "patchlet ", patchlets_end_huge },
	{ "patchlets-start-wraps", "RP0302", "patchlet ",
	  patchlets_start_wraps },
	{ "patchlets-overlap", "RP0302", "patchlet ", patchlets_overlap },
	{ "patchlets-same", "RP0302", "patchlet ", patchlets_same },
	{ "patchlets-cut", "RP0304", "patchlet without a name+0x2",
	  patchlets_cut },
	{ "patchlets-branch", "RP0306", "patchlet without a name+0x2",
	  patchlets_branch },
	{ "patchlets-link-order", "RP0108", "section 9", patchlets_link_order },
};

#define CRAFTS_NR	(sizeof(crafts) / sizeof(crafts[0]))

static int list(void)
{
	for (size_t i = 0; i < CRAFTS_NR; i++)
		printf("%s %s %s\n", crafts[i].name, crafts[i].diagnostic,
		       crafts[i].where);
	return 0;
}

int main(int argc, char **argv)
{
	struct object o;

	if (argc != 2)
		return 64;
	if (!strcmp(argv[1], "--list"))
		return list();
	for (size_t i = 0; i < CRAFTS_NR; i++) {
		if (strcmp(argv[1], crafts[i].name))
			continue;
		init(&o);
		crafts[i].change(&o);
		return fwrite(&o, 1, o.size, stdout) == o.size ? 0 : 1;
	}
	return 64;
}
