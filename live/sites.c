// SPDX-License-Identifier: MIT
/* Site tables of payloads, and the library in the target that has to know. */
#include "sites.h"

#include "../payload/place.h"

#include <repoint/abi.h>
#include <stddef.h>
#include <string.h>

/** struct table - a section, and the fields of its bounds. */
static const struct table {
	const char *section;
	size_t start;
} tables[] = {
	{ "rp_static_call_sites", offsetof(struct rp_object, call_sites) },
	{ "rp_static_key_sites", offsetof(struct rp_object, key_sites) },
	{ "rp_static_call_keys", offsetof(struct rp_object, call_keys) },
	{ "rp_alternatives", offsetof(struct rp_object, alternatives) },
	{ "rp_ops_tables", offsetof(struct rp_object, ops_tables) },
	{ "rp_op_sites", offsetof(struct rp_object, op_sites) },
	{ "rp_op_members", offsetof(struct rp_object, op_members) },
	{ "rp_patchlets", offsetof(struct rp_object, patchlets) },
	{ "rp_op_patchlets", offsetof(struct rp_object, op_patchlets) },
	{ "rp_features", offsetof(struct rp_object, features) },
};

#define NTABLES		(sizeof(tables) / sizeof(tables[0]))

/* The section of a table; 0 if the payload has none. */
static uint32_t section_of(const struct rp_payload *payload,
			   const struct table *table)
{
	for (uint32_t i = 1; i < payload->obj.nsections; i++) {
		const struct rp_section *section = &payload->obj.sections[i];

		if (rp_payload_is_loaded(section) && section->hdr.sh_size &&
		    !strcmp(section->name, table->section))
			return i;
	}
	return 0;
}

bool rp_live_sites_any(const struct rp_payload *payload)
{
	for (size_t i = 0; i < NTABLES; i++) {
		if (section_of(payload, &tables[i]))
			return true;
	}
	return false;
}

/* As the program itself would call it, or the copy that it was linked with. */
static bool find(struct rp_session *s, struct rp_module *module,
		 const char *name, uint64_t *ret)
{
	struct rp_live_symbol symbol;

	if (rp_modules_lookup(&s->modules, module, name, "", &symbol) &&
	    rp_module_local(&s->modules, module, name, &symbol) &&
	    rp_module_local(&s->modules, &s->modules.v[0], name, &symbol))
		return false;
	*ret = symbol.address;
	return symbol.type == STT_FUNC;
}

int rp_live_sites_find(struct rp_session *s, const struct rp_prepared *p,
		  struct rp_record *r)
{
	if (find(s, p->module, "rp_object_register", &r->register_object) &&
	    find(s, p->module, "rp_object_unregister", &r->unregister_object))
		return 0;
	return rp_diag_set(s->diag, RP_DIAG_LIVE_SYMBOL, NULL,
		"the payload has static keys or calls, and rp_object_register() of the library librepoint is not found in process %d: %s has no symbols, nor a debug file",
		s->target.pid, p->module->path);
}

static void set_pointer(struct rp_object *object, size_t offset, uint64_t to)
{
	memcpy((char *)object + offset, &to, sizeof(to));
}

void rp_live_sites_object(const struct rp_prepared *p, uint64_t image,
		     struct rp_object *object)
{
	const struct rp_extent *text = &p->placement->parts[RP_PART_TEXT];

	memset(object, 0, sizeof(*object));
	object->version = RP_ABI_VERSION;
	object->size = sizeof(*object);
	for (size_t i = 0; i < NTABLES; i++) {
		uint32_t section = section_of(p->payload, &tables[i]);
		uint64_t at;

		if (!section)
			continue;
		at = image + p->placement->sections[section];
		set_pointer(object, tables[i].start, at);
		set_pointer(object, tables[i].start + sizeof(at), at +
			    p->payload->obj.sections[section].hdr.sh_size);
	}
	set_pointer(object, offsetof(struct rp_object, text),
		    image + text->offset);
	set_pointer(object, offsetof(struct rp_object, text_end),
		    image + text->offset + text->size);
}

static int call(struct rp_session *s, uint64_t function, uint64_t object,
		int64_t *got)
{
	const uint64_t args[2] = { object };
	int ret = rp_session_agent(s);

	return ret ? ret : rp_agent_call(&s->agent, function, args,
					 RP_LIVE_HOOK_MS, got, s->diag);
}

int rp_live_sites_register(struct rp_session *s, const struct rp_record *r)
{
	int64_t got;
	int ret;

	if (!r->object)
		return 0;
	ret = call(s, r->register_object, r->object, &got);
	if (ret || (int32_t)got >= 0)
		return ret;
	return rp_diag_set(s->diag, RP_DIAG_LIVE_SYMBOL, NULL,
		"the library librepoint in process %d does not take the payload's tables of sites: %s",
		s->target.pid, strerror(-(int32_t)got));
}

int rp_live_sites_unregister(struct rp_session *s, const struct rp_record *r)
{
	int64_t got;

	/* With its library, all that it knew is gone. */
	if (!r->object || !rp_modules_at(&s->modules, r->unregister_object))
		return 0;
	return call(s, r->unregister_object, r->object, &got);
}
