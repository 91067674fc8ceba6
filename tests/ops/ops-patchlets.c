// SPDX-License-Identifier: MIT
/* What a site becomes whose member's function has a patchlet. */
#include <errno.h>

#include "sites.h"

struct table {
	int (*f)(int);
	int (*few)(int);	/* may change %rax only */
	int (*flags)(int);	/* ... and the flags */
};

static int initial(int x)
{
	return x + 100;
}

RP_DEFINE_OPS(struct table, table, .f = initial, .few = initial,
	      .flags = initial);
RP_OP_CLOBBERS(table, few, RP_CLOBBER_RAX);
RP_OP_CLOBBERS(table, flags, RP_CLOBBER_RAX | RP_CLOBBER_FLAGS);

#define SLOT	"rp_ops__table"

SITE_CALL_AT(call, 16, "", 6, SLOT);
SITE_CALL_AT(prefixed, 16, ".skip 5, 0x2e\n\t", 11, SLOT);
SITE_TAIL_AT(tail, 16, SLOT);
SITE_CALL_AT(call_few, 16, "", 6, SLOT "+8");
SITE_CALL_AT(call_flags, 16, "", 6, SLOT "+16");

extern int ops_patchlet_number;
int ops_patchlet_number = 4321;

/*
 * A function and a patchlet that do not do the same: whether it was copied is
 * seen in the result, and not only in the bytes.
 */
#define FUNCTION(name, number)						\
	static int name(int x)						\
	{								\
		return x * 0 + (number);				\
	}

#define PATCHLET(name, number, clobbers, code)				\
	FUNCTION(name, number)						\
	__asm__(RP_PATCHLET(name, clobbers) code RP_PATCHLET_END(name)); \
	RP_OP_PATCHLET(name, name)

#define RAX		RP_CLOBBER_RAX
#define RAX_FLAGS	(RP_CLOBBER_RAX | RP_CLOBBER_FLAGS)

static __attribute__((used)) int ops_outside(int x)
{
	return x + 1000;
}

PATCHLET(one, -1, RP_CLOBBER_FLAGS, "stc");
PATCHLET(two, -2, RAX, "movl %edi, %eax");
PATCHLET(three, -3, RAX, "leal 1(%rdi), %eax");
PATCHLET(four, -4, RAX, "leal (%rdi,%rdi,4), %eax\n\t.byte 0x90");
PATCHLET(four_single, -4, RAX, "leal 5(%rdi,%rdi,1), %eax");
PATCHLET(five, -5, RAX, "movl $1234567, %eax");
PATCHLET(six, -6, RAX, "leal 1000000(%rdi), %eax");
PATCHLET(seven, -7, RAX, "leal 1000000(%rdi,%rdi,1), %eax");
PATCHLET(repeated, -9, 0, "pause");
PATCHLET(segment, -10, RAX, "movl %fs:(%rdi), %eax");
PATCHLET(rip, -11, RAX, "movl ops_patchlet_number(%rip), %eax");
PATCHLET(branch, -12, RP_CLOBBERS_C, "call ops_outside");
PATCHLET(pair, -13, RAX_FLAGS, "movl %edi, %eax\n\tincl %eax");
PATCHLET(triple, -14, RAX_FLAGS,
	 "xorl %eax, %eax\n\tincl %eax\n\tincl %eax");
PATCHLET(inner, -15, RAX_FLAGS, "xorl %eax, %eax\n\tjmp 1f\n1:\n\tcltq");
PATCHLET(skips, -16, RP_CLOBBER_RAX | RP_CLOBBER_FLAGS,
	 "testl %edi, %edi\n\tjz 1f\n\tcltq\n1:");
PATCHLET(shared, -17, RAX, "leal 3(%rdi), %eax");
PATCHLET(pair_rip, -18, RAX_FLAGS, "incl %eax\n\tjmp ops_outside");
PATCHLET(two_clobbers, -19, RAX | RP_CLOBBER_RCX, "movl %edi, %eax");
PATCHLET(flags, -20, RAX_FLAGS, "xorl %eax, %eax");
/* Last: another one would begin where it does. */
PATCHLET(empty, -8, 0, "");

FUNCTION(also_shared, -21)
RP_OP_PATCHLET(also_shared, shared);

static void set(int (*func)(int))
{
	rp_op_set(table, f, func);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK(site_is_jump(tail_site, (const void *)func));
	CHECK_EQ(tail(4), func(4));
	CHECK(!memcmp(prefixed_insn, "\x2e\x2e\x2e\x2e\x2e", 5));
}

static void check_same(int wanted)
{
	CHECK_EQ(call(4), wanted);
	CHECK_EQ(prefixed(4), wanted);
}

/* It is copied, and all six bytes are one instruction. */
static void check_copied(int (*func)(int), const char *bytes, int result)
{
	set(func);
	CHECK_BYTES(call_site, bytes);
	CHECK_BYTES(prefixed_site, bytes);
	check_same(result);
}

static void check_called(int (*func)(int))
{
	set(func);
	CHECK(site_is_call(call_site, (const void *)func));
	CHECK(site_is_call(prefixed_site, (const void *)func));
	check_same(func(4));
}

static void single_instructions(void)
{
	check_copied(one, "\x2e\x2e\x2e\x2e\x2e\xf9", NOTHING);
	check_copied(two, "\x2e\x2e\x2e\x2e\x89\xf8", 4);
	check_copied(three, "\x2e\x2e\x2e\x8d\x47\x01", 5);
	check_copied(four_single, "\x2e\x2e\x8d\x44\x3f\x05", 13);
	check_copied(five, "\x2e\xb8\x87\xd6\x12\x00", 1234567);
	check_copied(six, "\x8d\x87\x40\x42\x0f\x00", 1000004);
	check_copied(repeated, "\x2e\x2e\x2e\x2e\xf3\x90", NOTHING);
	/* From one to the next, to a function, and back to the table. */
	check_copied(three, "\x2e\x2e\x2e\x8d\x47\x01", 5);
	check_called(initial);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	CHECK(site_is_built(call_site, 0x15, &table.f));
	check_same(104);
}

static void does_not_fit(void)
{
	check_called(seven);
	check_called(empty);
	CHECK_EQ(rp_ops_bind_final(&table), 0);
	check_called(seven);
	check_called(empty);
}

/* Another segment: prefixes in front of its own are not for us to add. */
static void segment_prefix(void)
{
	rp_op_set(table, f, segment);
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(site_is_call(call_site, (const void *)segment));
	CHECK_EQ(call(4), -10);
	CHECK_EQ(rp_ops_bind_final(&table), 0);
	CHECK_BYTES(call_site, "\x64\x8b\x07\x0f\x1f\x00");
}

static void check_relocated(const uint8_t *site)
{
	CHECK(site[0] == 0x8b && site[1] == 0x05);
	CHECK(site_rel32(site + 2) == (uintptr_t)&ops_patchlet_number);
}

static void relocated_operand(void)
{
	set(rip);
	check_relocated(call_site);
	check_relocated(prefixed_site);
	check_same(4321);
	ops_patchlet_number = 8;
	check_same(8);
}

static void relocated_branch(void)
{
	set(branch);
	CHECK(site_is_call(call_site, (const void *)ops_outside));
	CHECK(site_is_call(prefixed_site, (const void *)ops_outside));
	check_same(1004);
}

static void check_final(int (*func)(int), const char *bytes, int result)
{
	/* A thread could be in the middle: not by what is to be taken back. */
	rp_op_set(table, f, func);
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(site_is_call(call_site, (const void *)func));
	check_same(func(4));
	CHECK_EQ(rp_ops_bind_final(&table), 0);
	check_copied(func, bytes, result);
}

static void several_instructions(void)
{
	check_final(pair, "\x89\xf8\xff\xc0\x66\x90", 5);
	check_final(triple, "\x31\xc0\xff\xc0\xff\xc0", 2);
	check_final(four, "\x8d\x04\xbf\x0f\x1f\x00", 20);
	check_final(inner, "\x31\xc0\xeb\x00\x48\x98", 0);
	check_final(skips, "\x85\xff\x74\x02\x48\x98", NOTHING);
	check_copied(three, "\x2e\x2e\x2e\x8d\x47\x01", 5);
	set(pair);
	CHECK_BYTES(call_site, "\x89\xf8\xff\xc0\x66\x90");
	CHECK_EQ(rp_ops_bind(&table), 0);
	check_called(pair);
}

static void several_with_threads(void)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_STOPPED
	};

	start_idle_thread();
	check_called(pair);
	CHECK_EQ(rp_ops_bind_final(&table), -ENOTSUP);
	CHECK(site_is_call(call_site, (const void *)pair));
	CHECK_EQ(rp_object_bind_ops(&rp__object, &table, RP_OPS_BIND_FINAL,
				    &opts), 0);
	CHECK_BYTES(call_site, "\x89\xf8\xff\xc0\x66\x90");
	rp_op_set(table, f, initial);
	CHECK_EQ(rp_ops_rebind(&table), -ENOTSUP);
	CHECK_EQ(rp_ops_bind(&table), -ENOTSUP);
	CHECK_EQ(rp_ops_unbind(&table), -ENOTSUP);
	CHECK_BYTES(call_site, "\x89\xf8\xff\xc0\x66\x90");
	CHECK_EQ(tail(4), pair(4));
	CHECK_EQ(rp_object_bind_ops(&rp__object, &table, RP_OPS_REBIND, &opts),
		 0);
	CHECK(site_is_call(call_site, (const void *)initial));
	/* Now all is in one block and one instruction: threads may run. */
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK_EQ(rp_ops_unbind(&table), 0);
}

/* Through /proc/self/mem, and a breakpoint that must stand in for it all. */
static void other_backend(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .backend = RP_BACKEND_PROC_MEM,
		.error = &error
	};
	int result;

	start_idle_thread();
	CHECK_EQ(rp_object_bind_ops(&rp__object, &table, RP_OPS_BIND, &opts),
		 0);
	CHECK(stats_now().sites[RP_PROTOCOL_BREAKPOINT] > 0);
	check_called(initial);
	rp_op_set(table, f, three);
	result = rp_object_bind_ops(&rp__object, &table, RP_OPS_REBIND, &opts);
	if (!result) {
		CHECK(call(4) == 5 || call(4) == -3);
		CHECK_EQ(tail(4), -3);
		return;
	}
	/* Not by this one: then nothing of it is done, and it is said. */
	CHECK_EQ(result, -ENOTSUP);
	CHECK(*error.message);
	CHECK(site_is_call(call_site, (const void *)initial));
	CHECK(site_is_jump(tail_site, (const void *)initial));
	check_copied(three, "\x2e\x2e\x2e\x8d\x47\x01", 5);
}

static void one_patchlet_of_two(void)
{
	check_copied(shared, "\x2e\x2e\x2e\x8d\x47\x03", 7);
	check_copied(also_shared, "\x2e\x2e\x2e\x8d\x47\x03", 7);
}

/* ---- clobbers ---- */

static void set_few(int (*func)(int))
{
	rp_op_set(table, few, func);
	rp_op_set(table, flags, func);
	CHECK_EQ(rp_ops_rebind(&table), 0);
}

static void clobbers_of_patchlets(void)
{
	set_few(two);
	CHECK_BYTES(call_few_site, "\x2e\x2e\x2e\x2e\x89\xf8");
	CHECK_BYTES(call_flags_site, "\x2e\x2e\x2e\x2e\x89\xf8");
	CHECK_EQ(call_few(6), 6);
	/* A register more than the members may change. */
	set_few(two_clobbers);
	CHECK(site_is_call(call_few_site, (const void *)two_clobbers));
	CHECK(site_is_call(call_flags_site, (const void *)two_clobbers));
	CHECK_EQ(call_flags(6), -19);
	/* One of them may change flags. */
	set_few(flags);
	CHECK(site_is_call(call_few_site, (const void *)flags));
	CHECK_BYTES(call_flags_site, "\x2e\x2e\x2e\x2e\x31\xc0");
	CHECK_EQ(call_few(6), -20);
	CHECK_EQ(call_flags(6), 0);
	/* That of others is the C ABI's. */
	check_copied(two_clobbers, "\x2e\x2e\x2e\x2e\x89\xf8", 4);
}

static void clobbers_of_return0(void)
{
	set_few(RP_OP_RETURN0(struct table, few));
	CHECK(site_is_call(call_few_site,
			   (const void *)rp_static_call_return0));
	CHECK_BYTES(call_flags_site, "\x2e\x2e\x2e\x2e\x31\xc0");
	CHECK_EQ(call_few(6), 0);
	CHECK_EQ(call_flags(6), 0);
}

static void clobbers_of_nop(void)
{
	set_few(RP_OP_NOP(struct table, few));
	CHECK_BYTES(call_few_site, "\x66\x0f\x1f\x44\x00\x00");
	CHECK_EQ(call_few(6), NOTHING);
}

/* A jump out cannot be told from a call that is left: only in a final bind. */
static void branch_of_several(void)
{
	rp_op_set(table, f, pair_rip);
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(site_is_call(call_site, (const void *)pair_rip));
}

TEST_MAIN(
	TEST(single_instructions),
	TEST(does_not_fit),
	TEST(segment_prefix),
	TEST(relocated_operand),
	TEST(relocated_branch),
	TEST(several_instructions),
	TEST(several_with_threads),
	TEST(other_backend),
	TEST(one_patchlet_of_two),
	TEST(clobbers_of_patchlets),
	TEST(clobbers_of_return0),
	TEST(clobbers_of_nop),
	TEST(branch_of_several),
)
