/* SPDX-License-Identifier: MIT */
/* Does a program switch stacks by itself? By the names that it uses. */
#define _GNU_SOURCE
#include "busy_internal.h"
#include "modules_internal.h"

#include <errno.h>
#include <string.h>

/* Of libc: what counts is that somebody refers to them. getcontext() alone, which
 * crash handlers use, switches nothing. */
static const char *const libc_names[] = {
	"makecontext", "setcontext", "swapcontext",
};

/* Of libraries of coroutines, or of programs that contain them: referred to, or
 * defined. */
static const char *const names[] = {
	"jump_fcontext", "make_fcontext", "ontop_fcontext",	/* Boost */
	"bthread_jump_fcontext",
	"co_switch", "co_resume", "coctx_swap",			/* libco, both */
	"acosw", "aco_resume",
	"coro_transfer", "coroutine_transfer", "rb_fiber_resume",
	"zend_fiber_switch_context",
	"qemu_coroutine_switch", "qemu_coroutine_new",
	"taskswitch", "taskcreate",				/* libtask */
	"st_thread_create", "_st_md_cxt_restore",
	"pth_spawn", "pth_mctx_switch",
	"lwp_create", "swap_context", "tb_context_jump",
	"mco_resume", "_mco_switch", "mill_go_prologue", "dill_prologue",
	"slp_switch", "g_initialstub",				/* greenlet */
	"jl_swap_fiber", "crosscall2", "runtime.gogo", "runtime.mcall",
	"fiber_switch", "g_coroutine_switch",
};

/* libcrypto can run jobs on stacks of their own, for programs that use these. */
static const char *const async_names[] = {
	"ASYNC_start_job", "SSL_get_all_async_fds", "SSL_get_changed_async_fds",
	"SSL_waiting_for_async",
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const char *listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return list[i];
	}
	return NULL;
}

static bool exports(struct rp_modules *modules, struct rp_module *module,
		    const char *name)
{
	struct rp_live_symbol symbol;

	return rp_module_export(modules, module, name, "", &symbol) == 0;
}

static const char *is_telling(const char *name, bool defined, bool openssl)
{
	const char *found = listed(names, COUNT(names), name);

	if (!found && !defined && !openssl)
		found = listed(libc_names, COUNT(libc_names), name);
	if (!found && !defined && !openssl)
		found = listed(async_names, COUNT(async_names), name);
	return found;
}

/* What a module imports and exports. */
static const char *dynamic_name(struct rp_modules *modules,
				struct rp_module *module)
{
	bool openssl = exports(modules, module, "ASYNC_start_job") ||
		       exports(modules, module, "SSL_CTX_new");
	uint64_t n = rp_unwind_dynamic_count(modules, module);
	const char *found = NULL;

	for (uint64_t i = 1; i < n && !found; i++) {
		Elf64_Sym symbol;
		char name[64];

		if (rp_dynamic_symbol(modules, module, i, &symbol) ||
		    rp_dynamic_string(modules, module, symbol.st_name, name,
				      sizeof(name)))
			continue;
		found = is_telling(name, symbol.st_shndx != SHN_UNDEF, openssl);
	}
	return found;
}

static const char *local_name(struct rp_modules *modules,
			      struct rp_module *module,
			      const char *const *list, size_t n)
{
	struct rp_live_symbol symbol;

	for (size_t i = 0; i < n; i++) {
		int rc = rp_module_local(modules, module, list[i], &symbol);

		/* Several of one name are some, too. */
		if (rc == 0 || rc == -ENOTUNIQ)
			return list[i];
	}
	return NULL;
}

static const char *module_name(struct rp_modules *modules,
			       struct rp_module *module)
{
	const char *found = NULL;

	if (module->vdso || (module == modules->libc_module &&
			     !modules->is_static))
		return NULL;
	if (module->dynamic)
		found = dynamic_name(modules, module);
	if (!found)
		found = local_name(modules, module, names, COUNT(names));
	if (!found && modules->is_static && module->program)
		found = local_name(modules, module, libc_names,
				   COUNT(libc_names));
	return found;
}

const char *rp_busy_contexts(struct rp_modules *modules)
{
	const char *found = NULL;

	for (size_t i = 0; i < modules->n && !found; i++)
		found = module_name(modules, &modules->v[i]);
	return found;
}
