/* SPDX-License-Identifier: MIT */
/* Files that nobody else can have written. */
#ifndef REPOINT_TOOLS_PATCH_TRUSTED_FILE_H
#define REPOINT_TOOLS_PATCH_TRUSTED_FILE_H

#include "../../object/diag.h"

#include <stddef.h>
#include <sys/types.h>

/** enum rp_trust - whose files are believed. */
enum rp_trust {
	RP_TRUST_USER,	/* those of root and of the effective user */
	RP_TRUST_ROOT,	/* those of root alone */
};

/**
 * rp_trusted_open() - open what nobody but the trusted can change.
 * @path:  file or directory, by any way
 * @trust: who may own it
 * @type:  S_IFREG or S_IFDIR: what it has to be
 * @fd:    set to a descriptor to read from, on success
 * @diag:  filled in if it fails
 *
 * The path is gone through from the root, name by name. Each directory, each
 * symbolic link and what is at the end must be owned by root or whom @trust
 * names, and must not be writable by group or others. A directory that is
 * sticky may be: what belongs to the trusted in there is out of others' reach.
 * An ACL that lets others write shows in the bits of the group.
 *
 * What is checked is what @fd refers to; the name is not looked up again.
 *
 * Return: 0; -EINVAL with @diag of RP_DIAG_READ if it cannot be opened, of
 * RP_DIAG_NOT_REGULAR or of RP_DIAG_LIVE_FILE, which names the component and
 * what to do; or -ENOMEM.
 */
int rp_trusted_open(const char *path, enum rp_trust trust, mode_t type, int *fd,
		    struct rp_diag *diag);

/**
 * rp_trusted_file_open() - open a payload.
 * @path:  the file
 * @force: whoever can write it; it must be a regular file nevertheless
 * @fd:    set to a descriptor to read from, on success
 * @diag:  filled in if it fails
 *
 * For the effective user; the rest is as for rp_trusted_open().
 */
int rp_trusted_file_open(const char *path, bool force, int *fd,
			 struct rp_diag *diag);

/**
 * rp_descriptor_read() - all of an open file.
 * @fd:   a regular file, at its start
 * @max:  that many bytes are too many
 * @ret:  set to the bytes, to be freed; one more is there, which is 0
 * @size: set to their number
 * @diag: filled in if it fails; nothing is to be freed then
 *
 * Read, not mapped: what is checked afterwards is what is used, whatever
 * happens to the file.
 */
int rp_descriptor_read(int fd, size_t max, uint8_t **ret, size_t *size,
		       struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_TRUSTED_FILE_H */
