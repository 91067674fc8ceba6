// SPDX-License-Identifier: MIT
/* Tables by hand: each type of entry, both widths, limits, and damage. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/unwind_table.h"
#include "table_image.h"

#define TEXT		0x401000u
#define BIAS		0x550000000000u
#define STACK		0x7ffd00001000u
#define WORDS		64

enum { SP = RP__UNWIND_BASE_SP, BP = RP__UNWIND_BASE_BP };

/* struct world - a module of one row, and a stack of words. */
struct world {
	struct image image;
	uint8_t *bytes;
	size_t size;
	struct rp_unwind_table *table;
	struct rp_unwind_module modules[4];
	struct rp_unwind_space space;
	uint64_t stack[WORDS];
	struct rp_unwind_memory memory;
	struct rp_unwind_frame frame;
};

static int open_image(struct world *w)
{
	struct rp_unwind_sections sections;
	int rc;

	free(w->bytes);
	w->bytes = image_bytes(&w->image, &w->size);
	rc = rp__unwind_find_sections(w->bytes, w->size, &sections);
	return rc < 0 ? rc : rp_unwind_table_from_memory(&sections, &w->table);
}

static void build(struct world *w, const struct row *rows, size_t nr)
{
	struct rp_unwind_module module = { .start = BIAS + TEXT,
					   .end = BIAS + TEXT + 0x1000,
					   .bias = BIAS };

	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < nr; i++)
		image_add(&w->image, &rows[i]);
	assert_int_equal(open_image(w), 0);
	module.table = w->table;
	w->space = (struct rp_unwind_space){ sizeof(w->space), w->modules, 0,
					     4 };
	assert_int_equal(rp_unwind_space_add(&w->space, &module), 0);
	for (size_t i = 0; i < WORDS; i++)
		w->stack[i] = 0x1000 + i;
	w->memory = (struct rp_unwind_memory){
		sizeof(w->memory), STACK, STACK + sizeof(w->stack), w->stack,
		NULL, NULL,
	};
	w->frame.ip = BIAS + TEXT + 0x10;
	w->frame.flags = RP_UNWIND_EXACT;
	w->frame.valid = RP_UNWIND_BIT(RP_UNWIND_SP);
	w->frame.reg[RP_UNWIND_SP] = STACK;
}

static void build_one(struct world *w, struct row row)
{
	row.address = TEXT;
	build(w, &row, 1);
}

static void leave(struct world *w)
{
	rp_unwind_table_close(w->table);
	image_deinit(&w->image);
	free(w->bytes);
}

static int step(struct world *w)
{
	struct rp_unwind_frame before = w->frame;
	int rc = rp_unwind_step(&w->space, &w->memory, &w->frame);

	if (rc < 1)
		assert_memory_equal(&before, &w->frame, sizeof(before));
	return rc;
}

static void set(struct world *w, unsigned int reg, uint64_t value)
{
	w->frame.reg[reg] = value;
	w->frame.valid |= RP_UNWIND_BIT(reg);
}

#define CALL	.type = RP__UNWIND_CALL

static void assert_caller(const struct world *w, unsigned int words)
{
	assert_int_equal(w->frame.ip, 0x1000 + words - 1);
	assert_int_equal(w->frame.reg[RP_UNWIND_SP], STACK + 8 * words);
	assert_int_equal(w->frame.flags, 0);
}

static void call_from_sp(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 32 });
	set(&w, RP_UNWIND_BP, 77);
	set(&w, RP_UNWIND_BX, 78);
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 4);
	assert_int_equal(w.frame.reg[RP_UNWIND_BP], 77);
	// a callee may have saved %rbx and changed it since
	assert_int_equal(w.frame.valid, RP_UNWIND_BIT(RP_UNWIND_SP) |
					RP_UNWIND_BIT(RP_UNWIND_BP));
	leave(&w);
}

static void call_from_each_register(void **state)
{
	static const uint8_t regs[][2] = {
		{ RP__UNWIND_BASE_DX, RP_UNWIND_DX },
		{ RP__UNWIND_BASE_DI, RP_UNWIND_DI },
		{ RP__UNWIND_BASE_BP, RP_UNWIND_BP },
		{ RP__UNWIND_BASE_R10, RP_UNWIND_R10 },
		{ RP__UNWIND_BASE_R13, RP_UNWIND_R13 },
		{ RP__UNWIND_BASE_BX, RP_UNWIND_BX },
		{ RP__UNWIND_BASE_R12, RP_UNWIND_R12 },
		{ RP__UNWIND_BASE_R14, RP_UNWIND_R14 },
		{ RP__UNWIND_BASE_R15, RP_UNWIND_R15 },
		{ RP__UNWIND_BASE_AX, RP_UNWIND_AX },
		{ RP__UNWIND_BASE_CX, RP_UNWIND_CX },
		{ RP__UNWIND_BASE_SI, RP_UNWIND_SI },
		{ RP__UNWIND_BASE_R8, RP_UNWIND_R8 },
		{ RP__UNWIND_BASE_R9, RP_UNWIND_R9 },
		{ RP__UNWIND_BASE_R11, RP_UNWIND_R11 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(regs) / sizeof(*regs); i++) {
		build_one(&w, (struct row){ CALL, .sp_reg = regs[i][0],
					    .sp_offset = -8 });
		assert_int_equal(w.table->nr_wide,
				 regs[i][0] >= RP__UNWIND_BASE_SI);
		assert_int_equal(step(&w), -ENODATA);
		set(&w, regs[i][1], STACK + 56);
		assert_int_equal(step(&w), 1);
		assert_caller(&w, 6);
		leave(&w);
	}
}

static void call_from_memory(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL,
				    .sp_reg = RP__UNWIND_BASE_BP_INDIRECT,
				    .sp_offset = -16 });
	assert_int_equal(step(&w), -ENODATA);
	set(&w, RP_UNWIND_BP, STACK + 80);
	w.stack[8] = STACK + 160;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 20);
	leave(&w);

	build_one(&w, (struct row){ CALL,
				    .sp_reg = RP__UNWIND_BASE_SP_INDIRECT,
				    .sp_offset = 16 });
	w.stack[0] = STACK + 160;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 22);
	leave(&w);
}

/* Assembly that saves the stack pointer of its entry. */
static void call_from_saved(void **state)
{
	static const uint8_t regs[][2] = {
		{ RP__UNWIND_BASE_SP_SAVED, RP_UNWIND_SP },
		{ RP__UNWIND_BASE_BP_SAVED, RP_UNWIND_BP },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		build_one(&w, (struct row){ CALL, .sp_reg = regs[i][0],
					    .sp_offset = 24,
					    .bp_reg = RP__UNWIND_BASE_PREV_SP,
					    .bp_offset = -16 });
		assert_int_equal(w.table->nr_wide, 1);
		if (regs[i][1] == RP_UNWIND_BP)
			assert_int_equal(step(&w), -ENODATA);
		set(&w, regs[i][1], STACK + 8 * i);
		w.stack[3 + i] = STACK + 152;
		assert_int_equal(step(&w), 1);
		assert_caller(&w, 20);
		assert_int_equal(w.frame.reg[RP_UNWIND_BP], 0x1000 + 18);
		leave(&w);
	}
	// out of reach
	build_one(&w, (struct row){ CALL, .sp_reg = RP__UNWIND_BASE_SP_SAVED,
				    .sp_offset = -8 });
	assert_int_equal(step(&w), -EFAULT);
	leave(&w);
}

static void bp_from_memory(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 32,
				    .bp_reg = RP__UNWIND_BASE_PREV_SP,
				    .bp_offset = -16 });
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 4);
	assert_int_equal(w.frame.reg[RP_UNWIND_BP], 0x1002);
	leave(&w);

	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 32,
				    .bp_reg = RP__UNWIND_BASE_BP,
				    .bp_offset = 8 });
	set(&w, RP_UNWIND_BP, STACK + 64);
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 4);
	assert_int_equal(w.frame.reg[RP_UNWIND_BP], 0x1009);
	leave(&w);
}

static void bp_out_of_reach(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 32,
					    .bp_reg = RP__UNWIND_BASE_BP });
		if (i)
			set(&w, RP_UNWIND_BP, STACK - 1);
		assert_int_equal(step(&w), 1);
		assert_caller(&w, 4);
		assert_int_equal(w.frame.valid, RP_UNWIND_BIT(RP_UNWIND_SP));
		leave(&w);
	}
}

static void end_and_undefined(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ .type = RP__UNWIND_END_OF_STACK });
	assert_int_equal(step(&w), 0);
	w.frame.valid = 0;
	assert_int_equal(step(&w), -EINVAL);
	leave(&w);
	build_one(&w, (struct row){ .type = RP__UNWIND_UNDEFINED,
				    .sp_reg = SP, .sp_offset = 8 });
	assert_int_equal(step(&w), -ENODATA);
	leave(&w);
}

static void signal_frame(void **state)
{
	// gregs of struct ucontext, <sys/ucontext.h>: REG_R8 is 0, REG_RIP 16
	static const uint8_t order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5,
					 3, 2, 0, 1, 4 };
	struct world w;

	(void)state;
	build_one(&w, (struct row){ .type = RP__UNWIND_SIGNAL_FRAME,
				    .sp_reg = SP, .sp_offset = 16 });
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.frame.turns, 1);	// 0x1016 is no higher
	assert_int_equal(w.frame.ip, 0x1000 + 2 + 5 + 16);
	assert_int_equal(w.frame.flags, RP_UNWIND_EXACT);
	assert_int_equal(w.frame.valid, RP_UNWIND_ALL);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(w.frame.reg[order[i]], 0x1000 + 2 + 5 + i);
	leave(&w);
}

static void all_registers(void **state)
{
	// <sys/user.h>
	static const uint8_t order[] = { 15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0,
					 1, 2, 6, 7 };
	struct world w;

	(void)state;
	build_one(&w, (struct row){ .type = RP__UNWIND_REGS, .sp_reg = SP,
				    .sp_offset = 8 });
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.frame.ip, 0x1000 + 1 + 16);
	assert_int_equal(w.frame.reg[RP_UNWIND_SP], 0x1000 + 1 + 19);
	assert_int_equal(w.frame.flags, RP_UNWIND_EXACT);
	assert_int_equal(w.frame.valid, RP_UNWIND_ALL);
	for (size_t i = 0; i < sizeof(order); i++)
		assert_int_equal(w.frame.reg[order[i]], 0x1000 + 1 + i);
	leave(&w);
}

static void iret_registers(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ .type = RP__UNWIND_REGS_PARTIAL,
				    .sp_reg = SP, .sp_offset = 24,
				    .bp_reg = RP__UNWIND_BASE_PREV_SP,
				    .bp_offset = -24 });
	w.stack[6] = STACK + 400;
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.frame.ip, 0x1003);
	assert_int_equal(w.frame.reg[RP_UNWIND_SP], STACK + 400);
	assert_int_equal(w.frame.reg[RP_UNWIND_BP], 0x1000);
	assert_int_equal(w.frame.flags, RP_UNWIND_EXACT);
	assert_int_equal(w.frame.turns, 0);
	leave(&w);
}

static void exact_bit(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 32,
				    .exact = true });
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.frame.flags, RP_UNWIND_EXACT);
	leave(&w);
}

static void sixteen_bits(void **state)
{
	static const int16_t limits[] = { INT16_MIN, INT16_MAX };
	struct world w;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		build_one(&w, (struct row){ CALL, .sp_reg = BP,
					    .sp_offset = limits[i] });
		assert_int_equal(w.table->nr_wide, 0);
		set(&w, RP_UNWIND_BP, STACK + 64 - (uint64_t)limits[i]);
		assert_int_equal(step(&w), 1);
		assert_caller(&w, 8);
		leave(&w);

		build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 64,
					    .bp_reg = RP__UNWIND_BASE_BP,
					    .bp_offset = limits[i] });
		assert_int_equal(w.table->nr_wide, 0);
		set(&w, RP_UNWIND_BP, STACK + 24 - (uint64_t)limits[i]);
		assert_int_equal(step(&w), 1);
		assert_caller(&w, 8);
		assert_int_equal(w.frame.reg[RP_UNWIND_BP], 0x1003);
		leave(&w);
	}
}

/* Each word of this memory is its own address. */
static int read_address(void *context, uint64_t address, void *buffer,
			size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(address));
	memcpy(buffer, &address, sizeof(address));
	return 0;
}

static void wide_entries(void **state)
{
	const struct row rows[] = {
		{ .address = TEXT, CALL, .sp_reg = SP, .sp_offset = 40000 },
		{ .address = TEXT + 0x10, CALL, .sp_reg = SP, .sp_offset = 16 },
		{ .address = TEXT + 0x20, CALL, .sp_reg = BP,
		  .sp_offset = -0x40000000, .bp_reg = RP__UNWIND_BASE_PREV_SP,
		  .bp_offset = -0x8001, .exact = true },
	};
	struct world w;

	(void)state;
	build(&w, rows, 3);
	assert_int_equal(w.table->nr_wide, 2);
	w.frame.ip = BIAS + TEXT + 0x1f;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 2);
	w.frame.ip = BIAS + TEXT + 0x0f;
	w.frame.flags = RP_UNWIND_EXACT;
	w.frame.reg[RP_UNWIND_SP] = STACK - 39984;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 2);
	// each field of one
	w.memory.end = w.memory.start;
	w.memory.read = read_address;
	set(&w, RP_UNWIND_BP, STACK + 32 + 0x40000000);
	w.frame.ip = BIAS + TEXT + 0x20;
	w.frame.flags = RP_UNWIND_EXACT;
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.frame.reg[RP_UNWIND_SP], STACK + 32);
	assert_int_equal(w.frame.ip, STACK + 24);
	assert_int_equal(w.frame.reg[RP_UNWIND_BP], STACK + 32 - 0x8001);
	assert_int_equal(w.frame.flags, RP_UNWIND_EXACT);
	leave(&w);
}

static void lookup(void **state)
{
	struct row rows[500];
	struct world w;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		rows[i] = (struct row){
			.address = TEXT + i * i / 70, CALL, .sp_reg = SP,
			.sp_offset = 8 * (int32_t)i,
		};
	build(&w, rows, 500);
	for (uint64_t at = TEXT; at < TEXT + 0x1100; at++) {
		struct rp__unwind_entry entry;
		size_t i = 499;

		while (rows[i].address > at)
			i--;
		assert_int_equal(rp__unwind_lookup(w.table, at, &entry), 0);
		assert_int_equal(entry.sp_offset, 8 * i);
	}
	leave(&w);
}

static void lookup_is_of_the_call(void **state)
{
	const struct row rows[] = {
		{ .address = TEXT, CALL, .sp_reg = SP, .sp_offset = 16 },
		{ .address = TEXT + 0x10, .type = RP__UNWIND_UNDEFINED },
	};
	struct world w;

	(void)state;
	build(&w, rows, 2);
	assert_int_equal(step(&w), -ENODATA);
	w.frame.flags = 0;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 2);
	// before the first entry, and outside of the module
	w.frame.ip = BIAS + TEXT;
	assert_int_equal(step(&w), -ENOENT);
	w.modules[0].start--;
	assert_int_equal(step(&w), -ENODATA);
	w.frame.ip = BIAS + TEXT + 0x1001;
	assert_int_equal(step(&w), -ENOENT);
	w.frame.ip = BIAS + TEXT + 0x1000;
	assert_int_equal(step(&w), -ENODATA);
	leave(&w);
}

static void memory_is_bounded(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 16 });
	w.frame.reg[RP_UNWIND_SP] = STACK + 8 * WORDS - 16;
	assert_int_equal(step(&w), 1);
	w.frame.ip = BIAS + TEXT + 1;
	assert_int_equal(step(&w), -EFAULT);
	w.frame.reg[RP_UNWIND_SP] = STACK + 8 * WORDS - 15;
	assert_int_equal(step(&w), -EFAULT);
	w.frame.reg[RP_UNWIND_SP] = STACK - 9;
	assert_int_equal(step(&w), -EFAULT);
	w.frame.reg[RP_UNWIND_SP] = UINT64_MAX - 16;
	assert_int_equal(step(&w), -EFAULT);
	w.frame.reg[RP_UNWIND_SP] = STACK;
	w.memory.end = STACK - 1;
	assert_int_equal(step(&w), -EFAULT);
	leave(&w);
}

/* struct slow - reads words of a stack for a callback. */
struct slow {
	const struct world *world;
	unsigned int calls;
};

static int read_slowly(void *context, uint64_t address, void *buffer,
		       size_t size)
{
	struct slow *slow = context;

	slow->calls++;
	if (address - STACK > sizeof(slow->world->stack) - size)
		return -ESRCH;
	memcpy(buffer, (const char *)slow->world->stack + (address - STACK),
	       size);
	return 0;
}

static void memory_by_callback(void **state)
{
	struct world w;
	struct slow slow = { &w, 0 };

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 16 });
	w.memory.end = STACK + 15;
	w.memory.read = read_slowly;
	w.memory.context = &slow;
	assert_int_equal(step(&w), 1);
	assert_caller(&w, 2);
	assert_int_equal(slow.calls, 1);
	w.frame.ip = BIAS + TEXT + 1;
	w.frame.reg[RP_UNWIND_SP] = STACK + 8 * WORDS;
	assert_int_equal(step(&w), -ESRCH);
	leave(&w);
}

static void sp_has_to_rise(void **state)
{
	struct world w;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = BP });
	set(&w, RP_UNWIND_SP, STACK + 16);
	set(&w, RP_UNWIND_BP, STACK + 16);
	assert_int_equal(step(&w), -EINVAL);
	set(&w, RP_UNWIND_BP, STACK + 8);
	assert_int_equal(step(&w), -EINVAL);
	set(&w, RP_UNWIND_BP, STACK + 17);
	assert_int_equal(step(&w), 1);
	leave(&w);
}

static void signal_frames_end(void **state)
{
	struct world w;
	unsigned int steps = 0;
	int rc;

	(void)state;
	build_one(&w, (struct row){ .type = RP__UNWIND_SIGNAL_FRAME,
				    .sp_reg = SP });
	w.stack[5 + 15] = STACK;		// itself
	w.stack[5 + 16] = BIAS + TEXT;
	while ((rc = step(&w)) == 1)
		steps++;
	assert_int_equal(rc, -ELOOP);
	assert_int_equal(steps, RP_UNWIND_TURNS_MAX);
	leave(&w);
}

static void space_is_sorted(void **state)
{
	struct rp_unwind_module modules[3];
	struct rp_unwind_space space = { sizeof(space), modules, 0, 3 };
	struct world w;
	struct rp_unwind_module m;

	(void)state;
	build_one(&w, (struct row){ CALL });
	m = (struct rp_unwind_module){ w.table, 0x3000, 0x4000, 0, 0 };
	assert_int_equal(rp_unwind_space_add(&space, &m), 0);
	m.start = 0x1000, m.end = 0x3001;
	assert_int_equal(rp_unwind_space_add(&space, &m), -EEXIST);
	m.end = 0x1000;
	assert_int_equal(rp_unwind_space_add(&space, &m), -EINVAL);
	m.end = 0x2000;
	assert_int_equal(rp_unwind_space_add(&space, &m), 0);
	m.start = 0x1fff, m.end = 0x2001;
	assert_int_equal(rp_unwind_space_add(&space, &m), -EEXIST);
	m.start = 0x2000, m.end = 0x3000;
	assert_int_equal(rp_unwind_space_add(&space, &m), 0);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(modules[i].start, 0x1000 * (i + 1));
	m.start = 0x8000, m.end = 0x9000;
	assert_int_equal(rp_unwind_space_add(&space, &m), -ENOSPC);
	assert_int_equal(space.nr, 3);
	rp_unwind_space_close(&space);
	leave(&w);
}

static void damaged_entries(void **state)
{
	static const struct row bad[] = {
		{ .type = RP__UNWIND_CALL, .sp_reg = 0 },
		{ .type = RP__UNWIND_CALL, .sp_reg = RP__UNWIND_BASE_PREV_SP },
		{ .type = RP__UNWIND_CALL, .sp_reg = RP__UNWIND_BASE_NR },
		{ .type = RP__UNWIND_CALL, .sp_reg = 255 },
		{ .type = RP__UNWIND_CALL, .sp_reg = SP, .sp_offset = 16,
		  .bp_reg = RP__UNWIND_BASE_DX },
		{ .type = RP__UNWIND_TYPE_NR, .sp_reg = SP, .sp_offset = 16 },
		{ .type = RP__UNWIND_TYPE_NR, .sp_reg = SP,
		  .sp_offset = 65536 },
		{ .type = RP__UNWIND_WIDE, .sp_reg = SP, .sp_offset = 65536 },
		{ .type = RP__UNWIND_WIDE, .sp_reg = SP, .sp_offset = 0 },
		{ .type = 16 | RP__UNWIND_CALL, .sp_reg = SP,
		  .sp_offset = 16 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		build_one(&w, bad[i]);
		assert_int_equal(step(&w), -EINVAL);
		leave(&w);
	}
}

static void damaged_wide_entries(void **state)
{
	const struct row rows[] = {
		{ .address = TEXT, CALL, .sp_reg = SP, .sp_offset = 16 },
		{ .address = TEXT + 1, CALL, .sp_reg = SP, .sp_offset = 40000 },
		{ .address = TEXT + 2, CALL, .sp_reg = SP, .sp_offset = 50000 },
	};
	struct rp__unwind_entry entry;
	struct world w;

	(void)state;
	build(&w, rows, 3);
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 2, &entry), 0);
	w.table->nr_wide--;
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 2, &entry),
			 -EINVAL);
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 1, &entry), 0);
	w.bytes[(size_t)(w.table->wide - w.bytes) + 11] = 2;
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 1, &entry),
			 -EINVAL);
	leave(&w);
}

static void damaged_sections(void **state)
{
	static const struct row rows[] = {
		{ .address = TEXT, CALL, .sp_reg = SP, .sp_offset = 40000 },
		{ .address = TEXT + 1, CALL, .sp_reg = SP, .sp_offset = 16 },
	};
	struct rp_unwind_table *table = (void *)1;
	struct rp_unwind_sections good, bad;
	struct world w;

	(void)state;
	build(&w, rows, 2);
	assert_int_equal(rp__unwind_find_sections(w.bytes, w.size, &good), 0);
#define REFUSED(change) do {						\
		bad = good;						\
		change;							\
		assert_int_equal(					\
			rp_unwind_table_from_memory(&bad, &table), -EINVAL); \
		assert_ptr_equal(table, (void *)1);			\
	} while (0)
	REFUSED(bad.sz--);
	REFUSED(bad.ip = NULL);
	REFUSED(bad.entries = NULL);
	REFUSED(bad.wide = NULL);
	REFUSED(bad.build_id_size = 1; bad.build_id = NULL);
	REFUSED(bad.ip_size--);
	REFUSED(bad.ip_size -= 4);
	REFUSED(bad.ip_size = 0; bad.entries_size = 0);
	REFUSED(bad.entries_size++);
	REFUSED(bad.entries_size += 6);
	REFUSED(bad.wide_size--);
	assert_int_equal(rp_unwind_table_from_memory(NULL, &table), -EINVAL);
	leave(&w);
}

static void unsorted(void **state)
{
	struct world w = { .table = NULL };
	struct row row = { .address = TEXT + 2, CALL, .sp_reg = SP };

	(void)state;
	image_add(&w.image, &row);
	row.address = TEXT + 1;
	row.sp_offset = 8;
	image_add(&w.image, &row);
	assert_int_equal(open_image(&w), -EINVAL);
	leave(&w);
}

/* Two entries 2 GiB apart are no reason to allocate an index for all of it. */
static void blocks_are_bounded(void **state)
{
	const struct row rows[] = {
		{ .address = TEXT, CALL, .sp_reg = SP, .sp_offset = 16 },
		{ .address = TEXT + 0x7fffe000, CALL, .sp_reg = BP },
	};
	struct rp__unwind_entry entry;
	struct world w;

	(void)state;
	build(&w, rows, 2);
	assert_in_range(w.table->nr_blocks, 1, 3);
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 0x7fffdfff, &entry),
			 0);
	assert_int_equal(entry.sp_reg, SP);
	assert_int_equal(rp__unwind_lookup(w.table, TEXT + 0x7fffe000, &entry),
			 0);
	assert_int_equal(entry.sp_reg, BP);
	leave(&w);
}

static int reopen(const struct world *w)
{
	struct rp_unwind_sections sections;

	return rp__unwind_find_sections(w->bytes, w->size, &sections);
}

#define SECTION(w, i)							\
	((Elf64_Shdr *)(void *)((w).bytes + (w).size - 7 * 64) + (i))

static void damaged_files(void **state)
{
	struct world w;
	size_t size;
	Elf64_Ehdr *header;

	(void)state;
	build_one(&w, (struct row){ CALL, .sp_reg = SP, .sp_offset = 40000 });
	header = (void *)w.bytes;
	assert_int_equal(reopen(&w), 0);
	for (size = w.size; w.size; w.size--)
		if (w.size < size)
			assert_int_equal(reopen(&w), -EINVAL);
	w.size = size;
#define BROKEN(lvalue, value, rc) do {					\
		__typeof__(lvalue) saved_ = lvalue;			\
		lvalue = (__typeof__(lvalue))(value);			\
		assert_int_equal(reopen(&w), rc);			\
		lvalue = saved_;					\
	} while (0)
	BROKEN(header->e_ident[0], 'E', -EINVAL);
	BROKEN(header->e_ident[EI_CLASS], ELFCLASS32, -EINVAL);
	BROKEN(header->e_ident[EI_DATA], ELFDATA2MSB, -EINVAL);
	BROKEN(header->e_type, ET_CORE, -EINVAL);
	BROKEN(header->e_machine, EM_AARCH64, -EINVAL);
	BROKEN(header->e_shentsize, 40, -EINVAL);
	BROKEN(header->e_shoff, header->e_shoff + 1, -EINVAL);
	BROKEN(header->e_shoff, UINT64_MAX, -EINVAL);
	BROKEN(header->e_shnum, 8, -EINVAL);
	BROKEN(header->e_shnum, 0, -EINVAL);
	BROKEN(header->e_shstrndx, 7, -EINVAL);
	BROKEN(header->e_shstrndx, 1, -EINVAL);
	for (unsigned int i = 1; i < 7; i++) {
		BROKEN(SECTION(w, i)->sh_offset, w.size, -EINVAL);
		BROKEN(SECTION(w, i)->sh_offset, UINT64_MAX - 7, -EINVAL);
		BROKEN(SECTION(w, i)->sh_size, w.size, -EINVAL);
		BROKEN(SECTION(w, i)->sh_size, UINT64_MAX, -EINVAL);
	}
	BROKEN(SECTION(w, 2)->sh_name, UINT32_MAX, -EINVAL);
	BROKEN(SECTION(w, 3)->sh_name, SECTION(w, 2)->sh_name, -EINVAL);
	BROKEN(SECTION(w, 4)->sh_name, SECTION(w, 2)->sh_name, -EINVAL);
	BROKEN(SECTION(w, 5)->sh_name, 0, -EINVAL);
	BROKEN(SECTION(w, 3)->sh_type, SHT_NOBITS, -EINVAL);
	BROKEN(SECTION(w, 3)->sh_flags, SHF_COMPRESSED, -EINVAL);
	// a name whose end is not in the section of names
	BROKEN(SECTION(w, 6)->sh_size, SECTION(w, 5)->sh_name + 11, -EINVAL);
	BROKEN(SECTION(w, 5)->sh_size, 4, -EPROTONOSUPPORT);
	BROKEN(w.bytes[SECTION(w, 5)->sh_offset], 2, -EPROTONOSUPPORT);
	BROKEN(w.bytes[SECTION(w, 5)->sh_offset + 7], 1, -EPROTONOSUPPORT);
	assert_int_equal(reopen(&w), 0);
	leave(&w);
}

static void notes(void **state)
{
	static const struct {
		uint32_t words[8];
		size_t size, id_size;
	} cases[] = {
		{ { 4, 2, 3, 0x554e47, 0x0201 }, 20, 2 },
		{ { 4, 2, 3, 0x554e47, 0x0201 }, 18, 2 },
		{ { 4, 2, 3, 0x554e47, 0x0201 }, 17, 0 },
		{ { 4, 0xffffffff, 3, 0x554e47, 0x0201 }, 20, 0 },
		{ { 0xffffffff, 2, 3, 0x554e47, 0x0201 }, 20, 0 },
		{ { 4, 2, 3, 0x544e47, 0x0201 }, 20, 0 },
		{ { 4, 0, 1, 0x554e47, 4, 4, 3, 0x554e47 }, 32, 4 },
		{ { 0 }, 11, 0 },
		{ { 0 }, 0, 0 },
	};
	const void *id;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t words[9] = { 0 };

		memcpy(words, cases[i].words, sizeof(cases[i].words));
		assert_int_equal(rp__unwind_note(words, cases[i].size +
						 (i == 6 ? 4 : 0), 4, &id),
				 cases[i].id_size);
		if (i < 2)
			assert_memory_equal(id, "\1\2", 2);
	}
}

static void memory_of_processes(void **state)
{
	static unsigned char pages[3 * 4096] __attribute__((aligned(4096)));
	struct rp_unwind_process self = { .pid = getpid() };
	uint64_t at = (uintptr_t)pages;
	unsigned char bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (unsigned char)(i * 7 + i / 4096);
	for (unsigned int i = 0; i < 3 * 4096 - 16; i += 8) {
		assert_int_equal(rp_unwind_read_process(&self, at + i, bytes,
							16), 0);
		assert_memory_equal(bytes, pages + i, 16);
	}
	// what is kept is kept
	pages[2 * 4096]++;
	assert_int_equal(rp_unwind_read_process(&self, at + 8192, bytes, 1), 0);
	assert_int_not_equal(bytes[0], pages[8192]);
	self.size = 0;
	assert_int_equal(rp_unwind_read_process(&self, at + 8192, bytes, 1), 0);
	assert_int_equal(bytes[0], pages[8192]);
	errno = 0;
	assert_int_equal(rp_unwind_read_process(&self, 8, bytes, 1), -EFAULT);
	assert_int_equal(rp_unwind_read_process(&self, UINT64_MAX - 3, bytes,
						16), -EFAULT);
	assert_int_equal(errno, 0);
	// nothing wrong is kept of a failure
	assert_int_equal(rp_unwind_read_process(&self, at, bytes, 1), 0);
	assert_int_equal(bytes[0], pages[0]);
}

static void files(void **state)
{
	struct rp_unwind_table *table;
	struct world w;
	char path[] = "/tmp/repoint-test.XXXXXX";
	int fd = mkstemp(path);
	size_t size;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(rp_unwind_table_open_fd(fd, &table), -EINVAL);
	build_one(&w, (struct row){ CALL, .sp_reg = SP });
	w.image.build_id_size = 20;
	memcpy(w.image.build_id, "abcdefghijklmnopqrst", 20);
	image_write(&w.image, path);
	assert_int_equal(rp_unwind_table_open(path, &table), 0);
	assert_memory_equal(rp_unwind_table_build_id(table, &size),
			    "abcdefghijklmnopqrst", 20);
	assert_int_equal(size, 20);
	rp_unwind_table_close(table);
	w.image.build_id_size = 0;
	image_write(&w.image, path);
	assert_int_equal(rp_unwind_table_open_fd(fd, &table), 0);
	close(fd);
	assert_null(rp_unwind_table_build_id(table, &size));
	rp_unwind_table_close(table);
	assert_int_equal(rp_unwind_table_open("/", &table), -EINVAL);
	assert_int_equal(rp_unwind_table_open("/dev/null", &table), -EINVAL);
	unlink(path);
	assert_int_equal(rp_unwind_table_open(path, &table), -ENOENT);
	rp_unwind_table_close(NULL);
	leave(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_from_sp),
		cmocka_unit_test(call_from_each_register),
		cmocka_unit_test(call_from_memory),
		cmocka_unit_test(call_from_saved),
		cmocka_unit_test(bp_from_memory),
		cmocka_unit_test(bp_out_of_reach),
		cmocka_unit_test(end_and_undefined),
		cmocka_unit_test(signal_frame),
		cmocka_unit_test(all_registers),
		cmocka_unit_test(iret_registers),
		cmocka_unit_test(exact_bit),
		cmocka_unit_test(sixteen_bits),
		cmocka_unit_test(wide_entries),
		cmocka_unit_test(lookup),
		cmocka_unit_test(lookup_is_of_the_call),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(memory_by_callback),
		cmocka_unit_test(sp_has_to_rise),
		cmocka_unit_test(signal_frames_end),
		cmocka_unit_test(space_is_sorted),
		cmocka_unit_test(damaged_entries),
		cmocka_unit_test(damaged_wide_entries),
		cmocka_unit_test(damaged_sections),
		cmocka_unit_test(unsorted),
		cmocka_unit_test(blocks_are_bounded),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(notes),
		cmocka_unit_test(memory_of_processes),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
