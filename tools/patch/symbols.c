/* SPDX-License-Identifier: MIT */
/* `repoint patch symbols`: the symbol file of a live patch, for debuggers. */
#include "../tool.h"
#include "live_settings.h"

#include <errno.h>
#include <string.h>

static const char help_text[] =
"Usage: repoint patch symbols -o FILE PID NAME\n"
"\n"
"Writes the symbols and the unwind information of the live patch NAME in a process\n"
"to an ELF file, with their final addresses: gdb's add-symbol-file FILE.\n"
"\n"
"  PID                  the process\n"
"  -o, --output FILE    what is written\n"
"  -h, --help           this text\n"
"\n"
"Exit status: 0, 2 if no such patch is applied, 1 after an error, 64 if the command\n"
"line is wrong.\n";

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int write_file(const char *path, const void *bytes, size_t size)
{
	struct rp_diag diag = { 0 };
	FILE *file = fopen(path, "we");
	bool done = file && fwrite(bytes, 1, size, file) == size;

	if (file && fclose(file))
		done = false;
	if (done)
		return RP_EXIT_OK;
	rp_diag_set(&diag, RP_DIAG_WRITE, NULL, "cannot write: %s",
		    strerror(errno));
	rp_error(path, &diag);
	return RP_EXIT_ERROR;
}

static int run(const struct rp_live_settings *s, pid_t pid, const char *name)
{
	struct rp_records records;
	struct rp_diag diag = { 0 };
	const struct rp_record *r = NULL;
	int status;

	if (!rp_live_list(pid, &records, &diag)) {
		r = rp_records_find(&records, name);
		if (!r)
			rp_diag_set(&diag, RP_DIAG_LIVE_NOT_APPLIED, NULL,
				"no payload %s is applied to process %d", name,
				pid);
	}
	if (r) {
		status = write_file(s->output,
				    rp_record_table(r, r->symbol_file),
				    r->symbol_file.n);
	} else {
		rp_error(s->what, &diag);
		status = rp_live_exit(&diag);
	}
	rp_records_free(&records);
	return status;
}

int rp_cmd_patch_symbols(int argc, char **argv)
{
	struct rp_live_settings settings;
	struct rp_processes processes = { 0 };
	struct rp_diag diag = { 0 };
	int status = rp_live_settings_parse(&settings, "patch symbols",
		options, argc, argv, 1,
		"name a process and a live patch, and a file with -o");

	if (status)
		return status;
	if (settings.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	if (!settings.output)
		return rp_misuse("patch symbols", "name a file with -o");
	if (rp_processes_find(&processes, settings.which, settings.what,
			      &diag)) {
		rp_error(settings.what, &diag);
		status = RP_EXIT_ERROR;
	} else {
		status = run(&settings, processes.v[0], argv[optind]);
	}
	rp_processes_free(&processes);
	return status;
}
