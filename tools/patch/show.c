/* SPDX-License-Identifier: MIT */
/* `repoint patch show`: what a payload changes. */
#include "show.h"

#include "../tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help_text[] =
"Usage: repoint patch show [OPTION...] FILE.rpp\n"
"\n"
"Shows what a live-patch payload is for and what it changes: the functions that\n"
"it replaces and adds, the symbols that it needs, hooks, data. The payload is\n"
"checked as it is before it is applied; a damaged one is refused.\n"
"\n"
"      --disassemble  show the new code of each replaced function\n"
"      --binary PATH  show old code beside new: PATH is the program or library\n"
"                     that the payload is for (its build-id is compared)\n"
"      --debug FILE   separate debug file of PATH, if it is not found by itself\n"
"      --json         print JSON\n"
"  -h, --help         this text\n"
"\n"
"Between old and new, | marks an instruction that changed, < one that is gone and\n"
"> one that is new. The text is as wide as the terminal, or COLUMNS.\n"
"\n"
"Exit status: 0 if it is sound, 1 if not or if a file could not be read, 64 if\n"
"the command line is wrong.\n";

enum { OPT_JSON = 0x100, OPT_DISASSEMBLE, OPT_BINARY, OPT_DEBUG };

static const struct option options[] = {
	{ "disassemble", no_argument, NULL, OPT_DISASSEMBLE },
	{ "binary", required_argument, NULL, OPT_BINARY },
	{ "debug", required_argument, NULL, OPT_DEBUG },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct settings {
	const char *path;
	const char *binary;
	const char *debug;
	bool disassemble;
	bool json;
	bool help;
};

static int read_all(int fd, uint8_t *image, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, image + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = ESTALE;		// became shorter
		if (n <= 0)
			return -EINVAL;
		at += n;
	}
	return 0;
}

static int diag_errno(struct rp_diag *diag, const char *what)
{
	return rp_diag_set(diag, RP_DIAG_READ, NULL, "%s: %s", what,
			   strerror(errno));
}

// Read, not mapped: a file that somebody cuts short would raise SIGBUS.
static int read_fd(int fd, uint8_t **ret, size_t *size, struct rp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st))
		return diag_errno(diag, "cannot read");
	if (!S_ISREG(st.st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
				   "not a regular file");
	*size = st.st_size;
	*ret = malloc(*size ? *size : 1);
	if (!*ret)
		return rp_diag_nomem(diag);
	return read_all(fd, *ret, *size) ? diag_errno(diag, "cannot read") : 0;
}

static int read_file(const char *path, uint8_t **ret, size_t *size,
		     struct rp_diag *diag)
{
	// O_NONBLOCK: a FIFO is to be refused, not waited for.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return diag_errno(diag, "cannot open");
	int rc = read_fd(fd, ret, size, diag);
	close(fd);
	return rc;
}

static int check_build_id(const struct rp_payload *payload,
			  const struct rp_binary *binary, struct rp_diag *diag)
{
	size_t size;
	const uint8_t *id = rp_binary_build_id(binary, &size);

	if (size == payload->header.build_id_size &&
	    !memcmp(id, payload->header.build_id, size))
		return 0;
	return rp_diag_set(diag, RP_DIAG_BINARY_BUILD_ID, NULL,
		"another build than the one that the payload is for: the "
		"build-ids differ");
}

static int print(const struct rp_show *show, bool json, struct rp_diag *diag)
{
	return json ? rp_show_json(show, diag) : rp_show_text(show, diag);
}

static int show_with_binary(struct rp_show *show,
			    const struct settings *settings,
			    struct rp_diag *diag)
{
	const struct rp_binary_options how = { .debug_file = settings->debug };
	struct rp_binary *binary = NULL;

	int rc = rp_binary_open(&binary, settings->binary, &how, diag);
	if (!rc)
		rc = check_build_id(show->payload, binary, diag);
	if (rc) {
		rp_error(settings->binary, diag);
	} else {
		show->binary = binary;
		rc = print(show, settings->json, diag);
		if (rc)
			rp_error(settings->path, diag);
	}
	if (binary)
		rp_binary_close(binary);
	return rc;
}

static int show_payload(const struct rp_payload *payload,
			const struct settings *settings, struct rp_diag *diag)
{
	struct rp_show show = {
		.path = settings->path,
		.payload = payload,
		.disassemble = settings->disassemble || settings->binary,
	};

	if (settings->binary)
		return show_with_binary(&show, settings, diag);
	int rc = print(&show, settings->json, diag);
	if (rc)
		rp_error(settings->path, diag);
	return rc;
}

static int run(const struct settings *settings)
{
	struct rp_payload payload;
	struct rp_diag diag;
	uint8_t *image = NULL;
	size_t size = 0;

	int rc = read_file(settings->path, &image, &size, &diag);
	if (!rc) {
		rc = rp_payload_open(&payload, image, size, &diag);
		if (!rc)
			rc = show_payload(&payload, settings, &diag);
		else
			rp_error(settings->path, &diag);
		rp_payload_close(&payload);
	} else {
		rp_error(settings->path, &diag);
	}
	free(image);
	return rc ? RP_EXIT_ERROR : RP_EXIT_OK;
}

static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			settings->json = true;
			break;
		case OPT_DISASSEMBLE:
			settings->disassemble = true;
			break;
		case OPT_BINARY:
			settings->binary = optarg;
			break;
		case OPT_DEBUG:
			settings->debug = optarg;
			break;
		case 'h':
			settings->help = true;
			return 0;
		default:
			return rp_usage_error("patch show", options, argv);
		}
	}
	return rp_one_file("patch show", argc, argv, &settings->path);
}

int rp_cmd_patch_show(int argc, char **argv)
{
	struct settings settings = { 0 };

	int status = parse(argc, argv, &settings);
	if (status)
		return status;
	if (settings.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	return run(&settings);
}
