// SPDX-License-Identifier: MIT
/*
 * What has to be known of a batch before anything is written: may the text be
 * read, is it in a legal state, by which protocol does each site go.
 *
 * One pass over the sites: a million of them are 24 MB, and memory is what
 * limits.
 */
#include <errno.h>
#include <string.h>

#include "arch.h"
#include "inspect.h"
#include "log.h"
#include "window.h"

/* ---- choice of protocol ---- */

static bool is_atomic(const struct rp_text_poke_batch *batch,
		      const struct rp__poke *poke)
{
	uintptr_t mask = -(uintptr_t)batch->block;
	uintptr_t first = (uintptr_t)poke->addr + poke->first;
	uintptr_t last = (uintptr_t)poke->addr + poke->end - 1;

	return batch->backend == RP_BACKEND_MPROTECT &&
	       last - first < 8 && (first & mask) == (last & mask);
}

/* The new bytes are one instruction that the handler can stand in for. */
static bool is_emulated(const struct rp_text_poke_batch *batch,
			const struct rp__poke *poke)
{
	struct rp__insn insn;

	if (rp__insn_decode(rp__poke_insn(batch, poke), poke->len,
			    (uintptr_t)poke->addr, &insn) < 0 ||
	    insn.type == RP__INSN_INT3)
		return false;
	return insn.len == poke->len || insn.type == RP__INSN_JMP ||
	       insn.type == RP__INSN_RET || insn.type == RP__INSN_JMP_MEM;
}

static enum rp_protocol choose_for(const struct rp_text_poke_batch *batch,
				   const struct rp__poke *poke)
{
	enum rp_protocol wanted = batch->opts.protocol;

	if (wanted == RP_PROTOCOL_STOPPED ||
	    (wanted == RP_PROTOCOL_AUTO && batch->single))
		return RP_PROTOCOL_STOPPED;
	if (wanted != RP_PROTOCOL_BREAKPOINT && is_atomic(batch, poke))
		return RP_PROTOCOL_ATOMIC;
	if (wanted != RP_PROTOCOL_ATOMIC && is_emulated(batch, poke))
		return RP_PROTOCOL_BREAKPOINT;
	return RP_PROTOCOL_AUTO;
}

static int cannot_change(const struct rp_text_poke_batch *batch,
			 const struct rp__poke *poke)
{
	return rp__fail(batch->opts.error, -ENOTSUP, poke->addr,
			"%p: cannot be changed while threads run: not within %u aligned bytes, or not by this backend, and %s",
			(void *)poke->addr, batch->block,
			batch->opts.protocol == RP_PROTOCOL_ATOMIC ?
			"the caller wants one store" :
			"the new bytes are no instruction that a breakpoint can stand in for");
}

static int choose(struct rp_text_poke_batch *batch, struct rp__poke *poke)
{
	poke->protocol = (uint8_t)choose_for(batch, poke);
	if (poke->protocol == RP_PROTOCOL_AUTO)
		return cannot_change(batch, poke);
	batch->count[poke->protocol]++;
	return 0;
}

int rp__choose_all(struct rp_text_poke_batch *batch)
{
	struct rp__poke *poke = rp__batch_pokes(batch);
	size_t nr = rp__batch_nr(batch);
	int error = 0;

	memset(batch->count, 0, sizeof(batch->count));
	for (size_t i = 0; i < nr && !error; i++)
		error = choose(batch, &poke[i]);
	return error;
}

/* ---- validation ---- */

static void find_difference(struct rp__poke *poke, const uint8_t *old,
			    const uint8_t *insn)
{
	unsigned int first = 0, end = poke->len;

	if (poke->len <= RP__POKE_INLINE) {
		uint64_t differ = (poke->old_word ^ poke->insn_word) &
				  RP__POKE_WORD;

		if (differ) {
			first = (unsigned int)__builtin_ctzll(differ) / 8;
			end = 8 - (unsigned int)__builtin_clzll(differ) / 8;
		} else {
			end = 0;
		}
		poke->first = (uint8_t)first;
		poke->end = (uint8_t)end;
		return;
	}
	while (first < end && old[first] == insn[first])
		first++;
	while (end > first && old[end - 1] == insn[end - 1])
		end--;
	poke->first = (uint8_t)first;
	poke->end = (uint8_t)end;
}

static bool text_is(const struct rp__poke *poke, uint64_t word,
		    const uint8_t *bytes)
{
	if (poke->len <= RP__POKE_INLINE)
		return rp__load(poke->addr, poke->len) ==
		       (word & RP__POKE_WORD);
	return !memcmp(poke->addr, bytes, poke->len);
}

/* 1 if the site has to be written, 0 if it is as wanted, or an error. */
static int inspect(struct rp_text_poke_batch *batch, struct rp__cursor *cursor,
		   struct rp__poke *poke)
{
	const uint8_t *old = rp__poke_old(batch, poke);
	const uint8_t *insn = rp__poke_insn(batch, poke);
	uintptr_t addr = (uintptr_t)poke->addr;
	int error = 0;

	if (addr < cursor->map.start || addr + poke->len > cursor->map.end)
		error = rp__window_check(batch, cursor, addr, poke->len);
	if (error < 0)
		return error;
	if (poke->protocol != RP__POKE_FRESH &&
	    !text_is(poke, poke->old_word, old))
		return text_is(poke, poke->insn_word, insn) ? 0 :
			rp__fail_bytes(batch->opts.error, poke->addr, old,
				       poke->addr, poke->len);
	find_difference(poke, old, insn);
	if (poke->first == poke->end)
		return 0;
	error = choose(batch, poke);
	if (!error && addr + poke->len > cursor->covered)
		error = rp__window_cover(batch, cursor, addr, poke->len);
	return error < 0 ? error : 1;
}

int rp__inspect(struct rp_text_poke_batch *batch)
{
	struct rp__poke *poke = rp__batch_pokes(batch);
	size_t nr = rp__batch_nr(batch), kept = 0;
	struct rp__cursor cursor = { .map = { 0, 0, 0 } };

	batch->windows.used = 0;
	memset(batch->count, 0, sizeof(batch->count));
	for (size_t i = 0; i < nr; i++) {
		int result;

		if (i + RP__PREFETCH < nr)
			__builtin_prefetch(poke[i + RP__PREFETCH].addr);
		result = inspect(batch, &cursor, &poke[i]);

		if (result < 0)
			return result;
		if (result && kept != i)
			poke[kept] = poke[i];
		kept += (size_t)result;
	}
	batch->pokes.used = kept * sizeof(*poke);
	return 0;
}
