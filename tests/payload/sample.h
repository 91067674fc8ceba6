/* SPDX-License-Identifier: MIT */
/* A payload with one of everything, and others made of it. */
#ifndef REPOINT_TESTS_PAYLOAD_SAMPLE_H
#define REPOINT_TESTS_PAYLOAD_SAMPLE_H

#include "../../payload/builder.h"

#include <elf.h>

#define SAMPLE_ADDRESS	0x401000u

/* Numbers of the builder. */
struct sample {
	struct rp_payload_builder *builder;
	struct rp_diag diag;
	uint32_t text, rodata, data, bss, eh_frame;	/* sections */
	uint32_t f, g, hook, value, expected;		/* defined */
	uint32_t import, target, tls, slot;		/* undefined */
	uint32_t depend;
};

/* A file in memory. */
struct image {
	uint8_t *bytes;
	size_t size;
};

void sample_init(struct sample *sample);
void sample_deinit(struct sample *sample);

uint32_t sample_section(struct sample *sample, const char *name, uint32_t type,
			uint64_t flags, uint64_t align, const void *bytes,
			uint64_t size);
uint32_t sample_symbol(struct sample *sample, const char *name, uint8_t bind,
		       uint8_t type, uint32_t section, uint64_t value,
		       uint64_t size);
void sample_reloc(struct sample *sample, uint32_t section, uint64_t offset,
		  uint32_t type, uint32_t symbol, int64_t addend);
void sample_bind(struct sample *sample, uint32_t symbol, uint32_t kind,
		 uint32_t flags, const char *name);

/* Everything that a payload can have. */
void sample_fill(struct sample *sample);

/* Returns what rp_payload_builder_write() does; @image only on success. */
int sample_write(struct sample *sample, struct image *image);

#endif /* REPOINT_TESTS_PAYLOAD_SAMPLE_H */
