/* SPDX-License-Identifier: MIT */
/*
 * Which compiler a name stands for. By its own name, or the name of the file
 * that it is a link to; a compiler by another name is asked, which costs a
 * process for each call.
 */
#include "family.h"
#include "line.h"
#include "run.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
# define NATIVE_IS_X86_64	true
#else
# define NATIVE_IS_X86_64	false
#endif

struct known_name {
	const char *name;
	enum rp_cc_family family;
};

static const struct known_name known_names[] = {
	{ "gcc", RP_CC_GCC }, { "g++", RP_CC_GCC },
	{ "gfortran", RP_CC_GCC }, { "clang", RP_CC_CLANG },
	{ "clang++", RP_CC_CLANG },
};

// gcc-12 is gcc, clang++-14 is clang++.
static size_t length_without_version(const char *name)
{
	const char *dash = strrchr(name, '-');

	if (dash && isdigit((unsigned char)dash[1]) &&
	    strspn(dash + 1, "0123456789.") == strlen(dash + 1))
		return dash - name;
	return strlen(name);
}

/*
 * What @path is called, NULL-family if that says nothing. A triple in front
 * (x86_64-linux-gnu-gcc-12) says what it compiles for.
 */
static enum rp_cc_family family_of_name(const char *path, bool *has_triple)
{
	const char *name = rp_basename(path);
	size_t length = length_without_version(name);

	*has_triple = false;
	for (size_t i = 0; i < sizeof(known_names) / sizeof(*known_names); i++) {
		const char *known = known_names[i].name;
		size_t n = strlen(known);

		if (length < n || memcmp(name + length - n, known, n))
			continue;
		if (length == n)
			return known_names[i].family;
		if (name[length - n - 1] != '-')
			continue;
		// musl-gcc and the like have a prefix that is no triple.
		*has_triple = memchr(name, '-', length - n - 1);
		if (*has_triple && !rp_cc_target_is_ours(name))
			return RP_CC_FOREIGN;
		return known_names[i].family;
	}
	return RP_CC_UNKNOWN;
}

static bool find_in_path(const char *program, char *ret)
{
	const char *path = getenv("PATH");
	char candidate[PATH_MAX];

	if (strchr(program, '/'))
		return realpath(program, ret) != NULL;
	while (path && *path) {
		size_t n = strcspn(path, ":");

		if (snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)n,
			     path, program) < (int)sizeof(candidate) &&
		    !access(candidate, X_OK))
			return realpath(candidate, ret) != NULL;
		path += n + (path[n] == ':');
	}
	return false;
}

static char *ask(const char *compiler, const char *option)
{
	struct rp_words words = { 0 };

	rp_words_add(&words, compiler);
	rp_words_add(&words, option);
	return rp_run_capture(&words, 1);
}

static enum rp_cc_family ask_family(const char *compiler)
{
	enum rp_cc_family family = RP_CC_UNKNOWN;
	char *text = ask(compiler, "--version");

	if (text && strstr(text, "clang"))
		family = RP_CC_CLANG;
	else if (text && strstr(text, "Free Software Foundation"))
		family = RP_CC_GCC;
	free(text);
	if (family == RP_CC_UNKNOWN)
		return family;
	text = ask(compiler, "-dumpmachine");
	if (text && !rp_cc_target_is_ours(text))
		family = RP_CC_FOREIGN;
	free(text);
	return family;
}

static bool family_from_environment(enum rp_cc_family *ret)
{
	const char *word = getenv("RP_CC_FAMILY");

	if (!word || !*word)
		return false;
	if (!strcmp(word, "gcc"))
		*ret = RP_CC_GCC;
	else if (!strcmp(word, "clang"))
		*ret = RP_CC_CLANG;
	else
		*ret = RP_CC_UNKNOWN;
	return true;
}

enum rp_cc_family rp_cc_family_of(const char *compiler)
{
	enum rp_cc_family family, linked;
	bool has_triple, linked_has_triple;
	char real[PATH_MAX];

	if (family_from_environment(&family))
		return family;
	family = family_of_name(compiler, &has_triple);
	if (has_triple)
		return family;
	linked = RP_CC_UNKNOWN;
	linked_has_triple = false;
	if (find_in_path(compiler, real))
		linked = family_of_name(real, &linked_has_triple);
	// The file that a link leads to knows best; but a wrapper that is found
	// under a compiler's name (ccache) stands for that compiler.
	if (linked_has_triple || family == RP_CC_UNKNOWN)
		family = linked;
	if (family == RP_CC_UNKNOWN)
		return ask_family(compiler);
	if (!linked_has_triple && !NATIVE_IS_X86_64)
		return RP_CC_FOREIGN;
	return family;
}

bool rp_cc_is_launcher(const char *program)
{
	static const char *const launchers[] = {
		"buildcache", "ccache", "distcc", "gomacc", "icecc", "sccache",
		NULL
	};

	return rp_word_in(rp_basename(program), launchers);
}
