/* SPDX-License-Identifier: MIT */
/* The system's policy: what `repoint patch apply` must not do. */
#ifndef REPOINT_TOOLS_PATCH_POLICY_H
#define REPOINT_TOOLS_PATCH_POLICY_H

#include "../../object/diag.h"

#include <stddef.h>

/** struct rp_policy_line - the argument of a directive, and its line. */
struct rp_policy_line {
	char *value;
	unsigned int line;
};

struct rp_policy_list {
	struct rp_policy_line *v;
	size_t n;
};

/** struct rp_policy_choice - a yes or no; allowed if @line is 0, not given. */
struct rp_policy_choice {
	unsigned int line;
	bool is_no;
};

/**
 * struct rp_policy - what a policy file says.
 * @path:               the file, for messages; NULL if there is none
 * @require_signature:  directories of public keys: a payload needs a good
 *                      signature by a key of each of them
 * @deny:               patterns of executables and libraries that are not to be
 *                      patched
 * @allow_force:        may --force be used?
 * @allow_allow_active: may --allow-active be used?
 *
 * Docs: docs/signing.md.
 */
struct rp_policy {
	char *path;
	struct rp_policy_list require_signature;
	struct rp_policy_list deny;
	struct rp_policy_choice allow_force;
	struct rp_policy_choice allow_allow_active;
};

/** rp_policy_path() - the policy file of this installation. */
const char *rp_policy_path(void);

/**
 * rp_policy_read() - read a policy file.
 * @policy: filled in; to be freed by rp_policy_free(), whatever is returned
 * @path:   rp_policy_path()
 * @diag:   filled in if it fails
 *
 * A file that is not there is an empty policy. One that cannot be read, is not
 * root's, can be changed by others than root or has a line that is not
 * understood is an error, of RP_DIAG_LIVE_POLICY: nothing may be patched then.
 */
int rp_policy_read(struct rp_policy *policy, const char *path,
		   struct rp_diag *diag);

/** rp_policy_parse() - the same, from memory: @size bytes of the file @path. */
int rp_policy_parse(struct rp_policy *policy, const char *path,
		    const char *text, size_t size, struct rp_diag *diag);

void rp_policy_free(struct rp_policy *policy);

/** rp_policy_check_force() - may --force be used? */
int rp_policy_check_force(const struct rp_policy *policy, struct rp_diag *diag);

/** rp_policy_check_allow_active() - may --allow-active be used? */
int rp_policy_check_allow_active(const struct rp_policy *policy,
				 struct rp_diag *diag);

/**
 * rp_policy_check_path() - may this be patched?
 * @policy: the policy
 * @path:   of the process's executable, or of the file that the payload is
 *          for: both are to be asked for. As /proc has it: what follows a
 *          deleted file's name makes no difference
 * @diag:   filled in if not
 */
int rp_policy_check_path(const struct rp_policy *policy, const char *path,
			 struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_POLICY_H */
