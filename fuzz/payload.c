/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: opening a payload and placing it, whatever it holds.
 *
 * A changed file has another identity. It is made right, so that what is behind
 * that check is reached too. What opens can be placed, unless a symbol is
 * missing or out of reach; the same bytes come out a second time.
 */
#include "../payload/identity.h"
#include "../payload/place.h"
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger images are laid out, but not filled in: zeroing them takes long. */
#define MAX_IMAGE	(8u << 20)
#define BASE		UINT64_C(0x7f1234560000)

static void fail(const char *what, const struct rp_diag *diag)
{
	fprintf(stderr, "%s: %s: %s\n", what, diag->where, diag->text);
	abort();
}

// Near, far and missing symbols, by what the payload says.
static int resolve(void *context, const struct rp_payload *payload,
		   const struct rp_payload_binding *binding,
		   enum rp_resolve what, uint64_t *ret, struct rp_diag *diag)
{
	(void)context;
	(void)payload;
	(void)diag;
	if (binding->size & 1)
		return -ENOENT;
	*ret = what == RP_RESOLVE_ADDRESS ? BASE + binding->value :
					    binding->value;
	return 0;
}

static void fill(const struct rp_placement *placement, uint8_t byte,
		 uint8_t **image, int *rc)
{
	const struct rp_resolver resolver = { resolve, NULL };
	struct rp_diag diag;

	// One byte more, so that there is one.
	*image = malloc(placement->size + 1);
	if (!*image)
		abort();
	memset(*image, byte, placement->size + 1);
	*rc = rp_placement_relocate(placement, BASE, *image, &resolver, &diag);
	if (*rc && diag.id != RP_DIAG_PAYLOAD_UNBOUND &&
	    diag.id != RP_DIAG_PAYLOAD_RANGE)
		fail("a sound payload cannot be placed", &diag);
	if ((*image)[placement->size] != byte)
		abort();
}

static void place(const struct rp_payload *payload)
{
	struct rp_placement placement;
	uint8_t *a, *b;
	struct rp_diag diag;
	int first, second;

	int rc = rp_placement_init(&placement, payload, &diag);
	if (rc && diag.id != RP_DIAG_PAYLOAD_SECTION)
		fail("a sound payload cannot be laid out", &diag);
	if (!rc && placement.size <= MAX_IMAGE) {
		fill(&placement, 0x00, &a, &first);
		fill(&placement, 0xff, &b, &second);
		if (first != second)
			abort();
		if (!first && memcmp(a, b, placement.size))
			abort();
		free(a);
		free(b);
	}
	rp_placement_deinit(&placement);
}

static int open_sealed(struct rp_payload *payload, uint8_t *image, size_t size)
{
	struct rp_diag diag;
	uint8_t id[RP_PAYLOAD_ID_SIZE];

	int rc = rp_payload_open(payload, image, size, &diag);
	if (!rc || diag.id != RP_DIAG_PAYLOAD_IDENTITY)
		return rc;
	rp_payload_close(payload);
	rp_payload_identity(image, size, diag.offset, id);
	memcpy(image + diag.offset, id, sizeof(id));
	rc = rp_payload_open(payload, image, size, &diag);
	if (rc && diag.id == RP_DIAG_PAYLOAD_IDENTITY)
		fail("the right identity is refused", &diag);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_payload payload;

	// A copy of exactly this size, so that one byte too far is noticed.
	uint8_t *image = malloc(size ? size : 1);
	if (!image)
		return 0;
	memcpy(image, data, size);
	if (!open_sealed(&payload, image, size))
		place(&payload);
	rp_payload_close(&payload);
	free(image);
	return 0;
}
