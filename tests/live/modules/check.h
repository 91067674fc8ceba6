/* SPDX-License-Identifier: MIT */
/* Parts of check.c. */
#ifndef CHECK_H
#define CHECK_H

#include "../../../live/resolve.h"

#include <stdarg.h>

/** complain() - something is not as it should be. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** check_references() - compare all that the dynamic linker has stored. */
void check_references(struct rp_modules *modules);
/** references_text() - what check_references() has seen. */
const char *references_text(void);

/** resolve_import() - as a payload with one import. */
int resolve_import(struct rp_modules *modules, struct rp_module *from,
		   const char *name, const char *version, bool tls,
		   enum rp_resolve what, uint64_t *ret, struct rp_diag *diag);

#endif /* CHECK_H */
