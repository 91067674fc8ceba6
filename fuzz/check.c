/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: checking an object and making its unwind table, whatever it holds,
 * as each ABI.
 *
 * Besides not crashing: places of findings lie in the file, tables of unwind
 * entries are sorted, and what was found does not depend on the run.
 */
#include "../object/check/check.h"
#include "../object/orc/orc.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void look_at_findings(const struct rp_check *check)
{
	const struct rp_findings *findings = &check->findings;
	char place[300];

	for (size_t i = 0; i < findings->n; i++) {
		const struct rp_finding *f = &findings->v[i];

		if (f->section >= check->obj.nsections && f->section)
			fail("a finding in a section that is not there");
		if (!f->text || !f->text[0])
			fail("a finding without words");
		if (f->section)
			rp_code_place(&check->code, f->section, f->offset,
				      place, sizeof(place));
	}
}

static void look_at_orc(const struct rp_check *check)
{
	struct rp_diag diag;
	struct rp_orc orc = { 0 };

	if (check->walked &&
	    !rp_orc_from_walk(&orc, &check->walk,
			      check->has_frames ? &check->frames : NULL, &diag)) {
		for (size_t i = 1; i < orc.n; i++) {
			const struct rp_orc_entry *a = &orc.v[i - 1], *b = a + 1;

			if (a->section > b->section ||
			    (a->section == b->section && a->offset > b->offset))
				fail("unwind entries that are not sorted");
		}
	}
	rp_orc_deinit(&orc);
}

static void look_at_rows(const struct rp_check *check)
{
	struct rp_orc orc = { 0 };
	struct rp_diag diag;
	size_t unsaid;

	if (check->has_frames)
		rp_orc_from_rows(&orc, &check->obj, &check->frames, &unsaid,
				 &diag);
	rp_orc_deinit(&orc);
}

static size_t check_once(const void *image, size_t size,
			 const struct rp_check_options *options)
{
	struct rp_check check;
	struct rp_diag diag;
	size_t ret = SIZE_MAX;

	if (!rp_check_init(&check, image, size, options, &diag)) {
		look_at_findings(&check);
		look_at_orc(&check);
		look_at_rows(&check);
		ret = check.findings.n;
	}
	rp_check_deinit(&check);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_check_options options = {
		.classes = RP_CHECK_ALL,
		.require = RP_REQUIRE_RETPOLINE | RP_REQUIRE_RETHUNK |
			   RP_REQUIRE_SLS,
	};

	// A copy of exactly this size, so that one byte too far is noticed.
	void *image = malloc(size ? size : 1);
	if (!image)
		return 0;
	memcpy(image, data, size);
	for (int kind = 0; kind < RP_ABI_NR; kind++) {
		options.abi = rp_abi(kind);
		size_t n = check_once(image, size, &options);

		if (kind == RP_ABI_REPOINT &&
		    n != check_once(image, size, &options))
			fail("a second look finds something else");
	}
	free(image);
	return 0;
}
