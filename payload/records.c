/* SPDX-License-Identifier: MIT */
/* What the records of a payload may say. */
#include "payload_internal.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* One record, for messages. */
struct place {
	const char *section;
	size_t index;
	size_t size;
	struct rp_diag *diag;
};

static int refuse(const struct place *place, const char *why)
{
	return rp_diag_set_at(place->diag, RP_DIAG_PAYLOAD_RECORD,
		place->section, place->index * place->size, "record %zu: %s",
		place->index, why);
}

// Strings were checked where they start; this is a start of one, or inside one.
static bool is_string(const struct rp_payload *payload, uint32_t offset)
{
	return offset < payload->strings_size &&
	       rp_text_is_start(payload->strings[offset]);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-_.+", c));
}

static bool is_name(const char *s)
{
	if (!*s)
		return false;
	while (*s && is_name_char(*s))
		s++;
	return !*s;
}

static int check_header(const struct rp_payload *payload,
			struct rp_diag *diag)
{
	const struct place place = { RP_PAYLOAD_SECTION_HEADER, 0, 0, diag };
	const struct rp_payload_header *header = &payload->header;

	if (!is_string(payload, header->name) ||
	    !is_string(payload, header->patch_version) ||
	    !is_string(payload, header->description) ||
	    !is_string(payload, header->tool) ||
	    !is_string(payload, header->target))
		return refuse(&place, "a string that does not exist");
	if (!is_name(rp_payload_string(payload, header->name)))
		return refuse(&place, "the patch's name is not made of "
			"letters, digits and -_.+");
	if (strchr(rp_payload_string(payload, header->target), '/'))
		return refuse(&place, "the target's name has directories");
	if (!header->build_id_size ||
	    header->build_id_size > RP_PAYLOAD_BUILD_ID_MAX)
		return refuse(&place, "the target's build-id has no byte, or "
			"more than 64");
	for (size_t i = header->build_id_size; i < RP_PAYLOAD_BUILD_ID_MAX; i++)
		if (header->build_id[i])
			return refuse(&place, "bytes behind the build-id");
	return header->reserved ? refuse(&place, "reserved is not 0") : 0;
}

static bool is_defined(const struct rp_payload *payload, uint32_t symbol)
{
	if (!symbol || symbol >= payload->obj.nsymbols)
		return false;
	uint32_t section = payload->obj.symbols[symbol].section;
	return section && section != RP_SECTION_NONE &&
	       rp_payload_is_loaded(&payload->obj.sections[section]);
}

static bool is_undefined(const struct rp_payload *payload, uint32_t symbol)
{
	return symbol && symbol < payload->obj.nsymbols &&
	       !payload->obj.symbols[symbol].section;
}

static bool is_function(const struct rp_payload *payload, uint32_t symbol)
{
	if (!is_defined(payload, symbol))
		return false;
	const struct rp_symbol *s = &payload->obj.symbols[symbol];
	return s->type == STT_FUNC &&
	       rp_section_is_text(&payload->obj.sections[s->section]) &&
	       s->value < payload->obj.sections[s->section].hdr.sh_size;
}

static int check_masks(const struct rp_payload *payload,
		       const struct rp_payload_function *f,
		       const struct place *place)
{
	for (uint32_t i = 0; i < f->nmasks; i++) {
		const struct rp_payload_range *mask;

		mask = &payload->masks[f->first_mask + i];
		if (!mask->size || mask->offset > f->old_size ||
		    mask->size > f->old_size - mask->offset)
			return refuse(place, "a mask that is not inside the "
				"function");
	}
	return 0;
}

static int check_function(const struct rp_payload *payload,
			  const struct rp_payload_function *f,
			  const struct place *place)
{
	if (!is_string(payload, f->name) || !is_string(payload, f->file))
		return refuse(place, "a string that does not exist");
	if (!*rp_payload_string(payload, f->name) || !f->position)
		return refuse(place, "no name, or no position");
	if (f->flags || f->reserved)
		return refuse(place, "flags or reserved are not 0");
	if (!is_function(payload, f->symbol))
		return refuse(place, "its symbol is not a function of the "
			"payload");
	if (f->detour != 0 && f->detour != 4)
		return refuse(place, "the detour is neither at 0 nor at 4");
	if (f->old_size < f->detour + RP_PAYLOAD_DETOUR_SIZE)
		return refuse(place, "the old function is shorter than its "
			"detour");
	if (f->old_size > UINT64_MAX - f->address)
		return refuse(place, "the old function is longer than the "
			"address space");
	if (!f->cold != !f->cold_size || f->cold_size > UINT64_MAX - f->cold)
		return refuse(place, "the cold part has no address, no size, or "
			"is longer than the address space");
	return check_masks(payload, f, place);
}

/*
 * Masks belong to one function each, and are in the order of the functions: a
 * small file must not ask for much work.
 */
static int check_functions(const struct rp_payload *payload,
			   struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_FUNCTIONS, 0,
			       sizeof(*payload->functions), diag };
	uint32_t next_mask = 0;
	int rc = 0;

	for (size_t i = 0; i < payload->nfunctions && !rc; i++) {
		const struct rp_payload_function *f = &payload->functions[i];

		place.index = i;
		if (f->first_mask != next_mask ||
		    f->nmasks > payload->nmasks - next_mask)
			return refuse(&place, "its masks do not exist, or do "
				"not follow those of the function before");
		next_mask += f->nmasks;
		rc = check_function(payload, f, &place);
	}
	if (!rc && next_mask != payload->nmasks)
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RECORD,
			RP_PAYLOAD_SECTION_MASKS, "masks that belong to no "
			"function");
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct rp_payload_function *x = *(struct rp_payload_function **)a;
	const struct rp_payload_function *y = *(struct rp_payload_function **)b;

	return (x->address > y->address) - (x->address < y->address);
}

static int check_overlap(const struct rp_payload *payload,
			 struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_FUNCTIONS, 0,
			       sizeof(*payload->functions), diag };
	const struct rp_payload_function **v;
	int rc = 0;

	if (!payload->nfunctions)
		return 0;
	v = malloc(payload->nfunctions * sizeof(*v));
	if (!v)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < payload->nfunctions; i++)
		v[i] = &payload->functions[i];
	qsort(v, payload->nfunctions, sizeof(*v), by_address);
	for (size_t i = 1; i < payload->nfunctions && !rc; i++) {
		place.index = v[i] - payload->functions;
		if (v[i]->address - v[i - 1]->address < v[i - 1]->old_size)
			rc = refuse(&place, "the old function shares bytes "
				"with another one that is replaced");
	}
	free(v);
	return rc;
}

static bool is_import(uint32_t kind)
{
	return kind == RP_BIND_IMPORT || kind == RP_BIND_IMPORT_TLS;
}

/* Fields that a kind of binding does not use are zero. */
static int check_binding_fields(const struct rp_payload *payload,
				const struct rp_payload_binding *b,
				const struct place *place)
{
	bool named = is_import(b->kind) || b->kind == RP_BIND_PAYLOAD;
	bool counted = b->kind == RP_BIND_TARGET || b->kind == RP_BIND_TLS ||
		       b->kind == RP_BIND_SLOT;

	if (named && !*rp_payload_string(payload, b->name))
		return refuse(place, "found by name, but it has none");
	if (b->position && !counted)
		return refuse(place, "a position that its kind does not have");
	if (b->version && !is_import(b->kind))
		return refuse(place, "a version that its kind does not have");
	if (b->slot && b->kind != RP_BIND_SLOT && b->kind != RP_BIND_IMPORT)
		return refuse(place, "a slot that its kind does not have");
	if (b->kind == RP_BIND_SLOT && !b->slot)
		return refuse(place, "a slot is missing");
	if (b->kind == RP_BIND_PAYLOAD ? b->depend >= payload->ndepends :
					 b->depend)
		return refuse(place, "a payload that it does not depend on");
	return 0;
}

static int check_binding(struct rp_payload *payload,
			 const struct rp_payload_binding *b,
			 const struct place *place)
{
	if (!is_string(payload, b->name) || !is_string(payload, b->file) ||
	    !is_string(payload, b->version))
		return refuse(place, "a string that does not exist");
	if (!b->kind || b->kind >= RP_BIND_NR)
		return refuse(place, "of a kind that does not exist");
	if ((b->flags & ~(RP_BIND_WEAK | RP_BIND_FUNCTION)) || b->reserved)
		return refuse(place, "flags that do not exist, or reserved "
			"is not 0");
	if (!is_undefined(payload, b->symbol))
		return refuse(place, "its symbol is not an undefined one");
	if (payload->bound[b->symbol])
		return refuse(place, "its symbol has a binding already");
	payload->bound[b->symbol] = place->index + 1;
	return check_binding_fields(payload, b, place);
}

static int check_bindings(struct rp_payload *payload, struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_BINDINGS, 0,
			       sizeof(*payload->bindings), diag };
	int rc = 0;

	payload->bound = calloc(payload->obj.nsymbols,
				sizeof(*payload->bound));
	if (!payload->bound)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < payload->nbindings && !rc; i++) {
		place.index = i;
		rc = check_binding(payload, &payload->bindings[i], &place);
	}
	return rc;
}

static int check_hooks(const struct rp_payload *payload, struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_HOOKS, 0,
			       sizeof(*payload->hooks), diag };

	for (size_t i = 0; i < payload->nhooks; i++) {
		const struct rp_payload_hook *hook = &payload->hooks[i];

		place.index = i;
		if (!hook->kind || hook->kind >= RP_HOOK_NR)
			return refuse(&place, "of a kind that does not exist");
		if (!is_function(payload, hook->symbol))
			return refuse(&place, "its symbol is not a function "
				"of the payload");
	}
	return 0;
}

static bool has_bytes(const struct rp_payload *payload, uint32_t symbol,
		      uint64_t size)
{
	if (!is_defined(payload, symbol))
		return false;
	const struct rp_symbol *s = &payload->obj.symbols[symbol];
	return size <= payload->obj.sections[s->section].hdr.sh_size - s->value;
}

static int check_data(const struct rp_payload *payload, struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_DATA, 0,
			       sizeof(*payload->data), diag };

	for (size_t i = 0; i < payload->ndata; i++) {
		const struct rp_payload_data *d = &payload->data[i];
		const struct rp_payload_binding *b = NULL;

		place.index = i;
		if (is_undefined(payload, d->target))
			b = rp_payload_binding_of(payload, d->target);
		if (!b || b->kind != RP_BIND_TARGET)
			return refuse(&place, "what it sets is not bound to "
				"the target");
		if (!d->size || d->reserved)
			return refuse(&place, "no bytes, or reserved is not 0");
		if (!has_bytes(payload, d->value, d->size) ||
		    !has_bytes(payload, d->expected, d->size))
			return refuse(&place, "its bytes are not inside a "
				"section that is loaded");
	}
	return 0;
}

static int check_depends(const struct rp_payload *payload,
			 struct rp_diag *diag)
{
	struct place place = { RP_PAYLOAD_SECTION_DEPENDS, 0,
			       sizeof(*payload->depends), diag };

	for (size_t i = 0; i < payload->ndepends; i++) {
		place.index = i;
		if (!is_string(payload, payload->depends[i].name))
			return refuse(&place, "a string that does not exist");
		if (payload->depends[i].reserved)
			return refuse(&place, "reserved is not 0");
	}
	return 0;
}

int rp_payload_check_records(struct rp_payload *payload, struct rp_diag *diag)
{
	return check_header(payload, diag) ?:
	       check_depends(payload, diag) ?:
	       check_functions(payload, diag) ?:
	       check_overlap(payload, diag) ?:
	       check_bindings(payload, diag) ?:
	       check_hooks(payload, diag) ?:
	       check_data(payload, diag);
}

const char *rp_payload_hook_name(enum rp_payload_hook_kind kind)
{
	static const char *const names[RP_HOOK_NR] = {
		[RP_HOOK_PRE_APPLY] = "pre-apply",
		[RP_HOOK_APPLY] = "apply",
		[RP_HOOK_POST_APPLY] = "post-apply",
		[RP_HOOK_PRE_REVERT] = "pre-revert",
		[RP_HOOK_REVERT] = "revert",
		[RP_HOOK_POST_REVERT] = "post-revert",
	};

	return names[kind];
}
