/* SPDX-License-Identifier: MIT */
/* Which relocations a payload may have. */
#include "payload_internal.h"
#include "reloc_type.h"

#include <stdlib.h>

static int refuse(const struct rp_payload *payload, uint32_t section,
		  const struct rp_reloc *reloc, struct rp_diag *diag,
		  const char *why)
{
	return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_RELOC,
		payload->obj.sections[section].name, reloc->offset,
		"relocation of type %u against %s: %s", reloc->type,
		payload->obj.symbols[reloc->symbol].name, why);
}

static bool is_descriptor(uint32_t type)
{
	return type == R_X86_64_GOTPC32_TLSDESC ||
	       type == R_X86_64_TLSDESC_CALL || type == R_X86_64_TLSDESC;
}

static int check_undefined(const struct rp_payload *payload, uint32_t section,
			   const struct rp_reloc *reloc, bool is_tls,
			   struct rp_diag *diag)
{
	const struct rp_payload_binding *binding;

	binding = rp_payload_binding_of(payload, reloc->symbol);
	if (!binding)
		return rp_diag_set_at(diag, RP_DIAG_PAYLOAD_UNBOUND,
			payload->obj.sections[section].name, reloc->offset,
			"the symbol %s is used here, but nothing says where "
			"it is", payload->obj.symbols[reloc->symbol].name);
	if (rp_payload_bind_is_tls(binding->kind) != is_tls)
		return refuse(payload, section, reloc, diag, is_tls ?
			"for thread-local variables, but its symbol is none" :
			"not for thread-local variables, but its symbol is "
			"one");
	return 0;
}

static int check_reloc(const struct rp_payload *payload, uint32_t section,
		       const struct rp_reloc *reloc, struct rp_diag *diag)
{
	const struct rp_symbol *s = &payload->obj.symbols[reloc->symbol];
	const struct rp_reloc_type *type = rp_reloc_type(reloc->type);
	const struct rp_section *in = &payload->obj.sections[section];

	if (is_descriptor(reloc->type))
		return refuse(payload, section, reloc, diag, "TLS descriptors "
			"cannot be made by hand; compile with "
			"-mtls-dialect=gnu");
	if (!type)
		return refuse(payload, section, reloc, diag, "a type that "
			"payloads cannot have");
	if (in->hdr.sh_type == SHT_NOBITS ||
	    reloc->offset > in->hdr.sh_size ||
	    in->hdr.sh_size - reloc->offset < type->width)
		return refuse(payload, section, reloc, diag, "not inside the "
			"bytes of its section");
	if (!reloc->symbol || s->section == RP_SECTION_NONE)
		return refuse(payload, section, reloc, diag, "its symbol is in "
			"no section");
	if (!s->section)
		return check_undefined(payload, section, reloc, type->is_tls,
				       diag);
	if (type->is_tls ||
	    !rp_payload_is_loaded(&payload->obj.sections[s->section]))
		return refuse(payload, section, reloc, diag, "its symbol is in "
			"a section that is not loaded, or is not "
			"thread-local");
	return 0;
}

static int read_section(struct rp_payload *payload, uint32_t rela,
			struct rp_diag *diag)
{
	struct rp_payload_relocs *to = &payload->relocs[payload->nrelocs];
	int rc;

	to->section = payload->obj.sections[rela].hdr.sh_info;
	rc = rp_relobj_relocs(&payload->obj, rela, &to->relocs, diag);
	if (rc)
		return rc;
	payload->nrelocs++;
	for (size_t i = 0; i < to->relocs.n && !rc; i++)
		rc = check_reloc(payload, to->section, &to->relocs.v[i], diag);
	return rc;
}

int rp_payload_read_relocs(struct rp_payload *payload, struct rp_diag *diag)
{
	const struct rp_relobj *obj = &payload->obj;
	int rc = 0;

	payload->relocs = calloc(obj->nsections, sizeof(*payload->relocs));
	if (!payload->relocs)
		return rp_diag_nomem(diag);
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;

		if (hdr->sh_type == SHT_RELA && hdr->sh_info &&
		    rp_payload_is_loaded(&obj->sections[hdr->sh_info]))
			rc = read_section(payload, i, diag);
	}
	return rc;
}
