/* SPDX-License-Identifier: MIT */
/*
 * Applies payloads to the process that it is loaded into, for tests: one
 * thread, no safety but that of the format. What `repoint patch apply` does to
 * other processes, in the order in which docs/payload.md has it.
 *
 *   int  rp_test_apply(path);	0, or a negative errno value
 *   int  rp_test_revert(void);	the one that was applied last
 *   const char *rp_test_error(void);	of the last failure
 *
 * Preloaded into a program that knows nothing of it, it applies what
 * RP_TEST_APPLY names (paths with colons between them) before main(); programs
 * that the payload is not for, as those that start it, run as they are.
 */
#ifndef REPOINT_TESTS_PATCH_APPLY_H
#define REPOINT_TESTS_PATCH_APPLY_H

#include "../../../payload/place.h"

#include <link.h>

#define RP_TEST_API	__attribute__((visibility("default")))

RP_TEST_API int rp_test_apply(const char *path);
RP_TEST_API int rp_test_revert(void);
RP_TEST_API const char *rp_test_error(void);

/**
 * struct module - a program or library of this process.
 * @low, @high: extent of its segments
 * @fixed:      its addresses are those of its file: code may hold them in 32
 *              bits
 */
struct module {
	char name[256];
	uint64_t bias;
	uint64_t low, high;
	size_t tls_module;
	bool fixed;
	bool found;
};

/**
 * struct applied - a payload in this process.
 * @file:      its bytes
 * @image:     where it was placed
 * @saved:     for each function what its detour has replaced
 * @was:       for each data record what it was before, one behind the other
 * @registered: its unwind information is known
 */
struct applied {
	struct rp_payload payload;
	struct rp_placement placement;
	struct module target;
	void *file;
	size_t file_size;
	uint8_t *image;
	uint8_t (*saved)[RP_PAYLOAD_DETOUR_SIZE];
	uint8_t *was;
	bool registered;
	struct applied *below;
};

/** The payload that was applied last; the others are below it. */
extern struct applied *rp_test_top;

/** find_module() - the one with this build-id. Return: 0; -ESRCH. */
int find_module(const uint8_t *build_id, size_t size, struct module *ret);
/** find_tls_module() - the one that a thread-local address of this thread is
 *  in, and the offset in its block. Return: 0; -ENOENT. */
int find_tls_module(uint64_t address, size_t *module, uint64_t *offset);

/** map_near() - zeroed memory, in reach of all of a module. */
void *map_near(const struct module *module, size_t size, size_t align);

/** resolve() - for struct rp_resolver; @context is the struct applied. */
int resolve(void *context, const struct rp_payload *payload,
	    const struct rp_payload_binding *binding, enum rp_resolve what,
	    uint64_t *ret, struct rp_diag *diag);

/** Address of a symbol that a payload defines. */
static inline uint8_t *defined(const struct applied *a, uint32_t symbol)
{
	return a->image + rp_placement_symbol(&a->placement, symbol);
}

#endif /* REPOINT_TESTS_PATCH_APPLY_H */
