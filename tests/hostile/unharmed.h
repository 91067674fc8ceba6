/* SPDX-License-Identifier: MIT */
/* What must hold in a hostile environment, whatever an update returned. */
#ifndef UNHARMED_H
#define UNHARMED_H

#include <stdbool.h>

#include "subject.h"

/* Text mappings are compared with what they were at this time. */
void note_maps(void);

/*
 * Calls, branches and queries agree, threads go on, no text is writable, the
 * protections are as before.
 */
void check_unharmed(void);

/* An update of the call returned @result, and did what that means. */
void check_result(int result, int wanted, enum subject_func before,
		  enum subject_func after);

/* Updates to each function; those that change something return @wanted. */
void try_calls(int wanted, bool nulls);
void try_keys(int wanted);

#endif
