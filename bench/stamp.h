/* SPDX-License-Identifier: MIT */
/* Time and memory before and after the registration of this program's sites. */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <stdint.h>

/**
 * struct stamp
 * @ns:        bench_ns()
 * @text_anon: bytes of executable mappings that are private copies
 * @data_anon: bytes of anonymous memory elsewhere
 * @faults:    page faults of the process so far
 */
struct stamp {
	uint64_t ns;
	uint64_t text_anon;
	uint64_t data_anon;
	uint64_t faults;
};

/* Set by constructors of the priorities next to the library's. */
extern struct stamp stamp_before, stamp_after;

/** stamp_peak() - bytes by which the process was larger once than it is. */
uint64_t stamp_peak(void);

#endif /* BENCH_STAMP_H */
