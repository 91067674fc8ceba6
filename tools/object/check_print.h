/* SPDX-License-Identifier: MIT */
/* What `repoint object check` prints about one file. */
#ifndef REPOINT_TOOLS_CHECK_PRINT_H
#define REPOINT_TOOLS_CHECK_PRINT_H

#include "../../object/check/check.h"

#include <stdio.h>

/** How much is printed: --quiet, nothing, --verbose. */
enum rp_check_detail { RP_DETAIL_LESS, RP_DETAIL_USUAL, RP_DETAIL_ALL };

/** rp_check_print() - findings, a line each. */
void rp_check_print(FILE *out, const char *path, const struct rp_check *check,
		    enum rp_check_detail detail);

/** rp_check_print_json() - one object with all findings. */
void rp_check_print_json(FILE *out, const char *path,
			 const struct rp_check *check);

/** rp_check_print_failure() - of a file that could not be read; text goes to
 *  standard error, JSON to standard output. */
void rp_check_print_failure(FILE *out, const char *path,
			    const struct rp_diag *diag);
void rp_check_print_failure_json(FILE *out, const char *path,
				 const struct rp_diag *diag);

#endif /* REPOINT_TOOLS_CHECK_PRINT_H */
