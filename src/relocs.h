/* SPDX-License-Identifier: MIT */
/*
 * Call sites of an executable or shared object that was linked with
 * -Wl,--emit-relocs: found in the file's relocations, confirmed in memory.
 */
#ifndef RP_SRC_RELOCS_H
#define RP_SRC_RELOCS_H

#include <link.h>
#include <stdint.h>

#include <repoint/abi.h>

/*
 * Called for each site. Returns 0 to go on, or a negative errno, with which
 * rp__relocs_read() then ends.
 */
typedef int rp__relocs_fn(void *data, uintptr_t site, enum rp_site_kind kind);

/*
 * struct rp__relocs_object - a loaded object, as dl_iterate_phdr() shows it.
 * @path:  its file; "/proc/self/exe" for the executable
 * @base:  load bias (dlpi_addr)
 * @phdr:  program headers in memory
 * @phnum: how many
 * @found_op: called for each `call *x(%rip)` and `jmp *x(%rip)` whose operand
 *         is no GOT entry, without prefixes; returns as rp__relocs_fn. NULL if
 *         they are of no interest. They are not counted.
 */
struct rp__relocs_object {
	const char *path;
	uintptr_t base;
	const ElfW(Phdr) *phdr;
	int phnum;
	int (*found_op)(void *data, uintptr_t site);
};

/*
 * Report each branch of @object whose destination is a trampoline now.
 *
 * Returns how many there are; 0 if the file has no relocations for its text,
 * which is known after reading its headers; a negative errno otherwise, and
 * what @found was told before is to be forgotten:
 *   -ESTALE  the file is another one than the one that was loaded
 *   -EILSEQ  the file is malformed, or was truncated meanwhile
 *   -ENOMEM  no memory for a buffer
 *   others   from open(2), fstat(2), pread(2), and from @found
 *
 * Two relocations of one site report it twice. A branch that annotate recorded
 * may be reported one byte further on, or with one byte less (see relocs.c):
 * where sites overlap, the recorded one is the better one.
 *
 * Caller holds the text lock, and keeps the object loaded.
 */
int rp__relocs_read(const struct rp__relocs_object *object,
		    rp__relocs_fn *found, void *data);

#endif
