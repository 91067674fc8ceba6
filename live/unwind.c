/* SPDX-License-Identifier: MIT */
/* Walking stacks, frame by frame. */
#define _GNU_SOURCE
#include "unwind_internal.h"

#include "../object/grow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX	100000
#define FIRST_READ	2048	/* of a stack */

/* How far from the end of its stack the first frame of a thread is: libcs put
 * little there. */
#define THREAD_END_MAX	16384
#define MAIN_END_MAX	4096

/* Of the kernel's rt_sigframe, from where the stack pointer is in the code of a
 * signal return: struct ucontext, uc_mcontext. */
#define SIGNAL_REGS	40
#define SIGNAL_REGS_NR	23

enum { SIGNAL_RIP = 16, SIGNAL_CS = 18 };

#define USER_CS		0x33

static const uint8_t signal_reg[16] = {	/* in the order of struct sigcontext */
	RP_REG_R8, RP_REG_R9, RP_REG_R10, RP_REG_R11, RP_REG_R12, RP_REG_R13,
	RP_REG_R14, RP_REG_R15, RP_REG_RDI, RP_REG_RSI, RP_REG_RBP, RP_REG_RBX,
	RP_REG_RDX, RP_REG_RAX, RP_REG_RCX, RP_REG_RSP,
};

/* The main thread's first stack pointer: 26th of the fields behind the name. */
static uint64_t start_stack(const struct rp_target *target)
{
	char *stat = rp_target_file(target, "stat", NULL);
	char *at = stat ? strrchr(stat, ')') : NULL;
	uint64_t v = 0;

	for (int i = 0; at && i < 26; i++) {
		at = strchr(at + 1, ' ');
		if (at)
			v = strtoull(at, NULL, 10);
	}
	free(stat);
	return at ? v : 0;
}

int rp_unwinder_create(struct rp_unwinder **ret, struct rp_modules *modules)
{
	struct rp_unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return -ENOMEM;
	unwinder->modules = modules;
	unwinder->target = modules->target;
	unwinder->module_fdes = calloc(modules->n + 1,
				       sizeof(*unwinder->module_fdes));
	unwinder->names = calloc(modules->n + 1, sizeof(*unwinder->names));
	unwinder->record = malloc(RP_UNWIND_RECORDS);
	if (!unwinder->module_fdes || !unwinder->names || !unwinder->record) {
		rp_unwinder_free(unwinder);
		return -ENOMEM;
	}
	unwinder->start_stack = start_stack(unwinder->target);
	*ret = unwinder;
	return 0;
}

void rp_unwinder_free(struct rp_unwinder *unwinder)
{
	if (!unwinder)
		return;
	for (size_t i = 0; i < unwinder->nareas; i++)
		free(unwinder->areas[i].fdes.v);
	for (size_t i = 0; unwinder->module_fdes && i < unwinder->modules->n; i++)
		free(unwinder->module_fdes[i].v);
	if (unwinder->names)
		rp_unwind_names_free(unwinder);
	rp_hash_free(&unwinder->rules, rp_unwind_rule_free);
	rp_hash_free(&unwinder->pages, free);
	rp_hash_free(&unwinder->returns, NULL);
	free(unwinder->areas);
	free(unwinder->module_fdes);
	free(unwinder->names);
	free(unwinder->record);
	free(unwinder);
}

int rp_unwinder_add(struct rp_unwinder *unwinder, uint64_t start, uint64_t size,
		    uint64_t eh_frame, uint64_t eh_frame_size)
{
	struct rp_area area = { .start = start, .end = start + size };

	if (rp_grow(&unwinder->areas, &unwinder->areas_room,
		    unwinder->nareas + 1, sizeof(*unwinder->areas)))
		return -ENOMEM;
	/* A table that is not sound is as good as none. */
	if (eh_frame && rp_unwind_fdes(unwinder, eh_frame, eh_frame_size,
				       &area.fdes) == -ENOMEM) {
		free(area.fdes.v);
		return -ENOMEM;
	}
	unwinder->areas[unwinder->nareas++] = area;
	/* What was found there before is of no use. */
	rp_unwind_forget(unwinder);
	return 0;
}

/* Rules of code that is of no module, or is of an area now, go; those that were
 * not found may be found the next time. */
static bool is_stale(struct rp_unwinder *unwinder, const struct rp_pc_rule *rule)
{
	return rule->volatile_ || rule->kind == RP_RULE_NONE ||
	       rp_unwind_area(unwinder, rule->address - !rule->exact);
}

static void forget_rules(struct rp_unwinder *unwinder)
{
	struct rp_hash old = unwinder->rules;

	unwinder->rules = (struct rp_hash){ 0 };
	for (size_t i = 0; i < old.room; i++) {
		if (old.v[i] && (is_stale(unwinder, old.v[i]) ||
				 rp_hash_put(&unwinder->rules, old.keys[i],
					     old.v[i])))
			rp_unwind_rule_free(old.v[i]);
	}
	rp_hash_free(&old, NULL);
}

void rp_unwind_forget(struct rp_unwinder *unwinder)
{
	unwinder->generation++;
	unwinder->window.size = 0;
	rp_hash_free(&unwinder->pages, free);
	forget_rules(unwinder);
}

bool rp_unwind_is_call_before(struct rp_unwinder *unwinder, uint64_t pc)
{
	const struct rp_pc_rule *rule = rp_unwind_rule(unwinder, pc, false);

	return rule && rule->text && rule->called;
}

/* Walking. */

enum step { STEP_ON, STEP_END, STEP_LOST };

/** struct walk - where it is. @frame: the present frame. */
struct walk {
	struct rp_unwinder *unwinder;
	struct rp_cpu cpu;
	bool exact;
	enum rp_frame_by by;
	struct rp_frame frame;
	uint64_t saved;		/* by a signal, if that is how it was found */
	uint64_t thread_pointer;
};

static void cpu_from_regs(struct rp_cpu *cpu, const struct user_regs_struct *regs)
{
	const uint64_t v[RP_DWARF_REG_NR] = {
		[RP_REG_RAX] = regs->rax, [RP_REG_RDX] = regs->rdx,
		[RP_REG_RCX] = regs->rcx, [RP_REG_RBX] = regs->rbx,
		[RP_REG_RSI] = regs->rsi, [RP_REG_RDI] = regs->rdi,
		[RP_REG_RBP] = regs->rbp, [RP_REG_RSP] = regs->rsp,
		[RP_REG_R8] = regs->r8, [RP_REG_R9] = regs->r9,
		[RP_REG_R10] = regs->r10, [RP_REG_R11] = regs->r11,
		[RP_REG_R12] = regs->r12, [RP_REG_R13] = regs->r13,
		[RP_REG_R14] = regs->r14, [RP_REG_R15] = regs->r15,
		[RP_REG_PC] = regs->rip,
	};

	memcpy(cpu->r, v, sizeof(v));
	cpu->known = (1u << RP_DWARF_REG_NR) - 1;
}

/* The registers that a signal return will load. */
static bool signal_cpu(struct rp_unwinder *unwinder, uint64_t sp,
		       struct rp_cpu *ret)
{
	uint64_t v[SIGNAL_REGS_NR];

	for (size_t i = 0; i < SIGNAL_REGS_NR; i++) {
		if (!rp_unwind_word(unwinder, sp + SIGNAL_REGS + 8 * i, &v[i]))
			return false;
	}
	for (size_t i = 0; i < 16; i++)
		ret->r[signal_reg[i]] = v[i];
	ret->r[RP_REG_PC] = v[SIGNAL_RIP];
	ret->known = (1u << RP_DWARF_REG_NR) - 1;
	return (v[SIGNAL_CS] & 0xffff) == USER_CS &&
	       rp_unwind_is_executable(unwinder, v[SIGNAL_RIP]);
}

bool rp_unwind_signal_regs(struct rp_unwinder *unwinder, uint64_t sp,
			   struct user_regs_struct *ret)
{
	struct rp_cpu cpu;

	if (!signal_cpu(unwinder, sp, &cpu))
		return false;
	ret->rax = cpu.r[RP_REG_RAX];
	ret->rdx = cpu.r[RP_REG_RDX];
	ret->rcx = cpu.r[RP_REG_RCX];
	ret->rbx = cpu.r[RP_REG_RBX];
	ret->rsi = cpu.r[RP_REG_RSI];
	ret->rdi = cpu.r[RP_REG_RDI];
	ret->rbp = cpu.r[RP_REG_RBP];
	ret->rsp = cpu.r[RP_REG_RSP];
	ret->r8 = cpu.r[RP_REG_R8];
	ret->r9 = cpu.r[RP_REG_R9];
	ret->r10 = cpu.r[RP_REG_R10];
	ret->r11 = cpu.r[RP_REG_R11];
	ret->r12 = cpu.r[RP_REG_R12];
	ret->r13 = cpu.r[RP_REG_R13];
	ret->r14 = cpu.r[RP_REG_R14];
	ret->r15 = cpu.r[RP_REG_R15];
	ret->rip = cpu.r[RP_REG_PC];
	return true;
}

static enum step step_signal(struct walk *walk, uint64_t sp)
{
	struct rp_cpu next;

	if (!signal_cpu(walk->unwinder, sp, &next))
		return STEP_LOST;
	walk->cpu = next;
	walk->exact = true;
	walk->by = RP_FRAME_SIGNAL;
	walk->saved = sp;
	return STEP_ON;
}

/* Code that never returns is the first of a stack only where stacks begin. */
static bool is_near_end(const struct walk *walk)
{
	uint64_t sp = walk->cpu.r[RP_REG_RSP];
	uint64_t start = walk->unwinder->start_stack;

	return walk->thread_pointer - sp < THREAD_END_MAX ||
	       start + 64 - sp < MAIN_END_MAX;
}

/* A function whose return address is in a register, which only the innermost
 * one's is, may have nothing on the stack. */
static bool moves_up(const struct walk *walk, const struct rp_cpu *next)
{
	uint64_t sp = walk->cpu.r[RP_REG_RSP], up = next->r[RP_REG_RSP];

	/* The waiting place (divert.h) takes nothing off the stack. */
	return up > sp ||
	       (up == sp && (walk->exact ||
			     rp_unwind_area(walk->unwinder,
					    walk->cpu.r[RP_REG_PC] - 1)));
}

/** struct caller - one that a rule yields. */
struct caller {
	struct rp_cpu cpu;
	uint64_t cfa, slot;
	struct rp_pc_rule *rule;	/* of its pc */
};

/* Return: true if it can be one. @ret is filled in as far as is known. */
static bool find_caller(struct walk *walk, const struct rp_row *row, bool exact,
			struct caller *ret)
{
	*ret = (struct caller){ 0 };
	if (!rp_unwind_apply(walk->unwinder, row, &walk->cpu, &ret->cpu,
			     &ret->cfa, &ret->slot))
		return false;
	ret->rule = rp_unwind_rule(walk->unwinder, ret->cpu.r[RP_REG_PC], exact);
	if (!ret->rule || !ret->rule->text || !moves_up(walk, &ret->cpu))
		return false;
	return ret->rule->called || ret->rule->restorer || exact;
}

/* The only one of some rows that can be one. */
static bool one_caller_of(struct walk *walk, const struct rp_pc_rule *rule,
			  unsigned int rows, struct caller *ret)
{
	struct caller other;
	size_t found = 0;

	for (size_t i = 0; i < rule->nrows; i++) {
		if (!(rows >> i & 1))
			continue;
		bool is_one = find_caller(walk, &rule->rows[i],
					  rule->caller_exact, &other);
		if (is_one || !found)
			*ret = other;
		found += is_one;
	}
	return found == 1;
}

static bool one_caller(struct walk *walk, const struct rp_pc_rule *rule,
		       struct caller *ret)
{
	*ret = (struct caller){ 0 };
	return one_caller_of(walk, rule, rule->sure, ret) ||
	       one_caller_of(walk, rule, ~0u, ret);
}

static enum step step_rows(struct walk *walk, const struct rp_pc_rule *rule)
{
	struct rp_frame *frame = &walk->frame;
	struct caller caller;
	bool found = one_caller(walk, rule, &caller);

	if (found || rule->nrows == 1) {
		frame->cfa = caller.cfa;
		frame->return_to = caller.cpu.r[RP_REG_PC];
	}
	if (!found)
		return STEP_LOST;
	if (rule->by == RP_FRAME_CFI)
		frame->return_slot = caller.slot;
	if (caller.rule->restorer)
		return step_signal(walk, caller.cpu.r[RP_REG_RSP]);
	walk->cpu = caller.cpu;
	walk->exact = rule->caller_exact;
	walk->by = rule->by;
	return STEP_ON;
}

static enum step step(struct walk *walk, struct rp_pc_rule *rule)
{
	if (!rule)
		return STEP_LOST;
	rp_unwind_rule_rows(walk->unwinder, rule);
	switch (rule->kind) {
	case RP_RULE_END:
		return STEP_END;
	case RP_RULE_EXIT:
		return is_near_end(walk) ? STEP_END : STEP_LOST;
	case RP_RULE_SIGNAL:
		return step_signal(walk, walk->cpu.r[RP_REG_RSP]);
	case RP_RULE_ROWS:
		return step_rows(walk, rule);
	default:
		return STEP_LOST;
	}
}

static enum step step_frame(struct walk *walk)
{
	uint64_t pc = walk->cpu.r[RP_REG_PC];

	walk->frame = (struct rp_frame){
		.pc = pc, .exact = walk->exact, .by = walk->by,
		.sp = walk->cpu.r[RP_REG_RSP],
		.saved = walk->by == RP_FRAME_SIGNAL ? walk->saved : 0,
	};
	return step(walk, rp_unwind_rule(walk->unwinder, pc, walk->exact));
}

enum rp_walk rp_unwind(struct rp_unwinder *unwinder,
		       const struct user_regs_struct *regs,
		       int (*fn)(void *context, const struct rp_frame *frame),
		       void *context, struct rp_frame *last)
{
	struct walk walk = {
		.unwinder = unwinder, .exact = true, .by = RP_FRAME_REGISTERS,
		.thread_pointer = regs->fs_base,
	};
	enum step next = STEP_ON;

	cpu_from_regs(&walk.cpu, regs);
	unwinder->window.next = FIRST_READ;
	for (size_t i = 0; i < FRAMES_MAX && next == STEP_ON; i++) {
		next = step_frame(&walk);
		if (last)
			*last = walk.frame;
		if (fn && fn(context, &walk.frame))
			return RP_WALK_STOPPED;
	}
	return next == STEP_END ? RP_WALK_END : RP_WALK_LOST;
}

/* Before the stop. */

/* Stack pointer and pc of a thread that waits in the kernel. */
static bool waiting_at(const struct rp_target *target, pid_t tid, uint64_t *sp,
		       uint64_t *pc)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/syscall", (int)tid);
	char *text = rp_target_file(target, name, NULL);
	char *end = text ? strrchr(text, ' ') : NULL;
	bool found = end && sscanf(end, " %" SCNx64, pc) == 1;

	if (found) {
		*end = 0;
		end = strrchr(text, ' ');
		found = end && sscanf(end, " %" SCNx64, sp) == 1;
	}
	free(text);
	return found;
}

static void warm_address(struct rp_unwinder *unwinder, uint64_t address,
			 bool exact)
{
	if (!rp_unwind_is_executable(unwinder, address))
		return;
	struct rp_pc_rule *rule = rp_unwind_rule(unwinder, address, exact);
	if (rule && rule->text && (exact || rule->called))
		rp_unwind_rule_rows(unwinder, rule);
}

static void warm_thread(struct rp_unwinder *unwinder, pid_t tid)
{
	uint64_t sp, pc, words[FIRST_READ / 8];

	if (!waiting_at(unwinder->target, tid, &sp, &pc))
		return;
	size_t n = rp_target_read_some(unwinder->target, sp, words,
				       sizeof(words));
	warm_address(unwinder, pc, true);
	for (size_t i = 0; i < n / 8; i++)
		warm_address(unwinder, words[i], false);
}

void rp_unwinder_warm(struct rp_unwinder *unwinder, const pid_t *tids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		warm_thread(unwinder, tids[i]);
}
