/* SPDX-License-Identifier: MIT */
/* Which processes a command is about. */
#ifndef REPOINT_TOOLS_PATCH_PROCESSES_H
#define REPOINT_TOOLS_PATCH_PROCESSES_H

#include "../../object/diag.h"

#include <stddef.h>
#include <sys/types.h>

enum rp_which {
	RP_WHICH_PID,		/* this one: a number */
	RP_WHICH_NAME,		/* all that are called so */
	RP_WHICH_USING,		/* all that have mapped this program or library */
	RP_WHICH_ALL,		/* all that one may look at */
};

struct rp_processes {
	pid_t *v;
	size_t n;
	size_t capacity;
};

/**
 * rp_processes_find() - the processes of a description, this one left out.
 * @which, @what: "4711"; "nginx"; "/usr/sbin/nginx", "libexpat.so.1"
 * @diag: on failure: not a number, none found (what was looked for)
 *
 * A name is that of the process (comm) or of its executable file. A path with a
 * slash is compared by what it leads to now and by name: an upgrade replaces
 * the file that processes still run from. Without one it is compared with the
 * file's name, up to a version number that follows. Processes that one may not
 * look at are not found.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_processes_find(struct rp_processes *processes, enum rp_which which,
		      const char *what, struct rp_diag *diag);
void rp_processes_free(struct rp_processes *processes);

#endif /* REPOINT_TOOLS_PATCH_PROCESSES_H */
