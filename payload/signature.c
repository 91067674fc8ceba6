/* SPDX-License-Identifier: MIT */
/* Keys and signatures: Ed25519 by libsodium, and their text form. */
#include "signature.h"
#include "lines.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define PUBLIC_KEY_WORD	"repoint-public-key-1"
#define SECRET_KEY_WORD	"repoint-secret-key-1"
#define SIGNATURE_WORD	"repoint-signature-1"

_Static_assert(RP_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(RP_PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(RP_KEY_SEED_SIZE == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(sizeof(((struct rp_secret_key *)0)->expanded) ==
	       crypto_sign_SECRETKEYBYTES, "Ed25519");

/* The longest thing in a text is a signature. */
#define BASE64_SIZE \
	sodium_base64_ENCODED_LEN(RP_SIGNATURE_SIZE, \
				  sodium_base64_VARIANT_ORIGINAL)

static int start_sodium(struct rp_diag *diag)
{
	if (sodium_init() >= 0)
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, NULL,
			   "libsodium cannot be initialised");
}

struct rp_key_id_text rp_key_id_text(const struct rp_key_id *id)
{
	struct rp_key_id_text ret;

	sodium_bin2hex(ret.text, sizeof(ret.text), id->bytes,
		       sizeof(id->bytes));
	return ret;
}

bool rp_key_id_is_equal(const struct rp_key_id *a, const struct rp_key_id *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static void set_id(struct rp_public_key *key)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, key->bytes, sizeof(key->bytes));
	memcpy(key->id.bytes, hash, sizeof(key->id.bytes));
}

static void expand(struct rp_secret_key *key,
		   const uint8_t seed[RP_KEY_SEED_SIZE])
{
	crypto_sign_seed_keypair(key->public_key.bytes, key->expanded, seed);
	set_id(&key->public_key);
}

int rp_secret_key_generate(struct rp_secret_key *key, struct rp_diag *diag)
{
	uint8_t seed[RP_KEY_SEED_SIZE];

	int rc = start_sodium(diag);
	if (rc)
		return rc;
	randombytes_buf(seed, sizeof(seed));
	expand(key, seed);
	sodium_memzero(seed, sizeof(seed));
	return 0;
}

void rp_secret_key_wipe(struct rp_secret_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

static int wrong_line(const struct rp_lines *lines, const char *name,
		      struct rp_diag *diag, const char *what)
{
	char where[sizeof(diag->where)];

	snprintf(where, sizeof(where), "%.80s:%u", name, lines->number);
	return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, where, "%s", what);
}

// Exactly @size bytes: no blanks inside, no more and no fewer.
static bool decode(const struct rp_word *word, uint8_t *bytes, size_t size)
{
	const char *end;
	size_t n;

	if (sodium_base642bin(bytes, size, word->start, word->size, NULL, &n,
			      &end, sodium_base64_VARIANT_ORIGINAL))
		return false;
	return n == size && end == word->start + word->size;
}

static int another_word(const struct rp_lines *lines, const struct rp_word *word,
			const char *wanted, const char *name,
			struct rp_diag *diag)
{
	char text[120];

	// Somebody has taken one file of a pair for the other.
	if (rp_word_is(word, SECRET_KEY_WORD))
		snprintf(text, sizeof(text), "this is a secret key; take the "
			 "file that ends in .pub");
	else if (rp_word_is(word, PUBLIC_KEY_WORD))
		snprintf(text, sizeof(text), "this is a public key; secret ones "
			 "are in files that end in .key");
	else
		snprintf(text, sizeof(text), "the line does not begin with %s",
			 wanted);
	return wrong_line(lines, name, diag, text);
}

// A text with one line: @wanted, and @size bytes in base64.
static int parse_key(const char *text, size_t text_size, const char *wanted,
		     uint8_t bytes[32], const char *name, struct rp_diag *diag)
{
	struct rp_lines lines = { text, text + text_size, 0 };
	struct rp_word line, word;

	int rc = start_sodium(diag);
	if (rc)
		return rc;
	if (!rp_lines_next(&lines, &line))
		return wrong_line(&lines, name, diag, "there is no key in it");
	word = rp_word_cut(&line);
	if (!rp_word_is(&word, wanted))
		return another_word(&lines, &word, wanted, name, diag);
	if (!decode(&line, bytes, 32))
		return wrong_line(&lines, name, diag, "a key is 32 bytes in "
				  "base64 and nothing behind them");
	if (rp_lines_next(&lines, &line))
		return wrong_line(&lines, name, diag, "one key is all that may "
				  "be in a file");
	return 0;
}

int rp_secret_key_parse(struct rp_secret_key *key, const char *text,
			size_t size, const char *name, struct rp_diag *diag)
{
	uint8_t seed[RP_KEY_SEED_SIZE];

	int rc = parse_key(text, size, SECRET_KEY_WORD, seed, name, diag);
	if (!rc)
		expand(key, seed);
	sodium_memzero(seed, sizeof(seed));
	return rc;
}

int rp_public_key_parse(struct rp_public_key *key, const char *text,
			size_t size, const char *name, struct rp_diag *diag)
{
	uint8_t bytes[RP_PUBLIC_KEY_SIZE];

	int rc = parse_key(text, size, PUBLIC_KEY_WORD, bytes, name, diag);
	if (rc)
		return rc;
	memcpy(key->bytes, bytes, sizeof(key->bytes));
	set_id(key);
	return 0;
}

static void encode(char text[BASE64_SIZE], const uint8_t *bytes, size_t size)
{
	sodium_bin2base64(text, BASE64_SIZE, bytes, size,
			  sodium_base64_VARIANT_ORIGINAL);
}

void rp_secret_key_format(const struct rp_secret_key *key,
			  char text[RP_SIGNATURE_TEXT_SIZE])
{
	struct rp_key_id_text id = rp_key_id_text(&key->public_key.id);
	char seed[BASE64_SIZE];

	// The seed is the first half.
	encode(seed, key->expanded, RP_KEY_SEED_SIZE);
	snprintf(text, RP_SIGNATURE_TEXT_SIZE,
		 "# Secret key %s of repoint patch sign. Show it to nobody.\n"
		 SECRET_KEY_WORD " %s\n", id.text, seed);
	sodium_memzero(seed, sizeof(seed));
}

void rp_public_key_format(const struct rp_public_key *key,
			  char text[RP_SIGNATURE_TEXT_SIZE])
{
	struct rp_key_id_text id = rp_key_id_text(&key->id);
	char bytes[BASE64_SIZE];

	encode(bytes, key->bytes, sizeof(key->bytes));
	snprintf(text, RP_SIGNATURE_TEXT_SIZE,
		 "# Public key %s of repoint patch verify.\n"
		 PUBLIC_KEY_WORD " %s\n", id.text, bytes);
}

static bool decode_id(const struct rp_word *word, struct rp_key_id *id)
{
	const char *end;
	size_t n;

	return word->size == 2 * sizeof(id->bytes) &&
	       !sodium_hex2bin(id->bytes, sizeof(id->bytes), word->start,
			       word->size, NULL, &n, &end) &&
	       n == sizeof(id->bytes);
}

static int parse_signature(struct rp_signature *signature,
			   const struct rp_lines *lines, struct rp_word line,
			   const char *name, struct rp_diag *diag)
{
	struct rp_word word = rp_word_cut(&line);

	if (!rp_word_is(&word, SIGNATURE_WORD))
		return another_word(lines, &word, SIGNATURE_WORD, name, diag);
	word = rp_word_cut(&line);
	if (!decode_id(&word, &signature->id))
		return wrong_line(lines, name, diag, "a key id is 16 "
				  "hexadecimal digits");
	if (!decode(&line, signature->bytes, sizeof(signature->bytes)))
		return wrong_line(lines, name, diag, "a signature is 64 bytes "
				  "in base64 and nothing behind them");
	return 0;
}

int rp_signatures_parse(struct rp_signatures *signatures, const char *text,
			size_t size, const char *name, struct rp_diag *diag)
{
	struct rp_lines lines = { text, text + size, 0 };
	struct rp_signature one, *v;
	struct rp_word line;

	*signatures = (struct rp_signatures){ 0 };
	int rc = start_sodium(diag);
	while (!rc && rp_lines_next(&lines, &line)) {
		rc = parse_signature(&one, &lines, line, name, diag);
		if (rc)
			break;
		v = reallocarray(signatures->v, signatures->n + 1, sizeof(*v));
		if (!v)
			return rp_diag_nomem(diag);
		signatures->v = v;
		v[signatures->n++] = one;
	}
	if (!rc && !signatures->n)
		return wrong_line(&lines, name, diag,
				  "there is no signature in it");
	return rc;
}

void rp_signatures_free(struct rp_signatures *signatures)
{
	free(signatures->v);
	*signatures = (struct rp_signatures){ 0 };
}

void rp_signature_format(const struct rp_signature *signature,
			 char text[RP_SIGNATURE_TEXT_SIZE])
{
	struct rp_key_id_text id = rp_key_id_text(&signature->id);
	char bytes[BASE64_SIZE];

	encode(bytes, signature->bytes, sizeof(signature->bytes));
	snprintf(text, RP_SIGNATURE_TEXT_SIZE, SIGNATURE_WORD " %s %s\n",
		 id.text, bytes);
}

int rp_signed_message_init(struct rp_signed_message *message,
			   const uint8_t *image, size_t size,
			   struct rp_diag *diag)
{
	static const char prefix[] = RP_SIGNATURE_PREFIX;

	*message = (struct rp_signed_message){ 0 };
	if (size > SIZE_MAX - sizeof(prefix))
		return rp_diag_nomem(diag);
	message->bytes = malloc(sizeof(prefix) + size);
	if (!message->bytes)
		return rp_diag_nomem(diag);
	memcpy(message->bytes, prefix, sizeof(prefix));
	if (size)
		memcpy(message->bytes + sizeof(prefix), image, size);
	message->size = sizeof(prefix) + size;
	return 0;
}

void rp_signed_message_deinit(struct rp_signed_message *message)
{
	free(message->bytes);
	*message = (struct rp_signed_message){ 0 };
}

int rp_signature_make(struct rp_signature *ret, const struct rp_secret_key *key,
		      const struct rp_signed_message *message,
		      struct rp_diag *diag)
{
	struct rp_signature made = { .id = key->public_key.id };

	int rc = start_sodium(diag);
	if (rc)
		return rc;
	crypto_sign_detached(made.bytes, NULL, message->bytes, message->size,
			     key->expanded);
	*ret = made;
	// A computer that computes wrongly here would publish the key's bits.
	if (rp_signature_is_good(ret, &key->public_key, message))
		return 0;
	sodium_memzero(ret, sizeof(*ret));
	return rp_diag_set(diag, RP_DIAG_LIVE_SIGNATURE, NULL,
			   "the signature that was made is not a good one: "
			   "this machine, or libsodium, is damaged");
}

bool rp_signature_is_good(const struct rp_signature *signature,
			  const struct rp_public_key *key,
			  const struct rp_signed_message *message)
{
	return sodium_init() >= 0 &&
	       rp_key_id_is_equal(&signature->id, &key->id) &&
	       !crypto_sign_verify_detached(signature->bytes, message->bytes,
					    message->size, key->bytes);
}
