/* SPDX-License-Identifier: MIT */
/* Mutations of Repoint's tables, and of the sites that they are about. */
#include "mutant.h"

#include <repoint/abi.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where record @i of a table says that its code is. */
static Elf64_Rela *code_of(const struct mutant *m, const char *table,
			   size_t size, size_t i, uint32_t *section,
			   uint64_t *offset)
{
	uint32_t s = section_named(m, table);
	Elf64_Rela *rela = s ? relocation_at(m, s, i * size) : NULL;

	return rela && points_to(m, rela, 0, section, offset) ? rela : NULL;
}

static size_t count_records(const struct mutant *m, const char *table,
			    size_t size)
{
	uint32_t s = section_named(m, table);

	return s ? m->sections[s].sh_size / size : 0;
}

static void note_place(struct mutant *m, uint32_t section, uint64_t offset,
		       const char *what)
{
	snprintf(m->place, sizeof(m->place), "%s+0x%" PRIx64 ": %s",
		 section_name(m, section), offset, what);
}

/* ---- alternatives ---- */

static size_t count_alternatives(const struct mutant *m)
{
	return count_records(m, RP_ALTERNATIVES_SECTION,
			     sizeof(struct rp_alternative));
}

static struct rp_alternative *alternative(const struct mutant *m, size_t i)
{
	return (struct rp_alternative *)section_data(m,
		section_named(m, RP_ALTERNATIVES_SECTION)) + i;
}

static Elf64_Rela *site_of(const struct mutant *m, size_t i, uint32_t *section,
			   uint64_t *offset)
{
	return code_of(m, RP_ALTERNATIVES_SECTION,
		       sizeof(struct rp_alternative), i, section, offset);
}

static bool longer_site(struct mutant *m, size_t i)
{
	struct rp_alternative *a = alternative(m, i);
	uint32_t section;
	uint64_t offset;

	// Behind it the next instruction must not be one of one byte.
	if (!site_of(m, i, &section, &offset) ||
	    !insn_at(m, section, offset + a->len) ||
	    insn_at(m, section, offset + a->len + 1))
		return false;
	a->len++;
	note_place(m, section, offset, "the site is one byte longer");
	return true;
}

static bool longer_replacement(struct mutant *m, size_t i)
{
	struct rp_alternative *a = alternative(m, i);
	uint32_t section;
	uint64_t offset;

	if (!site_of(m, i, &section, &offset))
		return false;
	a->replacement_len = a->len + 1;
	note_place(m, section, offset, "the replacement is too long");
	return true;
}

static bool moved_site(struct mutant *m, size_t i)
{
	uint32_t section;
	uint64_t offset;
	Elf64_Rela *rela = site_of(m, i, &section, &offset);

	if (!rela || !insn_at(m, section, offset) ||
	    insn_at(m, section, offset + 1))
		return false;
	rela->r_addend++;
	note_place(m, section, offset, "the site begins one byte further");
	return true;
}

/* The replacement becomes a pop: no table serves that and the original. */
static bool conflict(struct mutant *m, size_t i)
{
	const struct rp_alternative *a = alternative(m, i);
	uint32_t section, code;
	uint64_t offset, at;
	uint32_t table = section_named(m, RP_ALTERNATIVES_SECTION);
	const Elf64_Rela *rela = relocation_at(m, table, i * sizeof(*a) + 4);

	if (!a->replacement_len || !site_of(m, i, &section, &offset) || !rela ||
	    !points_to(m, rela, 0, &code, &at))
		return false;
	for (size_t k = 0; k < a->replacement_len; k++) {
		if (relocation_at(m, code, at + k))
			return false;
	}
	memset(section_data(m, code) + at, 0x90, a->replacement_len);
	section_data(m, code)[at] = 0x5d;	// pop %rbp: in any frame
	note_place(m, section, offset, "the replacement pops");
	return true;
}

/* ---- sites of calls and keys ---- */

static size_t count_calls(const struct mutant *m)
{
	return count_records(m, RP_STATIC_CALL_SITES_SECTION,
			     sizeof(struct rp_static_call_site));
}

static size_t count_keys(const struct mutant *m)
{
	return count_records(m, RP_STATIC_KEY_SITES_SECTION,
			     sizeof(struct rp_static_key_site));
}

static bool change_site(struct mutant *m, const char *table, size_t size,
			size_t i)
{
	uint32_t section;
	uint64_t offset;

	if (!code_of(m, table, size, i, &section, &offset))
		return false;
	uint8_t *bytes = section_data(m, section) + offset;
	*bytes = *bytes == 0x90 ? 0xf8 : 0x90;
	note_place(m, section, offset, "another instruction at the site");
	return true;
}

static bool change_call(struct mutant *m, size_t i)
{
	return change_site(m, RP_STATIC_CALL_SITES_SECTION,
			   sizeof(struct rp_static_call_site), i);
}

static bool change_branch(struct mutant *m, size_t i)
{
	return change_site(m, RP_STATIC_KEY_SITES_SECTION,
			   sizeof(struct rp_static_key_site), i);
}

static bool move_record(struct mutant *m, size_t i)
{
	uint32_t section;
	uint64_t offset;
	Elf64_Rela *rela = code_of(m, RP_STATIC_CALL_SITES_SECTION,
				   sizeof(struct rp_static_call_site), i,
				   &section, &offset);

	if (!rela)
		return false;
	rela->r_addend++;
	note_place(m, section, offset, "the record is one byte off");
	return true;
}

static bool change_kind(struct mutant *m, size_t i)
{
	struct rp_static_call_site *site = (void *)section_data(m,
		section_named(m, RP_STATIC_CALL_SITES_SECTION));
	uint32_t section;
	uint64_t offset;

	if (!code_of(m, RP_STATIC_CALL_SITES_SECTION, sizeof(*site), i,
		     &section, &offset))
		return false;
	site[i].kind = site[i].kind == RP_SITE_CALL ? RP_SITE_JMP : RP_SITE_CALL;
	note_place(m, section, offset, "the record says another instruction");
	return true;
}

/* The table's last record goes: its relocations are the last ones. */
static bool drop_record(struct mutant *m, size_t i)
{
	uint32_t table = section_named(m, RP_STATIC_CALL_SITES_SECTION);
	uint64_t size = m->sections[table].sh_size -
			sizeof(struct rp_static_call_site);
	size_t n;
	Elf64_Rela *v = relocations_of(m, table, &n);

	if (i || n < 2 || v[n - 1].r_offset < size || v[n - 2].r_offset < size ||
	    (n > 2 && v[n - 3].r_offset >= size))
		return false;
	m->sections[table].sh_size = size;
	for (size_t s = 1; s < m->nsections; s++) {
		if (m->sections[s].sh_type == SHT_RELA &&
		    m->sections[s].sh_info == table)
			m->sections[s].sh_size -= 2 * sizeof(*v);
	}
	note_place(m, table, size, "the last record is gone");
	return true;
}

static size_t count_symbols(const struct mutant *m)
{
	return m->nsymbols;
}

/* The key of a trampoline that is defined here gets another name. */
static bool rename_key(struct mutant *m, size_t i)
{
	const Elf64_Sym *s = &m->symbols[i];
	char *name = m->strings + s->st_name;

	if (strncmp(name, RP_KEY_PREFIX, strlen(RP_KEY_PREFIX)) || !s->st_shndx)
		return false;
	name[0] = 'x';
	snprintf(m->place, sizeof(m->place), "%s: has another name", name);
	return true;
}

/* A static branch's key is something else. */
static bool other_key(struct mutant *m, size_t i)
{
	uint32_t table = section_named(m, RP_STATIC_KEY_SITES_SECTION);
	const Elf64_Rela *rela = relocation_at(m, table, 8 +
		i * sizeof(struct rp_static_key_site));
	uint32_t section;
	uint64_t offset;

	if (!rela || !points_to(m, rela, 0, &section, &offset) ||
	    m->sections[section].sh_type == SHT_NOBITS)
		return false;
	memset(section_data(m, section) + offset, 0x5a,
	       sizeof(struct rp_static_key));
	note_place(m, section, offset, "no key is here");
	return true;
}

const struct class record_classes[] = {
	{ "site-longer", "921", count_alternatives, longer_site },
	{ "replacement-longer", "921", count_alternatives, longer_replacement },
	{ "site-moved", "921", count_alternatives, moved_site },
	{ "alternatives-conflict", "924 941", count_alternatives, conflict },
	{ "call-changed", "931", count_calls, change_call },
	{ "branch-changed", "931", count_keys, change_branch },
	{ "record-moved", "931 935", count_calls, move_record },
	{ "kind-changed", "931 935", count_calls, change_kind },
	{ "record-dropped", "934", count_calls, drop_record },
	{ "key-renamed", "933", count_symbols, rename_key },
	{ "key-other", "933", count_keys, other_key },
	{ 0 },
};
