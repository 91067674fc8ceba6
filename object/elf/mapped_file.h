/* SPDX-License-Identifier: MIT */
/* Files that are read by mapping them. */
#ifndef REPOINT_OBJECT_ELF_MAPPED_FILE_H
#define REPOINT_OBJECT_ELF_MAPPED_FILE_H

#include "../diag.h"

#include <stddef.h>

/**
 * rp_file_map() - map a regular file for reading.
 * @path:  its name
 * @image: its bytes; NULL if it is empty
 * @size:  how many
 * @diag:  on failure
 *
 * Return: 0; a negative errno value, or -EINVAL if it is not a regular file.
 */
int rp_file_map(const char *path, void **image, size_t *size,
		struct rp_diag *diag);

/** rp_file_unmap() - undo it; @image may be NULL. */
void rp_file_unmap(void *image, size_t size);

#endif /* REPOINT_OBJECT_ELF_MAPPED_FILE_H */
