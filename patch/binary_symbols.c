/* SPDX-License-Identifier: MIT */
/* The binary's symbol table: by name and by address. */
#include "binary_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** struct reader - the symbol table while it is read. */
struct reader {
	const struct rp_image *image;	/* the binary, or its debug file */
	size_t index;
	size_t strings;
	const char *file;
	uint32_t unit;
};

static bool section_holds(const Elf64_Shdr *hdr, const Elf64_Sym *sym)
{
	if (!hdr)
		return false;
	if (ELF64_ST_TYPE(sym->st_info) == STT_TLS)
		return (hdr->sh_flags & SHF_TLS) != 0;
	// A symbol may mark the end.
	return (hdr->sh_flags & SHF_ALLOC) && sym->st_value >= hdr->sh_addr &&
	       sym->st_value - hdr->sh_addr <= hdr->sh_size;
}

// Tools that split a file keep its sections' order, but need not.
static uint32_t section_of(const struct rp_binary *binary, const Elf64_Sym *sym)
{
	const struct rp_image *image = &binary->image;

	if (sym->st_shndx == SHN_ABS || sym->st_shndx == SHN_COMMON)
		return UINT32_MAX;
	if (section_holds(rp_image_header(image, sym->st_shndx), sym))
		return sym->st_shndx;
	for (size_t i = 1; i < image->nsections; i++) {
		if (section_holds(rp_image_header(image, i), sym))
			return i;
	}
	return UINT32_MAX;
}

/** plain_name() - without @VERSION or @@VERSION. NULL: memory has run out. */
static const char *plain_name(struct rp_binary *binary, const char *name)
{
	const char *at = strchr(name, '@');
	struct rp_cut_name *cut;

	if (!at || at == name)
		return name;
	cut = malloc(sizeof(*cut) + (at - name) + 1);
	if (!cut)
		return NULL;
	memcpy(cut->name, name, at - name);
	cut->name[at - name] = '\0';
	cut->next = binary->cut_names;
	binary->cut_names = cut;
	return cut->name;
}

static int read_symbol(struct rp_binary *binary, struct reader *reader,
		       const Elf64_Sym *sym, struct rp_diag *diag)
{
	const char *name = elf_strptr(reader->image->elf, reader->strings,
				      sym->st_name);
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	unsigned int bind = ELF64_ST_BIND(sym->st_info);

	if (!name)
		return rp_image_damaged(reader->image, reader->index,
			"a name is outside its string table", diag);
	if (type == STT_FILE) {
		reader->file = name;
		reader->unit++;
		return 0;
	}
	if (type == STT_SECTION || sym->st_shndx == SHN_UNDEF || !*name)
		return 0;
	name = plain_name(binary, name);
	if (!name)
		return rp_diag_nomem(diag);
	binary->symbols[binary->nsymbols++] = (struct rp_binary_symbol){
		.name = name,
		.file = bind == STB_LOCAL ? reader->file : "",
		.unit = bind == STB_LOCAL ? reader->unit : 0,
		.value = sym->st_value,
		.size = sym->st_size,
		.section = section_of(binary, sym),
		.type = type,
		.bind = bind,
	};
	return 0;
}

static int read_table(struct rp_binary *binary, struct rp_diag *diag)
{
	struct reader reader = {
		.image = binary->separate ? &binary->debug : &binary->image,
		.file = "",
	};
	const void *table;
	size_t n;

	reader.index = rp_image_find(reader.image, SHT_SYMTAB);
	reader.strings = rp_image_header(reader.image, reader.index)->sh_link;
	int rc = rp_image_table(reader.image, reader.index, sizeof(Elf64_Sym),
				&table, &n, diag);
	if (rc)
		return rc;
	if (n >= UINT32_MAX / 2)
		return rp_image_damaged(reader.image, reader.index,
					"too many symbols", diag);
	binary->symbols = calloc(n + 1, sizeof(*binary->symbols));
	if (!binary->symbols)
		return rp_diag_nomem(diag);
	const Elf64_Sym *symbols = table;
	for (size_t i = 1; i < n && !rc; i++)
		rc = read_symbol(binary, &reader, &symbols[i], diag);
	return rc;
}

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;	// FNV-1a

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

/** find_name() - its place in the hash table: its number, or 0 if it is new. */
static uint32_t *find_name(const struct rp_binary *binary, const char *name,
			   const uint32_t *first)
{
	size_t at = hash_name(name) & binary->name_mask;

	while (binary->name_slots[at] &&
	       strcmp(binary->symbols[first[binary->name_slots[at]]].name,
		      name) != 0)
		at = (at + 1) & binary->name_mask;
	return &binary->name_slots[at];
}

/*
 * Numbers names from 1, and counts each: the symbol's position is how many
 * there were before, plus one.
 */
static void number_names(struct rp_binary *binary, uint32_t *numbers,
			 uint32_t *first, uint32_t *count)
{
	for (size_t i = 0; i < binary->nsymbols; i++) {
		struct rp_binary_symbol *s = &binary->symbols[i];
		uint32_t *slot = find_name(binary, s->name, first);

		if (!*slot) {
			*slot = ++binary->nnames;
			first[*slot] = i;
		}
		numbers[i] = *slot;
		s->position = ++count[*slot];
	}
}

static void order_names(struct rp_binary *binary, const uint32_t *numbers,
			const uint32_t *count)
{
	uint32_t sum = 0;

	for (size_t i = 1; i <= binary->nnames; i++) {
		binary->name_first[i - 1] = sum;
		sum += count[i];
	}
	binary->name_first[binary->nnames] = sum;
	for (size_t i = 0; i < binary->nsymbols; i++)
		binary->name_order[binary->name_first[numbers[i] - 1] +
				   binary->symbols[i].position - 1] = i;
}

static int index_names(struct rp_binary *binary, struct rp_diag *diag)
{
	size_t n = binary->nsymbols, slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	binary->name_mask = slots - 1;
	binary->name_slots = calloc(slots, sizeof(uint32_t));
	binary->name_first = calloc(n + 1, sizeof(uint32_t));
	binary->name_order = calloc(n + 1, sizeof(uint32_t));
	uint32_t *scratch = calloc(3 * (n + 1), sizeof(uint32_t));
	if (!binary->name_slots || !binary->name_first ||
	    !binary->name_order || !scratch) {
		free(scratch);
		return rp_diag_nomem(diag);
	}
	number_names(binary, scratch, scratch + n + 1, scratch + 2 * (n + 1));
	order_names(binary, scratch, scratch + 2 * (n + 1));
	free(scratch);
	return 0;
}

static bool has_address(const struct rp_binary_symbol *s)
{
	switch (s->type) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_COMMON:
	case STT_GNU_IFUNC:
		return s->section != UINT32_MAX;
	default:
		return false;
	}
}

static int compare_addresses(const void *a, const void *b)
{
	const struct rp_address *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void split_sized(struct rp_binary *binary, const struct rp_address *all)
{
	uint64_t reach = 0;

	for (size_t i = 0; i < binary->nby_address; i++) {
		const struct rp_binary_symbol *s =
			&binary->symbols[all[i].index];
		uint64_t end = s->value + s->size;

		binary->by_address[i] = all[i].index;
		if (end <= s->value)
			continue;
		if (end > reach)
			reach = end;
		binary->reach[binary->nsized] = reach;
		binary->sized[binary->nsized++] = all[i];
	}
}

static int index_addresses(struct rp_binary *binary, struct rp_diag *diag)
{
	size_t n = binary->nsymbols;
	struct rp_address *all = calloc(n + 1, sizeof(*all));

	binary->by_address = calloc(n + 1, sizeof(uint32_t));
	binary->sized = calloc(n + 1, sizeof(*binary->sized));
	binary->reach = calloc(n + 1, sizeof(*binary->reach));
	if (!all || !binary->by_address || !binary->sized || !binary->reach) {
		free(all);
		return rp_diag_nomem(diag);
	}
	for (size_t i = 0; i < n; i++) {
		if (has_address(&binary->symbols[i]))
			all[binary->nby_address++] = (struct rp_address){
				binary->symbols[i].value, i,
			};
	}
	qsort(all, binary->nby_address, sizeof(*all), compare_addresses);
	split_sized(binary, all);
	free(all);
	return 0;
}

int rp_binary_read_symbols(struct rp_binary *binary, struct rp_diag *diag)
{
	int rc = read_table(binary, diag);

	if (!rc)
		rc = index_names(binary, diag);
	return rc ? rc : index_addresses(binary, diag);
}

void rp_binary_free_symbols(struct rp_binary *binary)
{
	while (binary->cut_names) {
		struct rp_cut_name *next = binary->cut_names->next;

		free(binary->cut_names);
		binary->cut_names = next;
	}
	free(binary->symbols);
	free(binary->name_slots);
	free(binary->name_first);
	free(binary->name_order);
	free(binary->by_address);
	free(binary->sized);
	free(binary->reach);
}

size_t rp_binary_nsymbols(const struct rp_binary *binary)
{
	return binary->nsymbols;
}

const struct rp_binary_symbol *rp_binary_symbol(const struct rp_binary *binary,
						size_t index)
{
	return &binary->symbols[index];
}

const uint32_t *rp_binary_by_name(const struct rp_binary *binary,
				  const char *name, size_t *n)
{
	size_t at = hash_name(name) & binary->name_mask;

	for (; binary->name_slots[at]; at = (at + 1) & binary->name_mask) {
		uint32_t number = binary->name_slots[at];
		uint32_t first = binary->name_first[number - 1];

		if (strcmp(binary->symbols[binary->name_order[first]].name,
			   name) != 0)
			continue;
		*n = binary->name_first[number] - first;
		return &binary->name_order[first];
	}
	*n = 0;
	return NULL;
}

/** lower_bound() - the first symbol in by_address at @address or behind. */
static size_t lower_bound(const struct rp_binary *binary, uint64_t address)
{
	size_t low = 0, high = binary->nby_address;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (binary->symbols[binary->by_address[mid]].value < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const uint32_t *rp_binary_all_at(const struct rp_binary *binary,
				 uint64_t address, size_t *n)
{
	size_t first = lower_bound(binary, address), end = first;

	while (end < binary->nby_address &&
	       binary->symbols[binary->by_address[end]].value == address)
		end++;
	*n = end - first;
	return *n ? &binary->by_address[first] : NULL;
}

const struct rp_binary_symbol *rp_binary_at(const struct rp_binary *binary,
					    uint64_t address)
{
	size_t at = lower_bound(binary, address);
	const struct rp_binary_symbol *s;

	if (at == binary->nby_address)
		return NULL;
	s = &binary->symbols[binary->by_address[at]];
	return s->value == address ? s : NULL;
}

/** Of several, the one that begins last. */
const struct rp_binary_symbol *rp_binary_covering(const struct rp_binary *binary,
						  uint64_t address)
{
	size_t low = 0, high = binary->nsized;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (binary->sized[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- && binary->reach[low] > address) {
		const struct rp_binary_symbol *s =
			&binary->symbols[binary->sized[low].index];

		if (address - s->value < s->size)
			return s;
	}
	return NULL;
}
