/* SPDX-License-Identifier: MIT */
/*
 * The dynamic linker's list of what it loaded, its thread-local storage, and
 * whose dynamic linker it is.
 *
 * The list is an interface (struct r_debug and the first words of struct
 * link_map, <link.h>). Module numbers and offsets of thread-local blocks lie
 * further behind in each entry, where each libc and version likes. They follow
 * what is known from PT_TLS:
 *
 *   glibc  image, filesz, memsz, align, first byte, offset, module
 *   musl   next, image, filesz, memsz (rounded), align, offset, module
 *
 * Where that is not found, glibc's descriptors for debuggers say where it is.
 */
#define _GNU_SOURCE
#include "modules_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* glibc has 16. */
#define SPACES_MAX	64u
/* Thread-local blocks at fixed places are some kilobytes. */
#define TLS_OFFSET_MAX	(UINT64_C(1) << 40)

/* struct r_debug, and from version 2 on struct r_debug_extended. */
struct debug {
	int32_t version;
	int32_t pad;
	uint64_t map, brk, state, ldbase;
	uint64_t next;
};

/* struct link_map */
struct entry {
	uint64_t addr, name, ld, next, prev;
};

static bool is_for_linker(const struct rp_module *m)
{
	for (size_t i = 0; i < m->nphdrs; i++) {
		if (m->phdrs[i].p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* A program that was started as an argument of the dynamic linker is not what
 * the kernel started. Libraries have no DT_DEBUG. */
static uint64_t find_debug(struct rp_modules *modules,
			   struct rp_module *started)
{
	const struct rp_dynamic *dyn =
		started ? rp_dynamic_of(modules, started) : NULL;

	if (dyn && dyn->debug)
		return dyn->debug;
	if (started && is_for_linker(started))
		return 0;
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		dyn = m->vdso ? NULL : rp_dynamic_of(modules, m);
		if (dyn && dyn->debug)
			return dyn->debug;
	}
	return 0;
}

static struct rp_module *by_dynamic(struct rp_modules *modules, uint64_t ld)
{
	for (size_t i = 0; ld && i < modules->n; i++) {
		if (modules->v[i].dynamic == ld)
			return &modules->v[i];
	}
	return NULL;
}

/* A list has no more entries than there are mappings; one that is being changed,
 * or is damaged, may not end. */
static void walk(struct rp_modules *modules, uint64_t map, uint32_t space,
		 uint32_t *order)
{
	struct entry entry;

	for (size_t i = 0; map && i <= modules->maps.n; i++, map = entry.next) {
		struct rp_module *m;

		if (rp_target_read(modules->target, map, &entry, sizeof(entry)))
			return;
		m = by_dynamic(modules, entry.ld);
		if (!m || m->order != UINT32_MAX)
			continue;
		m->order = (*order)++;
		m->link_map = map;
		m->space = space;
		m->program = !i && !space;
	}
}

static void walk_spaces(struct rp_modules *modules, uint64_t at)
{
	struct debug debug = { 0 };
	uint32_t order = 0;

	for (uint32_t space = 0; at && space < SPACES_MAX; space++) {
		// The extension is read only where it is.
		if (rp_target_read(modules->target, at, &debug,
				   offsetof(struct debug, next)))
			return;
		walk(modules, debug.map, space, &order);
		if (debug.version < 2 ||
		    rp_target_read(modules->target, at +
				   offsetof(struct debug, next), &at,
				   sizeof(at)))
			return;
	}
}

int rp_link_maps_order(struct rp_modules *modules, uint64_t started)
{
	struct rp_module *first = NULL;
	size_t program = 0, listed = 0;

	for (size_t i = 0; i < modules->n; i++) {
		if (started >= modules->v[i].low && started < modules->v[i].high)
			first = &modules->v[i];
	}
	walk_spaces(modules, find_debug(modules, first));
	for (size_t i = 0; i < modules->n; i++) {
		program += modules->v[i].program;
		listed += modules->v[i].order != UINT32_MAX &&
			  !modules->v[i].vdso;
	}
	if (first && !program) {
		first->program = true;
		first->order = 0;
	}
	modules->is_static = listed < 2 && first && !is_for_linker(first);
	return 0;
}

struct rp_module *rp_modules_by_link_map(const struct rp_modules *modules,
					 uint64_t link_map)
{
	for (size_t i = 0; link_map && i < modules->n; i++) {
		if (modules->v[i].link_map == link_map)
			return &modules->v[i];
	}
	return NULL;
}

/* Which libc. */

static bool exports(struct rp_modules *modules, struct rp_module *m,
		    const char *name)
{
	struct rp_live_symbol symbol;

	return !rp_module_export(modules, m, name, "", &symbol);
}

static bool is_libc(struct rp_modules *modules, struct rp_module *m)
{
	if (exports(modules, m, "gnu_get_libc_version"))
		modules->libc = RP_LIBC_GLIBC;
	else if (exports(modules, m, "__libc_start_main") &&
		 exports(modules, m, "__dls3"))
		modules->libc = RP_LIBC_MUSL;
	else
		return false;
	modules->libc_module = m;
	return true;
}

static bool has_libc_name(const struct rp_module *m)
{
	const char *slash = strrchr(m->path, '/');
	const char *name = slash ? slash + 1 : m->path;

	return !strncmp(name, "libc.", 5) || !strncmp(name, "libc-", 5) ||
	       !strncmp(name, "ld-musl", 7);
}

/* musl leaves no mark but its names. */
static void find_static_libc(struct rp_modules *modules, struct rp_module *m)
{
	struct rp_live_symbol symbol;

	modules->libc_module = m;
	if (m->abi_tag)
		modules->libc = RP_LIBC_GLIBC;
	else if (!rp_module_local(modules, m, "__init_libc", &symbol) &&
		 !rp_module_local(modules, m, "__init_tls", &symbol))
		modules->libc = RP_LIBC_MUSL;
	else
		modules->libc_module = NULL;
}

static void find_libc(struct rp_modules *modules)
{
	// The names only say where to look first.
	for (int any = 0; any < 2; any++) {
		for (size_t i = 0; i < modules->n; i++) {
			struct rp_module *m = &modules->v[i];

			if (!m->vdso && !m->space && any != has_libc_name(m) &&
			    is_libc(modules, m))
				return;
		}
	}
	for (size_t i = 0; i < modules->n; i++) {
		if (modules->v[i].program && modules->is_static)
			find_static_libc(modules, &modules->v[i]);
	}
}

/* Thread-local storage. */

static bool is_offset(const struct rp_module *m, uint64_t offset)
{
	return offset >= m->tls_size && offset < TLS_OFFSET_MAX;
}

static void set_tls(struct rp_module *m, uint64_t module, uint64_t offset)
{
	if (module && module <= UINT32_MAX)
		m->tls_module = module;
	if (m->tls_module && is_offset(m, offset))
		m->tls_offset = offset;
}

static bool is_glibc_tls(const struct rp_module *m, const uint64_t w[7])
{
	return w[0] == m->tls_image && w[1] == m->tls_filesz &&
	       w[2] == m->tls_size && (w[3] ? w[3] : 1) == m->tls_align &&
	       (!w[4] || w[4] < m->tls_align);
}

static bool is_musl_tls(const struct rp_module *m, const uint64_t w[7])
{
	return w[1] == m->tls_image && w[2] == m->tls_filesz &&
	       w[3] >= m->tls_size && w[3] - m->tls_size < w[4] &&
	       w[4] >= m->tls_align && !(w[4] & (w[4] - 1));
}

static bool scan_tls(struct rp_modules *modules, struct rp_module *m)
{
	const bool musl = modules->libc == RP_LIBC_MUSL;
	uint64_t w[RP_LINK_MAP_SIZE / sizeof(uint64_t)];
	size_t n = rp_target_read_some(modules->target, m->link_map, w,
				       sizeof(w)) / sizeof(*w);

	for (size_t i = 0; i + 7 <= n; i++) {
		if (!(musl ? is_musl_tls(m, w + i) : is_glibc_tls(m, w + i)))
			continue;
		// musl gives threads that exist a block elsewhere.
		set_tls(m, w[i + 6], musl && !m->startup ? 0 : w[i + 5]);
		return true;
	}
	return false;
}

static bool described(struct rp_modules *modules, const char *name,
		      uint64_t link_map, uint64_t *ret)
{
	struct rp_live_symbol symbol;
	uint32_t desc[3];	// bits, how many, offset

	return !rp_modules_lookup(modules, NULL, name, "", &symbol) &&
	       !rp_target_read(modules->target, symbol.address, desc,
			       sizeof(desc)) &&
	       desc[0] == 64 &&
	       !rp_target_read(modules->target, link_map + desc[2], ret,
			       sizeof(*ret));
}

static bool described_tls(struct rp_modules *modules, struct rp_module *m)
{
	uint64_t module, offset;

	if (!described(modules, "_thread_db_link_map_l_tls_modid", m->link_map,
		       &module) ||
	    !described(modules, "_thread_db_link_map_l_tls_offset", m->link_map,
		       &offset))
		return false;
	set_tls(m, module, offset);
	return true;
}

/* Of the program the linker knew it: the ABI says where it is. */
static void program_tls(struct rp_module *m)
{
	const uint64_t mask = m->tls_align - 1;
	const uint64_t first = (m->bias - m->tls_image) & mask;

	set_tls(m, 1, ((m->tls_size - first + mask) & ~mask) + first);
}

int rp_link_maps_details(struct rp_modules *modules)
{
	int rc = 0;

	find_libc(modules);
	if (modules->libc == RP_LIBC_MUSL)
		rc = rp_scope_startup(modules);
	for (size_t i = 0; !rc && i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (!m->tls_size)
			continue;
		if (m->link_map && (scan_tls(modules, m) ||
				    described_tls(modules, m)))
			continue;
		if (m->program)
			program_tls(m);
	}
	return rc;
}
