/* SPDX-License-Identifier: MIT */
/* A payload with one of everything. */
#define _GNU_SOURCE
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must(const struct sample *sample, int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "sample: %s\n", sample->diag.text);
	abort();
}

void sample_init(struct sample *sample)
{
	static const uint8_t build_id[20] = { 0xde, 0xad, 1, 2, 3 };
	const struct rp_payload_info info = {
		.name = "fix-CVE_0000.1+b",
		.patch_version = "1.2",
		.description = "Checks the length first \u2013 always",
		.tool = "test 1",
		.target = "program",
		.build_id = build_id,
		.build_id_size = sizeof(build_id),
	};

	memset(sample, 0, sizeof(*sample));
	must(sample, rp_payload_builder_new(&sample->builder, &info,
					    &sample->diag));
}

void sample_deinit(struct sample *sample)
{
	rp_payload_builder_free(sample->builder);
}

uint32_t sample_section(struct sample *sample, const char *name, uint32_t type,
			uint64_t flags, uint64_t align, const void *bytes,
			uint64_t size)
{
	const struct rp_payload_section_in in = {
		name, type, flags, align, 0, bytes, size,
	};
	uint32_t number;

	must(sample, rp_payload_add_section(sample->builder, &in, &number,
					    &sample->diag));
	return number;
}

uint32_t sample_symbol(struct sample *sample, const char *name, uint8_t bind,
		       uint8_t type, uint32_t section, uint64_t value,
		       uint64_t size)
{
	const struct rp_payload_symbol_in in = {
		name, bind, type, section, value, size,
	};
	uint32_t number;

	must(sample, rp_payload_add_symbol(sample->builder, &in, &number,
					   &sample->diag));
	return number;
}

void sample_reloc(struct sample *sample, uint32_t section, uint64_t offset,
		  uint32_t type, uint32_t symbol, int64_t addend)
{
	const struct rp_payload_reloc_in in = { offset, type, symbol, addend };

	must(sample, rp_payload_add_reloc(sample->builder, section, &in,
					  &sample->diag));
}

void sample_bind(struct sample *sample, uint32_t symbol, uint32_t kind,
		 uint32_t flags, const char *name)
{
	const struct rp_payload_binding_in in = {
		.symbol = symbol,
		.kind = kind,
		.flags = flags,
		.name = name,
		.value = 0x2000,
		.slot = kind == RP_BIND_SLOT ? 0x3000 : 0,
		.position = kind == RP_BIND_TARGET || kind == RP_BIND_TLS ||
			    kind == RP_BIND_SLOT,
		.version = kind == RP_BIND_IMPORT ? "LIB_1.0" : NULL,
	};

	must(sample, rp_payload_add_binding(sample->builder, &in,
					    &sample->diag));
}

static void add_sections(struct sample *s)
{
	static const uint8_t text[64] = {
		0xf3, 0x0f, 0x1e, 0xfa,		// 0  f: endbr64
		0xe8, 0, 0, 0, 0,		// 4  call import
		0x48, 0x8d, 0x05, 0, 0, 0, 0,	// 9  lea rodata(%rip), %rax
		0xc3,				// 16 ret
		[20] = 0x90, 0xc3,		// 20 hook: nop; ret
		[24] = 0x64, 0x8b, 0x04, 0x25,	// 24 g: mov %fs:tls, %eax
		[32] = 0xff, 0x25,		// 32 jmp *slot@GOTPCREL(%rip)
	};
	static const uint8_t data[32] = { 1, 2, 3, 4 };
	static const uint8_t eh_frame[16] = { 12 };

	s->text = sample_section(s, ".text.f", SHT_PROGBITS,
				 SHF_ALLOC | SHF_EXECINSTR, 16, text,
				 sizeof(text));
	s->rodata = sample_section(s, ".rodata", SHT_PROGBITS, SHF_ALLOC, 8,
				   "a constant, or 2", 16);
	s->data = sample_section(s, ".data", SHT_PROGBITS,
				 SHF_ALLOC | SHF_WRITE, 8, data, sizeof(data));
	s->bss = sample_section(s, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE,
				32, NULL, 100);
	s->eh_frame = sample_section(s, ".eh_frame", SHT_PROGBITS, SHF_ALLOC,
				     8, eh_frame, sizeof(eh_frame));
}

// Global and local ones in turn, so that the file has another order.
static void add_symbols(struct sample *s)
{
	s->f = sample_symbol(s, "f", STB_GLOBAL, STT_FUNC, s->text, 0, 17);
	sample_symbol(s, "f.c", STB_LOCAL, STT_FILE, 0, 0, 0);
	s->hook = sample_symbol(s, "hook", STB_LOCAL, STT_FUNC, s->text, 20, 2);
	s->import = sample_symbol(s, "import", STB_GLOBAL, STT_NOTYPE, 0, 0, 0);
	s->g = sample_symbol(s, "g", STB_LOCAL, STT_FUNC, s->text, 24, 14);
	s->target = sample_symbol(s, "variable", STB_GLOBAL, STT_NOTYPE, 0, 0,
				  0);
	s->value = sample_symbol(s, ".Lvalue", STB_LOCAL, STT_OBJECT, s->rodata,
				 0, 8);
	s->expected = sample_symbol(s, ".Lold", STB_LOCAL, STT_OBJECT,
				    s->rodata, 8, 8);
	s->tls = sample_symbol(s, "tls", STB_GLOBAL, STT_TLS, 0, 0, 0);
	s->slot = sample_symbol(s, "ifunc", STB_GLOBAL, STT_NOTYPE, 0, 0, 0);
}

static void add_relocs(struct sample *s)
{
	sample_reloc(s, s->text, 5, R_X86_64_PLT32, s->import, -4);
	sample_reloc(s, s->text, 12, R_X86_64_PC32, s->value, -4);
	sample_reloc(s, s->text, 28, R_X86_64_TPOFF32, s->tls, 0);
	sample_reloc(s, s->text, 34, R_X86_64_GOTPCRELX, s->slot, -4);
	sample_reloc(s, s->data, 8, R_X86_64_64, s->target, 4);
	sample_reloc(s, s->data, 16, R_X86_64_64, s->f, 0);
}

static void add_functions(struct sample *s)
{
	static const struct rp_payload_range masks[] = { { 1, 2 }, { 8, 4 } };
	struct rp_payload_function_in f = {
		.address = SAMPLE_ADDRESS,
		.old_size = 32,
		.symbol = s->f,
		.name = "f",
		.position = 1,
		.detour = 4,
		.masks = masks,
		.nmasks = 2,
		.cold = SAMPLE_ADDRESS + 0x100,
		.cold_size = 24,
		.hash = { 0xaa, 0xbb },
	};
	struct rp_payload_function_in g = {
		.address = SAMPLE_ADDRESS - 16,
		.old_size = 16,
		.symbol = s->g,
		.name = "g",
		.file = "f.c",
		.position = 3,
		.masks = masks,
		.nmasks = 1,
	};

	must(s, rp_payload_add_function(s->builder, &f, &s->diag));
	must(s, rp_payload_add_function(s->builder, &g, &s->diag));
}

void sample_fill(struct sample *s)
{
	static const uint8_t id[RP_PAYLOAD_ID_SIZE] = { 1, 2, 3 };

	add_sections(s);
	add_symbols(s);
	add_relocs(s);
	add_functions(s);
	sample_bind(s, s->import, RP_BIND_IMPORT, RP_BIND_FUNCTION, "import");
	sample_bind(s, s->target, RP_BIND_TARGET, 0, "variable");
	sample_bind(s, s->tls, RP_BIND_TLS, 0, "tls");
	sample_bind(s, s->slot, RP_BIND_SLOT, RP_BIND_FUNCTION, "ifunc");
	must(s, rp_payload_add_hook(s->builder, RP_HOOK_PRE_APPLY, s->hook,
				    &s->diag));
	must(s, rp_payload_add_data(s->builder, 8, s->target, s->value,
				    s->expected, &s->diag));
	must(s, rp_payload_add_depend(s->builder, id, "earlier", &s->depend,
				      &s->diag));
}

int sample_write(struct sample *sample, struct image *image)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	int rc = rp_payload_builder_write(sample->builder, fd, &sample->diag);
	off_t size = lseek(fd, 0, SEEK_END);
	if (!rc) {
		image->size = size;
		image->bytes = malloc(size);
		if (!image->bytes || pread(fd, image->bytes, size, 0) != size)
			abort();
	} else if (size) {
		abort();	// what cannot be read is not written
	}
	close(fd);
	return rc;
}
