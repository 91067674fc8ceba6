/* SPDX-License-Identifier: MIT */
/* What a payload's undefined symbols are in a process. */
#define _GNU_SOURCE
#include "resolve.h"

#include "../object/path.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/**
 * struct question - one of rp_placement_relocate().
 * @name, @version: of the binding
 */
struct question {
	const struct rp_live_resolver *resolver;
	const struct rp_payload_binding *binding;
	const char *name, *version;
	enum rp_resolve what;
	struct rp_diag *diag;
};

static int failed(const struct question *q, enum rp_diag_id id,
		  const char *why)
{
	return rp_diag_set(q->diag, id, rp_base_name(q->resolver->module->path),
			   "the payload needs %.100s%s%.40s: %s", q->name,
			   *q->version ? "@" : "", q->version, why);
}

/* Addresses of the file, which a payload may have any of. */
static int in_target(const struct question *q, uint64_t value, uint64_t *ret)
{
	const struct rp_module *m = q->resolver->module;
	const uint64_t address = m->bias + value;

	// The end of the last section is one, too.
	if (address < m->low || address > m->high)
		return failed(q, RP_DIAG_LIVE_MISMATCH,
			"its address is not in the target; the payload was "
			"made for another build, or is damaged");
	*ret = address;
	return 0;
}

static int read_slot(const struct question *q, uint64_t *ret)
{
	const struct rp_live_resolver *r = q->resolver;
	uint64_t at = 0;
	int rc = in_target(q, q->binding->slot, &at);

	return rc ? rc : rp_target_read(r->modules->target, at, ret,
					sizeof(*ret));
}

/* Where a function may be. */
static bool is_function(const struct question *q, uint64_t address)
{
	struct rp_modules *modules = q->resolver->modules;
	const struct rp_module *m = rp_modules_at(modules, address);

	return m && rp_module_is_text(m, address);
}

/* Kind 4: the dynamic linker, or the start code, has chosen. */
static int resolve_slot(const struct question *q, uint64_t *ret)
{
	uint64_t value;
	int rc = read_slot(q, &value);

	if (rc == -EINVAL)
		return rc;
	if (rc || !is_function(q, value) ||
	    rp_modules_slot_is_lazy(q->resolver->modules, q->resolver->module,
				    value))
		return failed(q, RP_DIAG_LIVE_SYMBOL,
			"its choice among several functions should be in a "
			"slot of the target, but no function's address is "
			"there; has the process only just been started?");
	*ret = value;
	return 0;
}

/* An import's: filled at the start, or by the first call. */
static bool slot_has_choice(const struct question *q, uint64_t *ret)
{
	const struct rp_live_resolver *r = q->resolver;
	uint64_t value;

	if (!q->binding->slot || read_slot(q, &value) ||
	    !is_function(q, value) ||
	    rp_modules_slot_is_lazy(r->modules, r->module, value))
		return false;
	*ret = value;
	return true;
}

static int resolve_ifunc(const struct question *q,
			 const struct rp_live_symbol *symbol, uint64_t *ret)
{
	const struct rp_live_resolver *r = q->resolver;
	int rc;

	if (slot_has_choice(q, ret))
		return 0;
	rc = rp_modules_ifunc(r->modules, symbol, q->name, ret);
	if (rc == -ENOMEM)
		return rp_diag_nomem(q->diag);
	if (!rc)
		return 0;
	if (r->ifunc && !r->ifunc(r->context, symbol->address, ret)) {
		if (is_function(q, *ret))
			return 0;
		return failed(q, RP_DIAG_LIVE_SYMBOL,
			"it is an IFUNC, and what its resolver returns is no "
			"address of a function");
	}
	return failed(q, RP_DIAG_LIVE_SYMBOL,
		"it is an IFUNC that nothing in the process has used yet, so "
		"its choice is not known; call a function that calls it");
}

/** list_modules() - names of those that were looked at, as many as fit. */
static void list_modules(const struct rp_modules *modules, char *text,
			 size_t size)
{
	size_t used = 0, left = 0;

	*text = 0;
	for (size_t i = 0; i < modules->n; i++) {
		const char *name = rp_base_name(modules->v[i].path);
		const size_t n = strlen(name);

		if (modules->v[i].vdso || modules->v[i].order == UINT32_MAX)
			continue;
		if (left || used + n + 2 + sizeof(", and 65536 more") > size)
			left++;
		else
			used += snprintf(text + used, size - used, "%s%s",
					 used ? ", " : "", name);
	}
	if (left)
		snprintf(text + used, size - used, "%s%zu%s",
			 used ? ", and " : "", left, used ? " more" : "");
}

static int not_found(const struct question *q)
{
	char text[200];

	if (q->binding->flags & RP_BIND_WEAK)
		return -ENOENT;
	list_modules(q->resolver->modules, text, sizeof(text));
	return rp_diag_set(q->diag, RP_DIAG_LIVE_SYMBOL,
		rp_base_name(q->resolver->module->path),
		"the payload needs %.70s%s%.30s, which nothing that the "
		"process has loaded provides to it: looked at %s", q->name,
		*q->version ? "@" : "", q->version, text);
}

static int lookup(const struct question *q, struct rp_live_symbol *symbol)
{
	const struct rp_live_resolver *r = q->resolver;
	// As the target's own references without a version are bound.
	int rc = rp_modules_lookup(r->modules, r->module, q->name,
				   *q->version ? q->version : NULL, symbol);

	if (rc == -ENOENT)
		return not_found(q);
	if (rc == -ENOMEM)
		return rp_diag_nomem(q->diag);
	return rc ? failed(q, RP_DIAG_LIVE_SYMBOL,
			   "the symbol tables in memory cannot be read") : 0;
}

/* A PLT entry of the program that stands for the function's address. */
static bool is_canonical(const struct question *q,
			 const struct rp_live_symbol *symbol)
{
	struct rp_modules *modules = q->resolver->modules;
	struct rp_live_symbol ignored;

	return symbol->module->program &&
	       rp_module_export(modules, rp_modules_at(modules,
						       symbol->module->low),
				q->name, "", &ignored) == -ENOENT;
}

/*
 * What the target's own code uses, once that is known: since it was bound, an
 * object that comes first in the order may have been opened with RTLD_GLOBAL.
 */
static bool slot_is_bound(const struct question *q,
			  const struct rp_live_symbol *symbol, uint64_t *ret)
{
	struct rp_modules *modules = q->resolver->modules;
	uint64_t value;

	if (!q->binding->slot || is_canonical(q, symbol) ||
	    read_slot(q, &value) || !rp_modules_at(modules, value) ||
	    rp_modules_slot_is_lazy(modules, q->resolver->module, value))
		return false;
	*ret = value;
	return true;
}

static int resolve_import(const struct question *q, uint64_t *ret)
{
	struct rp_live_symbol symbol;
	int rc = lookup(q, &symbol);

	if (rc)
		return rc;
	if (symbol.type == STT_TLS)
		return failed(q, RP_DIAG_LIVE_MISMATCH,
			"it is thread-local in the process, and was not when "
			"the payload was made");
	if (symbol.type == STT_GNU_IFUNC)
		return resolve_ifunc(q, &symbol, ret);
	if (!slot_is_bound(q, &symbol, ret))
		*ret = symbol.address;
	return 0;
}

static int tls_of(const struct question *q, const struct rp_module *m,
		  uint64_t offset, uint64_t *ret)
{
	if (offset > m->tls_size)
		return failed(q, RP_DIAG_LIVE_MISMATCH,
			"it lies behind the thread-local storage of its "
			"object; the payload was made for another build");
	switch (q->what) {
	case RP_RESOLVE_TLS_OFFSET:
		*ret = offset;
		return 0;
	case RP_RESOLVE_TLS_MODULE:
		*ret = m->tls_module;
		return m->tls_module ? 0 : failed(q, RP_DIAG_LIVE_TLS,
			"what number the dynamic linker gave to its object's "
			"thread-local storage is not known");
	case RP_RESOLVE_TP_OFFSET:
		*ret = offset - m->tls_offset;
		return m->tls_offset ? 0 : failed(q, RP_DIAG_LIVE_TLS,
			"its object's thread-local storage is at another place "
			"in each thread, as that of objects that dlopen() "
			"loads is; compile the fix with "
			"-ftls-model=global-dynamic");
	default:
		return failed(q, RP_DIAG_LIVE_TLS,
			"it is thread-local, and has no single address");
	}
}

static int resolve_import_tls(const struct question *q, uint64_t *ret)
{
	struct rp_live_symbol symbol;
	int rc = lookup(q, &symbol);

	if (rc)
		return rc;
	if (symbol.type != STT_TLS)
		return failed(q, RP_DIAG_LIVE_MISMATCH,
			"it is not thread-local in the process, and was when "
			"the payload was made");
	return tls_of(q, symbol.module, symbol.address, ret);
}

static int resolve_earlier(const struct question *q,
			   const struct rp_payload *payload, uint64_t *ret)
{
	const struct rp_live_resolver *r = q->resolver;
	const struct rp_payload_depend *depend =
		&payload->depends[q->binding->depend];

	if (r->earlier && !r->earlier(r->context, depend->id, q->name, ret))
		return 0;
	if (q->binding->flags & RP_BIND_WEAK)
		return -ENOENT;
	return rp_diag_set(q->diag, RP_DIAG_LIVE_DEPENDS,
		rp_base_name(r->module->path), "the payload needs %.100s of the "
		"payload %.100s, which is not applied or does not have it; "
		"apply that one first", q->name,
		rp_payload_string(payload, depend->name));
}

static int resolve_root(const struct question *q, uint64_t *ret)
{
	*ret = q->resolver->root;
	return *ret ? 0 : failed(q, RP_DIAG_LIVE_MEMORY,
		"there is no live-patch root in the process");
}

int rp_live_resolve(void *context, const struct rp_payload *payload,
		    const struct rp_payload_binding *binding,
		    enum rp_resolve what, uint64_t *ret, struct rp_diag *diag)
{
	const struct rp_live_resolver *resolver = context;
	const struct question q = {
		.resolver = resolver, .binding = binding, .what = what,
		.name = rp_payload_string(payload, binding->name),
		.version = rp_payload_string(payload, binding->version),
		.diag = diag,
	};

	if (!rp_payload_bind_is_tls(binding->kind) &&
	    what != RP_RESOLVE_ADDRESS)
		return failed(&q, RP_DIAG_LIVE_TLS, "it is not thread-local");
	switch (binding->kind) {
	case RP_BIND_TARGET:
		return in_target(&q, binding->value, ret);
	case RP_BIND_IMPORT:
		return resolve_import(&q, ret);
	case RP_BIND_TLS:
		return tls_of(&q, resolver->module, binding->value, ret);
	case RP_BIND_SLOT:
		return resolve_slot(&q, ret);
	case RP_BIND_PAYLOAD:
		return resolve_earlier(&q, payload, ret);
	case RP_BIND_ROOT:
		return resolve_root(&q, ret);
	case RP_BIND_IMPORT_TLS:
		return resolve_import_tls(&q, ret);
	default:
		return failed(&q, RP_DIAG_LIVE_SYMBOL,
			      "where it is found is of an unknown kind");
	}
}
