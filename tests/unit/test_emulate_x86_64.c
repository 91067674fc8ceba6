// SPDX-License-Identifier: MIT
/*
 * What the SIGTRAP handler does for a thread, compared with what the processor
 * does when it executes the same bytes.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "arch.h"

#define FLAGS_STATUS	0x8d5	/* of sf zf af pf cf */
#define FLAG_AF		0x010
#define FLAG_DF		0x400

/* struct machine - code that can be run, and a thread that "trapped" in it. */
struct machine {
	uint8_t *code;
	ucontext_t context;
	uint64_t stack[64];
};

static struct machine m;

static int machine_init(void **state)
{
	(void)state;
	m.code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return m.code == MAP_FAILED;
}

static int machine_deinit(void **state)
{
	(void)state;
	return munmap(m.code, 4096);
}

static greg_t *regs(void)
{
	return m.context.uc_mcontext.gregs;
}

/* Each register something else; the trap came from the site at @code. */
static void trap(void)
{
	memset(&m.context, 0, sizeof(m.context));
	for (int i = 0; i < NGREG; i++)
		regs()[i] = (greg_t)(0x0101010101010101u * (unsigned int)(i + 1));
	for (size_t i = 0; i < 64; i++)
		m.stack[i] = 0xabababababababab;
	regs()[REG_RSP] = (greg_t)&m.stack[32];
	regs()[REG_RIP] = (greg_t)(m.code + 1);
	regs()[REG_EFL] = 0x246;
}

static bool emulate(const void *bytes, size_t len, uintptr_t stub)
{
	return rp__arch_emulate(&m.context, bytes, len, (uintptr_t)m.code,
				stub);
}

/* All but those in the set @changed are what trap() made them. */
static void expect_untouched(uint64_t changed)
{
	greg_t now[NGREG];

	memcpy(now, regs(), sizeof(now));
	for (int i = 0; i < NGREG; i++)
		if (!(changed >> i & 1) && i != REG_RSP && i != REG_RIP &&
		    i != REG_EFL)
			assert_true(now[i] == (greg_t)(0x0101010101010101u *
						       (unsigned int)(i + 1)));
	if (!(changed >> REG_RSP & 1))
		assert_true(now[REG_RSP] == (greg_t)&m.stack[32]);
	if (!(changed >> REG_EFL & 1))
		assert_true(now[REG_EFL] == 0x246);
}

static void expect_stack_untouched_but(size_t at)
{
	for (size_t i = 0; i < 64; i++)
		if (i != at)
			assert_true(m.stack[i] == 0xabababababababab);
}

#define RIP	(1ull << REG_RIP)
#define RSP	(1ull << REG_RSP)
#define RAX	(1ull << REG_RAX)
#define EFL	(1ull << REG_EFL)
#define NOWHERE	64

static void encode(enum rp__insn_type type, unsigned int condition,
		   const void *target, uint8_t *ret, size_t len)
{
	assert_int_equal(rp__insn_encode(type, condition, (uintptr_t)m.code,
					 (uintptr_t)target, ret, len), 0);
}

/* ---- against the processor ---- */

/* push %rdi; popf; jCC 1f; mov $0, %eax; ret; 1: mov $1, %eax; ret */
static int jcc_taken(unsigned int condition, uint64_t flags)
{
	uint8_t code[] = {
		0x57, 0x9d, (uint8_t)(0x70 | condition), 6,
		0xb8, 0, 0, 0, 0, 0xc3, 0xb8, 1, 0, 0, 0, 0xc3,
	};

	memcpy(m.code, code, sizeof(code));
	return ((int (*)(uint64_t))(uintptr_t)m.code)(flags);
}

static void jcc_as_executed(unsigned int condition, uint64_t flags)
{
	const uint8_t *target = m.code + 0x100;
	uint8_t site[6], small[2] = { (uint8_t)(0x70 | condition), 0x20 };
	int taken = jcc_taken(condition, flags);

	encode(RP__INSN_JCC, condition, target, site, 6);
	trap();
	regs()[REG_EFL] = (greg_t)flags;
	assert_true(emulate(site, 6, 0));
	assert_true(regs()[REG_RIP] == (greg_t)(taken ? target : m.code + 6));
	assert_true(regs()[REG_EFL] == (greg_t)flags);
	expect_untouched(RIP | EFL);
	expect_stack_untouched_but(NOWHERE);
	assert_true(emulate(small, 2, 0));
	assert_true(regs()[REG_RIP] == (greg_t)(m.code + (taken ? 0x22 : 2)));
}

/* All 16 conditions with all combinations of the flags. */
static void jcc_all_conditions(void **state)
{
	(void)state;
	for (unsigned int condition = 0; condition < 16; condition++) {
		uint64_t flags = 0;

		do {
			jcc_as_executed(condition, flags | 0x202);
			flags = (flags - FLAGS_STATUS) & FLAGS_STATUS;
		} while (flags);
	}
}

/* The flags, %rax after the bytes at @site, run for real. */
static uint64_t execute(const uint8_t *site, size_t len, uint64_t flags,
			uint64_t *rax)
{
	/* push %rdi; popf; mov $-1, %rax */
	static const uint8_t before[] = { 0x57, 0x9d, 0x48, 0xc7, 0xc0, 0xff,
					  0xff, 0xff, 0xff };
	/* mov %rax, (%rsi); pushf; pop %rax; cld; ret */
	static const uint8_t after[] = { 0x48, 0x89, 0x06, 0x9c, 0x58, 0xfc,
					 0xc3 };

	memcpy(m.code, before, sizeof(before));
	memcpy(m.code + sizeof(before), site, len);
	memcpy(m.code + sizeof(before) + len, after, sizeof(after));
	return ((uint64_t (*)(uint64_t, uint64_t *))(uintptr_t)m.code)(flags,
								       rax);
}

static void ret0_all_flags(void **state)
{
	(void)state;
	for (unsigned int len = 2; len <= 6; len++) {
		uint64_t flags = 0;

		do {
			uint64_t before = flags | 0x202 | FLAG_DF, rax, after;
			uint8_t site[6];

			encode(RP__INSN_RET0, 0, NULL, site, len);
			after = execute(site, len, before, &rax);
			assert_true(rax == 0);
			trap();
			regs()[REG_EFL] = (greg_t)before;
			assert_true(emulate(site, len, 0));
			/* The manuals leave AF open. */
			assert_true((((uint64_t)regs()[REG_EFL] ^ after) &
				     ~(uint64_t)FLAG_AF) == 0);
			assert_true(regs()[REG_RAX] == 0);
			assert_true(regs()[REG_RIP] == (greg_t)(m.code + len));
			expect_untouched(RIP | RAX | EFL);
			expect_stack_untouched_but(NOWHERE);
			flags = (flags - FLAGS_STATUS) & FLAGS_STATUS;
		} while (flags);
	}
}

static void nop_all_lengths(void **state)
{
	(void)state;
	for (unsigned int len = 1; len <= 9; len++) {
		uint64_t rax;
		uint8_t site[9];

		encode(RP__INSN_NOP, 0, NULL, site, len);
		assert_true((execute(site, len, 0x246, &rax) & FLAGS_STATUS) ==
			    (0x246 & FLAGS_STATUS));
		assert_true(rax == UINT64_MAX);
		trap();
		assert_true(emulate(site, len, 0));
		assert_true(regs()[REG_RIP] == (greg_t)(m.code + len));
		expect_untouched(RIP);
		expect_stack_untouched_but(NOWHERE);
	}
}

/* ---- calls ---- */

static void expect_called(const uint8_t *site, size_t len, const void *target)
{
	trap();
	assert_true(emulate(site, len, 0));
	assert_true(regs()[REG_RIP] == (greg_t)target);
	assert_true(regs()[REG_RSP] == (greg_t)&m.stack[31]);
	assert_true(m.stack[31] == (uintptr_t)(m.code + len));
	expect_untouched(RIP | RSP);
	expect_stack_untouched_but(31);
}

/* With a stub, neither the stack nor what is under it is touched. */
static void expect_called_by_stub(const uint8_t *site, size_t len)
{
	trap();
	assert_true(emulate(site, len, 0x1234567890));
	assert_true(regs()[REG_RIP] == 0x1234567890);
	expect_untouched(RIP);
	expect_stack_untouched_but(NOWHERE);
}

static void call_pushes_its_return_address(void **state)
{
	const void *target = m.code + 0x200;
	uint8_t site[10];

	(void)state;
	for (unsigned int len = 5; len <= 10; len++) {
		encode(RP__INSN_CALL, 0, target, site, len);
		expect_called(site, len, target);
		expect_called_by_stub(site, len);
	}
}

static void call_through_memory(void **state)
{
	uintptr_t *slot = (uintptr_t *)(m.code + 0x800);
	uint8_t site[7];

	(void)state;
	for (unsigned int len = 6; len <= 7; len++) {
		for (uintptr_t target = 0x1111; target < 0x4444;
		     target += 0x1111) {
			*slot = target;
			encode(RP__INSN_CALL_MEM, 0, slot, site, len);
			expect_called(site, len, (const void *)target);
			expect_called_by_stub(site, len);
		}
	}
}

/* ---- jumps and returns ---- */

static void expect_jumped(const uint8_t *site, size_t len, const void *target)
{
	trap();
	assert_true(emulate(site, len, 0x1234567890));
	assert_true(regs()[REG_RIP] == (greg_t)target);
	expect_untouched(RIP);
	expect_stack_untouched_but(NOWHERE);
}

static void jump_with_padding(void **state)
{
	const uint8_t *target = m.code + 0x300;
	uint8_t site[15], small[2] = { 0xeb, 0xfe };

	(void)state;
	for (unsigned int len = 5; len <= 15; len++) {
		encode(RP__INSN_JMP, 0, target, site, len);
		expect_jumped(site, len, target);
	}
	expect_jumped(small, 2, m.code);
}

static void jump_through_memory(void **state)
{
	uintptr_t *slot = (uintptr_t *)(m.code + 0x800);
	uint8_t site[8];

	(void)state;
	*slot = 0x7777777777;
	for (unsigned int len = 6; len <= 8; len++) {
		encode(RP__INSN_JMP_MEM, 0, slot, site, len);
		expect_jumped(site, len, (const void *)*slot);
	}
}

/*
 * A return is a real one, so that a shadow stack agrees: the thread is sent to
 * a `ret`, with its stack as it was.
 */
static void ret_is_executed(void **state)
{
	uint8_t site[6];

	(void)state;
	for (unsigned int len = 1; len <= 6; len++) {
		encode(RP__INSN_RET, 0, NULL, site, len);
		trap();
		assert_true(emulate(site, len, 0x1234567890));
		assert_int_equal(*(uint8_t *)regs()[REG_RIP], 0xc3);
		expect_untouched(RIP);
		expect_stack_untouched_but(NOWHERE);
	}
}

static void refuses_others(void **state)
{
	static const uint8_t others[][8] = {
		{ 0xcc }, { 0x48, 0x31, 0xc0 }, { 0xff, 0xd0 },
		{ 0xe3, 0x10 }, { 0x66, 0xe8, 1, 0, 0, 0 }, { 0xe8, 1, 0 },
	};
	static const size_t lengths[] = { 1, 3, 2, 2, 6, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		trap();
		assert_false(emulate(others[i], lengths[i], 0));
		assert_true(regs()[REG_RIP] == (greg_t)(m.code + 1));
		expect_untouched(0);
		expect_stack_untouched_but(NOWHERE);
	}
}

/* ---- the stub, run ---- */

static long eleven(void)
{
	return 11;
}

static void call_stub_calls_and_returns(void **state)
{
	/* sub $8, %rsp; jmp stub; back: add $8, %rsp; inc %eax; ret */
	static const uint8_t enter[] = { 0x48, 0x83, 0xec, 0x08, 0xe9 };
	static const uint8_t leave[] = { 0x48, 0x83, 0xc4, 0x08, 0xff, 0xc0,
					 0xc3 };
	struct rp__call_stub *stub = (struct rp__call_stub *)(m.code + 0x100);
	int32_t distance = 0x100 - (int32_t)(sizeof(enter) + 4);

	(void)state;
	memcpy(m.code, enter, sizeof(enter));
	memcpy(m.code + sizeof(enter), &distance, 4);
	memcpy(m.code + sizeof(enter) + 4, leave, sizeof(leave));
	rp__arch_call_stub(stub, (uintptr_t)eleven,
			   (uintptr_t)m.code + sizeof(enter) + 4);
	assert_int_equal(((long (*)(void))(uintptr_t)m.code)(), 12);
}

/* ---- whose trap ---- */

static void trap_address_of_breakpoints_only(void **state)
{
	siginfo_t info = { .si_code = SI_KERNEL };

	(void)state;
	trap();
	regs()[REG_TRAPNO] = 3;
	assert_true(rp__arch_trap_address(&info, &m.context) ==
		    (uintptr_t)m.code);
	info.si_code = TRAP_BRKPT;
	assert_true(rp__arch_trap_address(&info, &m.context) ==
		    (uintptr_t)m.code);
	/* A step, and a signal that was sent while the number was 3. */
	regs()[REG_TRAPNO] = 1;
	assert_true(rp__arch_trap_address(&info, &m.context) == 0);
	regs()[REG_TRAPNO] = 3;
	info.si_code = SI_USER;
	assert_true(rp__arch_trap_address(&info, &m.context) == 0);
	info.si_code = SI_TKILL;
	assert_true(rp__arch_trap_address(&info, &m.context) == 0);
}

static void retry_goes_back_to_the_site(void **state)
{
	(void)state;
	trap();
	rp__arch_trap_retry(&m.context, (uintptr_t)m.code);
	assert_true(regs()[REG_RIP] == (greg_t)m.code);
	expect_untouched(RIP);
}

static void foreign_breakpoints(void **state)
{
	static const uint8_t text[] = { 0xcc, 0x90, 0xcd, 0x03, 0x03, 0xcd };

	(void)state;
	assert_true(rp__arch_trap_is_foreign((uintptr_t)&text[0]));
	assert_false(rp__arch_trap_is_foreign((uintptr_t)&text[1]));
	assert_true(rp__arch_trap_is_foreign((uintptr_t)&text[3]));
	assert_false(rp__arch_trap_is_foreign((uintptr_t)&text[4]));
	assert_false(rp__arch_trap_is_foreign((uintptr_t)&text[5]));
}

/* ---- stores ---- */

static void store_widths(void **state)
{
	uint8_t bytes[16], wanted[16];

	(void)state;
	for (unsigned int width = 1; width <= 8; width *= 2) {
		memset(bytes, 0x55, sizeof(bytes));
		memset(wanted, 0x55, sizeof(wanted));
		memcpy(wanted + 3, "\x88\x77\x66\x55\x44\x33\x22\x11", width);
		rp__arch_store(bytes + 3, 0x1122334455667788u, width);
		assert_memory_equal(bytes, wanted, sizeof(bytes));
	}
	memset(bytes, 0x55, sizeof(bytes));
	memset(wanted, 0x55, sizeof(wanted));
	memcpy(wanted + 2, "abcdefg", 7);
	rp__arch_copy(bytes + 2, "abcdefg", 7);
	assert_memory_equal(bytes, wanted, sizeof(bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(jcc_all_conditions),
		cmocka_unit_test(ret0_all_flags),
		cmocka_unit_test(nop_all_lengths),
		cmocka_unit_test(call_pushes_its_return_address),
		cmocka_unit_test(call_through_memory),
		cmocka_unit_test(jump_with_padding),
		cmocka_unit_test(jump_through_memory),
		cmocka_unit_test(ret_is_executed),
		cmocka_unit_test(refuses_others),
		cmocka_unit_test(call_stub_calls_and_returns),
		cmocka_unit_test(trap_address_of_breakpoints_only),
		cmocka_unit_test(retry_goes_back_to_the_site),
		cmocka_unit_test(foreign_breakpoints),
		cmocka_unit_test(store_widths),
	};

	return cmocka_run_group_tests_name("emulate_x86_64", tests,
					   machine_init, machine_deinit);
}
