/* SPDX-License-Identifier: MIT */
/* Opening the binary that is to be patched; its segments. */
#include "binary_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int check_build_id(const struct rp_binary *binary, struct rp_diag *diag)
{
	size_t size;

	if (rp_image_build_id(&binary->image, &size))
		return 0;
	return rp_diag_set(diag, RP_DIAG_BINARY_BUILD_ID, NULL,
		"%s has no build-id, by which a payload would know its target; "
		"link it with -Wl,--build-id", binary->image.path);
}

// Linkers say it in several ways; what has neither a name nor an interpreter
// is not found by a dynamic linker, or does not need it.
static bool is_library(const struct rp_binary *binary)
{
	if (binary->image.ehdr->e_type != ET_DYN || binary->dynamic.program)
		return false;
	if (binary->dynamic.soname)
		return true;
	for (size_t i = 0; i < binary->image.nphdr; i++) {
		if (binary->image.phdr[i].p_type == PT_INTERP)
			return false;
	}
	return true;
}

static int read_binary(struct rp_binary *binary, const char *path,
		       const struct rp_binary_options *options,
		       struct rp_diag *diag)
{
	int rc = rp_image_open(&binary->image, path, diag);

	if (!rc)
		rc = check_build_id(binary, diag);
	if (!rc)
		rc = rp_dynamic_init(&binary->dynamic, &binary->image, diag);
	if (!rc)
		rc = rp_binary_find_debug(binary, options, diag);
	if (!rc)
		rc = rp_binary_read_symbols(binary, diag);
	if (!rc)
		rc = rp_binary_read_relocs(binary, diag);
	if (!rc)
		rc = rp_binary_read_imports(binary, diag);
	return rc ? rc : rp_binary_read_plt(binary, diag);
}

int rp_binary_open(struct rp_binary **ret, const char *path,
		   const struct rp_binary_options *options,
		   struct rp_diag *diag)
{
	struct rp_binary *binary = calloc(1, sizeof(*binary));

	if (!binary)
		return rp_diag_nomem(diag);
	int rc = read_binary(binary, path, options, diag);
	if (rc) {
		rp_binary_close(binary);
		return rc;
	}
	binary->shared = is_library(binary);
	rp_binary_find_lto(binary);
	*ret = binary;
	return 0;
}

void rp_binary_close(struct rp_binary *binary)
{
	if (!binary)
		return;
	rp_binary_free_libraries(binary);
	rp_binary_free_imports(binary);
	rp_binary_free_symbols(binary);
	rp_dynamic_deinit(&binary->dynamic);
	rp_image_close(&binary->debug);
	rp_image_close(&binary->image);
	free(binary);
}

const char *rp_binary_debug_path(const struct rp_binary *binary)
{
	return binary->debug.path;
}

const uint8_t *rp_binary_build_id(const struct rp_binary *binary, size_t *size)
{
	return rp_image_build_id(&binary->image, size);
}

bool rp_binary_is_pie(const struct rp_binary *binary)
{
	return binary->image.ehdr->e_type == ET_DYN;
}

bool rp_binary_is_shared(const struct rp_binary *binary)
{
	return binary->shared;
}

const char *rp_binary_lto(const struct rp_binary *binary)
{
	return *binary->lto ? binary->lto : NULL;
}

static const uint8_t *segment_bytes(const struct rp_binary *binary,
				    const Elf64_Phdr *p, uint64_t offset,
				    uint64_t size)
{
	const struct rp_image *image = &binary->image;

	if (offset > p->p_filesz || size > p->p_filesz - offset ||
	    p->p_offset > image->size ||
	    p->p_filesz > image->size - p->p_offset)
		return NULL;
	return image->map + p->p_offset + offset;
}

static const Elf64_Phdr *segment_at(const struct rp_binary *binary,
				    uint64_t address)
{
	for (size_t i = 0; i < binary->image.nphdr; i++) {
		const Elf64_Phdr *p = &binary->image.phdr[i];

		if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_memsz)
			return p;
	}
	return NULL;
}

const uint8_t *rp_binary_bytes(const struct rp_binary *binary, uint64_t address,
			       uint64_t size)
{
	const Elf64_Phdr *p = segment_at(binary, address);

	return p ? segment_bytes(binary, p, address - p->p_vaddr, size) : NULL;
}

uint64_t rp_binary_room(const struct rp_binary *binary, uint64_t address)
{
	const Elf64_Phdr *p = segment_at(binary, address);

	if (!p || !segment_bytes(binary, p, address - p->p_vaddr, 0))
		return 0;
	return p->p_filesz - (address - p->p_vaddr);
}

bool rp_binary_is_text(const struct rp_binary *binary, uint64_t address)
{
	const Elf64_Phdr *p = segment_at(binary, address);

	return p && (p->p_flags & PF_X);
}

bool rp_binary_is_writable(const struct rp_binary *binary, uint64_t address)
{
	const Elf64_Phdr *p = segment_at(binary, address);

	return p && (p->p_flags & PF_W);
}

static const Elf64_Phdr *tls_segment(const struct rp_binary *binary)
{
	for (size_t i = 0; i < binary->image.nphdr; i++) {
		if (binary->image.phdr[i].p_type == PT_TLS)
			return &binary->image.phdr[i];
	}
	return NULL;
}

uint64_t rp_binary_tls_size(const struct rp_binary *binary, uint64_t *align)
{
	const Elf64_Phdr *p = tls_segment(binary);

	*align = p ? p->p_align : 0;
	return p ? p->p_memsz : 0;
}

const uint8_t *rp_binary_tls_bytes(const struct rp_binary *binary,
				   uint64_t offset, uint64_t size)
{
	const Elf64_Phdr *p = tls_segment(binary);

	return p ? segment_bytes(binary, p, offset, size) : NULL;
}
