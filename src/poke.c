// SPDX-License-Identifier: MIT
/* A batch of sites: the list, before anything is done with it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "arch.h"
#include "log.h"
#include "poke.h"

/* Memory of a finished batch that the next one may have. */
#define BATCH_KEEP	((size_t)1 << 20)

static struct rp__poke *run_end(struct rp__poke *poke, struct rp__poke *end)
{
	if (poke == end)
		return end;
	while (++poke < end && poke[-1].addr <= poke->addr)
		;
	return poke;
}

static struct rp__poke *merge(struct rp__poke *a, struct rp__poke *a_end,
			      struct rp__poke *b_end, struct rp__poke *to)
{
	struct rp__poke *b = a_end;

	while (a < a_end && b < b_end)
		*to++ = a->addr <= b->addr ? *a++ : *b++;
	while (a < a_end)
		*to++ = *a++;
	while (b < b_end)
		*to++ = *b++;
	return to;
}

/* Merge the runs of @from in pairs; returns how many are left. */
static size_t merge_runs(struct rp__poke *from, struct rp__poke *end,
			 struct rp__poke *to)
{
	size_t runs = 0;

	while (from < end) {
		struct rp__poke *middle = run_end(from, end);
		struct rp__poke *last = run_end(middle, end);

		to = merge(from, middle, last, to);
		from = last;
		runs++;
	}
	return runs;
}

/*
 * Natural, because sites come in runs: those of one key in one object are in
 * order. Stable, so that of equal sites the last one added comes last.
 */
static int sort(struct rp_text_poke_batch *batch)
{
	struct rp__poke *poke = rp__batch_pokes(batch), *from = poke, *to, *swap;
	size_t nr = rp__batch_nr(batch), runs;
	struct rp__poke *scratch = rp__map(nr * sizeof(*poke));

	if (!scratch)
		return rp__fail(batch->opts.error, -ENOMEM, NULL,
				"no memory to sort %zu sites", nr);
	to = scratch;
	do {
		runs = merge_runs(from, from + nr, to);
		swap = from;
		from = to;
		to = swap;
	} while (runs > 1);
	if (from != poke)
		memcpy(poke, from, nr * sizeof(*poke));
	rp__unmap(scratch, nr * sizeof(*poke));
	return 0;
}

static bool same_poke(const struct rp_text_poke_batch *batch,
		      const struct rp__poke *a, const struct rp__poke *b)
{
	return a->addr == b->addr && a->len == b->len &&
	       !memcmp(rp__poke_insn(batch, a), rp__poke_insn(batch, b),
		       a->len) &&
	       !memcmp(rp__poke_old(batch, a), rp__poke_old(batch, b), a->len);
}

/* Sites that are listed twice are kept once; others may not touch. */
static int drop_duplicates(struct rp_text_poke_batch *batch)
{
	struct rp__poke *poke = rp__batch_pokes(batch);
	size_t nr = rp__batch_nr(batch), kept = 0;

	for (size_t i = 0; i < nr; i++) {
		struct rp__poke *last = kept ? &poke[kept - 1] : NULL;

		if (last && same_poke(batch, last, &poke[i]))
			continue;
		if (last && last->addr + last->len > poke[i].addr)
			return rp__fail(batch->opts.error, -EINVAL,
					poke[i].addr,
					"%p: overlaps the site at %p in the same batch",
					(void *)poke[i].addr,
					(void *)last->addr);
		if (kept != i)
			poke[kept] = poke[i];
		kept++;
	}
	batch->pokes.used = kept * sizeof(*poke);
	return 0;
}

int rp__batch_sort(struct rp_text_poke_batch *batch)
{
	int error = batch->unsorted ? sort(batch) : 0;

	if (error < 0 || !batch->unsorted)
		return error;
	batch->unsorted = false;
	return drop_duplicates(batch);
}

struct rp__poke *rp__batch_find(const struct rp_text_poke_batch *batch,
				uintptr_t addr)
{
	struct rp__poke *poke = rp__batch_pokes(batch);
	size_t low = 0, high = rp__batch_nr(batch);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)poke[middle].addr == addr)
			return &poke[middle];
		if ((uintptr_t)poke[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct rp_text_poke_batch *spare;

int rp__opts_copy(struct rp_text_poke_opts *to,
		  const struct rp_text_poke_opts *from)
{
	size_t size;

	memset(to, 0, sizeof(*to));
	to->sz = sizeof(*to);
	if (!from)
		return 0;
	size = from->sz < sizeof(*to) ? from->sz : sizeof(*to);
	if (size < sizeof(from->sz))
		return -EINVAL;
	memcpy(to, from, size);
	to->sz = sizeof(*to);
	if ((unsigned int)to->protocol >= RP_PROTOCOL_NR ||
	    (unsigned int)to->backend >= RP_BACKEND_NR ||
	    (to->block && to->block != 8 && to->block != 16))
		return rp__fail(to->error, -EINVAL, NULL,
				"options: protocol, backend or block out of range (block is 0, 8 or 16)");
	return 0;
}

int rp__batch_begin(struct rp_text_poke_batch **ret,
		    const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	struct rp_text_poke_opts copy;
	int error = rp__opts_copy(&copy, opts);

	if (!ret)
		return -EINVAL;
	if (error < 0)
		return error;
	batch = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQ_REL);
	if (!batch)
		batch = rp__map(sizeof(*batch));
	if (!batch)
		return rp__fail(copy.error, -ENOMEM, NULL,
				"no memory for a batch");
	batch->opts = copy;
	*ret = batch;
	return 0;
}

int rp_text_poke_batch_begin(struct rp_text_poke_batch **ret,
			     const struct rp_text_poke_opts *opts)
{
	return RP__HAVE_ENGINE ? rp__batch_begin(ret, opts) : -ENOTSUP;
}

static void note_order(struct rp_text_poke_batch *batch, const uint8_t *addr,
		       size_t len)
{
	if ((uintptr_t)addr < batch->next)
		batch->unsorted = true;
	else
		batch->next = (uintptr_t)addr + len;
}

int rp__batch_reserve(struct rp_text_poke_batch *batch, size_t nr)
{
	if (!nr || rp__vec_reserve(&batch->pokes, nr * sizeof(struct rp__poke)))
		return 0;
	return rp__fail(batch->opts.error, -ENOMEM, NULL,
			"no memory for %zu sites", nr);
}

static int add_word(struct rp_text_poke_batch *batch, void *addr,
		    uint64_t old, uint64_t insn, unsigned int len, bool fresh)
{
	struct rp__poke *poke = rp__vec_push(&batch->pokes, sizeof(*poke));

	if (!poke)
		return rp__fail(batch->opts.error, -ENOMEM, addr,
				"no memory for another site");
	poke->addr = addr;
	/* Whole words, not bytes: what is read next is the words. */
	poke->old_word = (old & RP__POKE_WORD) | (uint64_t)len << 48 |
			 (uint64_t)(fresh ? RP__POKE_FRESH : 0) << 56;
	poke->insn_word = insn & RP__POKE_WORD;
	note_order(batch, addr, len);
	return 0;
}

int rp__batch_add_fresh(struct rp_text_poke_batch *batch, void *addr,
			uint64_t old, uint64_t insn, unsigned int len)
{
	return add_word(batch, addr, old, insn, len, true);
}

/* Bytes that do not fit into a poke are kept beside it. */
static int add_long(struct rp_text_poke_batch *batch, void *addr,
		    const void *expect, const void *insn, size_t len)
{
	struct rp__poke *poke = rp__vec_reserve(&batch->pokes, sizeof(*poke));
	size_t offset = batch->bytes.used;
	char *room = poke ? rp__vec_push(&batch->bytes, 2 * len) : NULL;

	if (!room)
		return rp__fail(batch->opts.error, -ENOMEM, addr,
				"no memory for another site");
	memcpy(room, expect, len);
	memcpy(room + len, insn, len);
	return add_word(batch, addr, offset, offset + len, (unsigned int)len,
			false);
}

int rp_text_poke_batch_add(struct rp_text_poke_batch *batch, void *addr,
			   const void *expect, const void *insn, size_t len)
{
	if (!batch || !addr || !expect || !insn || !len ||
	    len > RP_TEXT_POKE_MAX)
		return -EINVAL;
	if (len > RP__POKE_INLINE)
		return add_long(batch, addr, expect, insn, len);
	return add_word(batch, addr, rp__load(expect, (unsigned int)len),
			rp__load(insn, (unsigned int)len), (unsigned int)len,
			false);
}

void rp_text_poke_batch_abort(struct rp_text_poke_batch *batch)
{
	if (!batch)
		return;
	rp__vec_reset(&batch->pokes, BATCH_KEEP);
	rp__vec_reset(&batch->bytes, BATCH_KEEP);
	rp__vec_reset(&batch->windows, BATCH_KEEP);
	batch->next = 0;
	batch->unsorted = false;
	batch = __atomic_exchange_n(&spare, batch, __ATOMIC_ACQ_REL);
	if (batch) {
		rp__vec_deinit(&batch->pokes);
		rp__vec_deinit(&batch->bytes);
		rp__vec_deinit(&batch->windows);
		rp__unmap(batch, sizeof(*batch));
	}
}
