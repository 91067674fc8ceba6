// SPDX-License-Identifier: MIT
/* Whose unwinder raises the exceptions of a process? */
#define _GNU_SOURCE
#include "exceptions.h"
#include "modules_internal.h"
#include "unwind_internal.h"

#include <errno.h>
#include <string.h>

/* What an unwinder is entered by: one of them is further out than all else. */
static const char *const entries[] = {
	"_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_ForcedUnwind",
	"_Unwind_Resume_or_Rethrow", "_Unwind_Backtrace",
};

/* LLVM's, and libunwind: they have functions for telling that do nothing. */
static const char *const others[] = {
	"unw_step", "__unw_step", "_ULx86_64_step",
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

_Static_assert(COUNT(entries) <= RP_EXCEPTIONS_CODE, "room");

static void add_code(struct rp_exceptions *e, uint64_t start, uint64_t end)
{
	e->code[e->n].start = start;
	e->code[e->n++].end = end;
}

bool rp_exceptions_at(const struct rp_exceptions *exceptions, uint64_t address)
{
	for (size_t i = 0; i < exceptions->n; i++) {
		if (address >= exceptions->code[i].start &&
		    address < exceptions->code[i].end)
			return true;
	}
	return false;
}

static bool exports(struct rp_modules *modules, struct rp_module *module,
		    const char *name, uint64_t *ret)
{
	struct rp_live_symbol symbol;

	if (rp_module_export(modules, module, name, "", &symbol))
		return false;
	*ret = symbol.address;
	return true;
}

/* What a module refers to: does it ask for unwind information, does it use
 * somebody's unwinder? */
static void imports(struct rp_modules *modules, struct rp_module *module,
		    bool *asks, bool *uses)
{
	uint64_t n = module->dynamic ?
		     rp_unwind_dynamic_count(modules, module) : 0;

	for (uint64_t i = 1; i < n; i++) {
		Elf64_Sym symbol;
		char name[32];

		if (rp_dynamic_symbol(modules, module, i, &symbol) ||
		    symbol.st_shndx != SHN_UNDEF ||
		    rp_dynamic_string(modules, module, symbol.st_name, name,
				      sizeof(name)))
			continue;
		*asks |= !strcmp(name, "dl_iterate_phdr") ||
			 !strcmp(name, "_dl_find_object");
		*uses |= !strncmp(name, "_Unwind_", 8);
	}
}

/* Linked with a static libgcc: without symbols, nothing else is left of that. */
static bool hides_one(struct rp_unwinder *unwinder, struct rp_modules *modules,
		      struct rp_module *module)
{
	bool asks = false, uses = false;

	if (module->vdso || module == modules->libc_module)
		return false;
	imports(modules, module, &asks, &uses);
	return asks && !uses && rp_unwind_has_personality(unwinder, module);
}

static bool is_libgcc(struct rp_modules *modules, struct rp_module *module)
{
	uint64_t ignored;

	for (size_t i = 0; i < COUNT(others); i++) {
		if (exports(modules, module, others[i], &ignored))
			return false;
	}
	return true;
}

static void find_dynamic(struct rp_exceptions *e, struct rp_unwinder *unwinder,
			 struct rp_modules *modules)
{
	struct rp_module *found = NULL;
	uint64_t ignored;

	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];
		bool is_one = exports(modules, m, entries[0], &ignored);

		if ((is_one && found) ||
		    (!is_one && hides_one(unwinder, modules, m)))
			return;
		if (is_one)
			found = m;
	}
	if (!found) {
		e->by = RP_EXCEPTIONS_NONE;
	} else if (is_libgcc(modules, found) &&
		   exports(modules, found, "__register_frame_info",
			   &e->register_frame) &&
		   exports(modules, found, "__deregister_frame_info",
			   &e->deregister_frame)) {
		add_code(e, found->low, found->high);
		e->by = RP_EXCEPTIONS_LIBGCC;
	}
}

static bool is_function(struct rp_modules *modules, const char *name,
			struct rp_live_symbol *ret)
{
	return !rp_module_local(modules, &modules->v[0], name, ret) &&
	       ret->type == STT_FUNC && ret->size;
}

/* Nobody can know of a static program without symbols. */
static void find_static(struct rp_exceptions *e, struct rp_modules *modules)
{
	struct rp_live_symbol symbol;

	if (!is_function(modules, "main", &symbol))
		return;
	for (size_t i = 0; i < COUNT(entries); i++) {
		if (is_function(modules, entries[i], &symbol))
			add_code(e, symbol.address,
				 symbol.address + symbol.size);
	}
	if (!e->n) {
		e->by = RP_EXCEPTIONS_NONE;
		return;
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		if (rp_module_local(modules, &modules->v[0], others[i],
				    &symbol) != -ENOENT)
			return;
	}
	if (!is_function(modules, "__register_frame_info", &symbol))
		return;
	e->register_frame = symbol.address;
	if (!is_function(modules, "__deregister_frame_info", &symbol))
		return;
	e->deregister_frame = symbol.address;
	e->by = RP_EXCEPTIONS_LIBGCC;
}

void rp_exceptions_find(struct rp_exceptions *ret, struct rp_unwinder *unwinder,
			struct rp_modules *modules)
{
	*ret = (struct rp_exceptions){ .by = RP_EXCEPTIONS_UNKNOWN };
	if (modules->is_static && modules->n)
		find_static(ret, modules);
	else
		find_dynamic(ret, unwinder, modules);
}
