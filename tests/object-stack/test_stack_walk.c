// SPDX-License-Identifier: MIT
/* What runs of instructions do to the state of the stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../object/stack/internal.h"

struct run {
	const char *name;
	enum rp_abi_kind abi;
	const char *code;
	size_t length;
	const char *text;	/* of the state behind it; NULL: not understood */
	bool modified;
};

#define RUN(name, abi, code, text, modified) \
	{ name, RP_ABI_##abi, code, sizeof(code) - 1, text, modified }

static const struct run runs[] = {
	RUN("a frame", REPOINT,
	    "\x55" "\x53" "\x48\x83\xec\x18",	// push rbp, rbx; sub 24, rsp
	    "cfa at rsp+48, rbx at cfa-24, rbp at cfa-16", true),
	RUN("a frame that is taken down", REPOINT,
	    "\x55" "\x53" "\x48\x83\xec\x18" "\x48\x83\xc4\x18" "\x5b" "\x5d",
	    "cfa at rsp+8", false),
	RUN("pops in the wrong order", REPOINT,
	    "\x55" "\x53" "\x5d" "\x5b",	// push rbp, rbx; pop rbp, rbx
	    "cfa at rsp+8, rbx at cfa-24, rbp at cfa-16", true),
	RUN("a frame pointer", REPOINT,
	    "\x55" "\x48\x89\xe5" "\x48\x83\xec\x20",
	    "cfa at rbp+16, rbp at cfa-16", true),
	RUN("a frame pointer that is not saved there", REPOINT,
	    "\x55" "\x50" "\x48\x89\xe5",	// push rbp, rax; mov rsp, rbp
	    "cfa at rsp+24, rbp at cfa-16", true),
	RUN("leave", REPOINT,
	    "\x55" "\x48\x89\xe5" "\x48\x29\xc4" "\xc9",
	    "cfa at rsp+8", false),
	RUN("rbp is overwritten", REPOINT,
	    "\x31\xed",
	    "cfa at rsp+8, rbp lost", true),
	RUN("rbp is overwritten, in a kernel", LINUX_6_1,
	    "\x31\xed",
	    "cfa at rsp+8", false),
	RUN("a realigned stack", LINUX_6_1,
	    "\x4c\x8d\x54\x24\x08"		// lea 8(%rsp),%r10
	    "\x48\x83\xe4\xe0"			// and $-32,%rsp
	    "\x41\xff\x72\xf8" "\x55"		// push -8(%r10), %rbp
	    "\x48\x89\xe5" "\x41\x52",		// mov %rsp,%rbp; push %r10
	    "cfa in [rbp-8], rbp at rbp+0", true),
	RUN("a realigned stack that is left", LINUX_6_12,
	    "\x4c\x8d\x54\x24\x08" "\x48\x83\xe4\xe0" "\x41\xff\x72\xf8" "\x55"
	    "\x48\x89\xe5" "\x41\x52"
	    "\x4c\x8b\x55\xf8" "\xc9"		// mov -8(%rbp),%r10; leave
	    "\x49\x8d\x62\xf8",			// lea -8(%r10),%rsp
	    "cfa at rsp+8", false),
	RUN("a stack that nothing leads back to", REPOINT,
	    "\x48\x83\xe4\xe0", NULL, true),
	RUN("rsp by way of a register", REPOINT,
	    "\x48\x89\xe0" "\x48\x83\xec\x40" "\x48\x89\xc4",
	    "cfa at rsp+8", false),
	RUN("rsp by way of two, which 6.1 does not see", LINUX_6_1,
	    "\x48\x89\xe0" "\x48\x89\xc1" "\x48\x89\xcc",
	    "cfa not known", true),
	RUN("rsp by way of two, which 6.12 sees", LINUX_6_12,
	    "\x48\x89\xe0" "\x48\x89\xc1" "\x48\x89\xcc",
	    "cfa at rsp+8", false),
	RUN("another stack", LINUX_6_1,
	    "\x48\x89\x20" "\x48\x89\xc4",	// mov %rsp,(%rax); mov %rax,%rsp
	    "cfa at [rsp]+8", true),
	RUN("back from another stack", LINUX_6_1,
	    "\x48\x89\x20" "\x48\x89\xc4" "\x5c",
	    "cfa at rsp+8", false),
	RUN("a stack pointer from memory", REPOINT,
	    "\x48\x8b\x27", NULL, true),	// mov (%rdi),%rsp
};

static enum rp_stack_trouble follow(const struct run *run,
				    struct rp_stack_state *state)
{
	struct rp_stack_rules rules = { .abi = rp_abi(run->abi), .named = true,
					.values = true };
	enum rp_stack_trouble trouble = RP_STACK_FINE;
	struct rp_insn_flow flow;

	rp_stack_state_entry(state);
	for (size_t at = 0; at < run->length && !trouble; at += flow.length) {
		const uint8_t *code = (const uint8_t *)run->code + at;

		assert_int_equal(rp_insn_flow(code, run->length - at, &flow),
				 0);
		// In a real walk this is done where it may matter.
		if (flow.op.kind == RP_OP_NONE) {
			uint16_t writes;

			rp_insn_flow_every(code, run->length - at, &flow,
					   &writes);
		}
		if (flow.op.kind != RP_OP_NONE)
			trouble = rp_stack_step(&rules, state, &flow.op);
	}
	return trouble;
}

static void stack_runs(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		struct rp_stack_state state;
		char text[200];

		if (follow(&runs[i], &state)) {
			if (runs[i].text)
				fail_msg("%s: not understood", runs[i].name);
			continue;
		}
		rp_stack_state_text(&state, text, sizeof(text));
		if (!runs[i].text || strcmp(text, runs[i].text))
			fail_msg("%s: %s", runs[i].name, text);
		if (rp_stack_is_modified(&state) != runs[i].modified)
			fail_msg("%s: is it modified?", runs[i].name);
	}
}

static void states_are_kept_once(void **unused)
{
	struct rp_stack_states *states = rp_stack_states_create();
	struct rp_stack_state state;
	uint32_t first;

	(void)unused;
	assert_non_null(states);
	rp_stack_state_entry(&state);
	first = rp_stack_states_add(states, &state);
	assert_int_not_equal(first, 0);
	for (int32_t i = 1; i < 5000; i++) {
		state.offset = state.height = 8 + 8 * i;
		assert_int_equal(rp_stack_states_add(states, &state),
				 first + i);
	}
	rp_stack_state_entry(&state);
	assert_int_equal(rp_stack_states_add(states, &state), first);
	assert_true(rp_stack_state_same(rp_stack_state(states, first), &state));
	assert_false(rp_stack_state_same(rp_stack_state(states, first + 1),
					 &state));
	rp_stack_states_destroy(states);
}

static void states_may_agree(void **unused)
{
	struct rp_stack_state a, b;

	(void)unused;
	rp_stack_state_entry(&a);
	b = a;
	b.height = 24;
	assert_true(rp_stack_agrees(&a, &b));
	b.saved[RP_RBX].offset = -16;	// was saved there, and is back
	assert_true(rp_stack_agrees(&a, &b));
	b.saved[RP_RBX].how = RP_SAVED_CFA;
	assert_false(rp_stack_agrees(&a, &b));
	b = a;
	b.offset = 16;
	assert_false(rp_stack_agrees(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_runs),
		cmocka_unit_test(states_are_kept_once),
		cmocka_unit_test(states_may_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
