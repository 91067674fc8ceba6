/* SPDX-License-Identifier: MIT */
/* Names of files. */
#ifndef REPOINT_OBJECT_PATH_H
#define REPOINT_OBJECT_PATH_H

#include <string.h>

/** rp_base_name() - what follows the last slash of a path. */
static inline const char *rp_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif /* REPOINT_OBJECT_PATH_H */
