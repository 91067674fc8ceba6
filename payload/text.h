/* SPDX-License-Identifier: MIT */
/* Text that may be shown to people, whoever wrote it. */
#ifndef REPOINT_PAYLOAD_TEXT_H
#define REPOINT_PAYLOAD_TEXT_H

#include <stdbool.h>

/** rp_text_is_start() - can a character begin with this byte? */
static inline bool rp_text_is_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/**
 * rp_text_is_printable() - is a string UTF-8 that cannot steer a terminal?
 *
 * Control characters and those that change the direction of writing are refused.
 */
bool rp_text_is_printable(const char *s);

#endif /* REPOINT_PAYLOAD_TEXT_H */
