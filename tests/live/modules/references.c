/* SPDX-License-Identifier: MIT */
/* What the dynamic linker stored for references, and what we find for them. */
#define _GNU_SOURCE
#include "check.h"

#include "../../../live/modules_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	unsigned int slots, missing, ifuncs, copies, canonical, tls;
} seen;

const char *references_text(void)
{
	static char text[160];

	snprintf(text, sizeof(text), "%u slots, %u of missing symbols, %u of "
		 "IFUNCs, %u of canonical PLT entries, %u copies, %u "
		 "thread-local", seen.slots, seen.missing, seen.ifuncs,
		 seen.canonical, seen.copies, seen.tls);
	return text;
}

static bool is_relro(const struct rp_module *m, uint64_t offset)
{
	for (size_t i = 0; i < m->nphdrs; i++) {
		if (m->phdrs[i].p_type == PT_GNU_RELRO &&
		    offset - m->phdrs[i].p_vaddr < m->phdrs[i].p_memsz)
			return true;
	}
	return false;
}

/*
 * Calls do not go to the PLT entry that stands for the function's address; which
 * one it is then, is found by who defines it.
 */
static bool is_canonical(struct rp_modules *modules, const char *name,
			 const struct rp_live_symbol *s)
{
	struct rp_live_symbol ignored;

	return s->module->program && s->module->fixed &&
	       rp_module_export(modules, (struct rp_module *)s->module, name,
				"", &ignored) == -ENOENT;
}

static void check_address(struct rp_modules *modules, struct rp_module *m,
			  const Elf64_Rela *r, const char *name,
			  uint64_t stored)
{
	const uint64_t index = ELF64_R_SYM(r->r_info);
	struct rp_live_symbol s = { 0 };
	int rc = rp_symbol_of_reference(modules, m, index, name, &s);

	seen.slots++;
	if (rc == -ENOENT && !stored) {
		seen.missing++;
		return;
	}
	if (!rc && s.type == STT_GNU_IFUNC) {
		seen.ifuncs++;
		rc = rp_modules_ifunc(modules, &s, name, &s.address);
	}
	if (!rc && s.address == stored)
		return;
	if (!rc && ELF64_R_TYPE(r->r_info) == R_X86_64_JUMP_SLOT &&
	    is_canonical(modules, name, &s)) {
		seen.canonical++;
		return;
	}
	complain("%s: %s at %" PRIx64 " is %" PRIx64 " (%s), found %d %" PRIx64,
		 m->path, name, r->r_offset, stored,
		 rp_modules_at(modules, stored) ?
		 rp_modules_at(modules, stored)->path : "nowhere", rc,
		 s.address);
}

static void check_thread_local(struct rp_modules *modules, struct rp_module *m,
			       const Elf64_Rela *r, const char *name,
			       uint64_t stored)
{
	const uint64_t index = ELF64_R_SYM(r->r_info);
	struct rp_live_symbol s = { .module = m };
	uint64_t want;
	int rc = index ? rp_symbol_of_reference(modules, m, index, name, &s) :
			 0;

	if (rc == -ENOENT)	// weak
		return;
	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_DTPMOD64: want = s.module->tls_module; break;
	case R_X86_64_DTPOFF64: want = s.address + r->r_addend; break;
	default:
		want = s.address + r->r_addend - s.module->tls_offset;
		if (!s.module->tls_offset)
			complain("%s: %s has no offset", m->path, name);
	}
	seen.tls++;
	if (rc || want != stored)
		complain("%s: thread-local %s at %" PRIx64 " is %" PRIx64
			 ", found %d %" PRIx64, m->path, name, r->r_offset,
			 stored, rc, want);
}

static void check_copy(struct rp_modules *modules, struct rp_module *m,
		       const Elf64_Rela *r, const char *name)
{
	const uint64_t index = ELF64_R_SYM(r->r_info);
	struct rp_live_symbol s = { 0 };
	int rc = rp_symbol_of_reference(modules, m, index, name, &s);

	seen.copies++;
	if (rc || s.address != m->bias + r->r_offset)
		complain("copy of %s: %d %" PRIx64, name, rc, s.address);
}

static void check_reloc(struct rp_modules *modules, struct rp_module *m,
			const Elf64_Rela *r)
{
	char name[4096] = "";
	uint64_t stored = 0;
	Elf64_Sym sym;

	if (rp_dynamic_symbol(modules, m, ELF64_R_SYM(r->r_info), &sym) ||
	    (sym.st_name && rp_dynamic_string(modules, m, sym.st_name, name,
					      sizeof(name))) ||
	    rp_target_read(modules->target, m->bias + r->r_offset, &stored, 8))
		complain("%s: a relocation cannot be read", m->path);
	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_64:
		// What is writable may have changed since.
		if (r->r_addend || !is_relro(m, r->r_offset))
			return;
		// fall through
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		if (*name)
			check_address(modules, m, r, name, stored);
		return;
	case R_X86_64_DTPMOD64:
	case R_X86_64_DTPOFF64:
	case R_X86_64_TPOFF64:
		check_thread_local(modules, m, r, name, stored);
		return;
	case R_X86_64_COPY:
		check_copy(modules, m, r, name);
		return;
	default:
		return;
	}
}

static void check_table(struct rp_modules *modules, struct rp_module *m,
			uint64_t at, uint64_t size)
{
	Elf64_Rela *v = malloc(size + 1);

	if (size && (!v || rp_target_read(modules->target, at, v, size)))
		complain("%s: no relocations", m->path);
	else for (size_t i = 0; i < size / sizeof(*v); i++)
		check_reloc(modules, m, &v[i]);
	free(v);
}

void check_references(struct rp_modules *modules)
{
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];
		const struct rp_dynamic *dyn = rp_dynamic_of(modules, m);

		if (!dyn || m->vdso)
			continue;
		check_table(modules, m, dyn->rela, dyn->relasz);
		check_table(modules, m, dyn->jmprel, dyn->pltrelsz);
	}
}

int resolve_import(struct rp_modules *modules, struct rp_module *from,
		   const char *name, const char *version, bool tls,
		   enum rp_resolve what, uint64_t *ret, struct rp_diag *diag)
{
	char strings[4096] = "";
	const size_t length = strlen(name);
	struct rp_payload payload = { .strings = strings };
	struct rp_payload_binding binding = {
		.kind = tls ? RP_BIND_IMPORT_TLS : RP_BIND_IMPORT,
		.name = 1, .version = *version ? length + 2 : 0,
	};
	struct rp_live_resolver resolver = {
		.modules = modules, .module = from,
	};

	snprintf(strings + 1, sizeof(strings) - 1, "%s%c%s", name, 0, version);
	return rp_live_resolve(&resolver, &payload, &binding, what, ret, diag);
}
