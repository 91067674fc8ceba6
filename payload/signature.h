/* SPDX-License-Identifier: MIT */
/* Who vouches for a payload: keys, and signatures in a file beside it. */
#ifndef REPOINT_PAYLOAD_SIGNATURE_H
#define REPOINT_PAYLOAD_SIGNATURE_H

#include "../object/diag.h"

#include <stddef.h>

/*
 * Ed25519 (RFC 8032) by libsodium. What is signed is RP_SIGNATURE_PREFIX with
 * its terminating zero, then the payload's file, byte for byte. The prefix keeps
 * a signature that was made for something else from being one of a payload, and
 * the other way round. docs/signing.md has the form of the files.
 */
#define RP_SIGNATURE_PREFIX	"repoint payload signature 1"
#define RP_SIGNATURE_SUFFIX	".sig"	/* fix.rpp.sig is beside fix.rpp */
#define RP_SIGNATURE_SIZE	64
#define RP_PUBLIC_KEY_SIZE	32
#define RP_KEY_SEED_SIZE	32
#define RP_KEY_ID_SIZE		8

/** Texts of any of the three kinds are shorter than that, a final zero included. */
#define RP_SIGNATURE_TEXT_SIZE	512

/**
 * struct rp_key_id - the first bytes of the SHA-256 of a public key.
 *
 * It says which key to try, and names keys in messages. Nothing is believed
 * because of it.
 */
struct rp_key_id {
	uint8_t bytes[RP_KEY_ID_SIZE];
};

/** struct rp_key_id_text - a key id in hexadecimal digits. */
struct rp_key_id_text {
	char text[2 * RP_KEY_ID_SIZE + 1];
};

struct rp_public_key {
	uint8_t bytes[RP_PUBLIC_KEY_SIZE];
	struct rp_key_id id;
};

/**
 * struct rp_secret_key - to be wiped after use.
 * @expanded: seed and public key, as libsodium wants them
 * @public_key: computed from the seed, never read from a file: signing with
 *              another one would give the secret away
 */
struct rp_secret_key {
	uint8_t expanded[RP_KEY_SEED_SIZE + RP_PUBLIC_KEY_SIZE];
	struct rp_public_key public_key;
};

/** struct rp_signature - one signature, and by which key it claims to be. */
struct rp_signature {
	struct rp_key_id id;
	uint8_t bytes[RP_SIGNATURE_SIZE];
};

/** struct rp_signatures - those of one file. */
struct rp_signatures {
	struct rp_signature *v;
	size_t n;
};

/** struct rp_signed_message - what a signature of a payload is about. */
struct rp_signed_message {
	uint8_t *bytes;
	size_t size;
};

struct rp_key_id_text rp_key_id_text(const struct rp_key_id *id);
bool rp_key_id_is_equal(const struct rp_key_id *a, const struct rp_key_id *b);

/**
 * rp_secret_key_generate() - a new key.
 * @key:  filled in; to be wiped by rp_secret_key_wipe()
 * @diag: filled in if it fails
 */
int rp_secret_key_generate(struct rp_secret_key *key, struct rp_diag *diag);

/**
 * rp_secret_key_parse() - the key that a text holds.
 * @key:  filled in; to be wiped by rp_secret_key_wipe()
 * @text: content of a file, @size bytes; the caller wipes it
 * @name: of that file, for messages
 * @diag: filled in if it fails
 */
int rp_secret_key_parse(struct rp_secret_key *key, const char *text,
			size_t size, const char *name, struct rp_diag *diag);

/** rp_secret_key_format() - the text that holds a key; to be wiped. */
void rp_secret_key_format(const struct rp_secret_key *key,
			  char text[RP_SIGNATURE_TEXT_SIZE]);

void rp_secret_key_wipe(struct rp_secret_key *key);

/** rp_public_key_parse() - as rp_secret_key_parse(). */
int rp_public_key_parse(struct rp_public_key *key, const char *text,
			size_t size, const char *name, struct rp_diag *diag);

/** rp_public_key_format() - the text that holds a public key. */
void rp_public_key_format(const struct rp_public_key *key,
			  char text[RP_SIGNATURE_TEXT_SIZE]);

/**
 * rp_signatures_parse() - the signatures that a text holds.
 * @signatures: filled in; to be freed by rp_signatures_free(), whatever is
 *              returned
 * @text:       content of a file, @size bytes
 * @name:       of that file, for messages
 * @diag:       filled in if it fails
 *
 * There is at least one, or it fails.
 */
int rp_signatures_parse(struct rp_signatures *signatures, const char *text,
			size_t size, const char *name, struct rp_diag *diag);
void rp_signatures_free(struct rp_signatures *signatures);

/** rp_signature_format() - the line that holds a signature. */
void rp_signature_format(const struct rp_signature *signature,
			 char text[RP_SIGNATURE_TEXT_SIZE]);

/**
 * rp_signed_message_init() - what is signed for a payload.
 * @message: filled in; rp_signed_message_deinit() frees it
 * @image:   the payload's file, @size bytes
 * @diag:    filled in if it fails
 */
int rp_signed_message_init(struct rp_signed_message *message,
			   const uint8_t *image, size_t size,
			   struct rp_diag *diag);
void rp_signed_message_deinit(struct rp_signed_message *message);

/** rp_signature_make() - sign a payload. */
int rp_signature_make(struct rp_signature *ret, const struct rp_secret_key *key,
		      const struct rp_signed_message *message,
		      struct rp_diag *diag);

/** rp_signature_is_good() - was it made by this key, of this message? */
bool rp_signature_is_good(const struct rp_signature *signature,
			  const struct rp_public_key *key,
			  const struct rp_signed_message *message);

#endif /* REPOINT_PAYLOAD_SIGNATURE_H */
