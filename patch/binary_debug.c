/* SPDX-License-Identifier: MIT */
/*
 * The separate debug file of a stripped binary, and traces of link-time
 * optimization. Files are looked for on this machine only: no server is asked.
 */
#define _GNU_SOURCE
#include "binary_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const default_dirs[] = { "/usr/lib/debug", NULL };

/** struct search - what was tried so far. */
struct search {
	struct rp_binary *binary;
	char tried[260];
	char other[PATH_MAX];	/* a debug file of another build, or "" */
};

static bool has_symbols(const struct rp_image *image)
{
	size_t index = rp_image_find(image, SHT_SYMTAB);

	return index &&
	       rp_image_header(image, index)->sh_size > sizeof(Elf64_Sym);
}

static bool is_same_build(const struct rp_image *a, const struct rp_image *b)
{
	size_t asize, bsize;
	const uint8_t *aid = rp_image_build_id(a, &asize);
	const uint8_t *bid = rp_image_build_id(b, &bsize);

	return aid && bid && asize == bsize && !memcmp(aid, bid, asize);
}

static void add_tried(struct search *search, const char *path)
{
	size_t n = strlen(search->tried);

	snprintf(search->tried + n, sizeof(search->tried) - n, "%s%s",
		 n ? ", " : "", path);
}

/** try_file() - Return: is it the one? */
static bool try_file(struct search *search, const char *path)
{
	struct rp_image *debug = &search->binary->debug;
	struct rp_diag ignored;

	add_tried(search, path);
	if (rp_image_open(debug, path, &ignored))
		return false;
	if (!is_same_build(&search->binary->image, debug))
		snprintf(search->other, sizeof(search->other), "%s", path);
	else if (has_symbols(debug))
		return true;
	rp_image_close(debug);
	return false;
}

static bool try_build_id(struct search *search, const char *dir)
{
	size_t size, n;
	const uint8_t *id = rp_image_build_id(&search->binary->image, &size);
	char path[PATH_MAX];

	n = snprintf(path, sizeof(path), "%s/.build-id/%02x/", dir, id[0]);
	if (size < 2 || n + 2 * size + sizeof(".debug") > sizeof(path))
		return false;
	for (size_t i = 1; i < size; i++)
		n += sprintf(path + n, "%02x", id[i]);
	strcpy(path + n, ".debug");
	return try_file(search, path);
}

/** debug_link() - file name in .gnu_debuglink; NULL if none. */
static const char *debug_link(const struct rp_image *image)
{
	size_t size;
	const char *name = rp_image_data(image,
		rp_image_find_name(image, ".gnu_debuglink"), &size);

	// A name is all that it may be: no way into other directories.
	if (!name || !memchr(name, 0, size) || !*name || strchr(name, '/'))
		return NULL;
	return name;
}

static bool try_beside(struct search *search, const char *format,
		       const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), format, dir, name) >=
	    (int)sizeof(path))
		return false;
	return try_file(search, path);
}

static bool try_link(struct search *search, const char *const *dirs)
{
	const char *name = debug_link(&search->binary->image);
	char *real = realpath(search->binary->image.path, NULL);
	bool ret = false;

	if (name && real) {
		*strrchr(real, '/') = '\0';
		ret = try_beside(search, "%s/%s", real, name) ||
		      try_beside(search, "%s/.debug/%s", real, name);
		for (; !ret && *dirs; dirs++) {
			char dir[PATH_MAX];

			snprintf(dir, sizeof(dir), "%s%s", *dirs, real);
			ret = try_beside(search, "%s/%s", dir, name);
		}
	}
	free(real);
	return ret;
}

static int use_given(struct rp_binary *binary, const char *path,
		     struct rp_diag *diag)
{
	struct rp_diag why;

	if (rp_image_open(&binary->debug, path, &why))
		return rp_diag_set(diag, RP_DIAG_BINARY_DEBUG_FILE, NULL,
			"the debug file cannot be read: %s", why.text);
	if (!is_same_build(&binary->image, &binary->debug))
		return rp_diag_set(diag, RP_DIAG_BINARY_DEBUG_FILE, NULL,
			"%s is the debug file of another build than %s: their "
			"build-ids differ", path, binary->image.path);
	if (has_symbols(&binary->debug) || !binary->separate)
		return 0;
	return rp_diag_set(diag, RP_DIAG_BINARY_DEBUG_FILE, NULL,
		"%s has no symbol table; make it with objcopy "
		"--only-keep-debug from the binary before it is stripped",
		path);
}

static int not_found(const struct search *search, struct rp_diag *diag)
{
	const char *path = search->binary->image.path;

	if (*search->other)
		return rp_diag_set(diag, RP_DIAG_BINARY_DEBUG_FILE, NULL,
			"%s is stripped, and %s is the debug file of another "
			"build: install the one of this build, or name it with "
			"--debug", path, search->other);
	return rp_diag_set(diag, RP_DIAG_BINARY_SYMBOLS, NULL,
		"%s is stripped; no debug file found: looked at %s; name it "
		"with --debug FILE", path, search->tried);
}

int rp_binary_find_debug(struct rp_binary *binary,
			 const struct rp_binary_options *options,
			 struct rp_diag *diag)
{
	const char *const *dirs = default_dirs;
	struct search search = { .binary = binary };

	binary->separate = !has_symbols(&binary->image);
	if (options && options->debug_file)
		return use_given(binary, options->debug_file, diag);
	if (!binary->separate)
		return 0;
	if (options && options->debug_dirs)
		dirs = options->debug_dirs;
	for (const char *const *dir = dirs; *dir; dir++) {
		if (try_build_id(&search, *dir))
			return 0;
	}
	return try_link(&search, dirs) ? 0 : not_found(&search, diag);
}

static bool is_lto_file(const char *name)
{
	return !strcmp(name, "<artificial>") || !strcmp(name, "ld-temp.o") ||
	       strstr(name, ".ltrans");
}

static bool is_lto_symbol(const char *name)
{
	const char *llvm = strstr(name, ".llvm.");

	return strstr(name, ".lto_priv.") ||
	       (llvm && llvm[6] >= '0' && llvm[6] <= '9');
}

static bool find_lto_symbol(struct rp_binary *binary)
{
	uint32_t unit = 0;

	for (size_t i = 0; i < binary->nsymbols; i++) {
		const struct rp_binary_symbol *s = &binary->symbols[i];

		if (s->unit != unit && is_lto_file(s->file)) {
			snprintf(binary->lto, sizeof(binary->lto),
				 "its symbol table names the file %.50s",
				 s->file);
			return true;
		}
		unit = s->unit;
		if (is_lto_symbol(s->name)) {
			snprintf(binary->lto, sizeof(binary->lto),
				 "it has the symbol %.60s", s->name);
			return true;
		}
	}
	return false;
}

/*
 * gcc writes this into the producer of what was compiled at link time, and of
 * nothing else: "-flto" alone may stand beside machine code of its own.
 */
static const char gimple[] = "GNU GIMPLE";

#define MAX_INFLATED	(UINT64_C(1) << 30)

// Compressed data is kept by libelf, and freed with the image.
static const void *inflated(const struct rp_image *image, size_t index,
			    size_t *size)
{
	const Elf64_Shdr *hdr = rp_image_header(image, index);
	Elf_Scn *scn = elf_getscn(image->elf, index);

	if (!hdr || !scn)
		return NULL;
	if (hdr->sh_flags & SHF_COMPRESSED) {
		const Elf64_Chdr *chdr = elf64_getchdr(scn);

		if (!chdr || chdr->ch_size > MAX_INFLATED ||
		    elf_compress(scn, 0, 0) < 0)
			return NULL;
	}
	return rp_image_data(image, index, size);
}

static bool has_gimple(const struct rp_image *image)
{
	static const char *const sections[] = {
		".debug_str", ".debug_line_str", ".debug_info",
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		size_t size, index = rp_image_find_name(image, sections[i]);
		const void *data = index ? inflated(image, index, &size) : NULL;

		if (data && memmem(data, size, gimple, sizeof(gimple) - 1))
			return true;
	}
	return false;
}

void rp_binary_find_lto(struct rp_binary *binary)
{
	if (find_lto_symbol(binary))
		return;
	if (has_gimple(&binary->image) ||
	    (binary->debug.path && has_gimple(&binary->debug)))
		snprintf(binary->lto, sizeof(binary->lto),
			 "its debug information names the compiler %s", gimple);
}
