/* SPDX-License-Identifier: MIT */
/*
 * gdb's JIT interface: a list of symbol files in the target's memory, which
 * programs that compile at run time (LLVM, ...) keep for debuggers.
 *
 * The list is the target's: it takes entries in and out with a lock of its own,
 * which a stopped thread may hold. So a new entry is the first one, nothing
 * behind the former first one is touched, and words are written in an order in
 * which the target can go on with the list after each one. That is also what is
 * left if this tool dies in between.
 */
#define _GNU_SOURCE
#include "debugger.h"

#include <errno.h>

#define JIT_VERSION	1u

/* The former first entries that are checked before one is added. */
#define CHECKED		1024

/* As gdb's manual has them ("JIT Interface", "Declarations"). */
struct descriptor {
	uint32_t version;
	uint32_t action;
	uint64_t relevant;
	uint64_t first;
};

struct entry {
	uint64_t next, previous;
	uint64_t file, size;
};

#define FIRST(list)	((list) + offsetof(struct descriptor, first))
#define RELEVANT(list)	((list) + offsetof(struct descriptor, relevant))
#define NEXT(at)	((at) + offsetof(struct entry, next))
#define PREVIOUS(at)	((at) + offsetof(struct entry, previous))

static bool is_pair(const struct rp_live_symbol *descriptor,
		    const struct rp_live_symbol *notify)
{
	return descriptor->type == STT_OBJECT &&
	       descriptor->size >= sizeof(struct descriptor) &&
	       notify->type == STT_FUNC;
}

typedef int lookup(struct rp_modules *modules, struct rp_module *module,
		   const char *name, struct rp_live_symbol *ret);

static int exported(struct rp_modules *modules, struct rp_module *module,
		    const char *name, struct rp_live_symbol *ret)
{
	return rp_module_export(modules, module, name, "", ret);
}

static bool has_jit(struct rp_modules *modules, struct rp_module *module,
		    lookup *find, uint64_t *descriptor, uint64_t *notify)
{
	struct rp_live_symbol d, n;

	if (find(modules, module, "__jit_debug_descriptor", &d) ||
	    find(modules, module, "__jit_debug_register_code", &n) ||
	    !is_pair(&d, &n))
		return false;
	*descriptor = d.address;
	*notify = n.address;
	return true;
}

int rp_jit_find(struct rp_modules *modules, uint64_t *descriptor,
		uint64_t *notify)
{
	for (size_t i = 0; i < modules->n; i++)
		if (has_jit(modules, &modules->v[i], exported, descriptor,
			    notify))
			return 0;
	// Programs rarely export it. Of libraries it would take long to look.
	for (size_t i = 0; i < modules->n; i++)
		if (modules->v[i].program &&
		    has_jit(modules, &modules->v[i], rp_module_local,
			    descriptor, notify))
			return 0;
	return -ENOENT;
}

static int read_word(const struct rp_target *target, uint64_t address,
		     uint64_t *ret)
{
	return rp_target_read(target, address, ret, sizeof(*ret));
}

static int write_word(const struct rp_target *target, uint64_t address,
		      uint64_t word)
{
	return rp_target_write(target, address, &word, sizeof(word));
}

/* An entry names the one before it: there can be no loop while that holds. */
static int check_list(const struct rp_target *target, uint64_t first,
		      uint64_t ours)
{
	uint64_t previous = 0, at = first;

	for (unsigned int i = 0; at && i < CHECKED; i++) {
		struct entry entry;

		if (at == ours ||
		    rp_target_read(target, at, &entry, sizeof(entry)) ||
		    entry.previous != previous)
			return -EINVAL;
		previous = at;
		at = entry.next;
	}
	return 0;
}

int rp_jit_add(const struct rp_target *target, uint64_t descriptor,
	       uint64_t entry, uint64_t file, uint64_t size)
{
	struct descriptor list;
	int rc = rp_target_read(target, descriptor, &list, sizeof(list));

	if (rc)
		return rc;
	if (list.version != JIT_VERSION ||
	    check_list(target, list.first, entry))
		return -EINVAL;

	struct entry ours = { list.first, 0, file, size };

	rc = rp_target_write(target, entry, &ours, sizeof(ours));
	if (!rc)
		rc = write_word(target, FIRST(descriptor), entry);
	if (!rc && list.first)
		rc = write_word(target, PREVIOUS(list.first), entry);
	return rc;
}

/* Only a word that still names our entry is changed. Return: was it that? */
static bool replace(const struct rp_target *target, uint64_t address,
		    uint64_t ours, uint64_t with, int *rc)
{
	uint64_t word;

	if (read_word(target, address, &word) || word != ours)
		return false;
	int error = write_word(target, address, with);

	if (error)
		*rc = error;
	return true;
}

int rp_jit_remove(const struct rp_target *target, uint64_t descriptor,
		  uint64_t entry)
{
	struct entry ours;
	bool found = false;
	int rc = rp_target_read(target, entry, &ours, sizeof(ours));

	if (rc)
		return rc;
	if (ours.next)
		found |= replace(target, PREVIOUS(ours.next), entry,
				 ours.previous, &rc);
	if (ours.previous)
		found |= replace(target, NEXT(ours.previous), entry, ours.next,
				 &rc);
	else
		found |= replace(target, FIRST(descriptor), entry, ours.next,
				 &rc);
	replace(target, RELEVANT(descriptor), entry, 0, &rc);
	if (rc)
		return rc;
	return found ? 0 : -ENOENT;
}
