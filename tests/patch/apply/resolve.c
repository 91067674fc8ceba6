/* SPDX-License-Identifier: MIT */
/* What a payload's undefined symbols are in this process. */
#define _GNU_SOURCE
#include "apply.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

void *__tls_get_addr(size_t *index);

static int failed(struct rp_diag *diag, const char *name, const char *why)
{
	return rp_diag_set(diag, RP_DIAG_PAYLOAD_UNBOUND, NULL, "%s: %s", name,
			   why);
}

static void *find_in(void *scope, const char *name, const char *version)
{
	return *version ? dlvsym(scope, name, version) : dlsym(scope, name);
}

/* The global scope first, then what the target has loaded itself. */
static void *import(const struct applied *a, const char *name,
		    const char *version)
{
	void *got = find_in(RTLD_DEFAULT, name, version);
	void *scope;

	if (got || !*a->target.name)
		return got;
	scope = dlopen(a->target.name, RTLD_NOW | RTLD_NOLOAD);
	if (!scope)
		return NULL;
	got = find_in(scope, name, version);
	dlclose(scope);
	return got;
}

static uint64_t thread_pointer(void)
{
	uint64_t tp;

	__asm__("mov %%fs:0, %0" : "=r"(tp));
	return tp;
}

static uint64_t tp_offset(const size_t index[2])
{
	size_t copy[2] = { index[0], index[1] };

	return (uint64_t)__tls_get_addr(copy) - thread_pointer();
}

static void *other_thread(void *index)
{
	return (void *)tp_offset(index);
}

/* A block that was allocated later is elsewhere in each thread. */
static int static_offset(size_t module, uint64_t offset, uint64_t *ret)
{
	size_t index[2] = { module, offset };
	void *other;
	pthread_t thread;

	*ret = tp_offset(index);
	if (pthread_create(&thread, NULL, other_thread, index) ||
	    pthread_join(thread, &other))
		return -EAGAIN;
	return (uint64_t)other == *ret ? 0 : -EINVAL;
}

static int resolve_tls(const char *name, size_t module, uint64_t offset,
		       enum rp_resolve what, uint64_t *ret,
		       struct rp_diag *diag)
{
	switch (what) {
	case RP_RESOLVE_TLS_MODULE:
		*ret = module;
		return 0;
	case RP_RESOLVE_TLS_OFFSET:
		*ret = offset;
		return 0;
	case RP_RESOLVE_TP_OFFSET:
		return static_offset(module, offset, ret) ?
		       failed(diag, name, "its block is dynamic") : 0;
	default:
		return failed(diag, name, "has no single address");
	}
}

static int resolve_import_tls(const struct applied *a, const char *name,
			      const char *version, enum rp_resolve what,
			      uint64_t *ret, struct rp_diag *diag)
{
	void *here = import(a, name, version);
	uint64_t offset;
	size_t module;

	if (!here)
		return -ENOENT;
	if (find_tls_module((uint64_t)here, &module, &offset))
		return failed(diag, name, "in no block of this thread");
	return resolve_tls(name, module, offset, what, ret, diag);
}

static int resolve_earlier(const struct rp_payload *payload,
			   const struct rp_payload_binding *b, uint64_t *ret)
{
	const uint8_t *id = payload->depends[b->depend].id;
	const char *name = rp_payload_string(payload, b->name);

	for (struct applied *e = rp_test_top; e; e = e->below) {
		const struct rp_relobj *obj = &e->payload.obj;

		if (memcmp(e->payload.id, id, RP_PAYLOAD_ID_SIZE))
			continue;
		for (uint32_t i = 1; i < obj->nsymbols; i++) {
			const struct rp_symbol *s = &obj->symbols[i];

			if (!s->section || s->section >= obj->nsections ||
			    e->placement.sections[s->section] == RP_PLACE_NONE ||
			    strcmp(s->name, name))
				continue;
			*ret = (uint64_t)defined(e, i);
			return 0;
		}
	}
	return -ENOENT;
}

/* One for the process, in reach of the first target: code may hold rel32. */
static uint64_t root(const struct applied *a)
{
	static void *page;

	if (!page)
		page = map_near(&a->target, RP_PLACE_PAGE, RP_PLACE_PAGE);
	return (uint64_t)page;
}

int resolve(void *context, const struct rp_payload *payload,
	    const struct rp_payload_binding *b, enum rp_resolve what,
	    uint64_t *ret, struct rp_diag *diag)
{
	const struct applied *a = context;
	const char *name = rp_payload_string(payload, b->name);
	const char *version = rp_payload_string(payload, b->version);

	switch (b->kind) {
	case RP_BIND_TARGET:
		*ret = a->target.bias + b->value;
		return 0;
	case RP_BIND_IMPORT:
		*ret = (uint64_t)import(a, name, version);
		return *ret ? 0 : -ENOENT;
	case RP_BIND_TLS:
		return resolve_tls(name, a->target.tls_module, b->value, what,
				   ret, diag);
	case RP_BIND_SLOT:
		memcpy(ret, (void *)(a->target.bias + b->slot), sizeof(*ret));
		return 0;
	case RP_BIND_PAYLOAD:
		return resolve_earlier(payload, b, ret);
	case RP_BIND_ROOT:
		*ret = root(a);
		return *ret ? 0 : -ENOMEM;
	case RP_BIND_IMPORT_TLS:
		return resolve_import_tls(a, name, version, what, ret, diag);
	default:
		return failed(diag, name, "unknown kind");
	}
}
