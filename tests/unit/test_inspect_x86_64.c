// SPDX-License-Identifier: MIT
/*
 * Which protocol each site gets, and that one store changes what it has to and
 * nothing beside it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch.h"
#include "draw.h"
#include "inspect.h"

static uint8_t *text;

static int text_init(void **state)
{
	(void)state;
	text = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return text == MAP_FAILED;
}

static int text_deinit(void **state)
{
	(void)state;
	return munmap(text, 8192);
}

/* struct how - what the choice depends on besides the bytes. */
struct how {
	enum rp_protocol wanted;
	enum rp_backend backend;
	unsigned int block;
	bool single;
};

/* What one site gets, or the error. */
static int protocol_of(const struct how *how, uint8_t *at, const void *old,
		       const void *insn, size_t len)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = how->wanted
	};
	struct rp_text_poke_batch *batch;
	int result;

	memcpy(at, old, len);
	assert_int_equal(rp_text_poke_batch_begin(&batch, &opts), 0);
	assert_int_equal(rp_text_poke_batch_add(batch, at, old, insn, len), 0);
	batch->backend = how->backend;
	batch->block = how->block;
	batch->single = how->single;
	assert_int_equal(rp__engine_lock(), 0);
	result = rp__inspect(batch);
	rp__engine_unlock();
	if (!result && rp__batch_nr(batch)) {
		assert_int_equal(rp__batch_nr(batch), 1);
		result = rp__batch_pokes(batch)->protocol;
		assert_int_equal(batch->count[result], 1);
	}
	rp_text_poke_batch_abort(batch);
	return result;
}

/* ---- boundaries ---- */

static const uint8_t call_a[] = { 0xe8, 0x11, 0x11, 0x11, 0x11 };
static const uint8_t call_b[] = { 0xe8, 0x22, 0x22, 0x22, 0x22 };
static const uint8_t call_low[] = { 0xe8, 0x12, 0x11, 0x11, 0x11 };
static const uint8_t call_high[] = { 0xe8, 0x11, 0x11, 0x11, 0x12 };
static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const uint8_t mem_a[] = { 0xff, 0x15, 0x11, 0x11, 0x11, 0x11 };
static const uint8_t mem_b[] = { 0xff, 0x15, 0x22, 0x22, 0x22, 0x22 };

/*
 * For each offset of a block, whether one store does it: what differs has to
 * lie inside, up to the last byte and from the first.
 */
static void expect_table(const uint8_t *old, const uint8_t *insn, size_t len,
			 unsigned int block, const char *table)
{
	struct how how = { RP_PROTOCOL_AUTO, RP_BACKEND_MPROTECT, block, false };

	assert_int_equal(strlen(table), block);
	for (unsigned int offset = 0; offset < 128; offset++) {
		bool one = table[offset % block] == '1';

		how.wanted = RP_PROTOCOL_AUTO;
		assert_int_equal(protocol_of(&how, text + 64 + offset, old,
					     insn, len),
				 one ? RP_PROTOCOL_ATOMIC :
				       RP_PROTOCOL_BREAKPOINT);
		how.wanted = RP_PROTOCOL_ATOMIC;
		assert_int_equal(protocol_of(&how, text + 64 + offset, old,
					     insn, len),
				 one ? RP_PROTOCOL_ATOMIC : -ENOTSUP);
		how.wanted = RP_PROTOCOL_BREAKPOINT;
		assert_int_equal(protocol_of(&how, text + 64 + offset, old,
					     insn, len),
				 RP_PROTOCOL_BREAKPOINT);
	}
}

static void displacement_of_a_call(void **state)
{
	(void)state;
	expect_table(call_a, call_b, 5, 8, "11110001");
	expect_table(call_a, call_b, 5, 16, "1111111111110001");
}

static void whole_instruction(void **state)
{
	(void)state;
	expect_table(call_a, nop5, 5, 8, "11110000");
	expect_table(call_a, nop5, 5, 16, "1111111111110000");
}

static void six_bytes(void **state)
{
	(void)state;
	expect_table(mem_a, mem_b, 6, 8, "11100011");
	expect_table(mem_a, mem_b, 6, 16, "1111111111100011");
}

static void one_byte_is_always_one_store(void **state)
{
	(void)state;
	expect_table(call_a, call_low, 5, 8, "11111111");
	expect_table(call_a, call_high, 5, 8, "11111111");
}

/* No store is wider than eight bytes, whatever the block. */
static void wide_sites(void **state)
{
	struct how how = { RP_PROTOCOL_ATOMIC, RP_BACKEND_MPROTECT, 16, false };
	uint8_t old[16], insn[16];

	(void)state;
	memset(old, 0x11, sizeof(old));
	memset(insn, 0x22, sizeof(insn));
	assert_int_equal(protocol_of(&how, text, old, insn, 8),
			 RP_PROTOCOL_ATOMIC);
	assert_int_equal(protocol_of(&how, text, old, insn, 9), -ENOTSUP);
	insn[0] = old[0];
	assert_int_equal(protocol_of(&how, text, old, insn, 9),
			 RP_PROTOCOL_ATOMIC);
	insn[8] = old[8];
	how.block = 8;
	assert_int_equal(protocol_of(&how, text, old, insn, 9),
			 RP_PROTOCOL_ATOMIC);
}

/* ---- what else decides ---- */

static void single_thread_needs_no_protocol(void **state)
{
	struct how how = { RP_PROTOCOL_AUTO, RP_BACKEND_MPROTECT, 16, true };

	(void)state;
	assert_int_equal(protocol_of(&how, text, call_a, call_b, 5),
			 RP_PROTOCOL_STOPPED);
	how.wanted = RP_PROTOCOL_ATOMIC;
	assert_int_equal(protocol_of(&how, text, call_a, call_b, 5),
			 RP_PROTOCOL_ATOMIC);
	how.wanted = RP_PROTOCOL_STOPPED;
	how.single = false;
	assert_int_equal(protocol_of(&how, text, call_a, call_b, 5),
			 RP_PROTOCOL_STOPPED);
}

/* The kernel's copy is not one store. */
static void proc_mem_is_never_atomic(void **state)
{
	struct how how = { RP_PROTOCOL_AUTO, RP_BACKEND_PROC_MEM, 16, false };

	(void)state;
	assert_int_equal(protocol_of(&how, text, call_a, call_low, 5),
			 RP_PROTOCOL_BREAKPOINT);
	how.wanted = RP_PROTOCOL_ATOMIC;
	assert_int_equal(protocol_of(&how, text, call_a, call_low, 5),
			 -ENOTSUP);
}

/* A breakpoint only where the handler can do what the new bytes do. */
static void breakpoint_needs_an_instruction(void **state)
{
	static const uint8_t data[] = { 0x11, 0x22, 0x33, 0x44, 0x55 };
	static const uint8_t two[] = { 0x90, 0x0f, 0x1f, 0x40, 0x00 };
	static const uint8_t int3[] = { 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	static const uint8_t ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	struct how how = { RP_PROTOCOL_AUTO, RP_BACKEND_MPROTECT, 8, false };
	uint8_t *at = text + 5;

	(void)state;
	assert_int_equal(protocol_of(&how, at, call_a, data, 5), -ENOTSUP);
	assert_int_equal(protocol_of(&how, at, call_a, two, 5), -ENOTSUP);
	assert_int_equal(protocol_of(&how, at, call_a, int3, 5), -ENOTSUP);
	assert_int_equal(protocol_of(&how, at, call_a, ret, 5),
			 RP_PROTOCOL_BREAKPOINT);
	assert_int_equal(protocol_of(&how, at, call_a, nop5, 5),
			 RP_PROTOCOL_BREAKPOINT);
}

static void nothing_to_change(void **state)
{
	struct how how = { RP_PROTOCOL_ATOMIC, RP_BACKEND_MPROTECT, 8, false };

	(void)state;
	assert_int_equal(protocol_of(&how, text + 5, call_a, call_a, 5), 0);
}

/* ---- one store ---- */

static void *idle(void *unused)
{
	pause();
	return unused;
}

/* Bytes @first..@end of @len at @offset differ; all others stay. */
static void store_once(unsigned int offset, unsigned int len,
		       unsigned int first, unsigned int end,
		       const struct rp_text_poke_opts *opts)
{
	uint8_t wanted[128], insn[8], *at = text + 64 + offset;
	bool inside = (offset + first) / opts->block ==
		      (offset + end - 1) / opts->block;

	for (unsigned int i = 0; i < sizeof(wanted); i++)
		text[64 + i - 16] = wanted[i] = (uint8_t)draw();
	memcpy(insn, at, len);
	for (unsigned int i = first; i < end; i++)
		insn[i] = (uint8_t)~insn[i];
	if (inside)
		memcpy(wanted + 16 + offset, insn, len);
	assert_int_equal(rp_text_poke_single(at, at, insn, len, opts),
			 inside ? 0 : -ENOTSUP);
	assert_memory_equal(text + 48, wanted, sizeof(wanted));
}

/* So that the process is one of two threads. */
static pthread_t thread;

static int thread_start(void **state)
{
	(void)state;
	return pthread_create(&thread, NULL, idle, NULL);
}

static int thread_stop(void **state)
{
	(void)state;
	pthread_cancel(thread);
	return pthread_join(thread, NULL);
}

static void store_leaves_neighbours_alone(void **state)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_ATOMIC, .block = 8
	};

	(void)state;
	if (rp__engine_block() == 16)
		opts.block = 16;
	do {
		for (unsigned int offset = 0; offset < 32; offset++)
			for (unsigned int len = 1; len <= 8; len++)
				for (unsigned int end = 1; end <= len; end++)
					store_once(offset, len,
						   draw() % end, end, &opts);
	} while ((opts.block -= 8));
}

/* Not even bytes that stay as they are: the next block is another page. */
static void store_stays_in_its_block(void **state)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_ATOMIC, .block = 8
	};
	uint8_t *end = text + 4096, insn[8];

	(void)state;
	assert_int_equal(mprotect(end, 4096, PROT_NONE), 0);
	for (unsigned int len = 1; len <= 8; len++) {
		for (unsigned int i = 0; i < len; i++)
			insn[i] = (uint8_t)~end[(int)(i - len)];
		assert_int_equal(rp_text_poke_single(end - len, end - len, insn,
						     len, &opts), 0);
		assert_memory_equal(end - len, insn, len);
	}
	assert_int_equal(mprotect(end, 4096, PROT_READ | PROT_WRITE |
				  PROT_EXEC), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(displacement_of_a_call),
		cmocka_unit_test(whole_instruction),
		cmocka_unit_test(six_bytes),
		cmocka_unit_test(one_byte_is_always_one_store),
		cmocka_unit_test(wide_sites),
		cmocka_unit_test(single_thread_needs_no_protocol),
		cmocka_unit_test(proc_mem_is_never_atomic),
		cmocka_unit_test(breakpoint_needs_an_instruction),
		cmocka_unit_test(nothing_to_change),
		cmocka_unit_test_setup_teardown(store_leaves_neighbours_alone,
						thread_start, thread_stop),
		cmocka_unit_test_setup_teardown(store_stays_in_its_block,
						thread_start, thread_stop),
	};

	return cmocka_run_group_tests_name("inspect_x86_64", tests, text_init,
					   text_deinit);
}
