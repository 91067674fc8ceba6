/* SPDX-License-Identifier: MIT */
/* Text that may be shown to people. */
#include "text.h"

#include <stdint.h>

// Bytes that follow the first one; or -1.
static int following(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if ((first & 0xf0) == 0xe0)
		return 2;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

static bool is_allowed(uint32_t c, int n)
{
	static const uint32_t least[] = { 0x20, 0xa0, 0x800, 0x10000 };

	if (c < least[n] || c == 0x7f || c > 0x10ffff)
		return false;
	if (c >= 0xd800 && c < 0xe000)		// surrogates
		return false;
	if (c == 0x200e || c == 0x200f || c == 0x61c)	// direction marks
		return false;
	if (c == 0x2028 || c == 0x2029)		// line separators
		return false;
	return !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

bool rp_text_is_printable(const char *s)
{
	while (*s) {
		unsigned char first = *s++;
		int n = following(first);
		uint32_t c = first;

		if (n < 0)
			return false;
		if (n)
			c &= 0x3f >> n;
		for (int i = 0; i < n; i++) {
			if ((*s & 0xc0) != 0x80)	// also the end
				return false;
			c = c << 6 | (*s++ & 0x3f);
		}
		if (!is_allowed(c, n))
			return false;
	}
	return true;
}
