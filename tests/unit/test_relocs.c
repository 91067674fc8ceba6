// SPDX-License-Identifier: MIT
/*
 * rp__relocs_read() on files written here, with memory that was "loaded" from
 * them: every form of branch that linkers leave, every part of a trampoline's
 * signature, and damage to every field that the reader looks at.
 *
 * Addresses and file offsets of the file are the same.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <repoint/arch.h>

#include "relocs.h"

enum {
	NOTE = 0x400,
	TEXT = 0x1000,
	TRAMP_CET = TEXT,		/* block, not entry */
	TRAMP = TEXT + 0x10,
	FUNCTION = TEXT + 0x40,
	SITE = TEXT + 0x100,
	DATA = 0x2000,
	KEY = DATA,
	GOT = DATA + 0x100,		/* holds the entry of TRAMP */
	GOT_FUNCTION = DATA + 0x108,
	GOT_OTHER = DATA + 0x110,	/* entry in another object: this program */
	GOT_NULL = DATA + 0x118,
	GOT_MISALIGNED = DATA + 0x124,	/* as GOT */
	TRAMP_DATA = DATA + 0x200,	/* a block that cannot be executed */
	LOADED = 0x3000,
	SECTIONS = 0x3000,
	RELAS = 0x3400,
	SIZE = 0x4000,
};

enum { S_NULL, S_TEXT, S_DATA, S_RELA, S_DEBUG, S_RELA_DEBUG, S_NR };
enum { P_HEADERS, P_TEXT, P_DATA, P_NOTE, P_NR };

/* A trampoline of this program, as another object's. Never registered. */
extern struct rp_static_call_key rp_keyobj__other;
RP__ASM_VISIBLE struct rp_static_call_key rp_keyobj__other = {
	.magic = RP_STATIC_CALL_KEY_MAGIC,
};
extern RP__ALIAS_VISIBLE struct rp_static_call_key
rp_key__other __attribute__((alias("rp_keyobj__other")));
void rp_tramp__other(void);
RP__DEFINE_TRAMP(other);

/* struct image - a file, and what of it was loaded. */
struct image {
	int fd;
	char path[32];
	uint8_t *file;
	uint8_t *memory;
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdr;
	Elf64_Shdr *section;
	Elf64_Rela *rela;
	struct rp__relocs_object object;
};

static void image_headers(struct image *i)
{
	*i->ehdr = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = 1,
		.e_phoff = sizeof(Elf64_Ehdr), .e_shoff = SECTIONS,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = P_NR,
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = S_NR,
	};
	i->phdr[P_HEADERS] = (Elf64_Phdr){ PT_LOAD, PF_R, 0, 0, 0, 0x1000,
					   0x1000, 0x1000 };
	i->phdr[P_TEXT] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, TEXT, TEXT, TEXT,
					0x1000, 0x1000, 0x1000 };
	i->phdr[P_DATA] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, DATA, DATA, DATA,
					0x1000, 0x1000, 0x1000 };
	i->phdr[P_NOTE] = (Elf64_Phdr){ PT_NOTE, PF_R, NOTE, NOTE, NOTE, 36,
					36, 4 };
	i->section[S_TEXT] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = TEXT, .sh_offset = TEXT, .sh_size = 0x800 };
	i->section[S_DATA] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE,
		.sh_addr = DATA, .sh_offset = DATA, .sh_size = 0x1000 };
	i->section[S_RELA] = (Elf64_Shdr){
		.sh_type = SHT_RELA, .sh_flags = SHF_INFO_LINK,
		.sh_offset = RELAS, .sh_size = sizeof(Elf64_Rela),
		.sh_info = S_TEXT, .sh_entsize = sizeof(Elf64_Rela) };
	i->section[S_DEBUG] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
					    .sh_size = 0x100 };
	/* Nobody may look into it: it would not survive. */
	i->section[S_RELA_DEBUG] = (Elf64_Shdr){
		.sh_type = SHT_RELA, .sh_offset = (uint64_t)-1,
		.sh_size = (uint64_t)-1, .sh_info = S_DEBUG };
}

static void image_tramp(struct image *i, uint32_t block, const uint8_t *entry)
{
	uint8_t *at = i->file + block;
	int32_t key = KEY - (int32_t)block;
	int32_t slot = KEY + 8 - (int32_t)(block + RP_TRAMP_UD_OFFSET);

	memcpy(at, &key, 4);
	memcpy(at + 4, entry, 4);
	memcpy(at + 8, "\xff\x25", 2);
	memcpy(at + 10, &slot, 4);
	memcpy(at + 14, "\x0f\x0b", 2);
}

static void image_slot(struct image *i, uint32_t slot, uintptr_t value)
{
	memcpy(i->file + slot, &value, sizeof(value));
}

static void image_contents(struct image *i)
{
	struct rp_static_call_key key = { .magic = RP_STATIC_CALL_KEY_MAGIC };
	uintptr_t base = i->object.base;

	memset(i->file + TEXT, 0xcc, 0x1000);
	for (unsigned int n = 0; n < 36; n++)
		i->file[NOTE + n] = (uint8_t)(n * 7);
	image_tramp(i, TRAMP_CET, (const uint8_t *)"\xf3\x0f\x1e\xfa");
	image_tramp(i, TRAMP, (const uint8_t *)"\xcc\xcc\xcc\xcc");
	image_tramp(i, TRAMP_DATA, (const uint8_t *)"\xcc\xcc\xcc\xcc");
	memcpy(i->file + KEY, &key, sizeof(key));
	image_slot(i, GOT, base + TRAMP + 8);
	image_slot(i, GOT_FUNCTION, base + FUNCTION);
	image_slot(i, GOT_MISALIGNED, base + TRAMP + 8);
	image_slot(i, GOT_OTHER, (uintptr_t)rp_tramp__other);
}

/* What the file holds is loaded; what is changed afterwards is not. */
static void image_load(struct image *i)
{
	memcpy(i->memory, i->file, LOADED);
}

/* The instruction at SITE, with its displacement, and the relocation. */
static void image_branch(struct image *i, const char *bytes, size_t len,
			 unsigned int field, uint32_t destination)
{
	int32_t displacement =
		(int32_t)(destination - (SITE + field + 4));

	memcpy(i->file + SITE, bytes, len);
	memcpy(i->file + SITE + field, &displacement, 4);
}

static void image_rela(struct image *i, uint32_t type, uint64_t offset)
{
	i->rela[0] = (Elf64_Rela){ offset, ELF64_R_INFO(1, type), -4 };
}

static void image_init(struct image *i)
{
	memset(i, 0, sizeof(*i));
	i->fd = memfd_create("relocs", MFD_CLOEXEC);
	assert_true(i->fd >= 0);
	assert_int_equal(ftruncate(i->fd, SIZE), 0);
	snprintf(i->path, sizeof(i->path), "/proc/self/fd/%d", i->fd);
	i->file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, i->fd, 0);
	assert_ptr_not_equal(i->file, MAP_FAILED);
	/* What follows faults: reading beyond what is loaded is a crash. */
	i->memory = mmap(NULL, LOADED + 0x1000, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(i->memory, MAP_FAILED);
	assert_int_equal(mprotect(i->memory, LOADED, PROT_READ | PROT_WRITE),
			 0);
	i->ehdr = (void *)i->file;
	i->phdr = (void *)(i->file + sizeof(Elf64_Ehdr));
	i->section = (void *)(i->file + SECTIONS);
	i->rela = (void *)(i->file + RELAS);
	i->object = (struct rp__relocs_object){
		.path = i->path, .base = (uintptr_t)i->memory,
		.phdr = (void *)(i->memory + sizeof(Elf64_Ehdr)),
		.phnum = P_NR };
	image_headers(i);
	image_contents(i);
	image_branch(i, "\xe8", 1, 1, TRAMP + 8);
	image_rela(i, R_X86_64_PLT32, SITE + 1);
	image_load(i);
}

static void image_deinit(struct image *i)
{
	munmap(i->file, SIZE);
	munmap(i->memory, LOADED + 0x1000);
	close(i->fd);
}

/* struct seen - what was reported last. */
struct seen {
	int n;
	int answer;
	uintptr_t site;
	enum rp_site_kind kind;
};

static int see(void *data, uintptr_t site, enum rp_site_kind kind)
{
	struct seen *seen = data;

	seen->n++;
	seen->site = site;
	seen->kind = kind;
	return seen->answer;
}

static int read_image(const struct image *i, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	return rp__relocs_read(&i->object, see, seen);
}

static void expect_result(const struct image *i, int expected)
{
	struct seen seen;

	assert_int_equal(read_image(i, &seen), expected);
	if (expected >= 0)
		assert_int_equal(seen.n, expected);
}

/*
 * struct branch_case - bytes at SITE and a relocation @offset behind it.
 * @kind:  expected; 0 if it is no site
 * @start: where it is expected to start
 */
struct branch_case {
	const char *name;
	const char *bytes;
	unsigned int len, field;
	uint32_t destination;
	uint32_t type;
	unsigned int offset;
	enum rp_site_kind kind;
	unsigned int start;
};

// clang-format off: a table
static const struct branch_case branches[] = {
	{ "call", "\xe8", 1, 1, TRAMP + 8, R_X86_64_PLT32, 1, RP_SITE_CALL, 0 },
	{ "call, PC32", "\xe8", 1, 1, TRAMP + 8, R_X86_64_PC32, 1, RP_SITE_CALL, 0 },
	{ "call, endbr64", "\xe8", 1, 1, TRAMP_CET + 4, R_X86_64_PLT32, 1, RP_SITE_CALL, 0 },
	{ "jmp", "\xe9", 1, 1, TRAMP + 8, R_X86_64_PLT32, 1, RP_SITE_JMP, 0 },
	{ "jo", "\x0f\x80", 2, 2, TRAMP + 8, R_X86_64_PLT32, 2, RP_SITE_JCC, 0 },
	{ "jg", "\x0f\x8f", 2, 2, TRAMP + 8, R_X86_64_PC32, 2, RP_SITE_JCC, 0 },
	{ "call *GOT", "\xff\x15", 2, 2, GOT, R_X86_64_GOTPCRELX, 2, RP_SITE_CALL_GOT, 0 },
	{ "call *GOT, GOTPCREL", "\xff\x15", 2, 2, GOT, R_X86_64_GOTPCREL, 2, RP_SITE_CALL_GOT, 0 },
	{ "call *GOT, another object", "\xff\x15", 2, 2, GOT_OTHER, R_X86_64_GOTPCRELX, 2, RP_SITE_CALL_GOT, 0 },
	{ "jmp *GOT", "\xff\x25", 2, 2, GOT, R_X86_64_GOTPCRELX, 2, RP_SITE_JMP_GOT, 0 },
	{ "relaxed call", "\x67\xe8", 2, 2, TRAMP + 8, R_X86_64_GOTPCRELX, 2, RP_SITE_CALL_GOT, 0 },
	{ "relaxed jmp", "\xe9\0\0\0\0\x90", 6, 1, TRAMP + 8, R_X86_64_GOTPCRELX, 2, RP_SITE_JMP_GOT, 0 },
	{ "relaxed call, GNU ld", "\x67\xe8", 2, 2, TRAMP + 8, R_X86_64_PC32, 2, RP_SITE_CALL, 1 },
	{ "relaxed jmp, GNU ld", "\xe9\0\0\0\0\x90", 6, 1, TRAMP + 8, R_X86_64_PC32, 1, RP_SITE_JMP, 0 },

	{ "call of a function", "\xe8", 1, 1, FUNCTION, R_X86_64_PLT32, 1, 0, 0 },
	{ "call of a block's start", "\xe8", 1, 1, TRAMP, R_X86_64_PLT32, 1, 0, 0 },
	{ "call of the int3s", "\xe8", 1, 1, TRAMP + 4, R_X86_64_PLT32, 1, 0, 0 },
	{ "call behind endbr64", "\xe8", 1, 1, TRAMP_CET + 8, R_X86_64_PLT32, 1, 0, 0 },
	{ "call of data", "\xe8", 1, 1, TRAMP_DATA + 8, R_X86_64_PLT32, 1, 0, 0 },
	{ "call of headers", "\xe8", 1, 1, 0x208, R_X86_64_PLT32, 1, 0, 0 },
	{ "call of nothing", "\xe8", 1, 1, 0x7000008, R_X86_64_PLT32, 1, 0, 0 },
	{ "call *GOT of a function", "\xff\x15", 2, 2, GOT_FUNCTION, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "call *GOT, unresolved", "\xff\x15", 2, 2, GOT_NULL, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "call *GOT, misaligned", "\xff\x15", 2, 2, GOT_MISALIGNED, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "call *GOT, at the end", "\xff\x15", 2, 2, LOADED, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "call through a pointer", "\xff\x15", 2, 2, GOT, R_X86_64_PC32, 2, 0, 0 },
	{ "load from the GOT", "\x8b\x15", 2, 2, GOT, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "push through the GOT", "\xff\x35", 2, 2, GOT, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "sub, relaxed", "\x81\xe8", 2, 2, TRAMP + 8, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "jmp, no NOP behind", "\xe9\0\0\0\0\xc3", 6, 1, TRAMP + 8, R_X86_64_GOTPCRELX, 2, 0, 0 },
	{ "lea", "\x8d\x3d", 2, 2, TRAMP + 8, R_X86_64_PC32, 2, 0, 0 },
	{ "setcc", "\x0f\x90", 2, 2, TRAMP + 8, R_X86_64_PC32, 2, 0, 0 },
	{ "another type", "\xe8", 1, 1, TRAMP + 8, R_X86_64_32, 1, 0, 0 },
};
// clang-format on

static void branch_kinds(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(branches) / sizeof(*branches); n++) {
		const struct branch_case *c = &branches[n];
		struct image i;
		struct seen seen;

		image_init(&i);
		image_branch(&i, c->bytes, c->len, c->field, c->destination);
		image_rela(&i, c->type, SITE + c->offset);
		image_load(&i);
		print_message("# %s\n", c->name);
		assert_int_equal(read_image(&i, &seen), c->kind ? 1 : 0);
		assert_int_equal(seen.n, c->kind ? 1 : 0);
		assert_int_equal(seen.kind, c->kind);
		if (c->kind)
			assert_int_equal(seen.site,
					 i.object.base + SITE + c->start);
		image_deinit(&i);
	}
}

/* struct tramp_case - bytes at @offset of TRAMP's block. */
struct tramp_case {
	unsigned int offset;
	const char *bytes;
	unsigned int len;
	int expected;
};

static const struct tramp_case tramps[] = {
	{ 8, "\xe9\x10\x20\x30\x40\x90", 6, 1 },
	{ 8, "\xe9\x10\x20\x30\x40\xcc", 6, 1 },
	{ 8, "\xc3\xcc\xcc\xcc\xcc\xcc", 6, 1 },
	{ 8, "\xe9\x10\x20\x30\x40\x91", 6, 0 },
	{ 8, "\xeb\x10\x90\x90\x90\x90", 6, 0 },
	{ 8, "\xc3\xcc\xcc\xcc\xcc\x90", 6, 0 },
	{ 8, "\xe8\x10\x20\x30\x40\x90", 6, 0 },
	{ 8, "\xff\x15", 2, 0 },
	{ 8, "\xff\x25\0\0\0\0", 6, 0 },	/* another variable */
	{ 14, "\x0f\x0c", 2, 0 },
	{ 4, "\xf3\x0f\x1e\xfa", 4, 0 },	/* the entry is then at 4 */
	{ 7, "\x90", 1, 0 },
	{ 0, "\0\0\0\0", 4, 0 },		/* no key there */
	{ 0, "\xff\xff\xff\x7f", 4, 0 },
	{ 0, "\0\0\0\x80", 4, 0 },
};

static void tramp_signature(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(tramps) / sizeof(*tramps); n++) {
		const struct tramp_case *c = &tramps[n];
		struct image i;

		image_init(&i);
		memcpy(i.file + TRAMP + c->offset, c->bytes, c->len);
		image_load(&i);
		print_message("# signature %zu\n", n);
		expect_result(&i, c->expected);
		image_deinit(&i);
	}
}

static void key_is_aligned(void **state)
{
	struct rp_static_call_key key = { .magic = RP_STATIC_CALL_KEY_MAGIC };
	int32_t offset = KEY + 0x44 - TRAMP;
	struct image i;

	(void)state;
	image_init(&i);
	memcpy(i.file + KEY + 0x44, &key, sizeof(key));
	memcpy(i.file + TRAMP, &offset, sizeof(offset));
	memcpy(i.file + TRAMP + 8, "\xc3\xcc\xcc\xcc\xcc\xcc", 6);
	image_load(&i);
	expect_result(&i, 0);
	image_deinit(&i);
}

static void key_has_magic(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.memory[KEY + offsetof(struct rp_static_call_key, magic)] ^= 1;
	expect_result(&i, 0);
	image_deinit(&i);
}

/* A displacement at either end of the section is read, and nothing beyond. */
static void section_bounds(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.section[S_TEXT].sh_addr = SITE;
	i.section[S_TEXT].sh_size = 5;
	expect_result(&i, 1);
	i.section[S_TEXT].sh_addr = SITE + 1;
	expect_result(&i, 0);
	i.section[S_TEXT].sh_addr = SITE;
	i.section[S_TEXT].sh_size = 4;
	expect_result(&i, -EILSEQ);
	i.section[S_TEXT].sh_size = 0;
	expect_result(&i, -EILSEQ);
	image_deinit(&i);
}

/* The second half of them, so that all parts of the section are read. */
static void many_relocations(void **state)
{
	enum { N = 100000 };
	struct image i;

	(void)state;
	image_init(&i);
	i.section[S_RELA].sh_offset = SIZE;
	i.section[S_RELA].sh_size = N * sizeof(Elf64_Rela);
	for (int n = 0; n < N; n++) {
		image_rela(&i, n < N / 2 ? R_X86_64_NONE : R_X86_64_PLT32,
			   SITE + 1);
		assert_int_equal(pwrite(i.fd, i.rela, sizeof(Elf64_Rela),
					SIZE + n * (off_t)sizeof(Elf64_Rela)),
				 sizeof(Elf64_Rela));
	}
	expect_result(&i, N / 2);
	image_deinit(&i);
}

/* All of them text, but for the last. */
static void many_sections(void **state)
{
	enum { N = 1000 };
	struct image i;

	(void)state;
	image_init(&i);
	i.ehdr->e_shoff = SIZE;
	i.ehdr->e_shnum = N;
	image_load(&i);
	for (int n = 0; n < N; n++)
		assert_int_equal(pwrite(i.fd, &i.section[n == N - 1 ? S_RELA :
								      S_TEXT],
					sizeof(Elf64_Shdr),
					SIZE + n * (off_t)sizeof(Elf64_Shdr)),
				 sizeof(Elf64_Shdr));
	expect_result(&i, 1);
	image_deinit(&i);
}

/* The bytes of a trampoline that is known already, taken for a GOT entry. */
static void slot_in_tramp(void **state)
{
	enum { GOT_SITE = 0x20 };
	struct image i;
	int32_t displacement = TRAMP + 8 - (SITE + GOT_SITE + 6);

	(void)state;
	image_init(&i);
	memcpy(i.file + SITE + GOT_SITE, "\xff\x15", 2);
	memcpy(i.file + SITE + GOT_SITE + 2, &displacement, 4);
	i.section[S_RELA].sh_size *= 2;
	i.rela[1] = (Elf64_Rela){ SITE + GOT_SITE + 2,
				  ELF64_R_INFO(1, R_X86_64_GOTPCRELX), -4 };
	image_load(&i);
	expect_result(&i, 1);
	image_deinit(&i);
}

static void caller_stops(void **state)
{
	struct seen seen = { .answer = -ENOMEM };
	struct image i;

	(void)state;
	image_init(&i);
	i.section[S_RELA].sh_size *= 2;
	i.rela[1] = i.rela[0];
	assert_int_equal(rp__relocs_read(&i.object, see, &seen), -ENOMEM);
	assert_int_equal(seen.n, 1);
	image_deinit(&i);
}

static void no_relocations(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.section[S_RELA].sh_flags |= SHF_ALLOC;
	expect_result(&i, 0);
	i.section[S_RELA].sh_flags = 0;
	i.section[S_RELA].sh_info = S_DATA;
	expect_result(&i, 0);
	i.section[S_RELA].sh_info = S_TEXT;
	i.section[S_TEXT].sh_type = SHT_NOBITS;
	expect_result(&i, 0);
	i.section[S_TEXT].sh_type = SHT_PROGBITS;
	expect_result(&i, 1);
	i.section[S_RELA].sh_type = SHT_PROGBITS;
	expect_result(&i, 0);
	image_deinit(&i);
}

/* As sstrip leaves a file. */
static void no_section_headers(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.ehdr->e_shoff = 0;
	i.ehdr->e_shnum = 0;
	i.ehdr->e_shentsize = 0;
	image_load(&i);
	expect_result(&i, 0);
	image_deinit(&i);
}

/* What does not fit the ELF header's 16 bits is in section 0. */
static void extended_numbering(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.ehdr->e_shnum = 0;
	i.ehdr->e_shstrndx = SHN_XINDEX;
	i.ehdr->e_phnum = PN_XNUM;
	i.section[S_NULL].sh_size = S_NR;
	i.section[S_NULL].sh_info = P_NR;
	image_load(&i);
	expect_result(&i, 1);
	i.section[S_NULL].sh_info = P_NR + 1;
	expect_result(&i, -ESTALE);
	i.section[S_NULL].sh_size = UINT64_MAX / 64 + 2;
	expect_result(&i, -EILSEQ);
	image_deinit(&i);
}

static void another_file(void **state)
{
	static const size_t changed[] = {
		offsetof(Elf64_Ehdr, e_entry),
		sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_align),
		NOTE + 20,
	};
	struct image i;

	(void)state;
	for (size_t n = 0; n < sizeof(changed) / sizeof(*changed); n++) {
		image_init(&i);
		i.file[changed[n]] ^= 1;
		expect_result(&i, -ESTALE);
		/* Not looked at, if there is nothing to find. */
		i.section[S_RELA].sh_type = SHT_PROGBITS;
		expect_result(&i, 0);
		image_deinit(&i);
	}
	image_init(&i);
	i.object.phnum--;
	expect_result(&i, -ESTALE);
	image_deinit(&i);
}

/* Then memory has pages that cannot be read: the file has shrunk. */
static void shorter_than_loaded(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.phdr[P_DATA].p_filesz = SIZE - DATA;
	image_load(&i);
	expect_result(&i, 1);
	i.phdr[P_DATA].p_filesz++;
	image_load(&i);
	expect_result(&i, -ESTALE);
	image_deinit(&i);
}

static void unreadable_file(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	i.object.path = "/proc/self/fd/none";
	expect_result(&i, -ENOENT);
	i.object.path = "/dev/null";
	expect_result(&i, -EILSEQ);
	i.object.path = "/";
	expect_result(&i, -EILSEQ);
	image_deinit(&i);
}

/* struct damage - a field of the file with a value that it cannot have. */
struct damage {
	const char *name;
	size_t offset;
	unsigned int width;
	uint64_t value;
};

#define EHDR(field, value)						\
	{ #field, offsetof(Elf64_Ehdr, field),				\
	  sizeof(((Elf64_Ehdr *)0)->field), value }
#define SHDR(index, field, value)					\
	{ #index "." #field, SECTIONS + index * sizeof(Elf64_Shdr) +	\
	  offsetof(Elf64_Shdr, field),					\
	  sizeof(((Elf64_Shdr *)0)->field), value }
#define RELA(field, value)						\
	{ #field, RELAS + offsetof(Elf64_Rela, field),			\
	  sizeof(((Elf64_Rela *)0)->field), value }

static const struct damage damages[] = {
	{ "magic", 0, 1, 0 },
	{ "class", EI_CLASS, 1, ELFCLASS32 },
	{ "byte order", EI_DATA, 1, ELFDATA2MSB },
	EHDR(e_machine, EM_AARCH64),
	EHDR(e_type, ET_REL),
	EHDR(e_phentsize, 32),
	EHDR(e_shentsize, 40),
	EHDR(e_shoff, SIZE),
	EHDR(e_shoff, SIZE - 64),
	EHDR(e_shoff, UINT64_MAX),
	EHDR(e_shoff, UINT64_MAX - 63),
	EHDR(e_shnum, 0xfff0),
	EHDR(e_phoff, UINT64_MAX - 8),
	SHDR(S_RELA, sh_info, S_NR),
	SHDR(S_RELA, sh_info, UINT32_MAX),
	SHDR(S_RELA, sh_entsize, 16),
	SHDR(S_RELA, sh_entsize, 0),
	SHDR(S_RELA, sh_size, 25),
	SHDR(S_RELA, sh_size, UINT64_MAX - 15),
	SHDR(S_RELA, sh_size, SIZE / 24 * 24 + 24),
	SHDR(S_RELA, sh_offset, SIZE - 8),
	SHDR(S_RELA, sh_offset, UINT64_MAX),
	SHDR(S_RELA, sh_offset, INT64_MAX),
	SHDR(S_TEXT, sh_addr, DATA),
	SHDR(S_TEXT, sh_addr, UINT64_MAX - 0x10),
	SHDR(S_TEXT, sh_size, 0x1001),
	SHDR(S_TEXT, sh_size, UINT64_MAX),
	RELA(r_offset, 0),
	RELA(r_offset, TEXT - 1),
	RELA(r_offset, TEXT + 0x800 - 3),
	RELA(r_offset, UINT64_MAX),
};

static void malformed_file(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(damages) / sizeof(*damages); n++) {
		const struct damage *d = &damages[n];
		struct image i;

		image_init(&i);
		expect_result(&i, 1);
		memcpy(i.file + d->offset, &d->value, d->width);
		/* Loaded as it is: not refused for being another file. */
		image_load(&i);
		print_message("# %s\n", d->name);
		expect_result(&i, -EILSEQ);
		image_deinit(&i);
	}
}

/* Sections over the same relocations, as many as there is room for. */
static void overlapping_sections(void **state)
{
	enum { N = 8 };
	struct image i;

	(void)state;
	image_init(&i);
	i.ehdr->e_shnum = S_NR + N;
	image_load(&i);
	for (int n = 0; n < N; n++) {
		i.section[S_NR + n] = i.section[S_RELA];
		i.section[S_NR + n].sh_offset = TEXT;
		i.section[S_NR + n].sh_size = SIZE / 4 / 24 * 24;
		memset(i.file + TEXT, 0, SIZE / 4);
	}
	expect_result(&i, -EILSEQ);
	image_deinit(&i);
}

static void truncated_file(void **state)
{
	struct image i;

	(void)state;
	image_init(&i);
	for (int size = RELAS + sizeof(Elf64_Rela); size >= 0; size -= 8) {
		struct seen seen;
		int rc;

		assert_int_equal(ftruncate(i.fd, size), 0);
		rc = read_image(&i, &seen);
		if (size == RELAS + sizeof(Elf64_Rela))
			assert_int_equal(rc, 1);
		else
			assert_int_equal(rc, -EILSEQ);
	}
	image_deinit(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(branch_kinds),
		cmocka_unit_test(tramp_signature),
		cmocka_unit_test(key_is_aligned),
		cmocka_unit_test(key_has_magic),
		cmocka_unit_test(section_bounds),
		cmocka_unit_test(many_relocations),
		cmocka_unit_test(many_sections),
		cmocka_unit_test(slot_in_tramp),
		cmocka_unit_test(caller_stops),
		cmocka_unit_test(no_relocations),
		cmocka_unit_test(no_section_headers),
		cmocka_unit_test(extended_numbering),
		cmocka_unit_test(another_file),
		cmocka_unit_test(shorter_than_loaded),
		cmocka_unit_test(unreadable_file),
		cmocka_unit_test(malformed_file),
		cmocka_unit_test(overlapping_sections),
		cmocka_unit_test(truncated_file),
	};

	return cmocka_run_group_tests_name("relocs", tests, NULL, NULL);
}
