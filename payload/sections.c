/* SPDX-License-Identifier: MIT */
/* What a payload's sections and symbols may be. */
#include "payload_internal.h"
#include "text.h"

#include <string.h>

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN	(1u << 21)	/* not in every <elf.h> */
#endif

#define FLAGS_KNOWN	(SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR |	\
			 SHF_MERGE | SHF_STRINGS | SHF_GNU_RETAIN)

int rp_payload_check_text(const struct rp_relobj *obj, uint32_t section,
			  struct rp_diag *diag)
{
	const char *s = (const char *)rp_section_data(obj, section);
	uint64_t size = obj->sections[section].hdr.sh_size;

	for (uint64_t at = 0; at < size; at += strlen(s + at) + 1) {
		if (!rp_text_is_printable(s + at))
			return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_RECORD,
				obj->sections[section].name, at,
				"a string that is not printable UTF-8");
	}
	return 0;
}

static int refuse(struct rp_diag *diag, const struct rp_section *section,
		  const char *why)
{
	return rp_diag_set(diag, RP_DIAG_PAYLOAD_SECTION, section->name,
		"%s (type 0x%x, flags 0x%llx)", why, section->hdr.sh_type,
		(unsigned long long)section->hdr.sh_flags);
}

// Compilers of LLVM give .eh_frame a type of its own.
static bool has_loaded_type(const struct rp_section *section, bool eh_frame)
{
	uint32_t type = section->hdr.sh_type;

	return type == SHT_PROGBITS || (type == SHT_NOBITS && !eh_frame) ||
	       (type == SHT_X86_64_UNWIND && eh_frame);
}

static bool is_named(const struct rp_section *section, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(section->name, name, n) &&
	       (!section->name[n] || section->name[n] == '.');
}

static int check_loaded(struct rp_payload *payload, uint32_t index,
			struct rp_diag *diag)
{
	const struct rp_section *section = &payload->obj.sections[index];
	bool eh_frame = !strcmp(section->name, ".eh_frame");
	uint64_t flags = section->hdr.sh_flags;

	if (flags & SHF_TLS)
		return refuse(diag, section, "new thread-local variables "
			"cannot be added to a program that runs");
	if (section->hdr.sh_type == SHT_INIT_ARRAY ||
	    section->hdr.sh_type == SHT_FINI_ARRAY ||
	    section->hdr.sh_type == SHT_PREINIT_ARRAY ||
	    is_named(section, ".ctors") || is_named(section, ".dtors"))
		return refuse(diag, section, "functions that run at start or "
			"exit: the program has started already; use a hook");
	if (!has_loaded_type(section, eh_frame))
		return refuse(diag, section, "a section of this type cannot "
			"be loaded");
	if (flags & ~(uint64_t)FLAGS_KNOWN)
		return refuse(diag, section, "flags that a loaded section "
			"cannot have");
	if ((flags & SHF_EXECINSTR) &&
	    ((flags & SHF_WRITE) || section->hdr.sh_type == SHT_NOBITS))
		return refuse(diag, section, flags & SHF_WRITE ?
			"both writable and executable" :
			"code without bytes");
	if (section->hdr.sh_addralign > RP_PAYLOAD_ALIGN_MAX)
		return refuse(diag, section, "an alignment of more than 4096 "
			"bytes");
	if (eh_frame && (payload->eh_frame || flags != SHF_ALLOC))
		return refuse(diag, section, payload->eh_frame ?
			"a second one" : "must be read-only");
	if (eh_frame)
		payload->eh_frame = index;
	return 0;
}

static int check_other(const struct rp_section *section, struct rp_diag *diag)
{
	switch (section->hdr.sh_type) {
	case SHT_NULL:
	case SHT_PROGBITS:
	case SHT_NOTE:
	case SHT_RELA:
	case SHT_SYMTAB:
	case SHT_STRTAB:
		return 0;
	default:
		return refuse(diag, section, "payloads have no sections of "
			"this type");
	}
}

int rp_payload_check_sections(struct rp_payload *payload,
			      struct rp_diag *diag)
{
	const struct rp_relobj *obj = &payload->obj;
	uint64_t total = 0;

	int rc = rp_payload_check_text(obj, obj->shstrtab, diag);
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (!rp_text_is_start(section->name[0]))
			rc = refuse(diag, section, "a name that is not UTF-8");
		else if (!rp_payload_is_loaded(section))
			rc = check_other(section, diag);
		else
			rc = check_loaded(payload, i, diag);
		if (rc || !rp_payload_is_loaded(section))
			continue;
		if (section->hdr.sh_size > RP_PAYLOAD_SIZE_MAX - total)
			return refuse(diag, section, "more than 256 MiB to be "
				"loaded");
		total += section->hdr.sh_size;
	}
	return rc;
}

static int bad_symbol(const struct rp_payload *payload, size_t index,
		      struct rp_diag *diag, const char *why)
{
	return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_SYMBOL, "symbol table",
		index * sizeof(Elf64_Sym), "symbol %zu (%s) %s", index,
		payload->obj.symbols[index].name, why);
}

static int check_defined(const struct rp_payload *payload, size_t index,
			 struct rp_diag *diag)
{
	const struct rp_symbol *symbol = &payload->obj.symbols[index];
	uint64_t size = payload->obj.sections[symbol->section].hdr.sh_size;

	switch (symbol->type) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_SECTION:
		break;
	case STT_GNU_IFUNC:
		return bad_symbol(payload, index, diag, "is an IFUNC: nobody "
			"would choose its implementation");
	default:
		return bad_symbol(payload, index, diag, "has a type that "
			"nothing in a payload can have");
	}
	if (symbol->value > size || symbol->size > size - symbol->value)
		return bad_symbol(payload, index, diag, "is not inside its "
			"section");
	return 0;
}

static int check_symbol(const struct rp_payload *payload, size_t index,
			struct rp_diag *diag)
{
	const struct rp_symbol *symbol = &payload->obj.symbols[index];

	if (!rp_text_is_start(symbol->name[0]))
		return bad_symbol(payload, index, diag, "has a name that is "
			"not UTF-8");
	if ((symbol->bind == STB_LOCAL) != (index < payload->obj.first_global))
		return bad_symbol(payload, index, diag, "is in the wrong half "
			"of the symbol table");
	if (symbol->section == RP_SECTION_NONE)
		return symbol->type == STT_FILE ? 0 :
			bad_symbol(payload, index, diag, "is absolute or "
				   "common; it must be in a section");
	return symbol->section ? check_defined(payload, index, diag) : 0;
}

int rp_payload_check_symbols(const struct rp_payload *payload,
			     struct rp_diag *diag)
{
	const struct rp_relobj *obj = &payload->obj;

	int rc = rp_payload_check_text(obj, obj->sections[obj->symtab].hdr.sh_link,
				       diag);
	for (size_t i = 1; i < obj->nsymbols && !rc; i++)
		rc = check_symbol(payload, i, diag);
	return rc;
}
