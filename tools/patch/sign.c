/* SPDX-License-Identifier: MIT */
/* `repoint patch sign`: vouch for a payload. */
#define _GNU_SOURCE
#include "../../payload/payload.h"
#include "../tool.h"
#include "files.h"
#include "keyring.h"
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KEY_SIZE	(4u << 10)

static const char help_text[] =
"Usage: repoint patch sign --key NAME.key [OPTION...] FILE.rpp\n"
"\n"
"Signs a live-patch payload. The signature is written to FILE.rpp.sig, which has to\n"
"be beside the payload where it is verified; the payload itself is not changed. It is\n"
"checked first, and refused if it is damaged or if others can write it.\n"
"\n"
"      --key FILE     the secret key, made by repoint patch keygen; a file that\n"
"                     others can read is refused\n"
"      --add          keep the signatures of other keys that are there\n"
"  -o, --output FILE  where the signature is written\n"
"      --force        sign it even if others can write it\n"
"  -h, --help         this text\n"
"\n"
"Exit status: 0 if it was signed, 1 if not, 64 if the command line is wrong.\n";

enum { OPT_KEY = 0x100, OPT_ADD, OPT_FORCE };

static const struct option options[] = {
	{ "key", required_argument, NULL, OPT_KEY },
	{ "add", no_argument, NULL, OPT_ADD },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct settings {
	const char *path;
	const char *key;
	const char *output;
	bool add;
	bool force;
	bool help;
};

static int check_key_file(int fd, struct rp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st))
		return rp_diag_set(diag, RP_DIAG_READ, NULL,
				   "cannot look at: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
				   "not a regular file");
	if (st.st_uid && st.st_uid != geteuid())
		return rp_diag_set(diag, RP_DIAG_LIVE_FILE, NULL,
			"belongs to user %u: a secret key has to belong to who "
			"uses it", (unsigned int)st.st_uid);
	if (st.st_mode & 077)
		return rp_diag_set(diag, RP_DIAG_LIVE_FILE, NULL,
			"has mode %04o: others can use this secret key; chmod "
			"600, or make a new one if somebody may have read it",
			(unsigned int)st.st_mode & 07777);
	return 0;
}

static int read_key_fd(struct rp_secret_key *key, int fd, const char *path,
		       struct rp_diag *diag)
{
	uint8_t *text;
	size_t size;

	int rc = check_key_file(fd, diag);
	if (!rc)
		rc = rp_descriptor_read(fd, MAX_KEY_SIZE, &text, &size, diag);
	if (rc)
		return rc;
	rc = rp_secret_key_parse(key, (char *)text, size, path, diag);
	explicit_bzero(text, size);
	free(text);
	return rc;
}

static int read_key(struct rp_secret_key *key, const char *path)
{
	struct rp_diag diag;
	int rc, fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		rc = rp_diag_set(&diag, RP_DIAG_READ, NULL, "cannot open: %s",
				 strerror(errno));
	} else {
		rc = read_key_fd(key, fd, path, &diag);
		close(fd);
	}
	if (rc)
		rp_error(path, &diag);
	return rc;
}

// Nobody should vouch for what is no payload.
static int check_payload(const uint8_t *image, size_t size,
			 struct rp_diag *diag)
{
	struct rp_payload payload;

	int rc = rp_payload_open(&payload, image, size, diag);
	rp_payload_close(&payload);
	return rc;
}

static int read_message(struct rp_signed_message *message,
			const struct settings *settings, struct rp_diag *diag)
{
	uint8_t *image;
	size_t size;
	int fd;

	int rc = rp_trusted_file_open(settings->path, settings->force, &fd,
				      diag);
	if (rc)
		return rc;
	rc = rp_descriptor_read(fd, SIZE_MAX, &image, &size, diag);
	close(fd);
	if (rc)
		return rc;
	rc = check_payload(image, size, diag);
	if (!rc)
		rc = rp_signed_message_init(message, image, size, diag);
	free(image);
	return rc;
}

// What is there and is no file of signatures was named by mistake.
static int read_present(struct rp_signatures *present, const char *output,
			struct rp_diag *diag)
{
	struct stat st;

	*present = (struct rp_signatures){ 0 };
	if (lstat(output, &st) && errno == ENOENT)
		return 0;
	if (!rp_signatures_read(present, output, diag))
		return 0;
	return rp_diag_set(diag, RP_DIAG_WRITE, output, "is there and holds no "
		"signatures, so that it is not overwritten; remove it, or give "
		"another name with -o");
}

static char *join(const struct rp_signatures *others,
		  const struct rp_signature *made)
{
	char line[RP_SIGNATURE_TEXT_SIZE], *text, *longer;

	rp_signature_format(made, line);
	text = rp_format("# Made by repoint patch sign.\n%s", line);
	for (size_t i = 0; i < others->n; i++) {
		if (rp_key_id_is_equal(&others->v[i].id, &made->id))
			continue;
		rp_signature_format(&others->v[i], line);
		longer = rp_format("%s%s", text, line);
		free(text);
		text = longer;
	}
	return text;
}

static int write_signature(const struct rp_signature *made, const char *output,
			   const struct settings *settings,
			   struct rp_diag *diag)
{
	static const struct rp_signatures none;
	struct rp_signatures present;
	mode_t mask = umask(0);

	umask(mask);
	int rc = read_present(&present, output, diag);
	if (!rc) {
		const struct rp_new_file file = {
			.path = output, .mode = 0666 & ~mask, .replace = true,
		};
		char *text = join(settings->add ? &present : &none, made);

		rc = rp_new_file_write(&file, text, diag);
		free(text);
	}
	rp_signatures_free(&present);
	return rc;
}

static int sign(const struct rp_secret_key *key, const char *output,
		const struct settings *settings, struct rp_diag *diag)
{
	struct rp_signed_message message = { 0 };
	struct rp_signature made;

	int rc = read_message(&message, settings, diag);
	if (!rc)
		rc = rp_signature_make(&made, key, &message, diag);
	if (!rc)
		rc = write_signature(&made, output, settings, diag);
	rp_signed_message_deinit(&message);
	return rc;
}

static int run(const struct settings *settings)
{
	char *output = settings->output ? rp_format("%s", settings->output) :
		rp_format("%s" RP_SIGNATURE_SUFFIX, settings->path);
	struct rp_secret_key key = { 0 };
	struct rp_diag diag;

	int rc = read_key(&key, settings->key);
	if (!rc) {
		rc = sign(&key, output, settings, &diag);
		if (rc)
			rp_error(settings->path, &diag);
		else
			printf("%s: signed by key %s\n", output,
			       rp_key_id_text(&key.public_key.id).text);
	}
	rp_secret_key_wipe(&key);
	free(output);
	return rc ? RP_EXIT_ERROR : RP_EXIT_OK;
}

static bool set(struct settings *settings, int c)
{
	switch (c) {
	case OPT_KEY:
		settings->key = optarg;
		return true;
	case OPT_ADD:
		settings->add = true;
		return true;
	case 'o':
		settings->output = optarg;
		return true;
	case OPT_FORCE:
		settings->force = true;
		return true;
	case 'h':
		settings->help = true;
		return true;
	}
	return false;
}

static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (!set(settings, c))
			return rp_usage_error("patch sign", options, argv);
		if (settings->help)
			return 0;
	}
	int status = rp_one_file("patch sign", argc, argv, &settings->path);
	if (!status && !settings->key)
		return rp_misuse("patch sign", "no key given: --key NAME.key");
	return status;
}

int rp_cmd_patch_sign(int argc, char **argv)
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
