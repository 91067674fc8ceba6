// SPDX-License-Identifier: MIT
/* The uses of the behaviour matrix: what they do, and what their bytes are. */
#include "../text/site.h"
#include "../text/check.h"

#include <signal.h>
#include <sys/wait.h>

#include "matrix.h"

SITE_SECTION(matrix);
SITE_SECTION(by_asm);

/* Used by this file alone. */
static int local_add(int x)
{
	return x + 30;
}

static int local_sub(int x)
{
	return x - 30;
}

RP_DEFINE_STATIC_OPS(struct matrix_small, matrix_local, local_add, local_sub);

/* ---- uses ---- */

#define USE	static IN_SECTION(matrix)

USE int use_none(void)
{
	return rp_op(matrix, none)() * 10;
}

USE int use_one(int x)
{
	return rp_op(matrix, one)(x) * 10;
}

USE int tail_one(int x)
{
	return rp_op(matrix, one)(x);
}

USE long use_six(void)
{
	return rp_op(matrix, six)(1, 2, -3, 4, 5u, -6) * 10;
}

USE long use_ten(void)
{
	long tenth = 10;

	return rp_op(matrix, ten)(1, 2, -3, 4, 5u, -6, 7, 8, -9, &tenth) + 1;
}

USE struct pair tail_pair(struct pair p)
{
	return rp_op(matrix, pair)(p, 7);
}

USE struct big use_big(struct big b)
{
	b = rp_op(matrix, big)(b, 3);
	b.v[0]++;
	return b;
}

USE int use_sum(void)
{
	return rp_op(matrix, sum)(0) + rp_op(matrix, sum)(3, 10, 20, 30) * 2 +
	       rp_op(matrix, sum)(8, 1, 2, 3, 4, 5, 6, 7, 8);
}

USE double use_mixed(double a)
{
	return rp_op(matrix, mixed)(a, 1.5f, 4) * 2;
}

USE float tail_half(float a)
{
	return rp_op(matrix, half)(a);
}

USE int use_inner(int x)
{
	return rp_op(matrix, inner.one)(x) +
	       rp_op(matrix, inner.two[0])(x) * 10 +
	       rp_op(matrix, inner.two[1])(x) * 100;
}

USE int use_array(int x)
{
	return rp_op(matrix, array[0])(x) + rp_op(matrix, array[2])(x) * 10;
}

/* A member that is only known at run time: never a site. */
USE int use_index(int i, int x)
{
	return rp_op(matrix, array[i])(x) + 1;
}

USE int use_act(int x)
{
	rp_op(matrix, act)(&x);
	return x;
}

USE void tail_act(int *x)
{
	rp_op(matrix, act)(x);
}

USE int use_zero(int x)
{
	return rp_op(matrix, zero)(x) + 1000;
}

USE int tail_zero(int x)
{
	return rp_op(matrix, zero)(x);
}

USE int use_far(int x)
{
	return rp_op(matrix, far)(x) * 10;
}

USE int tail_far(int x)
{
	return rp_op(matrix, far)(x);
}

USE int use_bare(int x)
{
	return rp_op(matrix_bare, f)(x) * 10;
}

USE int use_local(int x)
{
	return rp_op(matrix_local, f)(x) * 10 + rp_op(matrix_local, g)(x);
}

USE int use_null(int x)
{
	return rp_op(matrix, null)(x) + 1;
}

USE int tail_null(int x)
{
	return rp_op(matrix, null)(x);
}

/* In a branch, and in a loop. */
USE int use_often(int x)
{
	int sum = 0;

	for (int i = 0; i < x; i++)
		sum += i % 2 ? rp_op(matrix, one)(i) :
			       rp_op(matrix, array[0])(i);
	return sum;
}

static IN_SECTION(by_asm) int use_asm(int x)
{
	int ret;

	rp_op_asm(matrix, few, RP_OUTPUTS("=a" (ret), "+D" (x)), RP_NONE,
		  RP_CLOBBERS("rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			      RP_CLOBBERS_FP));
	return ret;
}

/* ---- results ---- */

static void check_structs(int n)
{
	struct pair p = { 1000, 2000 };
	struct big b = { { 10, 20, 30, 40, 50 } };

	p = tail_pair(p);
	CHECK_EQ(p.a, 2007);
	CHECK_EQ(p.b, 1000 + n);
	b = use_big(b);
	CHECK_EQ(b.v[0], 11 + n);
	CHECK_EQ(b.v[4], 62 + n);
}

/* In one of the two sets of members. */
static void check_results(int n)
{
	int acted = 40;

	CHECK_EQ(use_none(), n * 10);
	CHECK_EQ(use_one(5), (5 + n) * 10);
	CHECK_EQ(tail_one(5), 5 + n);
	CHECK_EQ(use_six(), (1 + 4 - 9 + 16 + 25 - 36 + n) * 10);
	CHECK_EQ(use_ten(), 1 + n + 49 + 64 - 81 + 100 + 1);
	check_structs(n);
	CHECK_EQ(use_sum(), n + (60 + n) * 2 + 36 + n);
	CHECK(use_mixed(0.5) == (0.5 + 3 + 12 + n) * 2);
	CHECK(tail_half(5) == 2.5f + (float)n);
	CHECK_EQ(use_inner(5), (5 + n) + 60 + (5 + n) * 100);
	CHECK_EQ(use_array(5), (5 + n) * 11);
	CHECK_EQ(use_index(2, 5), 6 + n);
	CHECK_EQ(use_act(40), n == 1 ? 41 : 40);
	tail_act(&acted);
	CHECK_EQ(acted, n == 1 ? 41 : 40);
	CHECK_EQ(use_zero(5), n == 1 ? 1006 : 1000);
	CHECK_EQ(tail_zero(5), n == 1 ? 6 : 0);
	CHECK_EQ(use_far(-5), n == 1 ? 50 : -30);
	CHECK_EQ(tail_far(-5), n == 1 ? 5 : -3);
	CHECK_EQ(use_bare(5), (5 + n) * 10);
	CHECK_EQ(use_local(5), n == 1 ? 325 : -215);
	CHECK_EQ(use_often(4), 6 + 4 * n);
	CHECK_EQ(use_asm(5), 5 + n);
}

/* ---- a call of NULL ---- */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *uc = (const ucontext_t *)context;

	(void)signal;
	_exit(!info->si_addr && !uc->uc_mcontext.gregs[REG_RIP] ? 42 : 43);
}

static int fault_of(int (*use)(int))
{
	struct sigaction action;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		memset(&action, 0, sizeof(action));
		action.sa_sigaction = on_fault;
		action.sa_flags = SA_SIGINFO;
		sigaction(SIGSEGV, &action, NULL);
		use(5);
		_exit(44);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- bytes ---- */

#define SITES_MAX	128

/* struct site - `call *member(%rip)` or `jmp *member(%rip)`, as built. */
struct site {
	uint8_t *code;
	uint8_t bytes[6];
	uintptr_t slot;
};

static struct site sites[SITES_MAX];
static int nr_sites;

static int is_in(uintptr_t slot, const void *table, size_t size)
{
	return slot - (uintptr_t)table < size;
}

static void find_sites(void)
{
	uint8_t *code = __start_code_matrix;

	for (; code + 6 <= __stop_code_matrix; code++) {
		struct site *site = &sites[nr_sites];

		if (code[0] != 0xff || (code[1] != 0x15 && code[1] != 0x25))
			continue;
		site->slot = site_rel32(code + 2);
		if (!is_in(site->slot, &matrix, sizeof(matrix)) &&
		    !is_in(site->slot, &matrix_bare, sizeof(matrix_bare)) &&
		    !is_in(site->slot, &matrix_local, sizeof(matrix_local)))
			continue;
		site->code = code;
		memcpy(site->bytes, code, 6);
		if (++nr_sites == SITES_MAX)
			break;
	}
}

static int is_left_alone(const struct site *site)
{
	void *member;

	memcpy(&member, (const void *)site->slot, sizeof(member));
	return !member || site_straddles(site->code, 6);
}

/* What a bound call of a member that is no function is. */
static const char *special(const struct site *site)
{
	void *member;

	memcpy(&member, (const void *)site->slot, sizeof(member));
	if (site->bytes[1] != 0x15)
		return NULL;
	if (member == (void *)RP_OP_NOP(struct matrix_ops, act))
		return "\x66\x0f\x1f\x44\x00\x00";
	if (member == (void *)RP_OP_RETURN0(struct matrix_ops, zero))
		return "\x2e\x2e\x2e\x2e\x31\xc0";
	return NULL;
}

static int is_right(const struct site *site, int bound)
{
	const char *bytes = special(site);

	if (!bound || is_left_alone(site))
		return !memcmp(site->code, site->bytes, 6);
	return bytes ? !memcmp(site->code, bytes, 6) :
		       site->code[0] == 0x2e || site->code[0] == 0xe9 ||
		       site->code[0] == 0xc3;
}

/* Returns how many of the sites are direct; each that can be, or none. */
static int check_sites(int bound)
{
	int direct = 0;

	for (int i = 0; i < nr_sites; i++) {
		direct += !!memcmp(sites[i].bytes, sites[i].code, 6);
		if (is_right(&sites[i], bound))
			continue;
		check_failures++;
		fprintf(stderr,
			"site %d at %p: %02x %02x %02x %02x %02x %02x\n", i,
			(void *)sites[i].code, sites[i].code[0],
			sites[i].code[1], sites[i].code[2], sites[i].code[3],
			sites[i].code[4], sites[i].code[5]);
	}
	return direct;
}

/* The use by rp_op_asm() has its record in any case. */
static int asm_site_is_direct(void)
{
	const uint8_t *code = __start_code_by_asm;
	int direct = 0;

	for (; code + 6 <= __stop_code_by_asm; code++)
		direct += code[0] == 0x2e && code[1] == 0xe8 &&
			  site_rel32(code + 2) == (uintptr_t)matrix.few;
	return direct;
}

static void bind_all(enum rp_ops_binding how)
{
	CHECK_EQ(rp_object_bind_ops(&rp__object, &matrix, how, NULL), 0);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &matrix_bare, how, NULL), 0);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &matrix_local, how, NULL), 0);
}

static void set_all(int n)
{
	if (n == 1) {
		matrix_first();
		rp_op_set(matrix_local, f, local_add);
		rp_op_set(matrix_local, g, local_sub);
	} else {
		matrix_second();
		rp_op_set(matrix_local, f, local_sub);
		rp_op_set(matrix_local, g, local_add);
	}
}

static void check_state(int n, int bound)
{
	check_results(n);
	CHECK_EQ(fault_of(use_null), 42);
	CHECK_EQ(fault_of(tail_null), 42);
	check_sites(bound);
}

int matrix_run(int bound)
{
	int asm_bound;

	find_sites();
	set_all(1);
	check_state(1, 0);
	bind_all(RP_OPS_BIND);
	check_state(1, bound);
	asm_bound = asm_site_is_direct();
#ifndef RP_GENERIC
	CHECK_EQ(asm_bound, 1);
#else
	(void)asm_bound;
#endif
	set_all(2);
	bind_all(RP_OPS_REBIND);
	check_state(2, bound);
	bind_all(RP_OPS_UNBIND);
	check_state(2, 0);
	CHECK_EQ(asm_site_is_direct(), 0);
	set_all(1);
	check_state(1, 0);
	bind_all(RP_OPS_REBIND);
	check_state(1, bound);
#ifdef __OPTIMIZE__
	/* That is nearly all uses; some compilers load members first. */
	CHECK(nr_sites >= 15 && nr_sites < SITES_MAX);
	if (bound)
		CHECK(check_sites(bound) >= 8);
#endif
	printf("%d sites, %d direct\n", nr_sites, check_sites(bound));
	/* Once more, with whatever text is left: a child of dlclose(). */
	bind_all(RP_OPS_UNBIND);
	nr_sites = 0;
	return check_status();
}
