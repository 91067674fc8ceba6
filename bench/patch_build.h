/* SPDX-License-Identifier: MIT */
/* The half of section "patch" that builds programs. */
#ifndef BENCH_PATCH_BUILD_H
#define BENCH_PATCH_BUILD_H

#include "bench.h"

void bench_patch_build(struct report *report,
		       const struct bench_options *options);

#endif /* BENCH_PATCH_BUILD_H */
