/* SPDX-License-Identifier: MIT */
/* Keys and signatures: the algorithm, their texts, what is not accepted. */
#define _GNU_SOURCE
#include "../../../payload/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The seed 00 01 ... 1f and the payload "abc". The other two are what OpenSSL
 * makes of them: openssl pkey -pubout, openssl pkeyutl -sign -rawin.
 */
#define SEED	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PUBLIC	"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define KEY_ID	"56475aa75463474c"
#define SIGNED	"0l+tG5A+f2jEoLbeLgGWvo5AJQHSFJ9u8Uc8qy7W7CXHrNVRdVD7gl/" \
		"3AagL7O2a1ZH5sI39AMQsUW/U9i4NAA=="

static const char secret_text[] = "# a comment\n\nrepoint-secret-key-1 " SEED
	"\n";
static const char public_text[] = "repoint-public-key-1 " PUBLIC;
static const char signature_text[] =
	"repoint-signature-1 " KEY_ID " " SIGNED "\n";

static struct rp_diag diag;

static struct rp_secret_key secret(void)
{
	struct rp_secret_key key;

	assert_int_equal(rp_secret_key_parse(&key, secret_text,
					     strlen(secret_text), "a.key",
					     &diag), 0);
	return key;
}

static struct rp_signed_message message_of(const char *payload)
{
	struct rp_signed_message message;

	assert_int_equal(rp_signed_message_init(&message,
						(const uint8_t *)payload,
						strlen(payload), &diag), 0);
	return message;
}

static struct rp_signature one_signature(const char *text)
{
	struct rp_signatures all;

	assert_int_equal(rp_signatures_parse(&all, text, strlen(text), "a.sig",
					     &diag), 0);
	assert_int_equal(all.n, 1);
	struct rp_signature one = all.v[0];
	rp_signatures_free(&all);
	return one;
}

static void signature_make_known_answer(void **state)
{
	struct rp_secret_key key = secret();
	struct rp_signed_message message = message_of("abc");
	struct rp_signature made;
	char text[RP_SIGNATURE_TEXT_SIZE];

	(void)state;
	assert_int_equal(rp_signature_make(&made, &key, &message, &diag), 0);
	rp_signature_format(&made, text);
	assert_string_equal(text, signature_text);
	rp_signed_message_deinit(&message);
}

static void public_key_format_known_answer(void **state)
{
	struct rp_secret_key key = secret();
	char text[RP_SIGNATURE_TEXT_SIZE];

	(void)state;
	rp_public_key_format(&key.public_key, text);
	assert_non_null(strstr(text, public_text));
	assert_string_equal(rp_key_id_text(&key.public_key.id).text, KEY_ID);
}

static void secret_key_format_is_parsed(void **state)
{
	struct rp_secret_key key, again;
	char text[RP_SIGNATURE_TEXT_SIZE];

	(void)state;
	assert_int_equal(rp_secret_key_generate(&key, &diag), 0);
	rp_secret_key_format(&key, text);
	assert_int_equal(rp_secret_key_parse(&again, text, strlen(text),
					     "a.key", &diag), 0);
	assert_memory_equal(&key, &again, sizeof(key));
}

static void secret_key_generate_is_another_each_time(void **state)
{
	struct rp_secret_key a, b;

	(void)state;
	assert_int_equal(rp_secret_key_generate(&a, &diag), 0);
	assert_int_equal(rp_secret_key_generate(&b, &diag), 0);
	assert_memory_not_equal(a.expanded, b.expanded, RP_KEY_SEED_SIZE);
	assert_memory_not_equal(a.public_key.id.bytes, b.public_key.id.bytes,
				RP_KEY_ID_SIZE);
}

static void secret_key_wipe_leaves_nothing(void **state)
{
	static const struct rp_secret_key zero;
	struct rp_secret_key key = secret();

	(void)state;
	rp_secret_key_wipe(&key);
	assert_memory_equal(&key, &zero, sizeof(key));
}

/* Each bit of the signature, of what is signed, of the key. */
static void signature_is_good_any_bit_flipped(void **state)
{
	struct rp_public_key key = secret().public_key;
	struct rp_signature good = one_signature(signature_text);
	struct rp_signed_message message = message_of("abc");

	(void)state;
	assert_true(rp_signature_is_good(&good, &key, &message));
	for (size_t i = 0; i < 8 * sizeof(good.bytes); i++) {
		struct rp_signature bad = good;

		bad.bytes[i / 8] ^= 1u << i % 8;
		assert_false(rp_signature_is_good(&bad, &key, &message));
	}
	for (size_t i = 0; i < 8 * sizeof(key.bytes); i++) {
		struct rp_public_key bad = key;

		bad.bytes[i / 8] ^= 1u << i % 8;
		assert_false(rp_signature_is_good(&good, &bad, &message));
	}
	for (size_t i = 0; i < 8 * message.size; i++) {
		message.bytes[i / 8] ^= 1u << i % 8;
		assert_false(rp_signature_is_good(&good, &key, &message));
		message.bytes[i / 8] ^= 1u << i % 8;
	}
	assert_true(rp_signature_is_good(&good, &key, &message));
	rp_signed_message_deinit(&message);
}

static void signature_is_good_other_length(void **state)
{
	static const char *const others[] = { "", "ab", "abcd", "abc\n" };
	struct rp_public_key key = secret().public_key;
	struct rp_signature good = one_signature(signature_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct rp_signed_message message = message_of(others[i]);

		assert_false(rp_signature_is_good(&good, &key, &message));
		rp_signed_message_deinit(&message);
	}
}

/* What the key has signed for another purpose is no signature of a payload. */
static void signature_is_good_without_prefix(void **state)
{
	struct rp_secret_key key = secret();
	uint8_t bytes[] = "a payload";
	struct rp_signed_message bare = { bytes, strlen((char *)bytes) };
	struct rp_signed_message message = message_of((char *)bytes);
	struct rp_signature made;

	(void)state;
	assert_int_equal(rp_signature_make(&made, &key, &bare, &diag), 0);
	assert_false(rp_signature_is_good(&made, &key.public_key, &message));
	rp_signed_message_deinit(&message);
}

static void signature_is_good_claims_other_key(void **state)
{
	struct rp_public_key key = secret().public_key;
	struct rp_signed_message message = message_of("abc");
	struct rp_secret_key other;
	struct rp_signature made;

	(void)state;
	assert_int_equal(rp_secret_key_generate(&other, &diag), 0);
	assert_int_equal(rp_signature_make(&made, &other, &message, &diag), 0);
	assert_false(rp_signature_is_good(&made, &key, &message));
	made.id = key.id;
	assert_false(rp_signature_is_good(&made, &key, &message));
	rp_signed_message_deinit(&message);
}

/* For the neutral element as key, R = that and S = 0 fit every message. */
static void signature_is_good_key_of_small_order(void **state)
{
	struct rp_public_key key = { .bytes = { 1 } };
	struct rp_signature forged = { .bytes = { 1 } };
	struct rp_signed_message message = message_of("abc");

	(void)state;
	assert_false(rp_signature_is_good(&forged, &key, &message));
	rp_signed_message_deinit(&message);
}

static int parse_public(const char *text, size_t size)
{
	// A copy of this size, so that one byte too far is noticed.
	char *copy = malloc(size ? size : 1);
	struct rp_public_key key;

	memset(&diag, 0, sizeof(diag));
	memcpy(copy, text, size);
	int rc = rp_public_key_parse(&key, copy, size, "a.pub", &diag);
	free(copy);
	return rc;
}

static void public_key_parse_refuses(void **state)
{
	static const struct {
		const char *text, *where, *says;
	} wrong[] = {
		{ "", "a.pub:0", "no key" },
		{ "# only this\n\n", "a.pub:2", "no key" },
		{ "\n" SEED, "a.pub:2", "begin with repoint-public-key-1" },
		{ "repoint-public-key-2 " PUBLIC, "a.pub:1", "begin with" },
		{ "repoint-public-key-1", "a.pub:1", "32 bytes" },
		{ "repoint-public-key-1 " PUBLIC "=", "a.pub:1", "32 bytes" },
		{ "repoint-public-key-1 " PUBLIC " me", "a.pub:1", "32 bytes" },
		{ "repoint-public-key-1 AAAA", "a.pub:1", "32 bytes" },
		{ "repoint-public-key-1 " SIGNED, "a.pub:1", "32 bytes" },
		{ "repoint-public-key-1 " PUBLIC "\n"
		  "repoint-public-key-1 " PUBLIC, "a.pub:2", "one key" },
		{ "repoint-secret-key-1 " SEED, "a.pub:1", "secret key" },
	};

	(void)state;
	assert_int_equal(parse_public(public_text, strlen(public_text)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_not_equal(parse_public(wrong[i].text,
						  strlen(wrong[i].text)), 0);
		assert_int_equal(diag.id, RP_DIAG_LIVE_SIGNATURE);
		assert_string_equal(diag.where, wrong[i].where);
		assert_non_null(strstr(diag.text, wrong[i].says));
	}
}

static void public_key_parse_cut_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(public_text); n++)
		assert_int_not_equal(parse_public(public_text, n), 0);
}

static void secret_key_parse_public_key(void **state)
{
	struct rp_secret_key key;

	(void)state;
	assert_int_not_equal(rp_secret_key_parse(&key, public_text,
						 strlen(public_text), "a.key",
						 &diag), 0);
	assert_non_null(strstr(diag.text, "this is a public key"));
}

static int parse_signatures(const char *text, size_t size, size_t *n)
{
	char *copy = malloc(size ? size : 1);
	struct rp_signatures all;

	memcpy(copy, text, size);
	int rc = rp_signatures_parse(&all, copy, size, "a.sig", &diag);
	*n = all.n;
	rp_signatures_free(&all);
	free(copy);
	return rc;
}

static void signatures_parse_cut_short(void **state)
{
	size_t length = strlen(signature_text), n;

	(void)state;
	// Only the end of the line may be missing.
	for (size_t size = 0; size < length - 1; size++)
		assert_int_not_equal(parse_signatures(signature_text, size, &n),
				     0);
	assert_int_equal(parse_signatures(signature_text, length - 1, &n), 0);
}

static void signatures_parse_several(void **state)
{
	char text[1024];
	size_t n;

	(void)state;
	snprintf(text, sizeof(text), "# two\n%s  \n\t%s", signature_text,
		 signature_text);
	assert_int_equal(parse_signatures(text, strlen(text), &n), 0);
	assert_int_equal(n, 2);
	strcat(text, "and a third\n");
	assert_int_not_equal(parse_signatures(text, strlen(text), &n), 0);
	assert_string_equal(diag.where, "a.sig:5");
}

static void signatures_parse_refuses(void **state)
{
	static const char zero[] = "repoint-signature-1\0" KEY_ID " " SIGNED;
	static const char *const wrong[] = {
		"repoint-signature-1 " SIGNED,
		"repoint-signature-1 " KEY_ID "00 " SIGNED,
		"repoint-signature-1 56475aa7546347xx " SIGNED,
		"repoint-signature-1 " KEY_ID " " PUBLIC,
		"repoint-signature-1 " KEY_ID " " SIGNED SIGNED,
		"repoint-signature-1 " KEY_ID " " SIGNED "\r\n",
		"repoint-signature-2 " KEY_ID " " SIGNED,
	};
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_not_equal(parse_signatures(wrong[i],
						      strlen(wrong[i]), &n), 0);
	assert_int_not_equal(parse_signatures(zero, sizeof(zero), &n), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_make_known_answer),
		cmocka_unit_test(public_key_format_known_answer),
		cmocka_unit_test(secret_key_format_is_parsed),
		cmocka_unit_test(secret_key_generate_is_another_each_time),
		cmocka_unit_test(secret_key_wipe_leaves_nothing),
		cmocka_unit_test(signature_is_good_any_bit_flipped),
		cmocka_unit_test(signature_is_good_other_length),
		cmocka_unit_test(signature_is_good_without_prefix),
		cmocka_unit_test(signature_is_good_claims_other_key),
		cmocka_unit_test(signature_is_good_key_of_small_order),
		cmocka_unit_test(public_key_parse_refuses),
		cmocka_unit_test(public_key_parse_cut_short),
		cmocka_unit_test(secret_key_parse_public_key),
		cmocka_unit_test(signatures_parse_cut_short),
		cmocka_unit_test(signatures_parse_several),
		cmocka_unit_test(signatures_parse_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
