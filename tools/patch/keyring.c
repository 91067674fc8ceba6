/* SPDX-License-Identifier: MIT */
/* Public keys in files, and what they say about a payload's signatures. */
#define _GNU_SOURCE
#include "keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KEY_SIZE	(4u << 10)
#define MAX_SIG_SIZE	(64u << 10)

static int read_text(int fd, const char *path, size_t max, uint8_t **text,
		     size_t *size, struct rp_diag *diag)
{
	int rc = rp_descriptor_read(fd, max, text, size, diag);

	// Messages are about the payload: say which other file it is.
	if (rc && !diag->where[0])
		snprintf(diag->where, sizeof(diag->where), "%s", path);
	close(fd);
	return rc;
}

static int read_key(struct rp_public_key *key, const char *path,
		    enum rp_trust trust, struct rp_diag *diag)
{
	uint8_t *text;
	size_t size;
	int fd;

	int rc = rp_trusted_open(path, trust, S_IFREG, &fd, diag);
	if (rc)
		return rc;
	rc = read_text(fd, path, MAX_KEY_SIZE, &text, &size, diag);
	if (rc)
		return rc;
	rc = rp_public_key_parse(key, (char *)text, size, path, diag);
	free(text);
	return rc;
}

static int add_key(struct rp_keyring *ring, const char *path,
		   enum rp_trust trust, struct rp_diag *diag)
{
	struct rp_keyring_key key, *v;

	int rc = read_key(&key.key, path, trust, diag);
	if (rc)
		return rc;
	v = reallocarray(ring->v, ring->n + 1, sizeof(*v));
	if (!v)
		return rp_diag_nomem(diag);
	ring->v = v;
	key.path = strdup(path);
	if (!key.path)
		return rp_diag_nomem(diag);
	v[ring->n++] = key;
	return 0;
}

static int is_key_name(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 4 &&
	       !strcmp(entry->d_name + n - 4, ".pub");
}

static int add_name(struct rp_keyring *ring, const char *name,
		    enum rp_trust trust, struct rp_diag *diag)
{
	char *path;

	if (asprintf(&path, "%s/%s", ring->path, name) < 0)
		return rp_diag_nomem(diag);
	int rc = add_key(ring, path, trust, diag);
	free(path);
	return rc;
}

static int add_directory(struct rp_keyring *ring, int dir, enum rp_trust trust,
			 struct rp_diag *diag)
{
	struct dirent **names;
	int rc = 0;

	// By descriptor: that directory which was found to be trusted.
	int n = scandirat(dir, ".", &names, is_key_name, alphasort);
	if (n < 0)
		return rp_diag_set(diag, RP_DIAG_READ, ring->path,
				   "cannot read the directory: %s",
				   strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = add_name(ring, names[i]->d_name, trust, diag);
		free(names[i]);
	}
	free(names);
	if (!rc && !n)
		return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, ring->path,
				   "there is no public key (*.pub) in it");
	return rc;
}

int rp_keyring_read(struct rp_keyring *ring, const char *path,
		    enum rp_trust trust, struct rp_diag *diag)
{
	struct stat st;
	int dir;

	*ring = (struct rp_keyring){ .path = path };
	// Only a guess: what is opened is looked at again.
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return add_key(ring, path, trust, diag);
	int rc = rp_trusted_open(path, trust, S_IFDIR, &dir, diag);
	if (rc)
		return rc;
	rc = add_directory(ring, dir, trust, diag);
	close(dir);
	return rc;
}

void rp_keyring_free(struct rp_keyring *ring)
{
	for (size_t i = 0; i < ring->n; i++)
		free(ring->v[i].path);
	free(ring->v);
	*ring = (struct rp_keyring){ 0 };
}

enum rp_signature_state
rp_keyring_judge(const struct rp_keyring *ring,
		 const struct rp_signature *signature,
		 const struct rp_signed_message *message,
		 const struct rp_keyring_key **by)
{
	enum rp_signature_state state = RP_SIGNATURE_UNKNOWN_KEY;

	*by = NULL;
	// Two keys may have the same id.
	for (size_t i = 0; i < ring->n; i++) {
		const struct rp_keyring_key *key = &ring->v[i];

		if (!rp_key_id_is_equal(&signature->id, &key->key.id))
			continue;
		*by = key;
		if (rp_signature_is_good(signature, &key->key, message))
			return RP_SIGNATURE_GOOD;
		state = RP_SIGNATURE_BAD;
	}
	return state;
}

static int unknown_keys(const struct rp_keyring *ring,
			const struct rp_signatures *signatures,
			struct rp_diag *diag)
{
	struct rp_key_id_text id;
	char names[100] = "", *end = names;
	size_t n = signatures->n < 4 ? signatures->n : 4;

	for (size_t i = 0; i < n; i++) {
		id = rp_key_id_text(&signatures->v[i].id);
		end += sprintf(end, "%s%s", i ? ", " : "", id.text);
	}
	return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, NULL,
		"signed by %s%s, which none of the keys of %.120s is: have it "
		"signed by one of these, or, if the signer is to be believed, "
		"put the public key there", names,
		n < signatures->n ? " and others" : "", ring->path);
}

static int bad_signature(const struct rp_keyring_key *by, struct rp_diag *diag)
{
	struct rp_key_id_text id = rp_key_id_text(&by->key.id);

	return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, NULL,
		"the signature in the name of key %s (%.160s) is bad: the "
		"payload, or the signature, is not what was signed; get both "
		"again from their source", id.text, by->path);
}

int rp_keyring_require(const struct rp_keyring *ring,
		       const struct rp_signatures *signatures,
		       const struct rp_signed_message *message,
		       struct rp_diag *diag)
{
	const struct rp_keyring_key *by, *bad = NULL;

	for (size_t i = 0; i < signatures->n; i++) {
		switch (rp_keyring_judge(ring, &signatures->v[i], message,
					 &by)) {
		case RP_SIGNATURE_GOOD:
			return 0;
		case RP_SIGNATURE_BAD:
			bad = by;
			break;
		case RP_SIGNATURE_UNKNOWN_KEY:
			break;
		}
	}
	return bad ? bad_signature(bad, diag) :
		     unknown_keys(ring, signatures, diag);
}

static int open_signatures(const char *path, struct rp_diag *diag)
{
	struct stat st;

	// O_NONBLOCK: a FIFO is to be refused, not waited for.
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, path,
			"there is no signature: this file is missing "
			"(repoint patch sign makes it)");
	if (fd < 0 || fstat(fd, &st)) {
		rp_diag_set(diag, RP_DIAG_READ, path, "cannot open: %s",
			    strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		rp_diag_set(diag, RP_DIAG_NOT_REGULAR, path,
			    "not a regular file");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -EINVAL;
}

int rp_signatures_read(struct rp_signatures *signatures, const char *path,
		       struct rp_diag *diag)
{
	uint8_t *text;
	size_t size;

	*signatures = (struct rp_signatures){ 0 };
	int fd = open_signatures(path, diag);
	if (fd < 0)
		return fd;
	int rc = read_text(fd, path, MAX_SIG_SIZE, &text, &size, diag);
	if (rc)
		return rc;
	rc = rp_signatures_parse(signatures, (char *)text, size, path, diag);
	free(text);
	return rc;
}

char *rp_signatures_path(const char *path, struct rp_diag *diag)
{
	char *ret;

	if (asprintf(&ret, "%s" RP_SIGNATURE_SUFFIX, path) >= 0)
		return ret;
	rp_diag_nomem(diag);
	return NULL;
}

static int read_beside(struct rp_signatures *signatures, const char *payload,
		       struct rp_diag *diag)
{
	char *path = rp_signatures_path(payload, diag);

	*signatures = (struct rp_signatures){ 0 };
	if (!path)
		return -ENOMEM;
	int rc = rp_signatures_read(signatures, path, diag);
	free(path);
	return rc;
}

int rp_payload_verify(const struct rp_signed_payload *payload, const char *keys,
		      enum rp_trust trust, struct rp_diag *diag)
{
	struct rp_signatures signatures = { 0 };
	struct rp_signed_message message = { 0 };
	struct rp_keyring ring;

	int rc = rp_keyring_read(&ring, keys, trust, diag);
	if (!rc)
		rc = read_beside(&signatures, payload->path, diag);
	if (!rc)
		rc = rp_signed_message_init(&message, payload->image,
					    payload->size, diag);
	if (!rc)
		rc = rp_keyring_require(&ring, &signatures, &message, diag);
	rp_signed_message_deinit(&message);
	rp_signatures_free(&signatures);
	rp_keyring_free(&ring);
	return rc;
}

static void name_policy(const struct rp_policy *policy, unsigned int line,
			struct rp_diag *diag)
{
	size_t n = strlen(diag->text);

	snprintf(diag->text + n, sizeof(diag->text) - n,
		 " (required by %.80s:%u)", policy->path, line);
}

int rp_policy_check_signature(const struct rp_policy *policy,
			      const struct rp_signed_payload *payload,
			      struct rp_diag *diag)
{
	const struct rp_policy_list *required = &policy->require_signature;

	for (size_t i = 0; i < required->n; i++) {
		const struct rp_policy_line *keys = &required->v[i];

		int rc = rp_payload_verify(payload, keys->value, RP_TRUST_ROOT,
					   diag);
		if (rc) {
			name_policy(policy, keys->line, diag);
			return rc;
		}
	}
	return 0;
}
