// SPDX-License-Identifier: MIT
/*
 * Static calls: which bytes a site has to have, and updates.
 *
 * A site is changed as a whole only if all its bytes lie in one aligned block.
 * If just the displacement does, the opcode stays, and what needs another
 * opcode (NULL, RET0, far functions) is reached by a branch instead. If not
 * even that, the site is left alone for ever: it calls the trampoline. So no
 * site ever needs a breakpoint, and which it is follows from its address, not
 * from whether threads exist at the moment.
 *
 * A trampoline that was never patched jumps through the key, and so follows
 * updates where nothing may be patched at all.
 */
#include <errno.h>
#include <string.h>

#include "arch.h"
#include "island.h"
#include "key_ops.h"
#include "log.h"
#include "static_call.h"

static const unsigned int site_len[RP_SITE_KIND_NR] = {
	[RP_SITE_CALL] = 5,
	[RP_SITE_JMP] = 5,
	[RP_SITE_JCC] = 6,
	[RP_SITE_CALL_GOT] = 6,
	[RP_SITE_JMP_GOT] = 6,
};

/* Which instructions may be in place at a site of each kind. */
static const unsigned int site_legal[RP_SITE_KIND_NR] = {
	[RP_SITE_CALL] = 1u << RP__INSN_CALL | 1u << RP__INSN_NOP |
			 1u << RP__INSN_RET0,
	[RP_SITE_JMP] = 1u << RP__INSN_JMP | 1u << RP__INSN_RET,
	[RP_SITE_JCC] = 1u << RP__INSN_JCC,
	[RP_SITE_CALL_GOT] = 1u << RP__INSN_CALL_MEM | 1u << RP__INSN_CALL |
			     1u << RP__INSN_NOP | 1u << RP__INSN_RET0,
	[RP_SITE_JMP_GOT] = 1u << RP__INSN_JMP_MEM | 1u << RP__INSN_JMP |
			    1u << RP__INSN_RET,
};

long rp_static_call_return0(void)
{
	return 0;
}

void rp_static_call_nop(void)
{
}

static void *as_pointer(void (*function)(void))
{
	return (void *)function;
}

/* What a branch goes to when the key is @func. */
static void *target_of(void *func)
{
	return func ? func : as_pointer(rp_static_call_nop);
}

static bool is_return0(const void *func)
{
	return func == (const void *)rp_static_call_return0;
}

bool rp__static_call_key_valid(const struct rp_static_call_key *key)
{
	return key && (uintptr_t)key % _Alignof(struct rp_static_call_key) == 0 &&
	       key->magic == RP_STATIC_CALL_KEY_MAGIC;
}

unsigned int rp__site_len(enum rp_site_kind kind)
{
	return site_len[kind];
}

static bool same_block(const struct rp__call_dest *dest, const uint8_t *addr,
		       unsigned int len)
{
	return (((uintptr_t)addr ^ ((uintptr_t)addr + len - 1)) &
		-(uintptr_t)dest->block) == 0;
}

/* ---- trampolines ---- */

/* The jump of the trampoline whose symbol is at @entry: behind the endbr64. */
static const uint8_t *tramp_jump(const uint8_t *entry)
{
	static const uint8_t endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };

	return memcmp(entry, endbr64, 4) ? entry : entry + 4;
}

static bool is_tramp_jump(const uint8_t *jump)
{
	static const uint8_t ud2[2] = { 0x0f, 0x0b };
	struct rp__insn insn;

	if ((uintptr_t)jump % RP_TRAMP_SIZE != RP_TRAMP_JMP_OFFSET ||
	    memcmp(jump + RP_TRAMP_UD_OFFSET - RP_TRAMP_JMP_OFFSET, ud2, 2) ||
	    rp__insn_decode(jump, RP_TRAMP_JMP_SIZE, (uintptr_t)jump, &insn) < 0)
		return false;
	return insn.type == RP__INSN_JMP_MEM || insn.type == RP__INSN_JMP ||
	       insn.type == RP__INSN_RET;
}

struct rp_static_call_key *rp__static_call_key_of(uintptr_t tramp)
{
	const uint8_t *jump = tramp_jump((const uint8_t *)tramp);
	struct rp_static_call_key *key;
	const uint8_t *block;
	int32_t offset;

	if (!is_tramp_jump(jump))
		return NULL;
	block = jump - RP_TRAMP_JMP_OFFSET;
	memcpy(&offset, block, sizeof(offset));
	key = (struct rp_static_call_key *)((uintptr_t)block +
					    (uintptr_t)(intptr_t)offset);
	return rp__static_call_key_valid(key) &&
	       tramp_jump(key->tramp) == jump ? key : NULL;
}

/* The displacement of the built form is not kept: it follows from the key. */
static int tramp_bytes(const struct rp_static_call_key *key, uintptr_t jump,
		       void *func, uint8_t *ret)
{
	if (!func)
		return rp__insn_encode(RP__INSN_RET, 0, jump, 0, ret,
				       RP_TRAMP_JMP_SIZE);
	if (rp__insn_encode(RP__INSN_JMP, 0, jump, (uintptr_t)func, ret,
			    RP_TRAMP_JMP_SIZE) == 0)
		return 0;
	return rp__insn_encode(RP__INSN_JMP_MEM, 0, jump,
			       (uintptr_t)&key->target, ret,
			       RP_TRAMP_JMP_SIZE);
}

int rp__static_call_poke_tramp(struct rp_text_poke_batch *batch,
			       struct rp_static_call_key *key, void *func)
{
	uint8_t bytes[RP_TRAMP_JMP_SIZE];
	const uint8_t *jump;
	int error;

	if (!key->tramp)
		return 0;
	jump = tramp_jump(key->tramp);
	if (!is_tramp_jump(jump))
		return rp__fail_bytes(batch->opts.error, jump,
				      (const uint8_t[]){ 0xff, 0x25 }, jump, 2);
	error = tramp_bytes(key, (uintptr_t)jump, func, bytes);
	if (error < 0)
		return rp__fail(batch->opts.error, error, jump,
				"%p: a trampoline cannot reach its key",
				(const void *)jump);
	return rp_text_poke_batch_add(batch, (void *)jump, jump, bytes,
				      RP_TRAMP_JMP_SIZE);
}

/* ---- sites ---- */

void rp__call_dest_init(struct rp__call_dest *dest, struct rp__object *object,
			const struct rp_static_call_key *key, void *func)
{
	dest->object = object;
	dest->key = key;
	dest->func = func;
	dest->addr = (uintptr_t)target_of(func);
	dest->near = dest->slot = 0;
	dest->block = rp__engine_block();
	dest->plain = func && !is_return0(func);
}

/*
 * An address that every site of the object reaches and that leads to the
 * function: itself, an island, or, if there can be none, the trampoline.
 */
static int find_near(struct rp__call_dest *dest, uintptr_t site)
{
	uintptr_t tramp = (uintptr_t)dest->key->tramp;
	struct rp__island island;
	int error;

	if (dest->near)
		return 0;
	error = rp__island_get(dest->object, dest->addr, &island);
	if (!error) {
		dest->near = island.code;
		dest->slot = island.slot;
		return 0;
	}
	if (!tramp || !rp__insn_reaches(site, tramp))
		return error;
	dest->near = tramp;
	return 0;
}

/* Where a rel32 at @site goes to. */
static int branch_target(struct rp__call_dest *dest, uintptr_t site,
			 uintptr_t *ret)
{
	int error;

	if (rp__insn_reaches(site, dest->addr)) {
		*ret = dest->addr;
		return 0;
	}
	error = find_near(dest, site);
	*ret = dest->near;
	return error;
}

/* The slot that an indirect branch at @site may read. */
static int slot_target(struct rp__call_dest *dest, uintptr_t *ret)
{
	struct rp__island island;
	int error = 0;

	if (!dest->slot) {
		error = rp__island_get(dest->object, dest->addr, &island);
		if (!error)
			dest->slot = island.slot;
	}
	*ret = dest->slot;
	return error;
}

static enum rp__insn_type branch_type(enum rp_site_kind kind)
{
	if (kind == RP_SITE_JCC)
		return RP__INSN_JCC;
	return kind == RP_SITE_CALL || kind == RP_SITE_CALL_GOT ?
		RP__INSN_CALL : RP__INSN_JMP;
}

/* All bytes may change: the best form there is. */
static int whole_insn(struct rp__call_dest *dest, uintptr_t site,
		      enum rp_site_kind kind, uint8_t *ret)
{
	enum rp__insn_type type = branch_type(kind);
	unsigned int len = site_len[kind];
	uintptr_t target;
	int error;

	if (!dest->func && type != RP__INSN_JCC)
		return rp__insn_encode(type == RP__INSN_CALL ? RP__INSN_NOP
							     : RP__INSN_RET,
				       0, site, 0, ret, len);
	if (is_return0(dest->func) && type == RP__INSN_CALL)
		return rp__insn_encode(RP__INSN_RET0, 0, site, 0, ret, len);
	if (len == 6 && !rp__insn_reaches(site, dest->addr) &&
	    slot_target(dest, &target) == 0)
		return rp__insn_encode(type == RP__INSN_CALL ? RP__INSN_CALL_MEM
							     : RP__INSN_JMP_MEM,
				       0, site, target, ret, len);
	error = branch_target(dest, site, &target);
	return error < 0 ? error :
		rp__insn_encode(type, 0, site, target, ret, len);
}

/* Only the displacement may change. */
static int displacement_only(struct rp__call_dest *dest, uintptr_t site,
			     const struct rp__insn *insn, uint8_t *ret)
{
	bool memory = insn->type == RP__INSN_CALL_MEM ||
		      insn->type == RP__INSN_JMP_MEM;
	uintptr_t target;
	int32_t displacement;
	int error = memory ? slot_target(dest, &target)
			   : branch_target(dest, site, &target);

	if (error < 0)
		return error;
	displacement = (int32_t)(target - (site + insn->len));
	memcpy(ret + insn->field, &displacement, sizeof(displacement));
	return 0;
}

static int site_illegal(struct rp_text_poke_batch *batch, const uint8_t *site,
			enum rp_site_kind kind)
{
	static const uint8_t example[RP_SITE_KIND_NR][2] = {
		[RP_SITE_CALL] = { 0xe8 },
		[RP_SITE_JMP] = { 0xe9 },
		[RP_SITE_JCC] = { 0x0f, 0x80 },
		[RP_SITE_CALL_GOT] = { 0xff, 0x15 },
		[RP_SITE_JMP_GOT] = { 0xff, 0x25 },
	};

	return rp__fail_bytes(batch->opts.error, site, example[kind], site,
			      kind == RP_SITE_CALL || kind == RP_SITE_JMP ? 1
									  : 2);
}

/*
 * The common case, from one near function to another: worth a path of its own
 * when there are a million sites.
 */
static bool is_retarget(const struct rp__call_dest *dest, const uint8_t *site,
			enum rp_site_kind kind)
{
	return dest->plain &&
	       ((kind == RP_SITE_CALL && site[0] == 0xe8) ||
		(kind == RP_SITE_JMP && site[0] == 0xe9)) &&
	       same_block(dest, site + 1, 4) &&
	       rp__insn_reaches((uintptr_t)site + 5, dest->addr);
}

static int retarget(struct rp_text_poke_batch *batch,
		    const struct rp__call_dest *dest, uint8_t *site)
{
	uint64_t old = rp__load(site, 5);
	uint64_t insn = (old & 0xff) |
		(uint64_t)(uint32_t)(dest->addr - ((uintptr_t)site + 5)) << 8;

	return old == insn ? 0 : rp__batch_add_fresh(batch, site, old, insn, 5);
}

int rp__static_call_poke_site(struct rp_text_poke_batch *batch,
			      struct rp__call_dest *dest, uint8_t *site,
			      enum rp_site_kind kind)
{
	unsigned int len = site_len[kind];
	uint8_t bytes[8];
	struct rp__insn insn;
	int error;

	if (is_retarget(dest, site, kind))
		return retarget(batch, dest, site);
	if (rp__insn_decode(site, len, (uintptr_t)site, &insn) < 0 ||
	    !(site_legal[kind] >> insn.type & 1))
		return site_illegal(batch, site, kind);
	memcpy(bytes, site, len);
	if (kind != RP_SITE_JCC && same_block(dest, site, len))
		error = whole_insn(dest, (uintptr_t)site, kind, bytes);
	else if (insn.field && same_block(dest, site + insn.field, 4))
		error = displacement_only(dest, (uintptr_t)site, &insn, bytes);
	else
		return 0;
	if (error < 0)
		return rp__fail(batch->opts.error, error, site,
				"%p: out of reach of the function, and no island near (%s)",
				(void *)site, rp_strerror(error));
	if (!memcmp(bytes, site, len))
		return 0;
	return rp__batch_add_fresh(batch, site, rp__load(site, len),
				  rp__load(bytes, len), len);
}

static int poke_range(struct rp_text_poke_batch *batch,
		      const struct rp_static_call_key *key,
		      const struct rp_site_range *range, void *func)
{
	struct rp__object *object = range->object;
	const struct rp__site *site = object->sites + range->first;
	struct rp__call_dest dest;
	int error = 0;

	rp__call_dest_init(&dest, object, key, func);
	for (uint32_t i = 0; i < range->count && !error; i++) {
		if (i + RP__PREFETCH < range->count)
			__builtin_prefetch(rp__site_code(
				object, &site[i + RP__PREFETCH]));
		error = rp__static_call_poke_site(batch, &dest,
						  rp__site_code(object,
								&site[i]),
						  site[i].kind);
	}
	return error;
}

/* A trampoline that was never patched goes through memory. */
static int poke_tramp(struct rp_text_poke_batch *batch,
		      struct rp_static_call_key *key, void *func)
{
	return key->flags & RP__KEY_PATCHED ?
		rp__static_call_poke_tramp(batch, key, func) : 0;
}

/*
 * Where the trampoline goes so that the sites are in ascending order, if they
 * can be: then there is nothing to sort.
 */
static bool tramp_is_first(const struct rp_static_call_key *key)
{
	const struct rp_site_range *range = key->ranges;

	return range && range->count &&
	       (uintptr_t)key->tramp < (uintptr_t)
		       rp__site_code(range->object,
				     range->object->sites + range->first);
}

int rp__static_call_poke_key(struct rp_text_poke_batch *batch,
			     struct rp_static_call_key *key, void *func)
{
	const struct rp_site_range *range;
	bool first = tramp_is_first(key);
	size_t nr = 1;
	int error;

	for (range = key->ranges; range; range = range->next)
		nr += range->count;
	error = rp__batch_reserve(batch, nr);
	if (!error && first)
		error = poke_tramp(batch, key, func);
	for (range = key->ranges; range && !error; range = range->next)
		if (range->object->patched)
			error = poke_range(batch, key, range, func);
	if (!error && !first)
		error = poke_tramp(batch, key, func);
	return error;
}

/* ---- updates ---- */

void rp__static_call_set_target(struct rp_static_call_key *key, void *func)
{
	__atomic_store_n(&key->target, target_of(func), __ATOMIC_RELEASE);
}

int rp_static_call_key_update(struct rp_static_call_key *key, void *func)
{
	struct rp__key_op op = {
		.type = RP__KEY_OP_CALL, .call = key, .func = func
	};

	if (!rp__static_call_key_valid(key))
		return -EINVAL;
	return rp__key_ops_commit(&op, 1, NULL);
}
