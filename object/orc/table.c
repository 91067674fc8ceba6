/* SPDX-License-Identifier: MIT */
/*
 * The table file of a linked binary: an ELF file without code, whose ORC table
 * speaks of the binary's addresses as if it lay behind the binary.
 */
#include "../bytes.h"
#include "file.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096
#define MAX_SECTIONS	8
#define NAMES_SIZE	256

/* struct piece - a section of the file. */
struct piece {
	const char *name;
	const void *data;
	size_t size;
	uint32_t type;
	uint32_t alignment;
	uint32_t entry;
	uint64_t address;
};

struct table {
	struct piece pieces[MAX_SECTIONS];	/* the first is none */
	size_t n;
};

/* An entry while they are sorted. @behind: it ends a section, and gives way to
 * what begins at the same address. */
struct item {
	uint64_t address;
	struct rp_orc_entry entry;
	bool behind;
	size_t order;
};

static uint64_t address_of(const struct rp_relobj *obj,
			   const struct rp_orc_entry *entry)
{
	if (entry->section == RP_SECTION_NONE)
		return entry->offset;
	return obj->sections[entry->section].hdr.sh_addr + entry->offset;
}

static bool is_behind(const struct rp_relobj *obj,
		      const struct rp_orc_entry *entry)
{
	return entry->section != RP_SECTION_NONE &&
	       entry->offset >= obj->sections[entry->section].hdr.sh_size;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->behind != y->behind)
		return x->behind ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

// What the next entry replaces at once, or what says the same again, goes.
static size_t drop_idle(struct item *items, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && items[i + 1].address == items[i].address)
			continue;
		if (kept && rp_orc_same(&items[kept - 1].entry,
					&items[i].entry))
			continue;
		items[kept++] = items[i];
	}
	return kept;
}

/* Sorted by address, and every place is one. */
static int sort_by_address(struct rp_orc *orc, const struct rp_relobj *obj,
			   struct rp_diag *diag)
{
	struct item *items = calloc(orc->n ? orc->n : 1, sizeof(*items));

	if (!items)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < orc->n; i++)
		items[i] = (struct item){
			.address = address_of(obj, &orc->v[i]),
			.entry = orc->v[i], .order = i,
			.behind = is_behind(obj, &orc->v[i]) };
	qsort(items, orc->n, sizeof(*items), compare_items);
	orc->n = drop_idle(items, orc->n);
	for (size_t i = 0; i < orc->n; i++) {
		orc->v[i] = items[i].entry;
		orc->v[i].section = RP_SECTION_NONE;
		orc->v[i].offset = items[i].address;
	}
	free(items);
	return 0;
}

/* A page behind everything that the binary has. */
static uint64_t table_address(const struct rp_relobj *obj)
{
	uint64_t last = 0;

	for (size_t i = 1; i < obj->nsections; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;
		uint64_t end = hdr->sh_addr + hdr->sh_size;

		if ((hdr->sh_flags & SHF_ALLOC) && end > last)
			last = end;
	}
	return (last + PAGE - 1) & -(uint64_t)PAGE;
}

static int make_ips(const struct rp_orc *orc, uint64_t base, uint32_t *ips,
		    struct rp_diag *diag)
{
	for (size_t i = 0; i < orc->n; i++) {
		uint64_t from = base + i * RP_ORC_IP_SIZE;
		int64_t distance = orc->v[i].offset - from;

		if (distance != (int32_t)distance)
			return rp_diag_set(diag, RP_DIAG_ORC_RANGE, NULL,
				"the address 0x%llx is further than 2 GiB from "
				"the table's", (unsigned long long)
				orc->v[i].offset);
		ips[i] = htole32((uint32_t)distance);
	}
	return 0;
}

uint32_t rp_orc_build_id(const struct rp_relobj *obj)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (obj->sections[i].hdr.sh_type == SHT_NOTE &&
		    !strcmp(obj->sections[i].name, ".note.gnu.build-id"))
			return i;
	}
	return 0;
}

const uint8_t *rp_orc_build_id_bytes(const struct rp_relobj *obj, size_t *size)
{
	static const uint8_t owner[] = "GNU";
	uint32_t section = rp_orc_build_id(obj);
	const uint8_t *note = section ? rp_section_data(obj, section) : NULL;
	const size_t head = sizeof(Elf64_Nhdr) + sizeof(owner);

	if (!note || obj->sections[section].hdr.sh_size < head ||
	    rp_load_le32(note) != sizeof(owner) ||
	    memcmp(note + sizeof(Elf64_Nhdr), owner, sizeof(owner)))
		return NULL;
	*size = rp_load_le32(note + offsetof(Elf64_Nhdr, n_descsz));
	if (!*size || *size > obj->sections[section].hdr.sh_size - head)
		return NULL;
	return note + head;
}

static void add_piece(struct table *t, const struct piece *piece)
{
	t->pieces[t->n++] = *piece;
}

/* Names, with the empty one first. Fills @header's sh_name's. */
static size_t put_names(const struct table *t, char *names, Elf64_Shdr *headers)
{
	size_t at = 1;

	for (size_t i = 1; i < t->n; i++) {
		size_t length = strlen(t->pieces[i].name) + 1;

		headers[i].sh_name = htole32(at);
		memcpy(names + at, t->pieces[i].name, length);
		at += length;
	}
	return at;
}

static void put_headers(struct table *t, Elf64_Shdr *headers, Elf64_Ehdr *ehdr)
{
	size_t at = sizeof(*ehdr);

	for (size_t i = 1; i < t->n; i++) {
		const struct piece *p = &t->pieces[i];

		at = rp_align_up(at, p->alignment);
		headers[i].sh_type = htole32(p->type);
		headers[i].sh_addr = htole64(p->address);
		headers[i].sh_offset = htole64(at);
		headers[i].sh_size = htole64(p->size);
		headers[i].sh_addralign = htole64(p->alignment);
		headers[i].sh_entsize = htole64(p->entry);
		at += p->size;
	}
	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	ehdr->e_type = htole16(ET_DYN);
	ehdr->e_machine = htole16(EM_X86_64);
	ehdr->e_version = htole32(EV_CURRENT);
	ehdr->e_ehsize = htole16(sizeof(*ehdr));
	ehdr->e_shentsize = htole16(sizeof(Elf64_Shdr));
	ehdr->e_shnum = htole16(t->n);
	ehdr->e_shstrndx = htole16(t->n - 1);
	ehdr->e_shoff = htole64(rp_align_up(at, sizeof(uint64_t)));
}

static int write_at(int fd, const void *data, size_t size, uint64_t offset,
		    struct rp_diag *diag)
{
	const char *bytes = data;

	while (size) {
		ssize_t n = pwrite(fd, bytes, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rp_diag_set(diag, RP_DIAG_WRITE, NULL,
				"cannot write the table: %s", strerror(errno));
		bytes += n;
		size -= n;
		offset += n;
	}
	return 0;
}

static int write_file(struct table *t, int fd, struct rp_diag *diag)
{
	Elf64_Shdr headers[MAX_SECTIONS] = { 0 };
	Elf64_Ehdr ehdr = { 0 };
	char names[NAMES_SIZE] = { 0 };

	add_piece(t, &(struct piece){ .name = ".shstrtab", .data = names,
		.type = SHT_STRTAB, .alignment = 1 });
	t->pieces[t->n - 1].size = put_names(t, names, headers);
	put_headers(t, headers, &ehdr);
	int rc = write_at(fd, &ehdr, sizeof(ehdr), 0, diag);
	for (size_t i = 1; i < t->n && !rc; i++)
		rc = write_at(fd, t->pieces[i].data, t->pieces[i].size,
			      le64toh(headers[i].sh_offset), diag);
	if (!rc)
		rc = write_at(fd, headers, t->n * sizeof(headers[0]),
			      le64toh(ehdr.e_shoff), diag);
	return rc;
}

static void add_build_id(struct table *t, const struct rp_relobj *obj)
{
	uint32_t note = rp_orc_build_id(obj);

	if (note)
		add_piece(t, &(struct piece){
			.name = ".note.gnu.build-id", .type = SHT_NOTE,
			.data = rp_section_data(obj, note), .alignment = 4,
			.size = obj->sections[note].hdr.sh_size });
}

static int write_table(const struct rp_relobj *obj, const uint32_t *ips,
		       const struct rp_orc_bytes *bytes, int fd,
		       struct rp_diag *diag)
{
	const uint32_t header[2] = { htole32(RP_ORC_VERSION), 0 };
	struct table t = { .n = 1 };

	_Static_assert(sizeof(header) == RP_ORC_HEADER_SIZE, "as documented");
	add_build_id(&t, obj);
	add_piece(&t, &(struct piece){
		.name = RP_ORC_IP_SECTION, .type = SHT_PROGBITS, .data = ips,
		.size = bytes->n * RP_ORC_IP_SIZE, .entry = RP_ORC_IP_SIZE,
		.address = table_address(obj), .alignment = 4 });
	add_piece(&t, &(struct piece){
		.name = RP_ORC_SECTION, .type = SHT_PROGBITS,
		.data = bytes->entries, .entry = RP_ORC_ENTRY_SIZE,
		.size = bytes->n * RP_ORC_ENTRY_SIZE, .alignment = 2 });
	add_piece(&t, &(struct piece){
		.name = RP_ORC_WIDE_SECTION, .type = SHT_PROGBITS,
		.data = bytes->wide, .entry = RP_ORC_WIDE_SIZE,
		.size = bytes->nwide * RP_ORC_WIDE_SIZE, .alignment = 4 });
	add_piece(&t, &(struct piece){
		.name = RP_ORC_HEADER_SECTION, .type = SHT_PROGBITS,
		.data = header, .size = sizeof(header), .alignment = 4 });
	return write_file(&t, fd, diag);
}

int rp_orc_write_table(struct rp_orc *orc, const struct rp_relobj *obj, int fd,
		       struct rp_diag *diag)
{
	struct rp_orc_bytes bytes = { 0 };
	uint32_t *ips = NULL;

	int rc = sort_by_address(orc, obj, diag);
	if (!rc)
		rc = rp_orc_pack(&bytes, orc, rp_abi(RP_ABI_REPOINT), diag);
	if (!rc) {
		ips = calloc(orc->n ? orc->n : 1, sizeof(*ips));
		rc = ips ? make_ips(orc, table_address(obj), ips, diag) :
			   rp_diag_nomem(diag);
	}
	if (!rc)
		rc = write_table(obj, ips, &bytes, fd, diag);
	free(ips);
	rp_orc_bytes_deinit(&bytes);
	return rc;
}
