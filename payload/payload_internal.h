/* SPDX-License-Identifier: MIT */
/* Steps of rp_payload_open(), in their order. */
#ifndef REPOINT_PAYLOAD_PAYLOAD_INTERNAL_H
#define REPOINT_PAYLOAD_PAYLOAD_INTERNAL_H

#include "payload.h"

// Structures are read as they are in the file.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "payloads are little-endian");

/* P2 for one table of strings, whose last one is terminated. */
int rp_payload_check_text(const struct rp_relobj *obj, uint32_t section,
			  struct rp_diag *diag);

/* P3 and P4. */
int rp_payload_check_sections(struct rp_payload *payload,
			      struct rp_diag *diag);
int rp_payload_check_symbols(const struct rp_payload *payload,
			     struct rp_diag *diag);

/* P6 to P9; fills @bound in. */
int rp_payload_check_records(struct rp_payload *payload, struct rp_diag *diag);

/* P5. */
int rp_payload_read_relocs(struct rp_payload *payload, struct rp_diag *diag);

#endif /* REPOINT_PAYLOAD_PAYLOAD_INTERNAL_H */
