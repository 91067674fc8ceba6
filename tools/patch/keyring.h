/* SPDX-License-Identifier: MIT */
/* Public keys in files, and what they say about a payload's signatures. */
#ifndef REPOINT_TOOLS_PATCH_KEYRING_H
#define REPOINT_TOOLS_PATCH_KEYRING_H

#include "../../payload/signature.h"
#include "policy.h"
#include "trusted_file.h"

/** struct rp_keyring_key - a key, and the file that it is from. */
struct rp_keyring_key {
	struct rp_public_key key;
	char *path;
};

/** struct rp_keyring - keys that are believed. @path: where they are from. */
struct rp_keyring {
	const char *path;
	struct rp_keyring_key *v;
	size_t n;
};

/** enum rp_signature_state - what is known of a signature. */
enum rp_signature_state {
	RP_SIGNATURE_GOOD,
	RP_SIGNATURE_BAD,		/* not this key's, or of another file */
	RP_SIGNATURE_UNKNOWN_KEY,
};

/**
 * struct rp_signed_payload - a payload that was read.
 * @path:  of its file; signatures are in PATH.sig
 * @image: its bytes, @size of them: what is verified is what was read, not what
 *         the file holds by now
 */
struct rp_signed_payload {
	const char *path;
	const uint8_t *image;
	size_t size;
};

/**
 * rp_keyring_read() - read public keys.
 * @ring:  filled in; to be freed by rp_keyring_free(), whatever is returned
 * @path:  one file, or a directory: all files *.pub in it; is kept
 * @trust: who may own them and what leads to them, see rp_trusted_open()
 * @diag:  filled in if it fails
 *
 * No key at all is an error, and so is one file that is not a key.
 */
int rp_keyring_read(struct rp_keyring *ring, const char *path,
		    enum rp_trust trust, struct rp_diag *diag);
void rp_keyring_free(struct rp_keyring *ring);

/** rp_keyring_judge() - one signature. @by: set to the key, or to NULL. */
enum rp_signature_state
rp_keyring_judge(const struct rp_keyring *ring,
		 const struct rp_signature *signature,
		 const struct rp_signed_message *message,
		 const struct rp_keyring_key **by);

/** rp_keyring_require() - is one of the signatures good? If not, say why. */
int rp_keyring_require(const struct rp_keyring *ring,
		       const struct rp_signatures *signatures,
		       const struct rp_signed_message *message,
		       struct rp_diag *diag);

/**
 * rp_signatures_read() - read a file of signatures.
 * @signatures: filled in; to be freed by rp_signatures_free(), whatever is
 *              returned
 * @path:       the file; anybody may have written it
 * @diag:       filled in if it fails
 */
int rp_signatures_read(struct rp_signatures *signatures, const char *path,
		       struct rp_diag *diag);

/** rp_signatures_path() - PATH.sig, to be freed; or NULL. */
char *rp_signatures_path(const char *path, struct rp_diag *diag);

/**
 * rp_payload_verify() - has somebody of these signed a payload?
 * @payload: the payload
 * @keys:    file or directory of public keys
 * @trust:   RP_TRUST_ROOT for one that the policy names, RP_TRUST_USER for one
 *           of the command line
 * @diag:    filled in if not: RP_DIAG_LIVE_SIGNATURE, or what was wrong with a
 *           file
 */
int rp_payload_verify(const struct rp_signed_payload *payload, const char *keys,
		      enum rp_trust trust, struct rp_diag *diag);

/** rp_policy_check_signature() - are all signatures there that it requires? */
int rp_policy_check_signature(const struct rp_policy *policy,
			      const struct rp_signed_payload *payload,
			      struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_KEYRING_H */
