/* SPDX-License-Identifier: MIT */
/* Annotating an object file in place. */
#include "annotate_file.h"

#include <string.h>

static int write_annotated(void *context, int fd, struct rp_diag *diag)
{
	return rp_annotate_write(context, fd, diag);
}

static int replace(struct rp_annotated_file *file, const char *path,
		   bool dry_run, struct rp_diag *diag)
{
	if (dry_run || file->annotation.outcome != RP_ANNOTATE_CHANGED)
		return 0;
	return rp_whole_file_replace(path, write_annotated, &file->annotation,
				     diag);
}

static int read_file(struct rp_annotated_file *file, const char *path,
		     struct rp_diag *diag)
{
	memset(file, 0, sizeof(*file));
	int rc = rp_whole_file_read(&file->file, path, diag);
	if (rc)
		return rc;
	file->image = file->file.image;
	file->size = file->file.size;
	return 0;
}

int rp_annotate_file(struct rp_annotated_file *file, const char *path,
		     bool dry_run, struct rp_diag *diag)
{
	int rc = read_file(file, path, diag);

	if (!rc)
		rc = rp_annotate_begin(&file->annotation, file->image,
				       file->size, diag);
	return rc ? rc : replace(file, path, dry_run, diag);
}

int rp_annotate_kernel_file(struct rp_annotated_file *file, const char *path,
			    const struct rp_abi *abi, bool module, bool dry_run,
			    struct rp_diag *diag)
{
	int rc = read_file(file, path, diag);

	if (!rc)
		rc = rp_annotate_begin_kernel(&file->annotation, file->image,
					      file->size, abi, module, diag);
	return rc ? rc : replace(file, path, dry_run, diag);
}

void rp_annotated_file_deinit(struct rp_annotated_file *file)
{
	rp_annotate_end(&file->annotation);
	rp_whole_file_deinit(&file->file);
	memset(file, 0, sizeof(*file));
}
