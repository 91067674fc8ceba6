/* SPDX-License-Identifier: MIT */
/* A compiler's command line, as far as the wrapper must understand it. */
#include "line.h"
#include "options.h"

#include <string.h>

struct parser {
	struct rp_cc_line *line;
	const char *language;	/* of -x, while it holds */
	bool only_inputs;	/* behind "--" */
};

bool rp_cc_target_is_ours(const char *triple)
{
	static const char *const not_elf[] = {
		"apple", "darwin", "macos", "windows", "mingw", "msvc",
		"cygwin", "gnux32", NULL
	};

	if (!rp_has_prefix(triple, "x86_64-") &&
	    !rp_has_prefix(triple, "amd64-") && strcmp(triple, "x86_64"))
		return false;
	for (const char *const *p = not_elf; *p; p++) {
		if (strstr(triple, *p))
			return false;
	}
	return true;
}

static void add_input(struct parser *p, const char *path)
{
	p->line->inputs = true;
	switch (rp_cc_input_kind(path, p->language)) {
	case RP_CC_INPUT_SOURCE:
		rp_words_add(&p->line->sources, path);
		break;
	case RP_CC_INPUT_LINKED:
		rp_words_add(&p->line->linked, path);
		break;
	case RP_CC_INPUT_HEADER:
		break;
	}
}

static bool is_emit_relocs(const char *word)
{
	return !strcmp(word, "--emit-relocs") || !strcmp(word, "-emit-relocs") ||
	       !strcmp(word, "-q");
}

static void linker_word(struct rp_cc_line *line, const char *word)
{
	if (word[0] != '-')
		rp_words_add(&line->linked, word);
	else
		line->emit_relocs |= is_emit_relocs(word);
}

// -Wl,A,B: words for the linker, separated by commas.
static void linker_words(struct rp_cc_line *line, const char *words)
{
	struct rp_words list = { 0 };

	for (;;) {
		size_t n = strcspn(words, ",");

		rp_words_addf(&list, "%.*s", (int)n, words);
		if (!words[n])
			break;
		words += n + 1;
	}
	for (size_t i = 0; i < list.n; i++)
		linker_word(line, list.v[i]);
}

static void set_language(struct parser *p, const char *language)
{
	p->language = strcmp(language, "none") ? language : NULL;
}

// Options whose argument is the next word or follows in the same one.
static bool parse_argument(struct parser *p, const char *option,
			   const char *argument)
{
	if (!strcmp(option, "-o") || !strcmp(option, "--output"))
		p->line->output = argument;
	else if (!strcmp(option, "-x") || !strcmp(option, "--language"))
		set_language(p, argument);
	else if (!strcmp(option, "-target") || !strcmp(option, "--target"))
		p->line->target = argument;
	else if (!strcmp(option, "-Xlinker"))
		linker_word(p->line, argument);
	else if (!strcmp(option, "-wrapper"))
		p->line->wrapper = true;
	else
		return false;
	return true;
}

static bool parse_joined(struct parser *p, const char *word)
{
	if (rp_has_prefix(word, "--target="))
		return parse_argument(p, "--target", word + 9);
	if (rp_has_prefix(word, "--output="))
		return parse_argument(p, "--output", word + 9);
	if (rp_has_prefix(word, "--language="))
		return parse_argument(p, "--language", word + 11);
	if (rp_has_prefix(word, "-Wl,"))
		linker_words(p->line, word + 4);
	else if (rp_has_prefix(word, "-x"))
		set_language(p, word + 2);
	else if (rp_has_prefix(word, "-o") && !rp_has_prefix(word, "-objc"))
		p->line->output = word + 2;
	else
		return false;
	return true;
}

struct flag {
	const char *word;
	size_t offset;
	bool value;
};

#define FLAG(word, field, value) { word, offsetof(struct rp_cc_line, field), value }

// The last one of a kind counts, as for the compilers.
static const struct flag flags[] = {
	FLAG("-c", compile_only, true),
	FLAG("--compile", compile_only, true),
	FLAG("-flto", lto, true),
	FLAG("-fno-lto", lto, false),
	FLAG("-fno-integrated-as", gnu_as, true),
	FLAG("-no-integrated-as", gnu_as, true),
	FLAG("-fintegrated-as", gnu_as, false),
	FLAG("-integrated-as", gnu_as, false),
	FLAG("-m64", foreign, false),
	FLAG("-m32", foreign, true),
	FLAG("-m16", foreign, true),
	FLAG("-mx32", foreign, true),
	FLAG("-miamcu", foreign, true),
	FLAG("-pipe", pipe, true),
	FLAG("--pipe", pipe, true),
	FLAG("-r", relocatable, true),
};

static void parse_flag(struct rp_cc_line *line, const char *word)
{
	if (rp_has_prefix(word, "-flto="))
		line->lto = true;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!strcmp(word, flags[i].word))
			*(bool *)((char *)line + flags[i].offset) =
				flags[i].value;
	}
}

static void parse_option(struct parser *p, const char *word)
{
	if (rp_cc_makes_no_object(word))
		p->line->no_object = true;
	else if (!parse_joined(p, word))
		parse_flag(p->line, word);
}

void rp_cc_line_parse(struct rp_cc_line *line, char *const *argv)
{
	struct parser p = { .line = line };
	struct rp_words words = { 0 };

	memset(line, 0, sizeof(*line));
	rp_words_expand(&words, argv);
	for (size_t i = 0; i < words.n; i++) {
		const char *word = words.v[i];

		if (p.only_inputs || word[0] != '-' || !word[1]) {
			add_input(&p, word);
		} else if (!strcmp(word, "--")) {
			p.only_inputs = true;
		} else if (rp_cc_takes_word(word) && words.v[i + 1]) {
			parse_argument(&p, word, words.v[++i]);
		} else {
			// A library is an input too.
			line->inputs |= rp_has_prefix(word, "-l");
			parse_option(&p, word);
		}
	}
	if (line->target && !rp_cc_target_is_ours(line->target))
		line->foreign = true;
}
