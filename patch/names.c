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

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/*
 * The number of a closure or unnamed type at @s, which begins with Ul or Ut: the
 * place of its digits, before the underscore that ends it; or NULL.
 */
static const char *closure_number(const char *s)
{
	if (s[1] == 't')
		return s[2 + digits(s + 2)] == '_' ? s + 2 : NULL;
	for (const char *e = strchr(s, 'E'); e; e = strchr(e + 1, 'E')) {
		if (e[1 + digits(e + 1)] == '_')
			return e + 1;
	}
	return NULL;
}

/* The discriminator at the end of a local name: _3, __12_; or NULL. */
static const char *discriminator(const char *name)
{
	const char *end = name + strcspn(name, "."), *at = end;

	if (strncmp(name, "_ZZ", 3) && strncmp(name, "_ZGVZ", 5))
		return NULL;
	if (at > name && at[-1] == '_')
		at--;
	while (at > name && at[-1] >= '0' && at[-1] <= '9')
		at--;
	if (at == end || at - name < 4 || at[-1] != '_' || !digits(at))
		return NULL;
	at -= at[-2] == '_' ? 2 : 1;
	return at;
}

/* clang's closures: 3$_0; the place of the length before, or NULL. */
static const char *dollar_number(const char *name, size_t *length)
{
	const char *at = strstr(name, "$_"), *start = at;

	if (!at || !digits(at + 2))
		return NULL;
	while (start > name && start[-1] >= '0' && start[-1] <= '9')
		start--;
	*length = at + 2 + digits(at + 2) - start;
	return start;
}

bool rp_name_is_numbered_cxx(const char *name)
{
	size_t length;

	if (strncmp(name, "_Z", 2))
		return false;
	if (dollar_number(name, &length))
		return true;
	for (const char *s = strchr(name, 'U'); s; s = strchr(s + 1, 'U')) {
		if ((s[1] == 'l' || s[1] == 't') && closure_number(s))
			return true;
	}
	return discriminator(name);
}

static void drop(char *at, size_t n)
{
	memmove(at, at + n, strlen(at + n) + 1);
}

static void drop_cxx_numbers(char *name)
{
	char *at = (char *)discriminator(name);
	size_t length;

	if (at)
		drop(at, strcspn(at, "."));
	while ((at = (char *)dollar_number(name, &length)))
		drop(at, length);
	for (char *s = strchr(name, 'U'); s; s = strchr(s + 1, 'U')) {
		if (s[1] != 'l' && s[1] != 't')
			continue;
		at = (char *)closure_number(s);
		if (at)
			drop(at, digits(at));
	}
}

bool rp_name_canonical(const char *name, char *ret)
{
	size_t n = strcspn(name + (*name == '.'), ".") + (*name == '.');
	bool dropped = rp_name_is_numbered_cxx(name);
	char *const start = ret;

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
	if (dropped)
		drop_cxx_numbers(start);
	return dropped;
}

size_t rp_name_source_length(const char *name)
{
	return strcspn(name + (*name == '.'), ".") + (*name == '.');
}
