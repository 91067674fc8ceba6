/* SPDX-License-Identifier: MIT */
/* Names come out of untrusted files: they must not steer the terminal. */
#ifndef REPOINT_OBJECT_PRINTABLE_H
#define REPOINT_OBJECT_PRINTABLE_H

/** rp_make_printable() - replace what is not ASCII that can be printed by '?'. */
static inline void rp_make_printable(char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			*s = '?';
	}
}

#endif /* REPOINT_OBJECT_PRINTABLE_H */
