/* SPDX-License-Identifier: MIT */
/*
 * What debuggers and profilers learn about code of payloads: symbols and unwind
 * information.
 *
 *   - an ELF file of symbols, as gdb reads it (rp_symfile_make()). It is part of
 *     the record in the target, and is what `repoint patch symbols` writes
 *   - gdb's JIT interface, where the target has one (__jit_debug_descriptor)
 *   - perf's map, /tmp/perf-PID.map in the target's mount namespace
 */
#ifndef REPOINT_LIVE_DEBUGGER_H
#define REPOINT_LIVE_DEBUGGER_H

#include "modules.h"

/** struct rp_symfile_symbol - a function or variable of a payload in memory. */
struct rp_symfile_symbol {
	const char *name;
	uint64_t address, size;
	bool is_function;
};

/** struct rp_symfile - what is known. @text covers the code; @eh_frame is that
 *  in memory, relocated for its place (contents: @eh_frame_bytes). */
struct rp_symfile {
	const struct rp_symfile_symbol *symbols;
	size_t nsymbols;
	uint64_t text, text_size;
	uint64_t eh_frame, eh_frame_size;
	const void *eh_frame_bytes;
};

/** rp_symfile_make() - an ELF file that names them, at their final addresses
 *  (add-symbol-file without an offset). @ret is to be freed.
 *  Return: 0; -ENOMEM; -EINVAL, see @diag. */
int rp_symfile_make(const struct rp_symfile *symfile, void **ret, size_t *size,
		    struct rp_diag *diag);

/**
 * rp_jit_find() - the target's JIT interface.
 * @descriptor: address of __jit_debug_descriptor
 * @notify:     address of __jit_debug_register_code
 * Return: 0; -ENOENT: it has none.
 */
int rp_jit_find(struct rp_modules *modules, uint64_t *descriptor,
		uint64_t *notify);

/**
 * rp_jit_add() - link an entry in, while all threads are stopped. A debugger
 * that attaches later sees it; @notify is for one that is attached already,
 * which cannot be, since one tracer excludes the other.
 * @entry: 32 bytes of the target's memory, writable, ours
 * @file:  the symbol file in the target's memory
 * Return: 0; -EINVAL: the list is not sound; -EFAULT.
 */
int rp_jit_add(const struct rp_target *target, uint64_t descriptor,
	       uint64_t entry, uint64_t file, uint64_t size);
/** rp_jit_remove() - take it out again. Return: 0; -ENOENT; -EFAULT. */
int rp_jit_remove(const struct rp_target *target, uint64_t descriptor,
		  uint64_t entry);

/**
 * rp_perf_map_add() - append functions to perf's map, which is the target's own
 * if it exists; it is never followed through a link, and belongs to the target's
 * user.
 * @patch: name of the payload, part of the symbols' names
 * Return: 0; a negative errno: not done, nothing else is affected.
 */
int rp_perf_map_add(const struct rp_target *target, const char *patch,
		    const struct rp_symfile_symbol *symbols, size_t n);
/** rp_perf_map_remove() - take the lines of this payload out; the file goes if
 *  nothing else is in it. */
int rp_perf_map_remove(const struct rp_target *target, const char *patch);

#endif /* REPOINT_LIVE_DEBUGGER_H */
