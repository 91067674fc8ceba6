// SPDX-License-Identifier: MIT
/* A batch of sites: the list, before anything is done with it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "log.h"
#include "poke.h"

/* Memory of a finished batch that the next one may have. */
#define BATCH_KEEP	((size_t)256 << 10)

static bool is_sorted(const struct rp__poke *poke, size_t nr)
{
	for (size_t i = 1; i < nr; i++)
		if (poke[i - 1].addr > poke[i].addr)
			return false;
	return true;
}

static void merge(const struct rp__poke *from, struct rp__poke *to, size_t left,
		  size_t middle, size_t right)
{
	size_t a = left, b = middle;

	for (size_t i = left; i < right; i++) {
		if (a < middle && (b >= right || from[a].addr <= from[b].addr))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

/* Stable, so that the last of several equal sites is the last one added. */
static struct rp__poke *merge_sort(struct rp__poke *poke,
				   struct rp__poke *scratch, size_t nr)
{
	struct rp__poke *from = poke, *to = scratch, *swap;

	for (size_t width = 1; width < nr; width *= 2) {
		for (size_t left = 0; left < nr; left += 2 * width) {
			size_t middle = left + width < nr ? left + width : nr;
			size_t right = left + 2 * width < nr ? left + 2 * width
							     : nr;

			merge(from, to, left, middle, right);
		}
		swap = from;
		from = to;
		to = swap;
	}
	return from;
}

static int sort(struct rp_text_poke_batch *batch)
{
	struct rp__poke *poke = rp__batch_pokes(batch), *scratch, *sorted;
	size_t nr = rp__batch_nr(batch);

	if (is_sorted(poke, nr))
		return 0;
	scratch = rp__map(nr * sizeof(*poke));
	if (!scratch)
		return rp__fail(batch->opts.error, -ENOMEM, NULL,
				"no memory to sort %zu sites", nr);
	sorted = merge_sort(poke, scratch, nr);
	if (sorted != poke)
		memcpy(poke, sorted, nr * sizeof(*poke));
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
	int error = sort(batch);

	return error < 0 ? error : drop_duplicates(batch);
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

static int copy_opts(struct rp_text_poke_opts *to,
		     const struct rp_text_poke_opts *from)
{
	size_t size;

	memset(to, 0, sizeof(*to));
	if (!from)
		return 0;
	size = from->sz < sizeof(*to) ? from->sz : sizeof(*to);
	if (size < sizeof(from->sz))
		return -EINVAL;
	memcpy(to, from, size);
	if ((unsigned int)to->protocol >= RP_PROTOCOL_NR ||
	    (unsigned int)to->backend >= RP_BACKEND_NR ||
	    (to->block && to->block != 8 && to->block != 16))
		return rp__fail(to->error, -EINVAL, NULL,
				"options: protocol, backend or block out of range (block is 0, 8 or 16)");
	return 0;
}

int rp_text_poke_batch_begin(struct rp_text_poke_batch **ret,
			     const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	struct rp_text_poke_opts copy;
	int error = copy_opts(&copy, opts);

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

static int store_bytes(struct rp_text_poke_batch *batch,
		       union rp__poke_bytes *to, const void *from, size_t len)
{
	void *room;

	if (len <= RP__POKE_INLINE) {
		memcpy(to->in, from, len);
		return 0;
	}
	to->offset = batch->bytes.used;
	room = rp__vec_push(&batch->bytes, len);
	if (!room)
		return -ENOMEM;
	memcpy(room, from, len);
	return 0;
}

int rp_text_poke_batch_add(struct rp_text_poke_batch *batch, void *addr,
			   const void *expect, const void *insn, size_t len)
{
	struct rp__poke *poke;

	if (!batch || !addr || !expect || !insn || !len ||
	    len > RP_TEXT_POKE_MAX)
		return -EINVAL;
	poke = rp__vec_reserve(&batch->pokes, sizeof(*poke));
	if (!poke || store_bytes(batch, &poke->old, expect, len) < 0 ||
	    store_bytes(batch, &poke->insn, insn, len) < 0)
		return rp__fail(batch->opts.error, -ENOMEM, addr,
				"no memory for another site");
	poke->addr = addr;
	poke->len = (uint16_t)len;
	batch->pokes.used += sizeof(*poke);
	return 0;
}

void rp_text_poke_batch_abort(struct rp_text_poke_batch *batch)
{
	if (!batch)
		return;
	rp__vec_reset(&batch->pokes, BATCH_KEEP);
	rp__vec_reset(&batch->bytes, BATCH_KEEP);
	rp__vec_reset(&batch->windows, BATCH_KEEP);
	batch = __atomic_exchange_n(&spare, batch, __ATOMIC_ACQ_REL);
	if (batch) {
		rp__vec_deinit(&batch->pokes);
		rp__vec_deinit(&batch->bytes);
		rp__vec_deinit(&batch->windows);
		rp__unmap(batch, sizeof(*batch));
	}
}
