/* SPDX-License-Identifier: MIT */
/* The policy's language, and what it rules out. */
#define _GNU_SOURCE
#include "../../../tools/patch/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static struct rp_diag diag;

static int parse_bytes(struct rp_policy *policy, const char *text, size_t size)
{
	// A copy of this size, so that one byte too far is noticed.
	char *copy = malloc(size ? size : 1);

	memset(&diag, 0, sizeof(diag));
	memcpy(copy, text, size);
	int rc = rp_policy_parse(policy, "/etc/p", copy, size, &diag);
	free(copy);
	return rc;
}

static struct rp_policy parsed(const char *text)
{
	struct rp_policy policy;

	assert_int_equal(parse_bytes(&policy, text, strlen(text)), 0);
	return policy;
}

static void policy_parse_empty(void **state)
{
	struct rp_policy policy = parsed("# nothing\n\n   \n");

	(void)state;
	assert_int_equal(policy.require_signature.n, 0);
	assert_int_equal(rp_policy_check_force(&policy, &diag), 0);
	assert_int_equal(rp_policy_check_allow_active(&policy, &diag), 0);
	assert_int_equal(rp_policy_check_path(&policy, "/usr/bin/x", &diag), 0);
	rp_policy_free(&policy);
}

static void policy_parse_everything(void **state)
{
	struct rp_policy policy = parsed(
		"require-signature /etc/repoint/keys of us\n"
		"  require-signature\t/srv/keys  \n"
		"allow-force no\n"
		"allow-allow-active yes\n"
		"deny /usr/sbin/sshd\n"
		"deny /opt/*");

	(void)state;
	assert_int_equal(policy.require_signature.n, 2);
	assert_string_equal(policy.require_signature.v[0].value,
			    "/etc/repoint/keys of us");
	assert_string_equal(policy.require_signature.v[1].value, "/srv/keys");
	assert_int_equal(policy.require_signature.v[1].line, 2);
	assert_int_equal(policy.deny.n, 2);
	assert_int_equal(policy.deny.v[1].line, 6);
	assert_int_not_equal(rp_policy_check_force(&policy, &diag), 0);
	assert_int_equal(diag.id, RP_DIAG_LIVE_POLICY);
	assert_string_equal(diag.where, "/etc/p:3");
	assert_int_equal(rp_policy_check_allow_active(&policy, &diag), 0);
	rp_policy_free(&policy);
}

static void policy_parse_refuses(void **state)
{
	static const struct {
		const char *text, *where, *says;
	} wrong[] = {
		{ "\n\nalow-force no\n", "/etc/p:3",
		  "did you mean allow-force?" },
		{ "Deny /x\n", "/etc/p:1", "unknown directive Deny" },
		{ "deny=/x\n", "/etc/p:1", "unknown directive deny=/x" },
		{ "deny\n", "/etc/p:1", "absolute path" },
		{ "# 1\ndeny sshd\n", "/etc/p:2", "absolute path" },
		{ "deny /x\\", "/etc/p:1", "backslash" },
		{ "require-signature keys\n", "/etc/p:1", "absolute path" },
		{ "require-signature\n", "/etc/p:1", "absolute path" },
		{ "allow-force\n", "/etc/p:1", "yes or no" },
		{ "allow-force No\n", "/etc/p:1", "yes or no" },
		{ "allow-force no # why\n", "/etc/p:1", "yes or no" },
		{ "allow-force yes\nallow-force no\n", "/etc/p:2", "before" },
		{ "allow-allow-active maybe\n", "/etc/p:1", "yes or no" },
		{ "allow-force no\r\n", "/etc/p:1", "control character" },
		{ "deny /x\x1b[2J\n", "/etc/p:1", "control character" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct rp_policy policy;

		assert_int_not_equal(parse_bytes(&policy, wrong[i].text,
						 strlen(wrong[i].text)), 0);
		rp_policy_free(&policy);
		assert_int_equal(diag.id, RP_DIAG_LIVE_POLICY);
		assert_string_equal(diag.where, wrong[i].where);
		assert_non_null(strstr(diag.text, wrong[i].says));
	}
}

/* A zero must not hide the rest of a pattern, or of the file. */
static void policy_parse_zero_byte(void **state)
{
	static const char text[] = "deny /usr/\0sbin\nallow-force no\n";
	struct rp_policy policy;

	(void)state;
	assert_int_not_equal(parse_bytes(&policy, text, sizeof(text) - 1), 0);
	assert_non_null(strstr(diag.text, "control character"));
	rp_policy_free(&policy);
}

static void policy_check_path_matches(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool is_denied;
	} cases[] = {
		{ "/usr/sbin/sshd", "/usr/sbin/sshd", true },
		{ "/usr/sbin/sshd", "/usr/sbin/sshd-session", false },
		{ "/usr/sbin/sshd", "/x/usr/sbin/sshd", false },
		{ "/usr/sbin/sshd", "/usr/sbin/sshd (deleted)", true },
		{ "/a (deleted)", "/a (deleted)", true },
		{ "/usr/*", "/usr/lib/x/liby.so.1", true },
		{ "/usr/*", "/usr", false },
		{ "*", "/anything/at/all", true },
		{ "*/libssl.so*", "/usr/lib/libssl.so.3", true },
		{ "/[ab]in/x", "/bin/x", true },
		{ "/?/x", "/bin/x", false },
		{ "/a\\*", "/a*", true },
		{ "/a\\*", "/ab", false },
		{ "/usr/*", "/usr/.hidden", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[100];

		snprintf(text, sizeof(text), "\ndeny %s\n", cases[i].pattern);
		struct rp_policy policy = parsed(text);
		int rc = rp_policy_check_path(&policy, cases[i].path, &diag);

		if (!!rc != cases[i].is_denied)
			fail_msg("%s, %s: %d", cases[i].pattern, cases[i].path,
				 rc);
		if (rc) {
			assert_int_equal(diag.id, RP_DIAG_LIVE_POLICY);
			assert_string_equal(diag.where, "/etc/p:2");
		}
		rp_policy_free(&policy);
	}
}

/* One that is a link, as /bin is on many systems. */
static void policy_check_path_follows_links(void **state)
{
	char *real = realpath("/proc/self/exe", NULL);
	struct rp_policy policy = parsed("deny /proc/self/exe\n");

	(void)state;
	assert_non_null(real);
	assert_int_not_equal(rp_policy_check_path(&policy, real, &diag), 0);
	assert_int_equal(rp_policy_check_path(&policy, "/bin/other", &diag), 0);
	rp_policy_free(&policy);
	free(real);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_parse_empty),
		cmocka_unit_test(policy_parse_everything),
		cmocka_unit_test(policy_parse_refuses),
		cmocka_unit_test(policy_parse_zero_byte),
		cmocka_unit_test(policy_check_path_matches),
		cmocka_unit_test(policy_check_path_follows_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
