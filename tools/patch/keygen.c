/* SPDX-License-Identifier: MIT */
/* `repoint patch keygen`: a pair of keys to sign payloads with. */
#define _GNU_SOURCE
#include "../../payload/signature.h"
#include "../tool.h"
#include "files.h"
#include "new_file.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help_text[] =
"Usage: repoint patch keygen NAME\n"
"\n"
"Makes a new pair of keys to sign live patches with: NAME.key, the secret one, which\n"
"only its owner can read, and NAME.pub, the public one, for those who verify. Files\n"
"that are there are not overwritten.\n"
"\n"
"  -h, --help         this text\n"
"\n"
"The secret key is not protected by a password: keep the file where nobody else can\n"
"read it.\n"
"\n"
"Exit status: 0 if both were made, 1 if not, 64 if the command line is wrong.\n";

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int write_secret(const struct rp_secret_key *key, const char *path,
			struct rp_diag *diag)
{
	const struct rp_new_file file = { .path = path, .mode = 0600 };
	char text[RP_SIGNATURE_TEXT_SIZE];

	rp_secret_key_format(key, text);
	int rc = rp_new_file_write(&file, text, diag);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int write_public(const struct rp_public_key *key, const char *path,
			struct rp_diag *diag)
{
	const struct rp_new_file file = { .path = path, .mode = 0644 };
	char text[RP_SIGNATURE_TEXT_SIZE];

	rp_public_key_format(key, text);
	return rp_new_file_write(&file, text, diag);
}

// Both or none.
static int write_pair(const char *name, const struct rp_secret_key *key,
		      struct rp_diag *diag)
{
	char *secret = rp_format("%s.key", name);
	char *public = rp_format("%s.pub", name);

	int rc = write_secret(key, secret, diag);
	if (!rc) {
		rc = write_public(&key->public_key, public, diag);
		if (rc)
			unlink(secret);
	}
	free(secret);
	free(public);
	return rc;
}

static int make(const char *name)
{
	struct rp_secret_key key;
	struct rp_diag diag;

	int rc = rp_secret_key_generate(&key, &diag);
	if (!rc)
		rc = write_pair(name, &key, &diag);
	struct rp_key_id_text id = rp_key_id_text(&key.public_key.id);
	rp_secret_key_wipe(&key);
	if (rc) {
		rp_error(name, &diag);
		return RP_EXIT_ERROR;
	}
	printf("%s.key, %s.pub: key %s\n", name, name, id.text);
	return RP_EXIT_OK;
}

int rp_cmd_patch_keygen(int argc, char **argv)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			return rp_usage_error("patch keygen", options, argv);
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	if (optind == argc)
		return rp_misuse("patch keygen", "no name given");
	if (optind + 1 < argc)
		return rp_misuse("patch keygen", "more than one name given");
	if (!argv[optind][0])
		return rp_misuse("patch keygen", "the name is empty");
	return make(argv[optind]);
}
