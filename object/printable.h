/* SPDX-License-Identifier: MIT */
/* Names and numbers in texts for people. */
#ifndef REPOINT_OBJECT_PRINTABLE_H
#define REPOINT_OBJECT_PRINTABLE_H

#include <stdint.h>

/** rp_make_printable() - replace what is not ASCII that can be printed by '?'.
 *  Names come out of untrusted files: they must not steer the terminal. */
static inline void rp_make_printable(char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			*s = '?';
	}
}

/** rp_s() - the letter that makes a word plural: "1 file", "2 files". */
static inline const char *rp_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif /* REPOINT_OBJECT_PRINTABLE_H */
