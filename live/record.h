/* SPDX-License-Identifier: MIT */
/*
 * What is in the target's memory for this tool, and only there: any other run of
 * it, or of another tool, can list and revert what was applied.
 *
 * Memory of ours is a *region*: private anonymous pages with an unmapped page on
 * each side, so that the kernel merges them with nothing, that begin with a page
 * which is only readable: struct rp_region, in regions of payloads the rest of
 * struct rp_record. A region is found in /proc/PID/maps by its first line, r--p
 * without a name, and its magic.
 *
 *   payload   record r--, code r-x, constants r--, data rw-, work rw-
 *   root      record r--, the live-patch root rw- (livepatch/root.h)
 *   agent     while hooks run
 *   divert    while threads are waited for
 *
 * States of a payload, each one store:
 *
 *   PREPARED   everything but the detours is there. Left by a tool that died:
 *              nothing was switched, it is freed.
 *   SWITCHING  detours and data are being written; all threads were stopped. Left
 *              so: what was there before is put back.
 *   APPLIED
 *   REVERTING  they are being taken away. Left so: that is completed.
 *   REVERTED   nothing leads here any more: it is freed.
 *
 * A fork copies all of it. docs/record.md describes it for other tools.
 */
#ifndef REPOINT_LIVE_RECORD_H
#define REPOINT_LIVE_RECORD_H

#include "target.h"

#define RP_REGION_MAGIC		"RPLIVE\0"	/* with its zero: 8 bytes */
#define RP_REGION_VERSION	1u
#define RP_RECORD_MAX		(64u << 20)

enum rp_region_kind {
	RP_REGION_PAYLOAD = 1,
	RP_REGION_ROOT = 2,
	RP_REGION_AGENT = 3,
	RP_REGION_DIVERT = 4,
	RP_REGION_NR
};

enum rp_region_state {
	RP_STATE_PREPARED = 1,
	RP_STATE_SWITCHING = 2,
	RP_STATE_APPLIED = 3,
	RP_STATE_REVERTING = 4,
	RP_STATE_REVERTED = 5,
	RP_STATE_NR
};

/**
 * struct rp_region - how each region begins.
 * @magic:       RP_REGION_MAGIC
 * @version:     RP_REGION_VERSION; others are left alone
 * @kind:        enum rp_region_kind
 * @base, @size: of the region: its own address, in whole pages
 * @state:       enum rp_region_state
 * @record_size: bytes that count from here on
 */
struct rp_region {
	char magic[8];
	uint32_t version;
	uint32_t kind;
	uint64_t base;
	uint64_t size;
	uint32_t state;
	uint32_t record_size;
	uint64_t reserved[3];
};

/** enum rp_record_frames - does the target's unwinder know the @eh_frame? */
enum rp_record_frames {
	RP_FRAMES_UNKNOWN,
	RP_FRAMES_CHANGING,	/* it was being told, or made to forget */
	RP_FRAMES_KNOWN,
};

/** struct rp_record_table - @n entries at @offset from the record's start. */
struct rp_record_table {
	uint32_t offset;
	uint32_t n;
};

struct rp_record_part {
	uint64_t address;
	uint64_t size;
};

/**
 * struct rp_record - the record of a payload. Strings are offsets in its table
 * of strings, 0 is "".
 * @sequence:     counts what is applied to the process, from 1
 * @applied_at:   seconds since 1970
 * @id:           identity of the payload
 * @build_id:     of the module that it is for
 * @bias:         of that module
 * @module_low, @module_high: its extent
 * @parts:        code, constants, data, work
 * @eh_frame:     unwind information, terminated
 * @eh_object:    in the work part: what __register_frame_info() keeps; 0: the
 *                target's unwinder was not told
 * @object:       in the work part: struct rp_object of <repoint/abi.h>, for a
 *                program that uses Repoint itself; 0: none
 * @register_object, @unregister_object: the functions of that program's library
 * @jit_entry:    in the work part: struct jit_code_entry of gdb; 0: none
 * @root:         of the process, 0: not used
 * @name, @patch_version, @description, @tool, @target: strings
 * @functions...: struct rp_record_function and so on
 * @symbol_file:  n bytes: an ELF file for debuggers
 */
struct rp_record {
	struct rp_region region;
	uint64_t sequence;
	uint64_t applied_at;
	uint8_t id[32];
	uint8_t build_id[64];
	uint32_t build_id_size;
	uint32_t frames;
	uint64_t bias;
	uint64_t module_low, module_high;
	struct rp_record_part parts[4];
	struct rp_record_part eh_frame;
	uint64_t eh_object;
	uint64_t object, register_object, unregister_object;
	uint64_t jit_entry;
	uint64_t root;
	uint32_t name, patch_version, description, tool, target;
	uint32_t reserved;
	struct rp_record_table functions;
	struct rp_record_table data;
	struct rp_record_table hooks;
	struct rp_record_table exports;
	struct rp_record_table depends;
	struct rp_record_table strings;
	struct rp_record_table symbol_file;
};

/** In @parts. */
enum { RP_RECORD_TEXT, RP_RECORD_CONSTS, RP_RECORD_DATA, RP_RECORD_WORK };

/** struct rp_record_function - a function that is replaced.
 * @detour:  where the jump is
 * @was, @jump: its five bytes before and after */
struct rp_record_function {
	uint64_t old, old_size;
	uint64_t cold, cold_size;
	uint64_t detour;
	uint64_t new, new_size;
	uint32_t name;
	uint8_t was[5], jump[5];
	uint8_t reserved[2];
};

/** struct rp_record_data - live data that was set; @was and @value are offsets
 *  in the record, of @size bytes each. */
struct rp_record_data {
	uint64_t address, size;
	uint32_t was, value;
	uint32_t name;
	uint32_t reserved;
};

/** struct rp_record_hook - see enum rp_payload_hook_kind. */
struct rp_record_hook {
	uint64_t address;
	uint32_t kind;
	uint32_t name;
};

/** struct rp_record_export - a symbol that the payload defines: for those that
 *  depend on it. */
struct rp_record_export {
	uint64_t address, size;
	uint32_t name;
	uint32_t is_function;
};

struct rp_record_depend {
	uint8_t id[32];
};

/**
 * struct rp_live_record - a region that was found.
 * @record: a copy of it, checked: tables, strings and offsets are inside. Of
 *          other kinds than payloads only the struct rp_region counts.
 */
struct rp_live_record {
	uint64_t base;
	struct rp_record *record;
};

/** struct rp_records - regions of a process; payloads by @sequence. */
struct rp_records {
	struct rp_live_record *v;
	size_t n;
	size_t capacity;
};

/**
 * rp_records_read() - find what is in a process.
 * @maps: its mappings
 * @diag: on failure: a damaged record (where), one of another version
 *
 * Pages that a tool mapped and did not come to write to (--xp, nothing but zeros,
 * not reserved, alone) appear as regions of kind RP_REGION_NR.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM; -ESRCH.
 */
int rp_records_read(struct rp_records *records, const struct rp_target *target,
		    const struct rp_maps *maps, struct rp_diag *diag);
void rp_records_free(struct rp_records *records);

/** rp_records_find() - an applied payload by its name, or NULL; of several the
 *  one that was applied last. */
struct rp_record *rp_records_find(const struct rp_records *records,
				  const char *name);

static inline const void *rp_record_table(const struct rp_record *record,
					  struct rp_record_table table)
{
	return (const char *)record + table.offset;
}

static inline const struct rp_record_function *
rp_record_functions(const struct rp_record *record)
{
	return rp_record_table(record, record->functions);
}

static inline const struct rp_record_data *
rp_record_data(const struct rp_record *record)
{
	return rp_record_table(record, record->data);
}

static inline const struct rp_record_hook *
rp_record_hooks(const struct rp_record *record)
{
	return rp_record_table(record, record->hooks);
}

static inline const struct rp_record_export *
rp_record_exports(const struct rp_record *record)
{
	return rp_record_table(record, record->exports);
}

static inline const struct rp_record_depend *
rp_record_depends(const struct rp_record *record)
{
	return rp_record_table(record, record->depends);
}

static inline const char *rp_record_string(const struct rp_record *record,
					   uint32_t offset)
{
	return (const char *)record + record->strings.offset + offset;
}

/** rp_record_is_live() - are its detours in place, or may they be? */
static inline bool rp_record_is_live(const struct rp_record *record)
{
	return record->region.kind == RP_REGION_PAYLOAD &&
	       (record->region.state == RP_STATE_APPLIED ||
		record->region.state == RP_STATE_SWITCHING ||
		record->region.state == RP_STATE_REVERTING);
}

/** rp_record_in_place() - do its detours stand where they were written? They do
 *  not if its library was unloaded, perhaps loaded again, since. True for a
 *  payload without functions. */
bool rp_record_in_place(const struct rp_target *target,
			const struct rp_record *record);

/** rp_record_set_state() - one store in the target, and in the copy. */
int rp_record_set_state(const struct rp_target *target,
			struct rp_region *region, enum rp_region_state state);

_Static_assert(sizeof(struct rp_region) == 64, "layout");
_Static_assert(sizeof(struct rp_record_function) == 72, "layout");
/* scripts/gdb/repoint-gdb.py goes by these. */
_Static_assert(offsetof(struct rp_record, parts) == 208, "layout");
_Static_assert(offsetof(struct rp_record, name) == 336, "layout");
_Static_assert(offsetof(struct rp_record, strings) == 400, "layout");
_Static_assert(offsetof(struct rp_record, symbol_file) == 408, "layout");

#endif /* REPOINT_LIVE_RECORD_H */
