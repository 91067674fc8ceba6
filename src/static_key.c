// SPDX-License-Identifier: MIT
/*
 * Static keys: counts, and the branches that follow them.
 *
 * The count while the first user comes and the last one goes, all of it under
 * the text lock:
 *
 *   inc   0 -> -1   branches are patched   -1 -> 1
 *   dec   1 -> 0    branches are patched
 *
 * -1 counts as enabled for readers, but not for the fast path of another inc,
 * which only goes on from a positive count: it waits for the lock, and so
 * returns only when the branches are patched. A dec takes the count to 0
 * first, so that an inc at that moment waits as well.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "log.h"
#include "static_key.h"

#define BRANCH_LEN	5

struct rp_static_key *rp__static_key_origin(struct rp_static_key *key)
{
	return key && key->origin ? key->origin : key;
}

bool rp__static_key_valid(const struct rp_static_key *key)
{
	return key && (uintptr_t)key % _Alignof(struct rp_static_key) == 0 &&
	       key->magic == RP_STATIC_KEY_MAGIC;
}

/* ---- branches ---- */

int rp__static_key_poke_site(struct rp_text_poke_batch *batch, uint8_t *site,
			     uintptr_t target, bool jump)
{
	/* nopl 0(%rax,%rax,1) and jmp rel32, first byte lowest. */
	const uint64_t nop = 0x0000441f0full;
	const uint64_t jmp = 0xe9 | (uint64_t)(uint32_t)
		(target - ((uintptr_t)site + BRANCH_LEN)) << 8;
	uint64_t want = jump ? jmp : nop, other = jump ? nop : jmp;
	uint64_t found = rp__load(site, BRANCH_LEN);

	if (found == want)
		return 0;
	if (found != other)
		return rp__fail_bytes(batch->opts.error, site, &other, site,
				      BRANCH_LEN);
	return rp__batch_add_fresh(batch, site, other, want, BRANCH_LEN);
}

static int poke_range(struct rp_text_poke_batch *batch,
		      const struct rp_site_range *range, bool enabled)
{
	const struct rp__object *object = range->object;
	const struct rp__site *site = object->sites + range->first;
	bool jump = enabled != (range->type == RP__RANGE_LIKELY);
	int error = 0;

	for (uint32_t i = 0; i < range->count && !error; i++) {
		if (i + RP__PREFETCH < range->count)
			__builtin_prefetch(rp__site_code(
				object, &site[i + RP__PREFETCH]));
		error = rp__static_key_poke_site(
			batch, rp__site_code(object, &site[i]),
			object->text_start +
				(uintptr_t)(intptr_t)site[i].target,
			jump);
	}
	return error;
}

int rp__static_key_poke_key(struct rp_text_poke_batch *batch,
			    const struct rp_static_key *key, bool enabled)
{
	const struct rp_site_range *range;
	size_t nr = 0;
	int error;

	for (range = key->ranges; range; range = range->next)
		nr += range->count;
	error = rp__batch_reserve(batch, nr);
	for (range = key->ranges; range && !error; range = range->next)
		error = poke_range(batch, range, enabled);
	return error;
}

/* ---- the count ---- */

static int get_count(const struct rp_static_key *key)
{
	return __atomic_load_n(&key->count, __ATOMIC_RELAXED);
}

static void set_count(struct rp_static_key *key, int count)
{
	/* Pairs with the acquire in rp__static_key_count(). */
	__atomic_store_n(&key->count, count, __ATOMIC_RELEASE);
}

/*
 * What the count becomes while text changes, or for good if it need not: *ret.
 * 1 if text changes, 0 if not, or -ERANGE.
 */
static int next_count(const struct rp__key_op *op, int count, int *ret)
{
	switch (op->type) {
	case RP__KEY_OP_INC:
		*ret = count ? count + 1 : -1;
		return count == INT_MAX ? -ERANGE : count == 0;
	case RP__KEY_OP_DEC:
		*ret = count - 1;
		return count == 0 ? -ERANGE : count == 1;
	default:
		*ret = !op->enabled ? 0 : count ? count : -1;
		return count > 1 ? -ERANGE : count != op->enabled;
	}
}

/* Others may take the fast path meanwhile, so each try looks again. */
int rp__static_key_begin(struct rp__key_op *op)
{
	int count = get_count(op->key), next, result;

	do {
		result = next_count(op, count, &next);
		if (result < 0)
			return result;
	} while (!__atomic_compare_exchange_n(&op->key->count, &count, next,
					      false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	op->old_count = count;
	return result;
}

void rp__static_key_finish(const struct rp__key_op *op)
{
	set_count(op->key, op->enabled ? 1 : 0);
}

void rp__static_key_undo(const struct rp__key_op *op)
{
	set_count(op->key, op->old_count);
}

/* From a positive count to a positive count no branch changes. */
static bool fast_path(struct rp_static_key *key, int step)
{
	int count = get_count(key);

	while (count > 0 && count != INT_MAX && count + step > 0)
		if (__atomic_compare_exchange_n(&key->count, &count,
						count + step, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static int change(struct rp_static_key *key, enum rp__key_op_type type,
		  int enabled)
{
	struct rp__key_op op = { .type = type };

	key = rp__static_key_origin(key);
	if (!rp__static_key_valid(key))
		return -EINVAL;
	if (type != RP__KEY_OP_SET &&
	    fast_path(key, type == RP__KEY_OP_INC ? 1 : -1))
		return 0;
	op.key = key;
	op.enabled = enabled;
	return rp__key_ops_commit(&op, 1, NULL);
}

int rp_static_key_key_enable(struct rp_static_key *key)
{
	return change(key, RP__KEY_OP_SET, 1);
}

int rp_static_key_key_disable(struct rp_static_key *key)
{
	return change(key, RP__KEY_OP_SET, 0);
}

int rp_static_key_key_inc(struct rp_static_key *key)
{
	return change(key, RP__KEY_OP_INC, 1);
}

int rp_static_key_key_dec(struct rp_static_key *key)
{
	return change(key, RP__KEY_OP_DEC, 0);
}
