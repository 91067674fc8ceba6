/* SPDX-License-Identifier: MIT */
/* Applying and reverting, for tests. */
#define _GNU_SOURCE
#include "apply.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

struct applied *rp_test_top;

static char error[600];

const char *rp_test_error(void)
{
	return error;
}

static int fail(int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, sizeof(error), fmt, args);
	va_end(args);
	return code;
}

static int read_file(const char *path, struct applied *a)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fail(-errno, "%s: %m", path);
	a->file_size = st.st_size;
	a->file = mmap(NULL, a->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (a->file != MAP_FAILED)
		return 0;
	a->file = NULL;
	return fail(-ENOMEM, "%s: cannot be mapped", path);
}

static uint8_t *old_place(const struct applied *a,
			  const struct rp_payload_function *f)
{
	return (uint8_t *)(a->target.bias + f->address);
}

static const char *string(const struct applied *a, uint32_t offset)
{
	return rp_payload_string(&a->payload, offset);
}

/* What was there before payloads that are applied wrote their detours. */
static void take_detours_off(const struct applied *a,
			     const struct rp_payload_function *f, uint8_t *copy)
{
	for (const struct applied *e = rp_test_top; e; e = e->below) {
		for (size_t i = 0; i < e->payload.nfunctions; i++) {
			const struct rp_payload_function *g =
				&e->payload.functions[i];

			if (old_place(e, g) == old_place(a, f))
				memcpy(copy + g->detour, e->saved[i],
				       RP_PAYLOAD_DETOUR_SIZE);
		}
	}
}

static bool is_as_expected(const struct applied *a,
			   const struct rp_payload_function *f)
{
	uint8_t hash[32];
	uint8_t *copy = malloc(f->old_size);

	if (!copy)
		return false;
	memcpy(copy, old_place(a, f), f->old_size);
	take_detours_off(a, f, copy);
	for (uint32_t i = 0; i < f->nmasks; i++) {
		const struct rp_payload_range *m =
			&a->payload.masks[f->first_mask + i];

		memset(copy + m->offset, 0, m->size);
	}
	crypto_hash_sha256(hash, copy, f->old_size);
	free(copy);
	return !memcmp(hash, f->hash, sizeof(hash));
}

static int check_functions(const struct applied *a)
{
	for (size_t i = 0; i < a->payload.nfunctions; i++) {
		const struct rp_payload_function *f = &a->payload.functions[i];

		if (!is_as_expected(a, f))
			return fail(-EILSEQ, "%s is not what was expected",
				    string(a, f->name));
	}
	return 0;
}

static int check_depends(const struct applied *a)
{
	for (size_t i = 0; i < a->payload.ndepends; i++) {
		const struct rp_payload_depend *d = &a->payload.depends[i];
		const struct applied *e = rp_test_top;

		while (e && memcmp(e->payload.id, d->id, sizeof(d->id)))
			e = e->below;
		if (!e)
			return fail(-ENOENT, "%s is not applied",
				    string(a, d->name));
	}
	return 0;
}

static uint64_t data_place(const struct applied *a,
			   const struct rp_payload_data *d)
{
	return a->target.bias +
	       rp_payload_binding_of(&a->payload, d->target)->value;
}

static int check_data(struct applied *a)
{
	size_t all = 0, at = 0;

	for (size_t i = 0; i < a->payload.ndata; i++)
		all += a->payload.data[i].size;
	a->was = malloc(all + 1);
	if (!a->was)
		return fail(-ENOMEM, "no memory");
	for (size_t i = 0; i < a->payload.ndata; i++) {
		const struct rp_payload_data *d = &a->payload.data[i];
		const void *place = (const void *)data_place(a, d);

		if (memcmp(place, defined(a, d->expected), d->size))
			return fail(-EILSEQ, "%s has another value",
				    rp_payload_symbol(&a->payload,
						      d->target)->name);
		memcpy(a->was + at, place, d->size);
		at += d->size;
	}
	return 0;
}

static int protect_part(const struct applied *a, enum rp_part part, int access)
{
	const struct rp_extent *e = &a->placement.parts[part];

	if (!e->size || !mprotect(a->image + e->offset, e->size, access))
		return 0;
	return fail(-errno, "mprotect: %m");
}

static int place(struct applied *a)
{
	const struct rp_resolver resolver = { resolve, a };
	struct rp_placement *p = &a->placement;
	struct rp_diag diag = { 0 };
	int rc = rp_placement_init(p, &a->payload, &diag);

	if (rc)
		return fail(rc, "%s [RP%04u]", diag.text, diag.id);
	if (!p->size)
		return 0;
	a->image = map_near(&a->target, p->size, p->align);
	if (!a->image)
		return fail(-ENOMEM, "no room near %s", a->target.name);
	rc = rp_placement_relocate(p, (uint64_t)a->image, a->image, &resolver,
				   &diag);
	if (rc)
		return fail(rc, "%s: %s [RP%04u]", diag.where, diag.text,
			    diag.id);
	rc = protect_part(a, RP_PART_TEXT, PROT_READ | PROT_EXEC);
	return rc ? rc : protect_part(a, RP_PART_CONSTS, PROT_READ);
}

static int prepare(struct applied *a, const char *path)
{
	struct rp_diag diag = { 0 };
	int rc = read_file(path, a);

	if (rc)
		return rc;
	rc = rp_payload_open(&a->payload, a->file, a->file_size, &diag);
	if (rc)
		return fail(rc, "%s: %s: %s [RP%04u]", path, diag.where,
			    diag.text, diag.id);
	rc = find_module(a->payload.header.build_id,
			 a->payload.header.build_id_size, &a->target);
	if (rc)
		return fail(rc, "%s: its target is not here", path);
	rc = check_depends(a);
	if (!rc)
		rc = check_functions(a);
	if (!rc)
		rc = place(a);
	return rc ? rc : check_data(a);
}

/* Pre-hooks return a value; the first that is not 0 ends it. */
static int run_hooks(const struct applied *a, uint32_t kind)
{
	bool vetoes = kind == RP_HOOK_PRE_APPLY || kind == RP_HOOK_PRE_REVERT;

	for (size_t i = 0; i < a->payload.nhooks; i++) {
		const struct rp_payload_hook *h = &a->payload.hooks[i];
		uint8_t *at = defined(a, h->symbol);
		int rc = 0;

		if (h->kind != kind)
			continue;
		if (vetoes)
			rc = ((int (*)(void))at)();
		else
			((void (*)(void))at)();
		if (rc)
			return fail(rc, "%s: vetoed", rp_payload_symbol(
				    &a->payload, h->symbol)->name);
	}
	return 0;
}

/* Code and data of the target, whatever its pages permit otherwise. */
static int write_at(void *place, const void *bytes, size_t size, int access)
{
	uint64_t start = (uint64_t)place & -(uint64_t)RP_PLACE_PAGE;
	size_t length = (uint64_t)place + size - start;

	if (mprotect((void *)start, length, PROT_READ | PROT_WRITE | access))
		return fail(-errno, "mprotect: %m");
	memcpy(place, bytes, size);
	if (access && mprotect((void *)start, length, PROT_READ | access))
		return fail(-errno, "mprotect: %m");
	return 0;
}

static int write_detours(struct applied *a)
{
	for (size_t i = 0; i < a->payload.nfunctions; i++) {
		const struct rp_payload_function *f = &a->payload.functions[i];
		uint8_t jump[RP_PAYLOAD_DETOUR_SIZE] = { 0xe9 };
		uint8_t *at = old_place(a, f) + f->detour;
		int64_t distance = defined(a, f->symbol) - (at + sizeof(jump));
		int32_t field = distance;
		int rc;

		if (field != distance)
			return fail(-ERANGE, "%s is out of reach",
				    string(a, f->name));
		memcpy(a->saved[i], at, sizeof(jump));
		memcpy(jump + 1, &field, sizeof(field));
		rc = write_at(at, jump, sizeof(jump), PROT_EXEC);
		if (rc)
			return rc;
	}
	return 0;
}

static int set_data(struct applied *a)
{
	int rc = 0;

	for (size_t i = 0; i < a->payload.ndata && !rc; i++) {
		const struct rp_payload_data *d = &a->payload.data[i];

		rc = write_at((void *)data_place(a, d), defined(a, d->value),
			      d->size, 0);
	}
	return rc;
}

extern void __register_frame(void *eh_frame);
extern void __deregister_frame(void *eh_frame);

static void register_frames(struct applied *a)
{
	const struct rp_extent *e = &a->placement.eh_frame;

	if (!e->size)
		return;
	__register_frame(a->image + e->offset);
	a->registered = true;
}

static void drop(struct applied *a)
{
	if (a->registered)
		__deregister_frame(a->image + a->placement.eh_frame.offset);
	if (a->image)
		munmap(a->image, a->placement.size);
	rp_placement_deinit(&a->placement);
	rp_payload_close(&a->payload);
	if (a->file)
		munmap(a->file, a->file_size);
	free(a->saved);
	free(a->was);
	free(a);
}

static int apply(struct applied *a)
{
	int rc;

	a->saved = calloc(a->payload.nfunctions + 1, sizeof(*a->saved));
	if (!a->saved)
		return fail(-ENOMEM, "no memory");
	register_frames(a);
	rc = run_hooks(a, RP_HOOK_PRE_APPLY);
	if (!rc)
		rc = write_detours(a);
	if (!rc)
		rc = set_data(a);
	if (rc)
		return rc;
	run_hooks(a, RP_HOOK_APPLY);
	a->below = rp_test_top;
	rp_test_top = a;
	run_hooks(a, RP_HOOK_POST_APPLY);
	return 0;
}

int rp_test_apply(const char *path)
{
	struct applied *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return fail(-ENOMEM, "no memory");
	rc = prepare(a, path);
	if (!rc)
		rc = apply(a);
	if (rc)
		drop(a);
	return rc;
}

/* Only what still is what was set. */
static int restore_data(struct applied *a)
{
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; i < a->payload.ndata && !rc; i++) {
		const struct rp_payload_data *d = &a->payload.data[i];
		void *place = (void *)data_place(a, d);

		if (!memcmp(place, defined(a, d->value), d->size))
			rc = write_at(place, a->was + at, d->size, 0);
		at += d->size;
	}
	return rc;
}

static int restore_functions(struct applied *a)
{
	int rc = 0;

	for (size_t i = a->payload.nfunctions; i-- > 0 && !rc;) {
		const struct rp_payload_function *f = &a->payload.functions[i];

		rc = write_at(old_place(a, f) + f->detour, a->saved[i],
			      RP_PAYLOAD_DETOUR_SIZE, PROT_EXEC);
	}
	return rc;
}

int rp_test_revert(void)
{
	struct applied *a = rp_test_top;
	int rc;

	if (!a)
		return fail(-ENOENT, "nothing is applied");
	rc = run_hooks(a, RP_HOOK_PRE_REVERT);
	if (!rc)
		rc = restore_functions(a);
	if (!rc)
		rc = restore_data(a);
	if (rc)
		return rc;
	run_hooks(a, RP_HOOK_REVERT);
	rp_test_top = a->below;
	run_hooks(a, RP_HOOK_POST_REVERT);
	rc = check_functions(a);
	drop(a);
	return rc;
}

__attribute__((constructor)) static void apply_at_start(void)
{
	const char *list = getenv("RP_TEST_APPLY");
	char *copy = list ? strdup(list) : NULL;
	char *rest = NULL;

	for (char *path = copy ? strtok_r(copy, ":", &rest) : NULL; path;
	     path = strtok_r(NULL, ":", &rest)) {
		int rc = rp_test_apply(path);

		if (rc && rc != -ESRCH) {
			fprintf(stderr, "not applied: %s\n", error);
			_exit(99);
		}
	}
	free(copy);
}
