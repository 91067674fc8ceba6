// SPDX-License-Identifier: MIT
/* The list of sites of a batch: sorted, without duplicates, searched. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poke.h"

#define BASE	((uintptr_t)0x10000000)

static uint64_t seed = 1;

static unsigned int draw(unsigned int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((seed >> 33) % below);
}

/* struct entry - a site as it was added; @order tells equal ones apart. */
struct entry {
	uintptr_t addr;
	unsigned int len;
	unsigned int content;
	size_t order;
};

static struct rp_error error;

static struct rp_text_poke_batch *begin(void)
{
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	struct rp_text_poke_batch *batch;

	memset(&error, 0, sizeof(error));
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), 0);
	return batch;
}

static void fill(const struct entry *entry, uint8_t *old, uint8_t *insn)
{
	memset(old, (int)(entry->content + entry->addr % 7), entry->len);
	memset(insn, (int)(entry->content + 100), entry->len);
}

static void add(struct rp_text_poke_batch *batch, const struct entry *entry)
{
	uint8_t old[RP_TEXT_POKE_MAX], insn[RP_TEXT_POKE_MAX];

	fill(entry, old, insn);
	assert_int_equal(rp_text_poke_batch_add(batch, (void *)entry->addr, old,
						insn, entry->len), 0);
}

static int by_address(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* The specification: sort stably, drop what is equal to the one before. */
static int specify(struct entry *entries, size_t *nr)
{
	size_t kept = 0;

	qsort(entries, *nr, sizeof(*entries), by_address);
	for (size_t i = 0; i < *nr; i++) {
		struct entry *last = kept ? &entries[kept - 1] : NULL;

		if (last && last->addr == entries[i].addr &&
		    last->len == entries[i].len &&
		    last->content == entries[i].content)
			continue;
		if (last && last->addr + last->len > entries[i].addr)
			return -EINVAL;
		entries[kept++] = entries[i];
	}
	*nr = kept;
	return 0;
}

static void expect_list(const struct rp_text_poke_batch *batch,
			const struct entry *entries, size_t nr)
{
	uint8_t old[RP_TEXT_POKE_MAX], insn[RP_TEXT_POKE_MAX];

	assert_int_equal(rp__batch_nr(batch), nr);
	for (size_t i = 0; i < nr; i++) {
		struct rp__poke *poke = &rp__batch_pokes(batch)[i];

		assert_true((uintptr_t)poke->addr == entries[i].addr);
		assert_int_equal(poke->len, entries[i].len);
		fill(&entries[i], old, insn);
		assert_memory_equal(rp__poke_old(batch, poke), old, poke->len);
		assert_memory_equal(rp__poke_insn(batch, poke), insn,
				    poke->len);
		assert_ptr_equal(rp__batch_find(batch, entries[i].addr), poke);
		if (i + 1 == nr || entries[i + 1].addr != entries[i].addr + 1)
			assert_null(rp__batch_find(batch,
						   entries[i].addr + 1));
	}
	assert_null(rp__batch_find(batch, BASE - 1));
	assert_null(rp__batch_find(batch, UINTPTR_MAX));
}

static void check(struct entry *entries, size_t nr, bool must_succeed)
{
	struct rp_text_poke_batch *batch = begin();
	int wanted;

	for (size_t i = 0; i < nr; i++) {
		entries[i].order = i;
		add(batch, &entries[i]);
	}
	wanted = specify(entries, &nr);
	if (must_succeed)
		assert_int_equal(wanted, 0);
	assert_int_equal(rp__batch_sort(batch), wanted);
	assert_int_equal(error.code, wanted);
	if (!wanted)
		expect_list(batch, entries, nr);
	rp_text_poke_batch_abort(batch);
}

/* ---- shapes ---- */

enum { MAX = 300 };
static struct entry entries[MAX];

static void make(struct entry *entry, unsigned int slot)
{
	entry->addr = BASE + 256 * slot;
	entry->len = draw(20) ? 1 + draw(8) : 9 + draw(247);
	entry->content = 0;
}

static void any_order(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t nr = draw(MAX);

		for (size_t i = 0; i < nr; i++)
			make(&entries[i], (unsigned int)i);
		for (size_t i = nr; i > 1; i--) {
			size_t j = draw((unsigned int)i);
			struct entry swap = entries[i - 1];

			entries[i - 1] = entries[j];
			entries[j] = swap;
		}
		check(entries, nr, true);
	}
}

/* As keys have them: ascending pieces, one after the other. */
static void runs(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t nr = draw(MAX), length = 1 + draw(40);
		unsigned int pieces = (unsigned int)((nr + length - 1) / length);

		for (size_t i = 0; i < nr; i++)
			make(&entries[i],
			     (unsigned int)(i % length) * pieces +
			     (pieces - 1 - (unsigned int)(i / length)));
		check(entries, nr, true);
	}
}

static void descending(void **state)
{
	(void)state;
	for (size_t nr = 0; nr < 70; nr++) {
		for (size_t i = 0; i < nr; i++)
			make(&entries[i], (unsigned int)(nr - i));
		check(entries, nr, true);
	}
}

static void duplicates(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t nr = 2 + draw(40);

		for (size_t i = 0; i < nr; i++) {
			if (i && draw(2))
				entries[i] = entries[draw((unsigned int)i)];
			else
				make(&entries[i], 100 + (unsigned int)i *
				     (round & 1 ? 1 : -1u));
		}
		check(entries, nr, true);
	}
}

/* Close together, some with other bytes: often an overlap, not always. */
static void overlaps(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		size_t nr = 2 + draw(8), left = nr;

		for (size_t i = 0; i < nr; i++) {
			make(&entries[i], 0);
			entries[i].addr = BASE + draw(120);
			entries[i].len = 1 + draw(12);
			entries[i].content = draw(2);
			if (i && !draw(4))
				entries[i] = entries[i - 1];
		}
		check(entries, nr, false);
		refused += specify(entries, &left) < 0;
	}
	assert_true(refused > 500 && refused < 3900);
}

/* Neighbours may touch; what is one byte too long may not. */
static void touching(void **state)
{
	struct entry two[2] = { { BASE, 5, 0, 0 }, { BASE + 5, 5, 0, 0 } };

	(void)state;
	check(two, 2, true);
	two[0] = (struct entry){ BASE + 5, 5, 0, 0 };
	two[1] = (struct entry){ BASE, 5, 0, 0 };
	check(two, 2, true);
	two[0] = (struct entry){ BASE + 5, 5, 0, 0 };
	two[1] = (struct entry){ BASE, 6, 0, 0 };
	assert_int_equal(specify((struct entry[2]){ two[0], two[1] },
				 &(size_t){ 2 }), -EINVAL);
	check(two, 2, false);
}

static void same_site_other_bytes(void **state)
{
	struct entry two[2] = { { BASE, 5, 0, 0 }, { BASE, 5, 1, 0 } };

	(void)state;
	check(two, 2, false);
	assert_int_equal(error.code, -EINVAL);
	assert_ptr_equal(error.addr, (void *)BASE);
	assert_non_null(strstr(error.message, "overlaps"));
}

/* ---- arguments ---- */

static void add_refuses_nonsense(void **state)
{
	struct rp_text_poke_batch *batch = begin();
	uint8_t bytes[256] = { 0 };

	(void)state;
	assert_int_equal(rp_text_poke_batch_add(NULL, bytes, bytes, bytes, 5),
			 -EINVAL);
	assert_int_equal(rp_text_poke_batch_add(batch, NULL, bytes, bytes, 5),
			 -EINVAL);
	assert_int_equal(rp_text_poke_batch_add(batch, bytes, NULL, bytes, 5),
			 -EINVAL);
	assert_int_equal(rp_text_poke_batch_add(batch, bytes, bytes, NULL, 5),
			 -EINVAL);
	assert_int_equal(rp_text_poke_batch_add(batch, bytes, bytes, bytes, 0),
			 -EINVAL);
	assert_int_equal(rp_text_poke_batch_add(batch, bytes, bytes, bytes,
						256), -EINVAL);
	assert_int_equal(rp__batch_nr(batch), 0);
	rp_text_poke_batch_abort(batch);
}

static void begin_refuses_nonsense(void **state)
{
	struct rp_text_poke_batch *batch = (void *)1;
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .block = 32 };

	(void)state;
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), -EINVAL);
	opts.block = 0;
	opts.protocol = RP_PROTOCOL_NR;
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), -EINVAL);
	opts.protocol = 0;
	opts.backend = RP_BACKEND_NR;
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), -EINVAL);
	opts.backend = 0;
	opts.sz = 0;
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), -EINVAL);
	assert_int_equal(rp_text_poke_batch_begin(NULL, NULL), -EINVAL);
	assert_ptr_equal(batch, (void *)1);
	rp_text_poke_batch_abort(NULL);
	assert_int_equal(rp_text_poke_batch_commit(NULL), -EINVAL);
}

/* A caller that was compiled when the structure ended sooner. */
static void options_of_an_older_caller(void **state)
{
	struct rp_text_poke_opts opts = {
		.sz = offsetof(struct rp_text_poke_opts, backend),
		.protocol = RP_PROTOCOL_STOPPED,
		.backend = RP_BACKEND_NR,
	};
	struct rp_text_poke_batch *batch;

	(void)state;
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), 0);
	assert_int_equal(batch->opts.protocol, RP_PROTOCOL_STOPPED);
	assert_int_equal(batch->opts.backend, RP_BACKEND_AUTO);
	rp_text_poke_batch_abort(batch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(runs),
		cmocka_unit_test(descending),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(touching),
		cmocka_unit_test(same_site_other_bytes),
		cmocka_unit_test(add_refuses_nonsense),
		cmocka_unit_test(begin_refuses_nonsense),
		cmocka_unit_test(options_of_an_older_caller),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
