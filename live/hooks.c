// SPDX-License-Identifier: MIT
/* Hooks of payloads, run in the target. */
#include "session.h"

#include <errno.h>

bool rp_hooks_any(const struct rp_record *r, enum rp_payload_hook_kind kind)
{
	for (uint32_t i = 0; i < r->hooks.n; i++) {
		if (rp_record_hooks(r)[i].kind == kind)
			return true;
	}
	return false;
}

static int run(struct rp_session *s, const struct rp_record *r,
	       const struct rp_record_hook *h)
{
	static const uint64_t no_args[2];
	unsigned int ms = s->options->hook_ms ? s->options->hook_ms :
			  RP_LIVE_HOOK_MS;
	bool vetoes = h->kind == RP_HOOK_PRE_APPLY ||
		      h->kind == RP_HOOK_PRE_REVERT;
	const char *name = rp_record_string(r, h->name);
	struct rp_diag why = { 0 };
	int64_t got = 0;
	int ret;

	ret = rp_agent_call(&s->agent, h->address, no_args, ms, &got, &why);
	if (ret)
		return rp_diag_set(s->diag, RP_DIAG_LIVE_HOOK, NULL,
			"%s hook %s of %s: %s", rp_payload_hook_name(h->kind), name,
			rp_record_string(r, r->name), why.text);
	/* The function returns int: the other half of rax is anything. */
	if (!vetoes || !(int32_t)got)
		return 0;
	rp_diag_set(s->diag, RP_DIAG_LIVE_VETO, NULL,
		"%s hook %s of %s vetoed: it returned %d; nothing was changed, try again when what it waits for is over",
		rp_payload_hook_name(h->kind), name, rp_record_string(r, r->name),
		(int32_t)got);
	return -ECANCELED;
}

int rp_hooks_run(struct rp_session *s, const struct rp_record *r,
		 enum rp_payload_hook_kind kind)
{
	int ret;

	if (!rp_hooks_any(r, kind))
		return 0;
	ret = rp_session_agent(s);
	if (ret)
		return ret;
	ret = rp_session_hold(s);
	for (uint32_t i = 0; i < r->hooks.n && !ret; i++) {
		const struct rp_record_hook *h = &rp_record_hooks(r)[i];

		if (h->kind == kind)
			ret = run(s, r, h);
	}
	return ret;
}
