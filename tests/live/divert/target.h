// SPDX-License-Identifier: MIT
/* What the target tells the driver. */
#ifndef TEST_DIVERT_TARGET_H
#define TEST_DIVERT_TARGET_H

#include <stdint.h>

/** struct mailbox - lies in the target. @start, @size: code that the driver
 *  makes threads leave; @catching, @catching_size: code that exceptions concern;
 *  @rounds of all threads; @errors: how often a result was wrong; @frames,
 *  @object: to be made known to the unwinder, 0: no longer */
struct mailbox {
	uint64_t start, size;
	uint64_t catching, catching_size;
	volatile uint64_t rounds;
	volatile uint64_t errors;
	volatile uint64_t signals;
	volatile uint64_t frames, object;
	volatile uint64_t known;
};

#endif /* TEST_DIVERT_TARGET_H */
