/* SPDX-License-Identifier: MIT */
/* Code chosen for this processor and ops bound at start: the demo's first table. */
#ifndef DEMO_CODE_H
#define DEMO_CODE_H

#include <stddef.h>

/** code_line() - check the CRC of a line by what was chosen. */
void code_line(const char *text, size_t len);

/** code_print() - bind the ops, show what is in place. Returns wrong results. */
unsigned int code_print(void);

#endif
