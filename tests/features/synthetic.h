/* SPDX-License-Identifier: MIT */
/* What the program and its libraries know of each other. */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include <repoint/cpu.h>

RP__BEGIN_DECLS

/* In the library that the program is linked with. */
RP_API int dependency_is_constructed(void);
RP_API int dependency_has(unsigned int feature);

/* In both files of the program, as a header would have it. */
int detect_shared(void);
int has_in_other_file(unsigned int feature);

#define FEATURE_FIRST	RP_FEATURE_SYNTHETIC(0)
#define FEATURE_MISSING	RP_FEATURE_SYNTHETIC(1)
#define FEATURE_LATER	RP_FEATURE_SYNTHETIC(63)
#define FEATURE_SHARED	RP_FEATURE_SYNTHETIC(32)

RP_DEFINE_FEATURE(FEATURE_SHARED, "shared", detect_shared);

RP__END_DECLS

#endif
