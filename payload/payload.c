/* SPDX-License-Identifier: MIT */
/* Opening a payload: its sections by name, the records in them. */
#include "payload.h"
#include "identity.h"
#include "payload_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A section of records, and where they go. */
struct record_kind {
	const char *name;
	size_t size;
	size_t v;		/* offset of the array in struct rp_payload */
	size_t n;
};

#define KIND(name, type, field)						\
	{ RP_PAYLOAD_SECTION_##name, sizeof(struct type),		\
	  offsetof(struct rp_payload, field),				\
	  offsetof(struct rp_payload, n##field) }

static const struct record_kind record_kinds[] = {
	KIND(FUNCTIONS, rp_payload_function, functions),
	KIND(BINDINGS, rp_payload_binding, bindings),
	KIND(HOOKS, rp_payload_hook, hooks),
	KIND(DATA, rp_payload_data, data),
	KIND(MASKS, rp_payload_range, masks),
	KIND(DEPENDS, rp_payload_depend, depends),
};

#define NKINDS	(sizeof(record_kinds) / sizeof(record_kinds[0]))

/* Sections that are not loaded, by what they are. */
struct parts {
	uint32_t header;
	uint32_t strings;
	uint32_t note;
	uint32_t records[NKINDS];
};

static uint32_t *part_by_name(struct parts *parts, const char *name)
{
	if (!strcmp(name, RP_PAYLOAD_SECTION_HEADER))
		return &parts->header;
	if (!strcmp(name, RP_PAYLOAD_SECTION_STRINGS))
		return &parts->strings;
	if (!strcmp(name, RP_PAYLOAD_NOTE_NAME))
		return &parts->note;
	for (size_t i = 0; i < NKINDS; i++) {
		if (!strcmp(name, record_kinds[i].name))
			return &parts->records[i];
	}
	return NULL;
}

static int note_part(struct parts *parts, const struct rp_payload *payload,
		     uint32_t index, struct rp_diag *diag)
{
	const struct rp_section *section = &payload->obj.sections[index];
	uint32_t *part = part_by_name(parts, section->name);
	uint32_t type = part == &parts->note ? SHT_NOTE : SHT_PROGBITS;

	if (!part && strncmp(section->name, ".rp.", 4))
		return 0;
	if (!part)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, section->name,
			"section %u is of a kind that version %u of the format "
			"does not have", index, RP_PAYLOAD_VERSION);
	if (*part)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, section->name,
			"sections %u and %u have the same meaning", *part,
			index);
	if (section->hdr.sh_type != type || section->hdr.sh_flags)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, section->name,
			"section %u has type %u and flags 0x%llx; expected "
			"type %u and no flags", index, section->hdr.sh_type,
			(unsigned long long)section->hdr.sh_flags, type);
	*part = index;
	return 0;
}

static int find_parts(struct parts *parts, const struct rp_payload *payload,
		      struct rp_diag *diag)
{
	int rc = 0;

	for (size_t i = 1; i < payload->obj.nsections && !rc; i++)
		rc = note_part(parts, payload, i, diag);
	if (rc)
		return rc;
	if (!parts->header)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, NULL,
			"not a payload: it has no section %s",
			RP_PAYLOAD_SECTION_HEADER);
	if (!parts->strings || !parts->note || !payload->obj.nsymbols)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, NULL,
			"a payload without %s",
			!parts->strings ? RP_PAYLOAD_SECTION_STRINGS :
			!parts->note ? RP_PAYLOAD_NOTE_NAME :
				       "a symbol table");
	return 0;
}

static uint64_t size_of(const struct rp_payload *payload, uint32_t section)
{
	return payload->obj.sections[section].hdr.sh_size;
}

static int check_version(const struct rp_payload *payload, uint64_t size,
			 struct rp_diag *diag)
{
	const struct rp_payload_header *header = &payload->header;

	if (memcmp(header->magic, RP_PAYLOAD_MAGIC, sizeof(header->magic)))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT,
			RP_PAYLOAD_SECTION_HEADER, "not a payload: its magic "
			"number is another one");
	if (header->version != RP_PAYLOAD_VERSION)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_VERSION,
			RP_PAYLOAD_SECTION_HEADER, "version %u of the format; "
			"this program reads version %u", header->version,
			RP_PAYLOAD_VERSION);
	if (header->size != size || size < sizeof(*header))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT,
			RP_PAYLOAD_SECTION_HEADER, "a header of %u bytes in a "
			"section of %llu; at least %zu expected", header->size,
			(unsigned long long)size, sizeof(*header));
	return 0;
}

// Magic and version first: of other versions nothing else is known.
static int read_header(struct rp_payload *payload, uint32_t section,
		       struct rp_diag *diag)
{
	const uint8_t *bytes = rp_section_data(&payload->obj, section);
	uint64_t size = size_of(payload, section);

	memcpy(&payload->header, bytes,
	       size < sizeof(payload->header) ? size : sizeof(payload->header));
	int rc = check_version(payload, size, diag);
	if (rc)
		return rc;
	for (uint64_t i = sizeof(payload->header); i < size; i++) {
		if (bytes[i])
			return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_VERSION,
				RP_PAYLOAD_SECTION_HEADER, i,
				"the header says something that this program "
				"does not understand");
	}
	return 0;
}

static int check_identity(struct rp_payload *payload, uint32_t section,
			  struct rp_diag *diag)
{
	const struct rp_relobj *obj = &payload->obj;
	uint64_t at = obj->sections[section].hdr.sh_offset +
		      offsetof(struct rp_payload_note, id);
	struct rp_payload_note note;

	if (size_of(payload, section) == sizeof(note))
		memcpy(&note, rp_section_data(obj, section), sizeof(note));
	if (size_of(payload, section) != sizeof(note) ||
	    !rp_payload_note_is_sound(&note))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT,
			RP_PAYLOAD_NOTE_NAME, "not one build-id of %u bytes",
			RP_PAYLOAD_ID_SIZE);
	rp_payload_identity(obj->image, obj->size, at, payload->id);
	if (!memcmp(payload->id, note.id, sizeof(note.id)))
		return 0;
	return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_IDENTITY, "file", at,
		"the file is damaged: its SHA-256 is not the one that it was "
		"written with");
}

static int read_kind(struct rp_payload *payload,
		     const struct record_kind *kind, uint32_t section,
		     struct rp_diag *diag)
{
	void **v = (void **)((char *)payload + kind->v);
	size_t *n = (size_t *)((char *)payload + kind->n);
	uint64_t size;

	if (!section)
		return 0;
	size = size_of(payload, section);
	if (size % kind->size)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD, kind->name,
			"%llu bytes are no whole number of records of %zu "
			"bytes", (unsigned long long)size, kind->size);
	if (size / kind->size > UINT32_MAX - 1)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD, kind->name,
			"too many records");
	// Copied: in the file they are aligned as it likes.
	*v = malloc(size ? size : 1);
	if (!*v)
		return rp_diag_nomem(diag);
	if (size)
		memcpy(*v, rp_section_data(&payload->obj, section), size);
	*n = size / kind->size;
	return 0;
}

static int read_strings(struct rp_payload *payload, uint32_t section,
			struct rp_diag *diag)
{
	const char *s = (const char *)rp_section_data(&payload->obj, section);
	uint64_t size = size_of(payload, section);

	if (!size || size > UINT32_MAX || s[0] || s[size - 1])
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD,
			RP_PAYLOAD_SECTION_STRINGS, "no terminated strings "
			"after an empty one");
	payload->strings = s;
	payload->strings_size = size;
	return rp_payload_check_text(&payload->obj, section, diag);
}

/* The records and strings, as they are in the file; P1, P2. */
static int read_records(struct rp_payload *payload, struct rp_diag *diag)
{
	struct parts parts = { 0 };

	int rc = find_parts(&parts, payload, diag) ?:
		 read_header(payload, parts.header, diag) ?:
		 check_identity(payload, parts.note, diag) ?:
		 read_strings(payload, parts.strings, diag);
	for (size_t i = 0; i < NKINDS && !rc; i++)
		rc = read_kind(payload, &record_kinds[i], parts.records[i],
			       diag);
	return rc;
}

// What relobj says about them is about object files.
static int open_object(struct rp_payload *payload, const void *image,
		       size_t size, struct rp_diag *diag)
{
	int rc = rp_relobj_open(&payload->obj, image, size, diag);

	if (!rc && !payload->obj.nsections)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, NULL,
			"not a payload: compiler bytecode");
	if (rc && (diag->id == RP_DIAG_ARCHIVE || diag->id == RP_DIAG_NOT_REL))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, NULL,
			"not a payload: %s", diag->id == RP_DIAG_ARCHIVE ?
			"a static archive" :
			"an ELF file that is not relocatable");
	if (rc && (diag->id == RP_DIAG_NOT_ELF || diag->id == RP_DIAG_MACHINE))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_FORMAT, NULL,
			"not a payload: %s", diag->id == RP_DIAG_NOT_ELF ?
			"not an ELF file" :
			"an ELF file that is not for x86-64");
	return rc;
}

int rp_payload_open(struct rp_payload *payload, const void *image, size_t size,
		    struct rp_diag *diag)
{
	memset(payload, 0, sizeof(*payload));
	return open_object(payload, image, size, diag) ?:
	       read_records(payload, diag) ?:
	       rp_payload_check_sections(payload, diag) ?:
	       rp_payload_check_symbols(payload, diag) ?:
	       rp_payload_check_records(payload, diag) ?:
	       rp_payload_read_relocs(payload, diag);
}

void rp_payload_close(struct rp_payload *payload)
{
	for (size_t i = 0; i < payload->nrelocs; i++)
		rp_relocs_deinit(&payload->relocs[i].relocs);
	free(payload->relocs);
	free(payload->bound);
	free(payload->functions);
	free(payload->bindings);
	free(payload->hooks);
	free(payload->data);
	free(payload->masks);
	free(payload->depends);
	rp_relobj_close(&payload->obj);
	memset(payload, 0, sizeof(*payload));
}
