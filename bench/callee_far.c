// SPDX-License-Identifier: MIT
/* The same callee in a shared object. */
#include <stdint.h>

uint64_t step_far(uint64_t x);

__attribute__((aligned(64), visibility("default"))) uint64_t
step_far(uint64_t x)
{
	return x + 1;
}
