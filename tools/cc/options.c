/* SPDX-License-Identifier: MIT */
/* What gcc's and clang's options mean to the wrapper. */
#include "options.h"
#include "words.h"

#include <string.h>

/*
 * Options whose argument is a word of its own; of both compilers. One that is
 * missing here makes the wrapper take the argument for an input file, which
 * matters only if it is named like a source.
 */
static const char *const takes_word[] = {
	"-A", "-B", "-D", "-F", "-G", "-I", "-L", "-MF", "-MJ", "-MQ", "-MT",
	"-T", "-Tbss", "-Tdata", "-Ttext", "-U", "-Xanalyzer", "-Xassembler",
	"-Xclang", "-Xcuda-fatbinary", "-Xcuda-ptxas", "-Xlinker",
	"-Xopenmp-target", "-Xpreprocessor", "-aux-info", "-arch", "-b",
	"-cxx-isystem", "-dumpbase", "-dumpbase-ext", "-dumpdir", "-e",
	"-framework", "-gcc-toolchain", "-idirafter", "-iframework",
	"-imacros", "-imultiarch", "-imultilib", "-include", "-include-pch",
	"-iplugindir", "-iprefix", "-iquote", "-isysroot", "-isystem",
	"-isystem-after", "-ivfsoverlay", "-iwithprefix",
	"-iwithprefixbefore", "-iwithsysroot", "-l", "-mllvm",
	"-mthread-model", "-o", "-plugin-arg", "-rpath",
	"-serialize-diagnostics", "--serialize-diagnostics", "-specs",
	"-target", "-u", "-undefined", "-working-directory", "-wrapper", "-x",
	"-z", "--assert", "--define-macro", "--dumpbase", "--dumpdir",
	"--entry", "--config", "--for-linker", "--force-link",
	"--forced-linkage", "--imacros", "--include", "--include-barrier",
	"--include-directory", "--include-directory-after",
	"--include-prefix", "--include-with-prefix", "--language",
	"--library-directory", "--output", "--param", "--prefix", "--specs",
	"--sysroot", "--undefine-macro", NULL
};

static const char *const no_object[] = {
	"-###", "-E", "-M", "-MM", "-S", "-cc1", "-cc1as",
	"-cc1gen-reproducer", "-dumpfullversion", "-dumpmachine", "-dumpspecs",
	"-dumpversion", "-emit-ast", "-emit-llvm", "-extract-api",
	"-fsyntax-only", "-module-file-info", "-rewrite-objc",
	"-verify-pch", "--analyze", "--assemble", "--autocomplete",
	"--dependencies", "--emit-static-lib", "--precompile", "--preprocess",
	"--target-help", "--user-dependencies", "--version", NULL
};

static const char *const no_object_prefixes[] = {
	"--help", "-print-", "--print-", "--autocomplete=", NULL
};

static const char *const source_suffixes[] = {
	"C", "CPP", "F", "F03", "F08", "F90", "F95", "FOR", "FPP", "FTN", "M",
	"S", "adb", "ads", "c", "c++", "cc", "cp", "cpp", "cppm", "cxx", "d",
	"f", "f03", "f08", "f90", "f95", "for", "fpp", "ftn", "go", "i", "ii",
	"m", "mi", "mii", "mm", "s", "sx", NULL
};

static const char *const header_suffixes[] = {
	"H", "h", "h++", "hh", "hp", "hpp", "hxx", "tcc", NULL
};

bool rp_cc_takes_word(const char *option)
{
	return rp_word_in(option, takes_word) ||
	       rp_has_prefix(option, "-Xarch_") ||
	       rp_has_prefix(option, "-Xopenmp-target=");
}

bool rp_cc_makes_no_object(const char *option)
{
	if (rp_word_in(option, no_object))
		return true;
	for (const char *const *p = no_object_prefixes; *p; p++) {
		if (rp_has_prefix(option, *p))
			return true;
	}
	return false;
}

static bool ends_with(const char *word, const char *end)
{
	size_t n = strlen(word), m = strlen(end);

	return n >= m && !strcmp(word + n - m, end);
}

enum rp_cc_input rp_cc_input_kind(const char *path, const char *language)
{
	const char *dot;

	if (language) {
		return ends_with(language, "-header") ||
		       ends_with(language, "-header-unit") ?
			RP_CC_INPUT_HEADER : RP_CC_INPUT_SOURCE;
	}
	dot = strrchr(rp_basename(path), '.');
	if (!dot)
		return RP_CC_INPUT_LINKED;
	if (rp_word_in(dot + 1, source_suffixes))
		return RP_CC_INPUT_SOURCE;
	return rp_word_in(dot + 1, header_suffixes) ? RP_CC_INPUT_HEADER :
						      RP_CC_INPUT_LINKED;
}
