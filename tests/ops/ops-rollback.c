// SPDX-License-Identifier: MIT
/*
 * All or nothing: whatever fails in a bind, text, protection and what is known
 * of the table are as before, so that the next one works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "sites.h"

struct table {
	int (*f)(int);
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

static int slow3(int x)
{
	return x + 3;
}

__asm__(RP_PATCHLET(fast3, RP_CLOBBER_RAX)
	"leal 3(%rdi), %eax"
	RP_PATCHLET_END(fast3));
RP_OP_PATCHLET(slow3, fast3);

RP_DEFINE_OPS(struct table, table, .f = add1);

/* A site on each second page: as many windows as sites. */
#define NR_SITES	4u
#define SITE_STEP	8192u

__asm__(".pushsection .text.spread,\"ax\",@progbits\n\t"
	".p2align 12\n\t"
	".globl ops_spread, ops_spread_end\n\t"
	".hidden ops_spread, ops_spread_end\n"
	"ops_spread:\n\t"
	".rept 4\n\t"
	".p2align 13\n"
	"8:\tsubq $8, %rsp\n\t"
	"xchg %ax, %ax\n\t"
	"xchg %ax, %ax\n"
	"9:\tcall *rp_ops__table(%rip)\n\t"
	SITE_RECORD("ops_spread", "9b", "rp_ops__table", "1", "6")
	"addq $8, %rsp\n\t"
	"ret\n\t"
	".endr\n\t"
	".p2align 13\n"
	"ops_spread_end:\n\t"
	".popsection\n");
extern uint8_t ops_spread[] __attribute__((visibility("hidden")));
extern uint8_t ops_spread_end[] __attribute__((visibility("hidden")));

static uint8_t *start;
static struct maps_text before;
static uint8_t image[NR_SITES * SITE_STEP];

static void remember(void)
{
	start = (uint8_t *)(((uintptr_t)ops_spread + SITE_STEP - 1) &
			    -(uintptr_t)SITE_STEP);
	memcpy(image, start, sizeof(image));
	maps_read(&before, start, sizeof(image));
}

static bool is_as_before(void)
{
	static struct maps_text now;
	bool same = CHECK(!memcmp(image, start, sizeof(image)));

	maps_read(&now, start, sizeof(image));
	return maps_equal(&before, &now) && same;
}

static int call(unsigned int i, int x)
{
	union {
		void *object;
		int (*func)(int);
	} code = { start + i * SITE_STEP };

	return code.func(x);
}

static bool all_return(int wanted)
{
	bool same = true;

	for (unsigned int i = 0; i < NR_SITES; i++)
		same &= call(i, 5) == wanted;
	return same;
}

/* ---- failures on demand ---- */

static enum rp__fail_point fail_point;
static unsigned int fail_call, calls;

static int fail(enum rp__fail_point point)
{
	if (point != fail_point || ++calls != fail_call)
		return 0;
	return point == RP__FAIL_MAP ? -ENOMEM : -EACCES;
}

static int bind(enum rp_ops_binding binding, struct rp_text_poke_opts *opts)
{
	return rp_object_bind_ops(&rp__object, &table, binding, opts);
}

/*
 * Fail each call of @point in turn while the member goes from @from to @to.
 * Returns how many there are.
 */
static unsigned int fail_each(enum rp__fail_point point,
			      enum rp_ops_binding binding,
			      struct rp_text_poke_opts *opts,
			      int (*from)(int), int (*to)(int), int wanted)
{
	struct rp_error error = { 0 };
	unsigned int failures = 0;
	int was, result = -1;

	opts->error = &error;
	fail_point = point;
	for (fail_call = 1; !test_failed(); fail_call++) {
		rp_op_set(table, f, from);
		REQUIRE(bind(RP_OPS_REBIND, opts) == 0);
		was = from(5);
		REQUIRE(all_return(was));
		remember();
		rp_op_set(table, f, to);
		calls = 0;
		error.code = 0;
		rp__fail_hook = fail;
		result = bind(binding, opts);
		rp__fail_hook = NULL;
		if (calls < fail_call)
			break;
		failures++;
		CHECK_EQ(result, wanted);
		CHECK_EQ(error.code, wanted);
		CHECK(*error.message);
		is_as_before();
		CHECK(all_return(was));
		/* With the old member: all is as it should be already. */
		rp_op_set(table, f, from);
		CHECK_EQ(bind(RP_OPS_REBIND, opts), 0);
		is_as_before();
		/* With the new one: now it works. */
		rp_op_set(table, f, to);
		CHECK_EQ(bind(binding, opts), 0);
	}
	CHECK_EQ(result, 0);
	return failures;
}

static struct rp_text_poke_opts options(enum rp_protocol protocol,
					enum rp_backend backend)
{
	return (struct rp_text_poke_opts){
		.sz = sizeof(struct rp_text_poke_opts),
		.protocol = protocol, .backend = backend
	};
}

static void bind_first(void)
{
	remember();
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(site_is_call(start + 8, (const void *)add1));
}

static void unprotect_fails(void)
{
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_MPROTECT);

	bind_first();
	CHECK_EQ(fail_each(RP__FAIL_UNPROTECT, RP_OPS_REBIND, &opts, add1, add2,
			   -EPERM), NR_SITES);
	CHECK(all_return(7));
}

static void unprotect_fails_with_threads(void)
{
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_MPROTECT);

	start_idle_thread();
	bind_first();
	CHECK_EQ(fail_each(RP__FAIL_UNPROTECT, RP_OPS_REBIND, &opts, add1,
			   slow3, -EPERM), NR_SITES);
	CHECK_EQ(fail_each(RP__FAIL_UNPROTECT, RP_OPS_UNBIND, &opts, add1, add2,
			   -EPERM), NR_SITES);
}

static void mem_write_fails(void)
{
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_PROC_MEM);

	bind_first();
	CHECK_EQ(fail_each(RP__FAIL_MEM_WRITE, RP_OPS_REBIND, &opts, add1, add2,
			   -EPERM), NR_SITES);
}

/* By a breakpoint, in three steps. */
static void mem_write_fails_with_threads(void)
{
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_PROC_MEM);

	start_idle_thread();
	bind_first();
	CHECK_EQ(fail_each(RP__FAIL_MEM_WRITE, RP_OPS_REBIND, &opts, add1, add2,
			   -EPERM), 3 * NR_SITES);
}

static int fail_protect(enum rp__fail_point point)
{
	return point == RP__FAIL_PROTECT ? -EACCES : 0;
}

/* The old bytes are back, and known to be. */
static void protect_fails(void)
{
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_MPROTECT);

	bind_first();
	remember();
	rp_op_set(table, f, add2);
	rp__fail_hook = fail_protect;
	CHECK_EQ(bind(RP_OPS_REBIND, &opts), -EPERM);
	rp__fail_hook = NULL;
	CHECK(!memcmp(image, start, sizeof(image)));
	CHECK(all_return(6));
	CHECK_EQ(bind(RP_OPS_REBIND, &opts), 0);
	CHECK(all_return(7));
}

/* ---- memory ---- */

static int (*far)(int);

/* In a process of its own: memory that is left over would be used again. */
static void fail_one_allocation(void *number)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = options(RP_PROTOCOL_AUTO,
						RP_BACKEND_AUTO);
	int result;

	opts.error = &error;
	fail_point = RP__FAIL_MAP;
	fail_call = *(unsigned int *)number;
	rp__fail_hook = fail;
	result = bind(RP_OPS_BIND, &opts);
	rp__fail_hook = NULL;
	if (calls < fail_call) {
		CHECK_EQ(result, 0);
		_exit(1);
	}
	/* A hint for an island that is taken is no failure: the next is. */
	if (result) {
		CHECK_EQ(result, -ENOMEM);
		CHECK_EQ(error.code, -ENOMEM);
		CHECK(*error.message);
		is_as_before();
		CHECK_EQ(bind(RP_OPS_BIND, &opts), 0);
	}
	CHECK_EQ(start[8], 0x2e);
	CHECK_EQ(start[9], 0xe8);
	CHECK(all_return(table.f(5)));
}

static unsigned int fail_allocations(void)
{
	unsigned int number = 1;

	remember();
	while (in_child(fail_one_allocation, &number) == 0 && !test_failed())
		number++;
	return number - 1;
}

static void allocation_fails(void)
{
	/* Table's list, its copy, the copy of now; sites and windows. */
	unsigned int nr = fail_allocations();

	CHECKF(nr >= 4, "%u allocations", nr);
}

static void allocation_of_island_fails(void)
{
	unsigned int near = fail_allocations(), nr;
	union {
		void *object;
		int (*func)(int);
	} symbol = { dlsym(RTLD_DEFAULT, "abs") };

	far = symbol.func;
	if (!far)
		test_skip("the C library is not out of reach here");
	rp_op_set(table, f, far);
	nr = fail_allocations();
	CHECKF(nr > near, "%u allocations, %u without islands", nr, near);
}

TEST_MAIN(
	TEST(unprotect_fails),
	TEST(unprotect_fails_with_threads),
	TEST(mem_write_fails),
	TEST(mem_write_fails_with_threads),
	TEST(protect_fails),
	TEST(allocation_fails),
	TEST(allocation_of_island_fails),
)
