/* SPDX-License-Identifier: MIT */
/*
 * What IFUNCs were resolved to. The choice is stored nowhere but in the slots of
 * those that refer to them.
 */
#define _GNU_SOURCE
#include "modules_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK		2048u

/**
 * struct search - for the choice of one IFUNC.
 * @v: relocations that are being looked at
 */
struct search {
	struct rp_modules *modules;
	const struct rp_live_symbol *symbol;
	const char *name;
	Elf64_Rela v[CHUNK];
};

/* `push $n; jmp PLT0`, with or without endbr64 and a bnd prefix. */
bool rp_modules_slot_is_lazy(struct rp_modules *modules,
			     const struct rp_module *module, uint64_t value)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	uint8_t code[16], *at = code;

	if (!rp_module_is_text(module, value))
		return false;
	if (rp_target_read(modules->target, value, code, sizeof(code)))
		return true;
	if (!memcmp(at, endbr, sizeof(endbr)))
		at += sizeof(endbr);
	return at[0] == 0x68 &&
	       (at[5] == 0xe9 || (at[5] == 0xf2 && at[6] == 0xe9));
}

/* The choice may be in another module: time() is the vDSO's. */
static bool take_slot(struct search *s, const struct rp_module *m,
		      const Elf64_Rela *r, uint64_t *ret)
{
	const uint64_t at = m->bias + r->r_offset;
	const struct rp_module *chosen;
	uint64_t value;

	if (!rp_module_contains(m, at, sizeof(value)) ||
	    rp_target_read(s->modules->target, at, &value, sizeof(value)) ||
	    value == s->symbol->address)
		return false;
	chosen = rp_modules_at(s->modules, value);
	if (!chosen || !rp_module_is_text(chosen, value) ||
	    rp_modules_slot_is_lazy(s->modules, m, value))
		return false;
	*ret = value;
	return true;
}

/* The same name with another version may be another IFUNC (memcpy). */
static bool refers(struct search *s, struct rp_module *m, uint64_t index)
{
	struct rp_live_symbol symbol;
	Elf64_Sym sym;

	return index && !rp_dynamic_symbol(s->modules, m, index, &sym) &&
	       rp_dynamic_string_is(s->modules, m, sym.st_name, s->name) &&
	       !rp_symbol_of_reference(s->modules, m, index, s->name,
				       &symbol) &&
	       symbol.type == STT_GNU_IFUNC &&
	       symbol.address == s->symbol->address;
}

static bool is_choice(struct search *s, struct rp_module *m,
		      const Elf64_Rela *r)
{
	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_IRELATIVE:
		return m == s->symbol->module &&
		       m->bias + r->r_addend == s->symbol->address;
	case R_X86_64_64:
		if (r->r_addend)
			return false;
		// fall through
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		return refers(s, m, ELF64_R_SYM(r->r_info));
	default:
		return false;
	}
}

static int search_table(struct search *s, struct rp_module *m, uint64_t at,
			uint64_t n, uint64_t *ret)
{
	while (n) {
		const size_t some = n < CHUNK ? n : CHUNK;

		if (rp_target_read(s->modules->target, at, s->v,
				   some * sizeof(*s->v)))
			return -ENOENT;
		for (size_t i = 0; i < some; i++) {
			if (is_choice(s, m, &s->v[i]) &&
			    take_slot(s, m, &s->v[i], ret))
				return 0;
		}
		at += some * sizeof(*s->v);
		n -= some;
	}
	return -ENOENT;
}

static int search_module(struct search *s, struct rp_module *m, uint64_t *ret)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(s->modules, m);
	int rc;

	if (!dyn || m->vdso)
		return -ENOENT;
	rc = search_table(s, m, dyn->jmprel,
			  dyn->pltrelsz / sizeof(Elf64_Rela), ret);
	// The first ones are R_X86_64_RELATIVE, and most of the table.
	return rc ? search_table(s, m, dyn->rela +
				 dyn->relacount * sizeof(Elf64_Rela),
				 dyn->relasz / sizeof(Elf64_Rela) -
				 dyn->relacount, ret) : 0;
}

int rp_modules_ifunc(struct rp_modules *modules,
		     const struct rp_live_symbol *symbol, const char *name,
		     uint64_t *ret)
{
	struct search *s = malloc(sizeof(*s));
	int rc = -ENOENT;

	if (!s)
		return -ENOMEM;
	s->modules = modules;
	s->symbol = symbol;
	s->name = name;
	for (size_t i = 0; rc && i < modules->n; i++) {
		if (&modules->v[i] == symbol->module)
			rc = search_module(s, &modules->v[i], ret);
	}
	for (size_t i = 0; rc && i < modules->n; i++)
		rc = search_module(s, &modules->v[i], ret);
	free(s);
	return rc;
}
