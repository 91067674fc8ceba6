/* SPDX-License-Identifier: MIT */
/* Names of symbols without what compilers number them by. */
#include "names.h"

#include <string.h>

static bool is_number(const char *s, size_t n)
{
	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
	}
	return true;
}

static bool is_word(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && !memcmp(s, word, n);
}

// These only say that a local symbol had to be told apart from others.
static bool is_dropped(const char *s, size_t n)
{
	return is_number(s, n) || is_word(s, n, "lto_priv") ||
	       is_word(s, n, "llvm");
}

bool rp_name_canonical(const char *name, char *ret)
{
	size_t n = strcspn(name + (*name == '.'), ".") + (*name == '.');
	bool dropped = false;

	memcpy(ret, name, n);
	ret += n;
	for (name += n; *name; name += n) {
		n = 1 + strcspn(name + 1, ".");
		if (is_dropped(name + 1, n - 1)) {
			dropped = true;
			continue;
		}
		memcpy(ret, name, n);
		ret += n;
	}
	*ret = '\0';
	return dropped;
}

bool rp_name_is_clone(const char *name)
{
	return strstr(name, ".isra") || strstr(name, ".constprop") ||
	       strstr(name, ".part");
}

size_t rp_name_source_length(const char *name)
{
	return strcspn(name + (*name == '.'), ".") + (*name == '.');
}
