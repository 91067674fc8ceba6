/* SPDX-License-Identifier: MIT */
/* Expressions of unwind information. They are input: each step is checked, and
 * there are not too many. */
#define _GNU_SOURCE
#include "unwind_internal.h"

#include "../object/frames/eh_reader.h"

#define EXPR_STACK	64
#define EXPR_STEPS	1000

/** struct expr - one that is evaluated. @eh is bad: it is not sound, or needs what
 *  is not there; checked at the end. */
struct expr {
	struct rp_unwinder *unwinder;
	const struct rp_cpu *cpu;
	const uint8_t *start;
	struct rp_eh_reader eh;
	uint64_t stack[EXPR_STACK];
	size_t n;
};

static void push(struct expr *expr, uint64_t value)
{
	if (expr->n == EXPR_STACK)
		rp_eh_fail(&expr->eh);
	else
		expr->stack[expr->n++] = value;
}

static uint64_t pop(struct expr *expr)
{
	if (expr->n)
		return expr->stack[--expr->n];
	rp_eh_fail(&expr->eh);
	return 0;
}

static uint64_t pick(struct expr *expr, size_t from_top)
{
	if (from_top < expr->n)
		return expr->stack[expr->n - 1 - from_top];
	rp_eh_fail(&expr->eh);
	return 0;
}

static uint64_t reg_value(struct expr *expr, uint64_t reg)
{
	if (reg < RP_DWARF_REG_NR && (expr->cpu->known >> reg & 1))
		return expr->cpu->r[reg];
	rp_eh_fail(&expr->eh);
	return 0;
}

static uint64_t deref(struct expr *expr, uint64_t address, uint64_t size)
{
	uint64_t v = 0;

	if (size == 0 || size > 8 ||
	    !rp_unwind_word(expr->unwinder, address, &v))
		rp_eh_fail(&expr->eh);
	return size < 8 ? v & (((uint64_t)1 << 8 * (size & 7)) - 1) : v;
}

static void branch(struct expr *expr, int64_t distance)
{
	struct rp_eh_reader *eh = &expr->eh;

	if (distance < expr->start - eh->at || distance > eh->end - eh->at)
		rp_eh_fail(eh);
	else
		eh->at += distance;
}

static void swap(struct expr *expr)
{
	uint64_t top = pop(expr), second = pop(expr);

	push(expr, top);
	push(expr, second);
}

static void rotate(struct expr *expr)
{
	uint64_t top = pop(expr), second = pop(expr), third = pop(expr);

	push(expr, top);
	push(expr, third);
	push(expr, second);
}

static uint64_t divide(struct expr *expr, uint64_t a, uint64_t b, bool modulo)
{
	if (b == 0 || (!modulo && b == ~(uint64_t)0)) {
		if (b == 0)
			rp_eh_fail(&expr->eh);
		return -a;
	}
	return modulo ? a % b : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t shift_right(uint64_t a, uint64_t b, bool arithmetic)
{
	uint64_t sign = arithmetic && (int64_t)a < 0 ? ~(uint64_t)0 : 0;

	if (b == 0)
		return a;
	return b < 64 ? a >> b | (sign << (64 - b)) : sign;
}

static bool compare(uint8_t op, int64_t a, int64_t b)
{
	switch (op) {
	case DW_OP_eq: return a == b;
	case DW_OP_ge: return a >= b;
	case DW_OP_gt: return a > b;
	case DW_OP_le: return a <= b;
	case DW_OP_lt: return a < b;
	default:       return a != b;
	}
}

static void binary(struct expr *expr, uint8_t op)
{
	uint64_t b = pop(expr), a = pop(expr);

	switch (op) {
	case DW_OP_and:   push(expr, a & b); break;
	case DW_OP_div:   push(expr, divide(expr, a, b, false)); break;
	case DW_OP_minus: push(expr, a - b); break;
	case DW_OP_mod:   push(expr, divide(expr, a, b, true)); break;
	case DW_OP_mul:   push(expr, a * b); break;
	case DW_OP_or:    push(expr, a | b); break;
	case DW_OP_plus:  push(expr, a + b); break;
	case DW_OP_shl:   push(expr, b < 64 ? a << b : 0); break;
	case DW_OP_shr:   push(expr, shift_right(a, b, false)); break;
	case DW_OP_shra:  push(expr, shift_right(a, b, true)); break;
	case DW_OP_xor:   push(expr, a ^ b); break;
	case DW_OP_eq: case DW_OP_ge: case DW_OP_gt:
	case DW_OP_le: case DW_OP_lt: case DW_OP_ne:
		push(expr, compare(op, (int64_t)a, (int64_t)b));
		break;
	default: rp_eh_fail(&expr->eh);
	}
}

static uint64_t negative(uint64_t v, bool if_below_zero)
{
	return !if_below_zero || (int64_t)v < 0 ? -v : v;
}

static void other_operation(struct expr *expr, uint8_t op)
{
	struct rp_eh_reader *eh = &expr->eh;

	switch (op) {
	case DW_OP_addr:    push(expr, rp_eh_fixed(eh, 8)); break;
	case DW_OP_const1u: push(expr, rp_eh_fixed(eh, 1)); break;
	case DW_OP_const2u: push(expr, rp_eh_fixed(eh, 2)); break;
	case DW_OP_const4u: push(expr, rp_eh_fixed(eh, 4)); break;
	case DW_OP_const8u: push(expr, rp_eh_fixed(eh, 8)); break;
	case DW_OP_const1s: push(expr, rp_eh_signed(eh, 1)); break;
	case DW_OP_const2s: push(expr, rp_eh_signed(eh, 2)); break;
	case DW_OP_const4s: push(expr, rp_eh_signed(eh, 4)); break;
	case DW_OP_const8s: push(expr, rp_eh_signed(eh, 8)); break;
	case DW_OP_constu:  push(expr, rp_eh_uleb(eh)); break;
	case DW_OP_consts:  push(expr, rp_eh_leb(eh, true)); break;
	case DW_OP_dup:     push(expr, pick(expr, 0)); break;
	case DW_OP_drop:    pop(expr); break;
	case DW_OP_over:    push(expr, pick(expr, 1)); break;
	case DW_OP_pick:    push(expr, pick(expr, rp_eh_fixed(eh, 1))); break;
	case DW_OP_swap:    swap(expr); break;
	case DW_OP_rot:     rotate(expr); break;
	case DW_OP_deref:   push(expr, deref(expr, pop(expr), 8)); break;
	case DW_OP_deref_size:
		push(expr, deref(expr, pop(expr), rp_eh_fixed(eh, 1)));
		break;
	case DW_OP_abs:     push(expr, negative(pop(expr), true)); break;
	case DW_OP_neg:     push(expr, negative(pop(expr), false)); break;
	case DW_OP_not:     push(expr, ~pop(expr)); break;
	case DW_OP_plus_uconst:
		push(expr, pop(expr) + rp_eh_uleb(eh));
		break;
	case DW_OP_skip:    branch(expr, (int64_t)rp_eh_signed(eh, 2)); break;
	case DW_OP_nop:     break;
	default:            binary(expr, op);
	}
}

static void operation(struct expr *expr)
{
	struct rp_eh_reader *eh = &expr->eh;
	uint8_t op = (uint8_t)rp_eh_fixed(eh, 1);

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(expr, op - DW_OP_lit0);
	} else if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push(expr, reg_value(expr, op - DW_OP_breg0) +
		     rp_eh_leb(eh, true));
	} else if (op == DW_OP_bregx) {
		uint64_t reg = rp_eh_uleb(eh);
		push(expr, reg_value(expr, reg) + rp_eh_leb(eh, true));
	} else if (op == DW_OP_bra) {
		int64_t distance = (int64_t)rp_eh_signed(eh, 2);
		if (pop(expr))
			branch(expr, distance);
	} else {
		other_operation(expr, op);
	}
}

bool rp_unwind_expr(struct rp_unwinder *unwinder, const struct rp_value *value,
		    const struct rp_cpu *cpu, const uint64_t *cfa, uint64_t *ret)
{
	struct expr expr = {
		.unwinder = unwinder, .cpu = cpu,
		.start = value->expr,
		.eh = { .at = value->expr, .end = value->expr + value->size },
	};

	if (cfa)
		push(&expr, *cfa);
	for (int i = 0; rp_eh_left(&expr.eh) && !expr.eh.bad; i++) {
		operation(&expr);
		if (i == EXPR_STEPS)
			return false;
	}
	*ret = pop(&expr);
	return !expr.eh.bad;
}
