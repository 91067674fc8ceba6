/* SPDX-License-Identifier: MIT */
/* Writes payloads to start from: craft DIRECTORY */
#define _GNU_SOURCE
#include "sample.h"

#include "../../payload/reloc_type.h"

#include <stdio.h>
#include <stdlib.h>

static void write_sample(struct sample *s, const char *dir, const char *name)
{
	struct image image;
	char *path;
	FILE *f;

	if (sample_write(s, &image)) {
		fprintf(stderr, "craft: %s: %s\n", name, s->diag.text);
		exit(1);
	}
	if (asprintf(&path, "%s/%s.rpp", dir, name) < 0)
		exit(1);
	f = fopen(path, "wb");
	if (!f || fwrite(image.bytes, 1, image.size, f) != image.size ||
	    fclose(f)) {
		perror(path);
		exit(1);
	}
	free(path);
	free(image.bytes);
}

/* Every relocation type, so that mutations have less far to go. */
static void add_types(struct sample *s)
{
	static const uint8_t zeros[256];
	uint32_t text = sample_section(s, ".text.types", SHT_PROGBITS,
				       SHF_ALLOC | SHF_EXECINSTR, 1, zeros,
				       sizeof(zeros));
	uint64_t at = 0;

	for (uint32_t type = 1; type <= R_X86_64_REX_GOTPCRELX; type++) {
		const struct rp_reloc_type *known = rp_reloc_type(type);

		if (!known)
			continue;
		sample_reloc(s, text, at, type,
			     known->is_tls ? s->tls : s->target,
			     known->pc_relative ? -4 : 0);
		at += 8;
	}
}

int main(int argc, char **argv)
{
	struct sample s;

	if (argc != 2)
		return 64;
	sample_init(&s);
	write_sample(&s, argv[1], "empty");
	sample_fill(&s);
	write_sample(&s, argv[1], "sample");
	add_types(&s);
	write_sample(&s, argv[1], "types");
	sample_deinit(&s);
	return 0;
}
