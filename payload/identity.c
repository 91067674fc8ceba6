/* SPDX-License-Identifier: MIT */
/* The identity of a payload. */
#include "identity.h"

#include <elf.h>
#include <sodium/crypto_hash_sha256.h>
#include <string.h>

_Static_assert(RP_PAYLOAD_ID_SIZE == crypto_hash_sha256_BYTES,
	       "an identity is a SHA-256");
_Static_assert(sizeof(struct rp_payload_note) == 16 + RP_PAYLOAD_ID_SIZE,
	       "a note has no padding");

void rp_payload_note_init(struct rp_payload_note *note)
{
	*note = (struct rp_payload_note){
		.namesz = sizeof(note->name),
		.descsz = sizeof(note->id),
		.type = NT_GNU_BUILD_ID,
		.name = ELF_NOTE_GNU,
	};
}

bool rp_payload_note_is_sound(const struct rp_payload_note *note)
{
	struct rp_payload_note sound;

	rp_payload_note_init(&sound);
	return !memcmp(note, &sound, offsetof(struct rp_payload_note, id));
}

// SHA-256 needs nothing that sodium_init() would have to set up.
void rp_payload_identity(const uint8_t *image, size_t size, size_t offset,
			 uint8_t id[RP_PAYLOAD_ID_SIZE])
{
	static const uint8_t zero[RP_PAYLOAD_ID_SIZE];
	size_t behind = offset + sizeof(zero);
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, image, offset);
	crypto_hash_sha256_update(&state, zero, sizeof(zero));
	crypto_hash_sha256_update(&state, image + behind, size - behind);
	crypto_hash_sha256_final(&state, id);
}
