/* SPDX-License-Identifier: MIT */
/* `repoint patch diff`: from two versions of objects to a payload. */
#include "../tool.h"
#include "settings.h"

#include <string.h>
#include <sys/stat.h>

static const char help_text[] =
"Usage: repoint patch diff [OPTION...] --binary FILE OLD.o NEW.o [OLD.o NEW.o]...\n"
"       repoint patch diff [OPTION...] --binary FILE OLDDIR NEWDIR\n"
"\n"
"Compares two versions of objects by meaning, and writes a payload that replaces\n"
"the functions that changed, for a process that runs the binary. Compile both\n"
"with the options that the binary was built with, and -ffunction-sections\n"
"-fdata-sections -g; repoint patch build does all of this. Of two directories the\n"
"objects are paired by their relative paths.\n"
"\n"
"%s"
"\n"
"Exit status: 0 if a payload was made, 2 if the change cannot be patched (reasons\n"
"are printed), 3 if there is nothing to patch, 1 after an error, 64 if the command\n"
"line is wrong.\n";

static const struct option options[] = {
	RP_PATCH_OPTIONS,
	{ NULL, 0, NULL, 0 }
};

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int rp_cmd_patch_diff(int argc, char **argv)
{
	struct rp_patch_settings settings = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, ":o:vh", options, NULL)) != -1) {
		if (!rp_patch_settings_option(&settings, c, optarg))
			return rp_usage_error("patch diff", options, argv);
	}
	if (settings.help) {
		printf(help_text, rp_patch_options_help);
		return RP_EXIT_OK;
	}
	argv += optind;
	argc -= optind;
	if (argc < 2)
		return rp_misuse("patch diff", "name an old and a new object, "
				 "or two directories of objects");
	if (argc == 2 && is_directory(argv[0]) && is_directory(argv[1]))
		return rp_patch_run_dirs(&settings, argv[0], argv[1]);
	if (argc % 2)
		return rp_misuse("patch diff", "objects come in pairs: OLD.o "
				 "NEW.o; the last one has no other");
	return rp_patch_run_pairs(&settings, argv, argc);
}
