/* SPDX-License-Identifier: MIT */
/* Parts of `repoint patch show`. */
#ifndef REPOINT_TOOLS_PATCH_SHOW_H
#define REPOINT_TOOLS_PATCH_SHOW_H

#include "../../patch/binary.h"
#include "../../payload/payload.h"
#include "align.h"

/**
 * struct rp_show - a payload that is shown.
 * @binary:      what it is for, or NULL
 * @disassemble: show code
 */
struct rp_show {
	const char *path;
	const struct rp_payload *payload;
	const struct rp_binary *binary;
	bool disassemble;
};

/**
 * struct rp_show_code - a replaced function, old beside new.
 * @old:  empty without a binary
 * @rows: of both
 */
struct rp_show_code {
	struct rp_listing old;
	struct rp_listing new;
	struct rp_rows rows;
};

/** rp_show_code_init() - Return: 0; -EINVAL or -ENOMEM, see @diag. */
int rp_show_code_init(struct rp_show_code *code, const struct rp_show *show,
		      const struct rp_payload_function *function,
		      struct rp_diag *diag);
void rp_show_code_deinit(struct rp_show_code *code);

/** rp_show_code_print() - as text of at most @width columns. */
void rp_show_code_print(const struct rp_show_code *code, int width);

/** rp_show_is_added() - is it a new function: defined, but replaces nothing? */
bool rp_show_is_added(const struct rp_payload *payload, uint32_t symbol);

extern const char *const rp_show_bind_names[RP_BIND_NR];

/** rp_show_text(), rp_show_json() - Return: 0; negative, see @diag. */
int rp_show_text(const struct rp_show *show, struct rp_diag *diag);
int rp_show_json(const struct rp_show *show, struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_SHOW_H */
