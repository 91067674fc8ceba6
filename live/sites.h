/* SPDX-License-Identifier: MIT */
/*
 * Payloads of programs that use Repoint themselves bring tables of call sites,
 * keys, alternatives and ops: the program's library has to know them, or a
 * branch of the new code would not follow its key.
 */
#ifndef REPOINT_LIVE_SITES_H
#define REPOINT_LIVE_SITES_H

#include "session.h"

/** rp_live_sites_any() - does the payload have such tables? */
bool rp_live_sites_any(const struct rp_payload *payload);

/** rp_live_sites_find() - the functions of the program's library, into the record.
 *  Return: 0; -EINVAL, see the session's diag. */
int rp_live_sites_find(struct rp_session *s, const struct rp_prepared *p,
		  struct rp_record *record);

/** rp_live_sites_object() - struct rp_object of an image at @image: its bytes.
 *  @object: as large as the structure of <repoint/abi.h>. */
struct rp_object;
void rp_live_sites_object(const struct rp_prepared *p, uint64_t image,
		     struct rp_object *object);

/** rp_live_sites_register(), rp_live_sites_unregister() - on the agent. Both may be called
 *  again. Return: 0; -EINVAL, see the session's diag. */
int rp_live_sites_register(struct rp_session *s, const struct rp_record *record);
int rp_live_sites_unregister(struct rp_session *s, const struct rp_record *record);

#endif /* REPOINT_LIVE_SITES_H */
