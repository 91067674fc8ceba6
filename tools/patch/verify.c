/* SPDX-License-Identifier: MIT */
/* `repoint patch verify`: who vouches for a payload? */
#define _GNU_SOURCE
#include "../tool.h"
#include "files.h"
#include "keyring.h"
#include "policy.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help_text[] =
"Usage: repoint patch verify [--keys DIR|FILE.pub]... [OPTION...] FILE.rpp\n"
"\n"
"Verifies the signatures of a live-patch payload, which are in FILE.rpp.sig. One of\n"
"them has to be by a key of DIR, or by the key in FILE.pub.\n"
"\n"
"      --keys PATH    a public key, or a directory: all files *.pub in it. Others\n"
"                     must not be able to write them. May be repeated: then there\n"
"                     must be a good signature for each\n"
"      --signature FILE  the signatures, instead of FILE.rpp.sig\n"
"      --json         print JSON\n"
"  -h, --help         this text\n"
"\n"
"Without --keys, it verifies what the system's policy requires.\n"
"\n"
"Exit status: 0 if it is signed as required, 1 if not or if a file could not be read,\n"
"64 if the command line is wrong.\n";

enum { OPT_KEYS = 0x100, OPT_SIGNATURE, OPT_JSON };

static const struct option options[] = {
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "signature", required_argument, NULL, OPT_SIGNATURE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct settings {
	const char *path;
	const char *signature;
	const char **keys;
	size_t nkeys;
	bool json;
	bool help;
};

/*
 * struct verification - what is verified, by which keys.
 * @policy:     where the keys are named, without --keys
 * @rings:      a good signature is needed for each
 * @signatures: none, if they cannot be read; then @missing says why
 */
struct verification {
	const struct settings *settings;
	struct rp_policy policy;
	struct rp_keyring *rings;
	size_t nrings;
	struct rp_signatures signatures;
	struct rp_signed_message message;
	struct rp_diag missing;
};

static const char *const state_names[] = {
	[RP_SIGNATURE_GOOD] = "good",
	[RP_SIGNATURE_BAD] = "bad",
	[RP_SIGNATURE_UNKNOWN_KEY] = "unknown",
};

static void print_text(const struct verification *v,
		       const struct rp_keyring *ring)
{
	const struct rp_keyring_key *by;

	for (size_t i = 0; i < v->signatures.n; i++) {
		const struct rp_signature *s = &v->signatures.v[i];
		enum rp_signature_state state =
			rp_keyring_judge(ring, s, &v->message, &by);

		if (by)
			printf("%s: %s signature by key %s (%s)\n",
			       v->settings->path, state_names[state],
			       rp_key_id_text(&s->id).text, by->path);
		else
			printf("%s: signature by key %s, which is not in %s\n",
			       v->settings->path, rp_key_id_text(&s->id).text,
			       ring->path);
	}
}

static void json_signature(const struct verification *v,
			   const struct rp_keyring *ring,
			   const struct rp_signature *signature)
{
	const struct rp_keyring_key *by;
	enum rp_signature_state state =
		rp_keyring_judge(ring, signature, &v->message, &by);

	printf("{ \"key\": \"%s\", \"state\": \"%s\"",
	       rp_key_id_text(&signature->id).text, state_names[state]);
	if (by) {
		printf(", \"file\": ");
		rp_json_string(stdout, by->path);
	}
	printf(" }");
}

static void json_ring(const struct verification *v,
		      const struct rp_keyring *ring, bool verified)
{
	printf("{ \"keys\": ");
	rp_json_string(stdout, ring->path);
	printf(", \"verified\": %s, \"signatures\": [",
	       verified ? "true" : "false");
	for (size_t i = 0; i < v->signatures.n; i++) {
		printf("%s\n      ", i ? "," : "");
		json_signature(v, ring, &v->signatures.v[i]);
	}
	printf("%s] }", v->signatures.n ? "\n    " : "");
}

static int require(const struct verification *v, const struct rp_keyring *ring,
		   struct rp_diag *diag)
{
	if (v->signatures.n)
		return rp_keyring_require(ring, &v->signatures, &v->message,
					  diag);
	*diag = v->missing;
	return -EINVAL;
}

// Each message once, however many keys it is about.
static int judge_text(const struct verification *v)
{
	struct rp_diag diag;
	int status = RP_EXIT_OK;

	for (size_t i = 0; i < v->nrings; i++) {
		print_text(v, &v->rings[i]);
		if (!require(v, &v->rings[i], &diag))
			continue;
		if (v->signatures.n || status == RP_EXIT_OK)
			rp_error(v->settings->path, &diag);
		status = RP_EXIT_ERROR;
	}
	return status;
}

static int judge_json(const struct verification *v)
{
	struct rp_diag diag, first = { 0 };

	printf("{\n  \"file\": ");
	rp_json_string(stdout, v->settings->path);
	printf(",\n  \"checks\": [");
	for (size_t i = 0; i < v->nrings; i++) {
		int rc = require(v, &v->rings[i], &diag);

		if (rc && !first.id)
			first = diag;
		printf("%s\n    ", i ? "," : "");
		json_ring(v, &v->rings[i], !rc);
	}
	printf("\n  ],\n  \"verified\": %s\n}\n",
	       first.id ? "false" : "true");
	if (!first.id)
		return RP_EXIT_OK;
	rp_error(v->settings->path, &first);
	return RP_EXIT_ERROR;
}

static int read_ring(struct verification *v, const char *keys,
		     enum rp_trust trust, struct rp_diag *diag)
{
	v->rings = rp_resize(v->rings, v->nrings + 1, sizeof(*v->rings));
	return rp_keyring_read(&v->rings[v->nrings++], keys, trust, diag);
}

static int read_policy_rings(struct verification *v, struct rp_diag *diag)
{
	const struct rp_policy_list *required = &v->policy.require_signature;
	int rc = rp_policy_read(&v->policy, rp_policy_path(), diag);

	if (!rc && !required->n)
		return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, NULL,
			"the policy of this system (%s) names no keys: use "
			"--keys", rp_policy_path());
	for (size_t i = 0; i < required->n && !rc; i++)
		rc = read_ring(v, required->v[i].value, RP_TRUST_ROOT, diag);
	return rc;
}

static int read_rings(struct verification *v, struct rp_diag *diag)
{
	int rc = 0;

	if (!v->settings->nkeys)
		return read_policy_rings(v, diag);
	for (size_t i = 0; i < v->settings->nkeys && !rc; i++)
		rc = read_ring(v, v->settings->keys[i], RP_TRUST_USER, diag);
	return rc;
}

static int read_payload(struct verification *v, struct rp_diag *diag)
{
	uint8_t *image;
	size_t size;
	int fd;

	// Whoever can write it: that is what a signature is for.
	int rc = rp_trusted_file_open(v->settings->path, true, &fd, diag);
	if (rc)
		return rc;
	rc = rp_descriptor_read(fd, SIZE_MAX, &image, &size, diag);
	close(fd);
	if (rc)
		return rc;
	rc = rp_signed_message_init(&v->message, image, size, diag);
	free(image);
	return rc;
}

static int read_signatures(struct verification *v, struct rp_diag *diag)
{
	char *path = v->settings->signature ?
		rp_format("%s", v->settings->signature) :
		rp_signatures_path(v->settings->path, diag);

	if (!path)
		return -ENOMEM;
	// That there are none is a result, not an error.
	if (rp_signatures_read(&v->signatures, path, &v->missing))
		rp_signatures_free(&v->signatures);
	free(path);
	return 0;
}

static void free_all(struct verification *v)
{
	for (size_t i = 0; i < v->nrings; i++)
		rp_keyring_free(&v->rings[i]);
	free(v->rings);
	rp_policy_free(&v->policy);
	rp_signatures_free(&v->signatures);
	rp_signed_message_deinit(&v->message);
}

static int run(const struct settings *settings)
{
	struct verification v = { .settings = settings };
	struct rp_diag diag;
	int status;

	int rc = read_payload(&v, &diag);
	if (!rc)
		rc = read_rings(&v, &diag);
	if (!rc)
		rc = read_signatures(&v, &diag);
	if (rc) {
		rp_error(settings->path, &diag);
		status = RP_EXIT_ERROR;
	} else {
		status = settings->json ? judge_json(&v) : judge_text(&v);
	}
	free_all(&v);
	return status;
}

static bool set(struct settings *settings, int c)
{
	switch (c) {
	case OPT_KEYS:
		settings->keys = rp_resize(settings->keys, settings->nkeys + 1,
					   sizeof(*settings->keys));
		settings->keys[settings->nkeys++] = optarg;
		return true;
	case OPT_SIGNATURE:
		settings->signature = optarg;
		return true;
	case OPT_JSON:
		settings->json = true;
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
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!set(settings, c))
			return rp_usage_error("patch verify", options, argv);
		if (settings->help)
			return RP_EXIT_OK;
	}
	return rp_one_file("patch verify", argc, argv, &settings->path);
}

int rp_cmd_patch_verify(int argc, char **argv)
{
	struct settings settings = { 0 };

	int status = parse(argc, argv, &settings);
	if (!status && settings.help)
		fputs(help_text, stdout);
	else if (!status)
		status = run(&settings);
	free(settings.keys);
	return status;
}
