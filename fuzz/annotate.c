/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: annotating an object, whatever it holds.
 *
 * Besides not crashing: what was written is an object that opens again, has
 * the same sites, and needs nothing more done.
 */
#define _GNU_SOURCE
#include "../object/annotate/annotate.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Sections do not overlap, so a copy is larger than its input only by what was
 * added, by padding and by new numbers of symbols in longer forms.
 */
#define MAX_GROWTH	64

static void fail(const char *what, const struct rp_diag *diag)
{
	fprintf(stderr, "%s: %s: %s\n", what, diag ? diag->where : "",
		diag ? diag->text : "");
	abort();
}

static void *read_back(int fd, size_t *size)
{
	struct stat st;
	void *copy;

	if (fstat(fd, &st))
		abort();
	*size = st.st_size;
	copy = malloc(*size ? *size : 1);
	if (!copy || pread(fd, copy, *size, 0) != (ssize_t)*size)
		abort();
	return copy;
}

static void check_copy(const struct rp_annotation *original, const void *copy,
		       size_t size)
{
	struct rp_annotation annotation;
	struct rp_diag diag;

	if (rp_annotate_begin(&annotation, copy, size, &diag))
		fail("the annotated object is refused", &diag);
	if (annotation.outcome == RP_ANNOTATE_CHANGED)
		fail("the annotated object would be changed again", NULL);
	for (size_t i = 0; i < RP_TABLE_NR; i++) {
		if (annotation.sites[i].n != original->sites[i].n)
			fail("the annotated object has other sites", NULL);
	}
	rp_annotate_end(&annotation);
}

static void write_and_check(struct rp_annotation *annotation)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	struct rp_diag diag;
	size_t size;

	if (fd < 0)
		abort();
	int rc = rp_annotate_write(annotation, fd, &diag);
	if (!rc) {
		void *copy = read_back(fd, &size);
		size_t padding = annotation->obj.nsections * 4096;

		if (size > annotation->obj.size * MAX_GROWTH + padding)
			fail("the annotated object is too large", NULL);
		check_copy(annotation, copy, size);
		free(copy);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_annotation annotation;
	struct rp_diag diag;

	// A copy of exactly this size, so that one byte too far is noticed.
	void *image = malloc(size ? size : 1);
	if (!image)
		return 0;
	memcpy(image, data, size);
	if (!rp_annotate_begin(&annotation, image, size, &diag) &&
	    annotation.outcome == RP_ANNOTATE_CHANGED)
		write_and_check(&annotation);
	rp_annotate_end(&annotation);
	free(image);
	return 0;
}
