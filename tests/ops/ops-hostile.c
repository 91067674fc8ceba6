// SPDX-License-Identifier: MIT
/*
 * Records that lie, and arguments that are wrong: said in a message or an
 * errno, nothing half done, and what is right beside them still works.
 *
 * The tables are arrays of this program, given with a descriptor of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <repoint/log.h>

#include "sites.h"

struct table {
	int (*f)(int);
	int (*g)(int);
	char tail[4];	/* too short for a member */
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

/* Not with RP_DEFINE_OPS(): the descriptors of the tests name them. */
extern struct table ops_hostile, ops_other, ops_beside;
struct table ops_hostile RP__HIDDEN = { add1, add1, "" };
struct table ops_other RP__HIDDEN = { add1, add1, "" };
struct table ops_beside RP__HIDDEN = { add1, add1, "" };

#define SITE(name, slot, prefix)					\
	__asm__(".pushsection .text.sites,\"ax\",@progbits\n\t"		\
		".p2align 4, 0xcc\n\t"					\
		".globl " #name ", " #name "_insn, " #name "_site\n\t"	\
		".hidden " #name ", " #name "_insn, " #name "_site\n"	\
		#name ":\n\t"						\
		"subq $8, %rsp\n\t"					\
		#name "_insn:\n\t"					\
		prefix							\
		#name "_site:\n\t"					\
		"call *" slot "(%rip)\n\t"				\
		"addq $8, %rsp\n\t"					\
		"ret\n\t"						\
		".popsection\n");					\
	int name(int x) __attribute__((visibility("hidden")));		\
	extern uint8_t name##_insn[] __attribute__((visibility("hidden"))); \
	extern uint8_t name##_site[] __attribute__((visibility("hidden")))

SITE(good, "ops_hostile", "");
SITE(good_too, "ops_hostile+8", "");
SITE(bad, "ops_hostile", "nop\n\t");
SITE(beside, "ops_beside", "");
SITE(short_slot, "ops_hostile+16", "");
SITE(of_other, "ops_other", "");

/* ---- descriptors ---- */

enum { GOOD, BAD, GOOD_TOO, NR_RECORDS };

static struct rp_op_site records[NR_RECORDS];
static struct rp_ops_table tables[] = {
	{ &ops_hostile, sizeof(ops_hostile) },
	{ &ops_other, sizeof(ops_other) },
};
static struct rp_object object = {
	.version = RP_ABI_VERSION,
	.size = sizeof(object),
	.ops_tables = tables,
	.ops_tables_end = tables + 2,
	.op_sites = records,
	.op_sites_end = records + NR_RECORDS,
};

static int32_t relative(const void *field, const void *to)
{
	return (int32_t)((intptr_t)to - (intptr_t)field);
}

static void record(struct rp_op_site *site, const uint8_t *code,
		   const void *slot)
{
	site->code = relative(&site->code, code);
	site->slot = relative(&site->slot, slot);
	site->kind = RP_OP_SITE_CALL;
	site->len = 6;
	site->flags = 0;
}

/* ---- messages ---- */

static char messages[8][256];
static int nr_messages;

static void keep(enum rp_log_level level, const char *category,
		 const char *message, void *data)
{
	(void)category;
	(void)data;
	if (level == RP_LOG_WARN && nr_messages < 8)
		snprintf(messages[nr_messages++], sizeof(messages[0]), "%s",
			 message);
}

static bool said(const char *text)
{
	for (int i = 0; i < nr_messages; i++)
		if (strstr(messages[i], text))
			return true;
	return false;
}

static void prepare(void)
{
	rp_log_set(keep, RP_LOG_WARN, NULL);
	record(&records[GOOD], good_site, &ops_hostile.f);
	record(&records[BAD], bad_site, &ops_hostile.f);
	record(&records[GOOD_TOO], good_too_site, &ops_hostile.g);
}

/* ---- records of sites ---- */

static void others_work(void)
{
	ops_hostile.f = add1;
	ops_hostile.g = add2;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL),
		 0);
	CHECK(site_is_call(good_site, (const void *)add1));
	CHECK(site_is_call(good_too_site, (const void *)add2));
	CHECK_EQ(good(1), 2);
	CHECK_EQ(good_too(1), 3);
	CHECK_EQ(bad(1), 2);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_UNBIND, NULL),
		 0);
	CHECK(site_is_built(good_site, 0x15, &ops_hostile.f));
	CHECK(site_is_built(good_too_site, 0x15, &ops_hostile.g));
}

static void refused(const char *why)
{
	uint8_t before[sizeof(long)];

	memcpy(before, bad_insn, sizeof(before));
	CHECK_EQ(rp_object_register(&object), 0);
	CHECK_EQ(nr_messages, 1);
	CHECKF(said(why), "said '%s', not '%s'", messages[0], why);
	CHECK(said("site record"));
	others_work();
	CHECK(!memcmp(before, bad_insn, sizeof(before)));
}

static void kind(uint8_t value)
{
	prepare();
	records[BAD].kind = value;
	refused(value == RP_OP_SITE_JMP ? "another" : "unknown kind");
}

static void kind_0(void)
{
	kind(0);
}

static void kind_99(void)
{
	kind(99);
}

static void kind_of_jump(void)
{
	kind(RP_OP_SITE_JMP);
}

static void length(uint8_t value, const char *why)
{
	prepare();
	records[BAD].len = value;
	refused(why);
}

static void length_5(void)
{
	length(5, "length");
}

static void length_16(void)
{
	length(16, "length");
}

/* As if prefixes came first: they would be what is behind the call. */
static void length_7(void)
{
	length(7, "prefixes");
}

/* The instruction before is no prefix. */
static void length_of_two(void)
{
	prepare();
	record(&records[BAD], bad_insn, &ops_hostile.f);
	records[BAD].len = 7;
	refused("prefixes");
}

static void flags(void)
{
	prepare();
	records[BAD].flags = 0x8000;
	refused("flags");
}

static uint8_t data[64] = { 0xff, 0x15 };

static void code_in_data(void)
{
	prepare();
	record(&records[BAD], data, &ops_hostile.f);
	refused("outside the text");
}

static void code_unmapped(void)
{
	prepare();
	records[BAD].code = INT32_MIN;
	refused("outside the text");
}

extern const uint8_t etext[];

/* Begins inside, ends outside. */
static void code_at_the_end(void)
{
	prepare();
	record(&records[BAD], etext, &ops_hostile.f);
	records[BAD].code--;
	records[BAD].len = 15;
	refused("outside the text");
}

static void code_in_the_middle(void)
{
	prepare();
	record(&records[BAD], bad_insn, &ops_hostile.f);
	refused("another one");
}

static void slot_of_another(void)
{
	prepare();
	record(&records[BAD], bad_site, &ops_hostile.g);
	refused("another one");
}

static void slot_in_no_table(void)
{
	prepare();
	record(&records[BAD], beside_site, &ops_beside);
	refused("names no table");
}

static void slot_is_cut(void)
{
	prepare();
	/* Four bytes of the table, and the padding behind them. */
	tables[0].size = 20;
	record(&records[BAD], short_slot_site, ops_hostile.tail);
	refused("names no table");
}

/* Both are right: one site. */
static void listed_twice(void)
{
	prepare();
	record(&records[BAD], good_site, &ops_hostile.f);
	CHECK_EQ(rp_object_register(&object), 0);
	CHECK_EQ(nr_messages, 0);
	others_work();
}

/* ---- arguments ---- */

static void bad_arguments(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };

	prepare();
	CHECK_EQ(rp_object_bind_ops(NULL, &ops_hostile, RP_OPS_BIND, NULL),
		 -EINVAL);
	CHECK_EQ(rp_object_bind_ops(&object, NULL, RP_OPS_BIND, NULL), -EINVAL);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BINDING_NR,
				    NULL), -EINVAL);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile,
				    (enum rp_ops_binding)-1, NULL), -EINVAL);
	opts.block = 5;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, &opts),
		 -EINVAL);
	opts.block = 0;
	CHECK(site_is_built(good_site, 0x15, &ops_hostile.f));
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile.g, RP_OPS_BIND,
				    &opts), -EINVAL);
	CHECK(strstr(error.message, "RP_DEFINE_OPS"));
	CHECK(error.addr == &ops_hostile.g);
	CHECK_EQ(rp_object_bind_ops(&object, (const void *)(uintptr_t)0x1234,
				    RP_OPS_BIND, &opts), -EINVAL);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &ops_hostile, RP_OPS_BIND,
				    NULL), -EINVAL);
	others_work();
}

static void empty_table(void)
{
	prepare();
	tables[1].size = 0;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_other, RP_OPS_BIND, NULL),
		 -EINVAL);
	nr_messages = 0;
	others_work();
}

static void huge_table(void)
{
	prepare();
	tables[1].size = (uint64_t)1 << 62;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_other, RP_OPS_BIND, NULL),
		 -ENOMEM);
	others_work();
}

static void other_version(void)
{
	prepare();
	object.version = RP_ABI_VERSION + 1;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL),
		 -EPROTONOSUPPORT);
	object.version = RP_ABI_VERSION;
	nr_messages = 0;
	others_work();
}

/* Built before there were ops: its tables are none. */
static void older_headers(void)
{
	prepare();
	object.size = offsetof(struct rp_object, ops_tables);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL),
		 -EINVAL);
	CHECK_EQ(good(1), 2);
}

/* ---- patchlets ---- */

__asm__(RP_PATCHLET(plus5, RP_CLOBBER_RAX)
	"leal 5(%rdi), %eax"
	RP_PATCHLET_END(plus5));
extern const char rp_patchlet__plus5[] RP__HIDDEN;

static struct rp_patchlet patchlets[2];
static struct rp_op_patchlet op_patchlets[2];

static void prepare_patchlets(void)
{
	prepare();
	record(&records[BAD], of_other_site, &ops_other.f);
	for (int i = 0; i < 2; i++) {
		struct rp_patchlet *p = &patchlets[i];

		p->start = relative(&p->start, rp_patchlet__plus5);
		p->end = relative(&p->end, rp_patchlet__plus5 + 3);
		p->clobbers = RP_CLOBBER_RAX;
		p->flags = 0;
	}
	/* Only the second is in a table, beside the one under test. */
	patchlets[1].start += 1;
	op_patchlets[0] = (struct rp_op_patchlet){
		(const void *)add1, rp_patchlet__plus5
	};
	op_patchlets[1] = (struct rp_op_patchlet){
		(const void *)good_too, rp_patchlet__plus5
	};
	object.patchlets = patchlets;
	object.patchlets_end = patchlets + 2;
	object.op_patchlets = op_patchlets;
	object.op_patchlets_end = op_patchlets + 2;
}

static void check_bind(bool copied)
{
	ops_hostile.f = add1;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL),
		 0);
	if (copied)
		CHECK_BYTES(good_site, "\x2e\x2e\x2e\x8d\x47\x05");
	else
		CHECK(site_is_call(good_site, (const void *)add1));
	CHECK_EQ(good(1), copied ? 6 : 2);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_UNBIND, NULL),
		 0);
	CHECK(site_is_built(good_site, 0x15, &ops_hostile.f));
}

/* The same as it should be: what the cases below break does something. */
static void patchlet_is_used(void)
{
	prepare_patchlets();
	/* The second begins in the middle of an instruction. */
	object.patchlets_end = patchlets + 1;
	check_bind(true);
	CHECK_EQ(nr_messages, 0);
}

static void patchlet_is_refused(void)
{
	check_bind(false);
	CHECKF(nr_messages > 0, "no message");
	CHECK(said("patchlet"));
}

static void patchlet_unknown(void)
{
	prepare_patchlets();
	op_patchlets[0].patchlet = rp_patchlet__plus5 + 2;
	patchlet_is_refused();
}

static void patchlet_null(void)
{
	prepare_patchlets();
	op_patchlets[0].patchlet = NULL;
	patchlet_is_refused();
}

static void patchlet_outside_text(void)
{
	prepare_patchlets();
	memcpy(data, rp_patchlet__plus5, 3);
	patchlets[0].start = relative(&patchlets[0].start, data);
	patchlets[0].end = relative(&patchlets[0].end, data + 3);
	op_patchlets[0].patchlet = data;
	patchlet_is_refused();
}

static void patchlet_ends_before_start(void)
{
	prepare_patchlets();
	patchlets[0].end -= 4;
	patchlet_is_refused();
}

static void patchlet_of_no_instruction(void)
{
	prepare_patchlets();
	patchlets[0].end = relative(&patchlets[0].end, rp_patchlet__plus5 + 2);
	patchlet_is_refused();
}

static void patchlet_flags(void)
{
	prepare_patchlets();
	patchlets[0].flags = 1;
	patchlet_is_refused();
}

/* ---- text that somebody else changed ---- */

static void poke(uint8_t *at, uint8_t byte)
{
	uintptr_t page = (uintptr_t)at & -4096ul;

	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE |
			 PROT_EXEC) == 0);
	*(volatile uint8_t *)at = byte;
	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static void changed_meanwhile(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };

	prepare();
	CHECK_EQ(rp_object_register(&object), 0);
	poke(good_too_site, 0xcc);
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, &opts),
		 -EILSEQ);
	CHECK(error.addr == good_too_site);
	CHECK_EQ(error.found[0], 0xcc);
	CHECK(site_is_built(good_site, 0x15, &ops_hostile.f));
	CHECK_EQ(good(1), 2);
	poke(good_too_site, 0xff);
	others_work();
}

/*
 * Sites that were bound, and an object that registers again: they either
 * follow, or bind says that they do not.
 */
static void registered_again(void)
{
	int error;

	prepare();
	ops_hostile.f = add1;
	CHECK_EQ(rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL),
		 0);
	rp_object_unregister(&object);
	CHECK_EQ(good(1), 2);
	CHECK_EQ(rp_object_register(&object), 0);
	ops_hostile.f = add2;
	error = rp_object_bind_ops(&object, &ops_hostile, RP_OPS_BIND, NULL);
	if (!error)
		CHECK_EQ(good(1), 3);
}

TEST_MAIN(
	TEST(kind_0),
	TEST(kind_99),
	TEST(kind_of_jump),
	TEST(length_5),
	TEST(length_16),
	TEST(length_7),
	TEST(length_of_two),
	TEST(flags),
	TEST(code_in_data),
	TEST(code_unmapped),
	TEST(code_at_the_end),
	TEST(code_in_the_middle),
	TEST(slot_of_another),
	TEST(slot_in_no_table),
	TEST(slot_is_cut),
	TEST(listed_twice),
	TEST(bad_arguments),
	TEST(empty_table),
	TEST(huge_table),
	TEST(other_version),
	TEST(older_headers),
	TEST(patchlet_is_used),
	TEST(patchlet_unknown),
	TEST(patchlet_null),
	TEST(patchlet_outside_text),
	TEST(patchlet_ends_before_start),
	TEST(patchlet_of_no_instruction),
	TEST(patchlet_flags),
	TEST(changed_meanwhile),
	TEST(registered_again),
)
