// SPDX-License-Identifier: MIT
/*
 * Shadow variables, see <repoint/livepatch.h>: a hash table in the process's
 * live-patch root.
 *
 * This object becomes part of payloads: it keeps no state and no pointers to
 * code, needs calloc() and free() only, and works on what other builds of it
 * left in the root (root.h).
 *
 * Writers hold the lock. Readers take none, and may stand on any node for as
 * long as they like:
 *
 *   S1  Each change is published by one store: a node by that of its bucket's
 *       head, a removal by that of the link before it, a table by that of
 *       shadow->table. A fork between any two instructions copies a table that
 *       is whole; at worst a node or an allocation is lost in the child.
 *   S2  Nodes and tables are never given back to the allocator. A node that
 *       was removed keeps its fields, so that a reader on it finds the rest of
 *       the chain, until it is used again.
 *   S3  Before a node is used again, and before links of an older table are,
 *       the sequence changes. Those writes are releases, which pair with the
 *       acquires of find(): who was under way before and sees one of them sees
 *       the new sequence as well, and starts again.
 *   S4  A larger table links the nodes through the other one of their two
 *       links, so that the present one stays whole meanwhile.
 */
#include <errno.h>
#include <repoint/livepatch.h>
#include <stdlib.h>

#include "lock.h"

#define LOAD(field)		__atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define STORE(field, value)						\
	__atomic_store_n(&(field), value, __ATOMIC_RELEASE)

/* Part of the layout: all versions of this code look in the same bucket. */
static uint64_t hash(const void *object, uint64_t id)
{
	uint64_t x = (uint64_t)(uintptr_t)object;

	x ^= id * UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}

static struct rp_shadow_node **bucket_of(struct rp_shadow_table *table,
					 const void *object, uint64_t id)
{
	return &table->bucket[hash(object, id) & table->mask];
}

/*
 * A variable's node, or NULL; *@ret becomes the link that led there. Each link
 * is loaded once: the next load may lead to another node.
 */
static struct rp_shadow_node *find(struct rp_shadow_table *table,
				   const void *object, uint64_t id,
				   struct rp_shadow_node ***ret)
{
	struct rp_shadow_node *node;

	*ret = bucket_of(table, object, id);
	while ((node = LOAD(**ret)) &&
	       (LOAD(node->object) != object || LOAD(node->id) != id))
		*ret = &node->next[table->link];
	return node;
}

static void *data_of(struct rp_shadow *s, const void *object, uint64_t id)
{
	struct rp_shadow_table *table = LOAD(s->table);
	struct rp_shadow_node *node = NULL;
	struct rp_shadow_node **link;

	if (table)
		node = find(table, object, id, &link);
	return node ? LOAD(node->data) : NULL;
}

void *rp_shadow_get(const void *object, uint64_t id)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	uint64_t sequence;
	void *data;

	if (LOAD(s->version) != RP_SHADOW_VERSION)
		return NULL;
	do {
		sequence = LOAD(s->sequence);
		data = data_of(s, object, id);
	} while (LOAD(s->sequence) != sequence);
	return data;
}

/* Return: 0, or a negative errno without the lock. */
static int enter(struct rp_shadow *s)
{
	if (!rp__lock(&s->lock))
		return -EDEADLK;
	if (!s->version)
		STORE(s->version, RP_SHADOW_VERSION);
	if (s->version == RP_SHADOW_VERSION)
		return 0;
	rp__unlock(&s->lock);
	return -EPROTONOSUPPORT;
}

static void leave(struct rp_shadow *s)
{
	rp__unlock(&s->lock);
}

static struct rp_shadow_table *create_table(uint64_t buckets, uint32_t link)
{
	struct rp_shadow_table *table;

	table = calloc(1, sizeof(*table) + buckets * sizeof(*table->bucket));
	if (table) {
		table->mask = buckets - 1;
		table->link = link;
	}
	return table;
}

static void push(struct rp_shadow_table *table, struct rp_shadow_node *node)
{
	struct rp_shadow_node **bucket = bucket_of(table, node->object, node->id);

	STORE(node->next[table->link], *bucket);
	STORE(*bucket, node);
}

/*
 * Without memory the chains just get longer. The links written here are those
 * of the table before the present one; the sequence has changed since that was
 * given up, with the node that is being published (S3).
 */
static void grow(struct rp_shadow *s)
{
	struct rp_shadow_table *old = s->table;
	struct rp_shadow_table *table;
	struct rp_shadow_node *node;

	table = create_table(2 * (old->mask + 1), !old->link);
	if (!table)
		return;
	table->older = old;
	for (uint64_t i = 0; i <= old->mask; i++) {
		for (node = old->bucket[i]; node; node = node->next[old->link])
			push(table, node);
	}
	STORE(s->table, table);
}

static bool have_table(struct rp_shadow *s)
{
	if (!s->table)
		STORE(s->table, create_table(RP_SHADOW_BUCKETS_MIN, 0));
	return s->table;
}

static void put_node(struct rp_shadow *s, struct rp_shadow_node *node)
{
	node->free = s->free;
	STORE(s->free, node);
}

static bool have_nodes(struct rp_shadow *s)
{
	struct rp_shadow_chunk *chunk;

	if (s->free)
		return true;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return false;
	chunk->older = s->chunks;
	for (int i = 1; i < (int)RP_SHADOW_CHUNK_NODES; i++)
		chunk->node[i].free = &chunk->node[i - 1];
	STORE(s->chunks, chunk);
	STORE(s->free, &chunk->node[RP_SHADOW_CHUNK_NODES - 1]);
	return true;
}

static struct rp_shadow_node *take_node(struct rp_shadow *s)
{
	struct rp_shadow_node *node = s->free;

	STORE(s->free, node->free);
	STORE(s->sequence, s->sequence + 1);
	return node;
}

static void publish(struct rp_shadow *s, const void *object, uint64_t id,
		    void *data)
{
	struct rp_shadow_node *node = take_node(s);

	STORE(node->object, object);
	STORE(node->id, id);
	STORE(node->data, data);
	push(s->table, node);
	s->count++;
	if (s->count > s->table->mask)
		grow(s);
}

struct init {
	rp_shadow_init_fn *fn;
	void *arg;
};

/* A new variable, or NULL; with the lock. */
static void *create(struct rp_shadow *s, const void *object, uint64_t id,
		    size_t size, const struct init *init)
{
	void *data;

	if (!have_table(s) || !have_nodes(s))
		return NULL;
	data = calloc(1, size ? size : 1);
	if (!data)
		return NULL;
	if (init->fn && init->fn(object, data, init->arg) != 0) {
		free(data);
		return NULL;
	}
	publish(s, object, id, data);
	return data;
}

void *rp_shadow_alloc(const void *object, uint64_t id, size_t size,
		      rp_shadow_init_fn *init, void *arg)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	void *data = NULL;

	if (enter(s) < 0)
		return NULL;
	if (!data_of(s, object, id))
		data = create(s, object, id, size, &(struct init){ init, arg });
	leave(s);
	return data;
}

void *rp_shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
			     rp_shadow_init_fn *init, void *arg)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	void *data = rp_shadow_get(object, id);

	if (data || enter(s) < 0)
		return data;
	data = data_of(s, object, id);
	if (!data)
		data = create(s, object, id, size, &(struct init){ init, arg });
	leave(s);
	return data;
}

/* Take the node behind a link out of its chain; readers stay unharmed (S2). */
static void unlink_node(struct rp_shadow *s, struct rp_shadow_node **link)
{
	STORE(*link, (*link)->next[s->table->link]);
	s->count--;
}

static void destroy(const void *object, void *data, rp_shadow_fini_fn *fini)
{
	if (fini)
		fini(object, data);
	free(data);
}

int rp_shadow_free(const void *object, uint64_t id, rp_shadow_fini_fn *fini)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	struct rp_shadow_node *node = NULL;
	struct rp_shadow_node **link;
	void *data = NULL;
	int ret = enter(s);

	if (ret < 0)
		return ret;
	if (s->table)
		node = find(s->table, object, id, &link);
	if (node) {
		data = node->data;
		unlink_node(s, link);
		put_node(s, node);
	}
	leave(s);
	if (!node)
		return -ENOENT;
	destroy(object, data, fini);
	return 0;
}

/* All nodes of an id, taken out and linked by their field @free. */
static struct rp_shadow_node *unlink_all(struct rp_shadow *s, uint64_t id)
{
	struct rp_shadow_table *table = s->table;
	struct rp_shadow_node *all = NULL;
	struct rp_shadow_node *node;

	for (uint64_t i = 0; table && i <= table->mask; i++) {
		struct rp_shadow_node **link = &table->bucket[i];

		while ((node = *link)) {
			if (node->id != id) {
				link = &node->next[table->link];
				continue;
			}
			unlink_node(s, link);
			node->free = all;
			all = node;
		}
	}
	return all;
}

int rp_shadow_free_all(uint64_t id, rp_shadow_fini_fn *fini)
{
	struct rp_shadow *s = &rp__livepatch_root.shadow;
	struct rp_shadow_node *all;
	struct rp_shadow_node *node;
	int ret = enter(s);

	if (ret < 0)
		return ret;
	all = unlink_all(s, id);
	leave(s);
	for (node = all; node; node = node->free)
		destroy(node->object, node->data, fini);
	/* Nobody can have changed the version: it has been set. */
	if (all && enter(s) == 0) {
		while ((node = all)) {
			all = node->free;
			put_node(s, node);
		}
		leave(s);
	}
	return 0;
}
