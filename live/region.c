// SPDX-License-Identifier: MIT
/* Mapping regions. */
#define _GNU_SOURCE
#include "region.h"

#include <sys/mman.h>

static int begin(struct rp_inject *inject, uint64_t base, uint64_t size,
		 enum rp_region_kind kind, struct rp_diag *diag)
{
	const struct rp_target *target = inject->threads->target;
	const struct rp_region region = {
		.magic = RP_REGION_MAGIC, .version = RP_REGION_VERSION,
		.kind = kind, .base = base, .size = size,
		.state = kind == RP_REGION_ROOT ? RP_STATE_APPLIED :
			 RP_STATE_REVERTED,
		.record_size = sizeof(region),
	};

	if (!rp_target_write(target, base, &region, sizeof(region)))
		return rp_inject_protect(inject, base, size, PROT_READ, diag);
	return rp_diag_set(diag, RP_DIAG_LIVE_WRITE, NULL,
		"this kernel does not let a tracer write to read-only memory of process %d: see proc_mem.force_override in its command line",
		target->pid);
}

int rp_region_map(struct rp_inject *inject, uint64_t base, uint64_t size,
		  enum rp_region_kind kind, struct rp_diag *diag)
{
	struct rp_diag ignored;
	int ret = rp_inject_map(inject, base, size, PROT_EXEC, diag);

	if (ret)
		return ret;
	ret = begin(inject, base, size, kind, diag);
	if (ret)
		rp_inject_unmap(inject, base, size, &ignored);
	return ret;
}
