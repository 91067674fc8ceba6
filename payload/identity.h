/* SPDX-License-Identifier: MIT */
/* The identity of a payload: a note with the hash of the file. */
#ifndef REPOINT_PAYLOAD_IDENTITY_H
#define REPOINT_PAYLOAD_IDENTITY_H

#include "format.h"

#include <stdbool.h>
#include <stddef.h>

#define RP_PAYLOAD_NOTE_NAME	".note.gnu.build-id"

/** struct rp_payload_note - the whole content of .note.gnu.build-id. */
struct rp_payload_note {
	uint32_t namesz;	/* 4 */
	uint32_t descsz;	/* RP_PAYLOAD_ID_SIZE */
	uint32_t type;		/* NT_GNU_BUILD_ID */
	char name[4];		/* "GNU" */
	uint8_t id[RP_PAYLOAD_ID_SIZE];
};

/** rp_payload_note_init() - a note whose identity is zero. */
void rp_payload_note_init(struct rp_payload_note *note);

/** rp_payload_note_is_sound() - is it one, whatever its identity? */
bool rp_payload_note_is_sound(const struct rp_payload_note *note);

/**
 * rp_payload_identity() - SHA-256 of a file with its identity zero.
 * @image:  the file, @size bytes
 * @offset: where the identity is; RP_PAYLOAD_ID_SIZE bytes are there
 * @id:     filled in
 */
void rp_payload_identity(const uint8_t *image, size_t size, size_t offset,
			 uint8_t id[RP_PAYLOAD_ID_SIZE]);

#endif /* REPOINT_PAYLOAD_IDENTITY_H */
