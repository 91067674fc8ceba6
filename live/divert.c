// SPDX-License-Identifier: MIT
/*
 * The waiting place.
 *
 * Each slot has a stub of 16 bytes, a pair of words (original address, state)
 * and a counter, 16 bytes apart as well: the address that the stub's call pushes
 * leads to all of them by constants, and one register is enough:
 *
 *	common:	push	%rax
 *		mov	8(%rsp), %rax		what the stub pushed
 *		movl	$ARRIVED, STATE(%rax)
 *	1:	pause
 *		decl	COUNTER(%rax)
 *		jg	1b
 *		movl	$LEFT, STATE(%rax)
 *		mov	ORIGINAL(%rax), %rax
 *		mov	%rax, 8(%rsp)
 *		pop	%rax
 *		ret
 *	stub:	call	common			never executed
 *	entry:	call	common
 *
 * The entry is behind a call, as return addresses are: whoever looks for words
 * on stacks that may be some takes it for one, and unwinders find it at pc - 1.
 * Flags are nobody's behind a call. What lies below the stack pointer is ours.
 *
 * libgcc tells frames apart by the CFA of the one below, which is the stack pointer
 * in them. What has been diverted returns to the waiting place, which now has that
 * of the caller, and the caller gets one more: no other frame's, since theirs are
 * multiples of 8, or one less for those that a signal interrupted. The caller's
 * real stack pointer has a rule of its own. An exception that is on its way may
 * have kept the number of the frame that will catch it: so it must not be the
 * caller, which must have no personality routine. All other numbers stay.
 *
 * While libgcc walks over the waiting place, nothing must be taken back: the rule
 * for the return address starts from what is on the stack, after the table was
 * chosen by it.
 *
 * A signal may interrupt a thread here. Its frame then holds a pc in this code:
 * rp_divert_undo() changes the registers in that frame.
 */
#define _GNU_SOURCE
#include "divert.h"
#include "region.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>

#ifndef NT_X86_SHSTK
#define NT_X86_SHSTK	0x204
#endif

/* Some 10 to 50 ms, by the processor's idea of a pause. */
#define PAUSES		(1 << 20)

#define MAP_ATTEMPTS	16

/* In the first page, behind struct rp_region. */
#define NOTE_AT		128u
#define EH_FRAME_AT	256u

#define COMMON_SIZE	64u
#define STRIDE		16u
#define ENTRY		5u	/* in a stub */
#define PUSHED		10u
#define CODE_SIZE	(COMMON_SIZE + RP_DIVERT_SLOTS * STRIDE)
#define WORDS_SIZE	(RP_DIVERT_SLOTS * STRIDE)
#define OBJECT_SIZE	64u
#define DATA_SIZE	RP_PAGE_UP(WORDS_SIZE + OBJECT_SIZE)
#define REGION_SIZE	(RP_PAGE + RP_PAGE_UP(CODE_SIZE) + 2 * DATA_SIZE)

enum state { STATE_SENT, STATE_ARRIVED, STATE_LEFT };

/** struct words - of a slot, in the target. */
struct words {
	uint64_t original;
	uint32_t state;
	uint32_t reserved;
};

struct counter {
	uint32_t pauses;
	uint32_t reserved[3];
};

_Static_assert(sizeof(struct words) == STRIDE, "layout");
_Static_assert(sizeof(struct counter) == STRIDE, "layout");

/* pc in the common code: what the stack holds there. */
enum { AT_PUSHED = 0x01, AT_EXCHANGED = 0x30, AT_POPPED = 0x31 };
enum { STATE_1 = 0x08, COUNTER = 0x14, STATE_2 = 0x1c, ORIGINAL = 0x27 };

static const uint8_t common[] = {
	0x50,						// push %rax
	0x48, 0x8b, 0x44, 0x24, 0x08,			// mov 8(%rsp), %rax
	0xc7, 0x80, 0, 0, 0, 0, STATE_ARRIVED, 0, 0, 0,	// movl $, S(%rax)
	0xf3, 0x90,					// pause
	0xff, 0x88, 0, 0, 0, 0,				// decl C(%rax)
	0x7f, 0xf6,					// jg pause
	0xc7, 0x80, 0, 0, 0, 0, STATE_LEFT, 0, 0, 0,	// movl $, S(%rax)
	0x48, 0x8b, 0x80, 0, 0, 0, 0,			// mov O(%rax), %rax
	0x48, 0x89, 0x44, 0x24, 0x08,			// mov %rax, 8(%rsp)
	0x58,						// pop %rax
	0xc3,						// ret
};

_Static_assert(sizeof(common) == AT_POPPED + 1, "layout");

enum {
	PC_COMMON = 32, SIZE_COMMON = 36, WORDS_COMMON = 51,
	PC_STUBS = 80, SIZE_STUBS = 84, WORDS_STUBS = 98,
};

static const uint8_t frame_table[] = {
	20, 0, 0, 0,		// CIE
	0, 0, 0, 0,
	1, 'z', 'R', 0,
	1, 0x7f, 16,		// units: 1, -1; column of the return address
	1, 0x1b,		// pc: relative, 4 bytes
	0x14, 7, 1,		// the caller's rsp is CFA - 1
	0, 0, 0, 0,

	44, 0, 0, 0,		// FDE of the common code
	28, 0, 0, 0,
	0, 0, 0, 0,
	0, 0, 0, 0,
	0,
	0x0c, 7, 9,		// CFA is rsp + 9
	0x16, 16, 10,		// return address: the value of
	0x39, 0x1c, 0x06,	// what the stub pushed, at CFA - 9,
	0x0d, 0, 0, 0, 0, 0x22, 0x06,	// and the original address there
	0x41, 0x0e, 17,		// behind the push
	0x80, 17,		// rax at CFA - 17
	0x6f, 0x90, 9,		// exchanged: return address at CFA - 9
	0x41, 0x0e, 9, 0xc0,	// behind the pop
	0, 0, 0,

	28, 0, 0, 0,		// FDE of the stubs
	76, 0, 0, 0,
	0, 0, 0, 0,
	0, 0, 0, 0,
	0,
	0x0c, 7, 1,		// CFA is rsp + 1
	0x16, 16, 9,		// return address: by rip, which is the entry
	0x80, 0, 0x0d, 0, 0, 0, 0, 0x22, 0x06,

	0, 0, 0, 0,
};

_Static_assert(sizeof(frame_table) <= RP_PAGE - EH_FRAME_AT, "layout");

static void put32(uint8_t *at, uint64_t value)
{
	uint32_t v = (uint32_t)value;

	memcpy(at, &v, sizeof(v));
}

static uint64_t stub_of(const struct rp_divert *divert, size_t slot)
{
	return divert->code + COMMON_SIZE + slot * STRIDE;
}

static uint64_t entry_of(const struct rp_divert *divert, size_t slot)
{
	return stub_of(divert, slot) + ENTRY;
}

static bool is_in_code(const struct rp_divert *divert, uint64_t address)
{
	return address - divert->code < divert->code_size;
}

/* Making it. */

static void set_places(struct rp_divert *divert, uint64_t base)
{
	divert->base = base;
	divert->size = REGION_SIZE;
	divert->eh_frame = base + EH_FRAME_AT;
	divert->eh_frame_size = sizeof(frame_table);
	divert->code = base + RP_PAGE;
	divert->code_size = CODE_SIZE;
	divert->words = divert->code + RP_PAGE_UP(CODE_SIZE);
	divert->counters = divert->words + DATA_SIZE;
	divert->eh_object = divert->words + WORDS_SIZE;
}

static int map_at(struct rp_divert *divert, struct rp_inject *inject,
		  uint64_t base, struct rp_diag *diag)
{
	int rc = rp_region_map(inject, base, REGION_SIZE, RP_REGION_DIVERT,
			       diag);

	if (!rc)
		set_places(divert, base);
	return rc;
}

static int map_somewhere(struct rp_divert *divert, struct rp_inject *inject,
			 const struct rp_maps *maps, uint64_t near,
			 struct rp_diag *diag)
{
	for (unsigned int i = 0; i < MAP_ATTEMPTS; i++) {
		uint64_t base = rp_maps_gap(maps, near, near + 1, REGION_SIZE,
					    RP_PAGE, UINT64_MAX, i);
		int rc = base ? map_at(divert, inject, base, diag) : 0;

		if (!base)
			break;
		if (rc != -EEXIST)
			return rc;
	}
	return rp_diag_set(diag, RP_DIAG_LIVE_MEMORY, NULL,
			   "the process has no room for %u KB for threads to "
			   "wait in", (unsigned int)(REGION_SIZE >> 10));
}

static int write_code(const struct rp_divert *divert)
{
	uint8_t *code = malloc(CODE_SIZE);
	uint64_t pushed = divert->code + COMMON_SIZE + PUSHED;
	uint64_t state = divert->words + offsetof(struct words, state);

	if (!code)
		return -ENOMEM;
	memset(code, 0xcc, CODE_SIZE);
	memcpy(code, common, sizeof(common));
	put32(code + STATE_1, state - pushed);
	put32(code + COUNTER, divert->counters - pushed);
	put32(code + STATE_2, state - pushed);
	put32(code + ORIGINAL, divert->words - pushed);
	for (size_t at = COMMON_SIZE; at < CODE_SIZE; at += STRIDE) {
		for (size_t call = at; call < at + PUSHED; call += ENTRY) {
			code[call] = 0xe8;
			put32(code + call + 1, -(uint64_t)(call + ENTRY));
		}
	}
	int rc = rp_target_write(divert->target, divert->code, code, CODE_SIZE);

	free(code);
	return rc;
}

static int write_eh_frame(const struct rp_divert *divert)
{
	uint64_t stubs = stub_of(divert, 0);
	uint8_t frames[sizeof(frame_table)];

	memcpy(frames, frame_table, sizeof(frames));
	put32(frames + PC_COMMON,
	      divert->code - (divert->eh_frame + PC_COMMON));
	put32(frames + SIZE_COMMON, COMMON_SIZE);
	put32(frames + WORDS_COMMON, divert->words - (stubs + PUSHED));
	put32(frames + PC_STUBS, stubs - (divert->eh_frame + PC_STUBS));
	put32(frames + SIZE_STUBS, CODE_SIZE - COMMON_SIZE);
	put32(frames + WORDS_STUBS, divert->words - (stubs + ENTRY));
	return rp_target_write(divert->target, divert->eh_frame, frames,
			       sizeof(frames));
}

static int write_all(const struct rp_divert *divert)
{
	const struct rp_region region = {
		.magic = RP_REGION_MAGIC, .version = RP_REGION_VERSION,
		.kind = RP_REGION_DIVERT, .base = divert->base,
		.size = divert->size, .state = RP_STATE_REVERTED,
		.record_size = sizeof(region),
	};
	int rc = rp_target_write(divert->target, divert->base, &region,
				 sizeof(region));

	if (!rc)
		rc = write_code(divert);
	return rc ? rc : write_eh_frame(divert);
}

static int protect_all(const struct rp_divert *divert, struct rp_inject *inject,
		       struct rp_diag *diag)
{
	int rc = rp_inject_protect(inject, divert->code,
				   RP_PAGE_UP(CODE_SIZE),
				   PROT_READ | PROT_EXEC, diag);

	if (rc)
		return rc;
	return rp_inject_protect(inject, divert->words, 2 * DATA_SIZE,
				 PROT_READ | PROT_WRITE, diag);
}

static int fill_in(struct rp_divert *divert, struct rp_inject *inject,
		   struct rp_diag *diag)
{
	int rc = write_all(divert);

	if (rc == -ENOMEM)
		return rp_diag_nomem(diag);
	if (rc)
		return rp_diag_set(diag, RP_DIAG_LIVE_WRITE, NULL,
				   "this kernel does not let a tracer write to "
				   "read-only memory: see "
				   "proc_mem.force_override in its command line");
	return protect_all(divert, inject, diag);
}

int rp_divert_map(struct rp_divert *divert, struct rp_inject *inject,
		  const struct rp_maps *maps, uint64_t near,
		  struct rp_diag *diag)
{
	struct rp_diag ignored;

	*divert = (struct rp_divert){ .target = inject->threads->target };
	divert->slots = calloc(RP_DIVERT_SLOTS, sizeof(*divert->slots));
	if (!divert->slots)
		return rp_diag_nomem(diag);

	int rc = map_somewhere(divert, inject, maps, near, diag);

	if (!rc) {
		rc = fill_in(divert, inject, diag);
		if (rc)
			rp_inject_unmap(inject, divert->base, divert->size,
					&ignored);
	}
	if (rc) {
		free(divert->slots);
		*divert = (struct rp_divert){ 0 };
	}
	return rc;
}

int rp_divert_unmap(struct rp_divert *divert, struct rp_inject *inject,
		    struct rp_diag *diag)
{
	int rc = 0;

	if (divert->used)
		return -EBUSY;
	if (divert->base)
		rc = rp_inject_unmap(inject, divert->base, divert->size, diag);
	if (rc)
		return rc;
	free(divert->slots);
	*divert = (struct rp_divert){ 0 };
	return 0;
}

int rp_divert_unwind(struct rp_divert *divert, struct rp_unwinder *unwinder,
		     const struct rp_exceptions *exceptions)
{
	divert->unwinder = unwinder;
	divert->exceptions = exceptions;
	return rp_unwinder_add(unwinder, divert->code, divert->code_size,
			       divert->eh_frame, divert->eh_frame_size);
}

int rp_divert_note_frames(const struct rp_divert *divert,
			  enum rp_divert_frames frames)
{
	const uint32_t note = frames;

	return rp_target_write(divert->target, divert->base + NOTE_AT, &note,
			       sizeof(note));
}

enum rp_divert_frames rp_divert_left_frames(const struct rp_target *target,
					    uint64_t base, uint64_t *eh_frame)
{
	uint32_t note;

	*eh_frame = base + EH_FRAME_AT;
	if (rp_target_read(target, base + NOTE_AT, &note, sizeof(note)) ||
	    note > RP_DIVERT_FRAMES_KNOWN)
		return RP_DIVERT_FRAMES_CHANGING;
	return note;
}

/* What is on the stack of a thread. */

/**
 * struct stack - of a thread, from the innermost frame out.
 * @entry:       what the frame that was diverted returns to, 0: none
 * @unwinding:   the target's unwinder is at work on it
 * @interrupted: a signal came in the waiting place; saved is 0: none did
 */
struct stack {
	const struct rp_divert *divert;
	uint64_t entry;
	bool unwinding;
	struct rp_frame interrupted;
};

static int look_at_frame(void *context, const struct rp_frame *frame)
{
	struct stack *stack = context;
	uint64_t pc = frame->pc - !frame->exact;

	stack->unwinding = rp_exceptions_at(stack->divert->exceptions, pc);
	if (frame->saved && is_in_code(stack->divert, pc))
		stack->interrupted = *frame;
	return stack->unwinding || stack->interrupted.saved ||
	       (!frame->exact && frame->pc == stack->entry);
}

/* Up to what @stack looks for, or to its end. */
static enum rp_walk look_at_stack(struct stack *stack,
				  const struct rp_thread *thread)
{
	stack->unwinding = false;
	stack->interrupted.saved = 0;
	return rp_unwind(stack->divert->unwinder, &thread->regs, look_at_frame,
			 stack, NULL);
}

/* Sending threads there. */

static bool has_shadow_stack(pid_t tid)
{
	uint64_t pointer = 0;
	struct iovec iov = { &pointer, sizeof(pointer) };

	return !ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_SHSTK, &iov);
}

/* One that is free, or whose frame was left by an exception: another one is
 * where it was. */
static size_t free_slot(const struct rp_divert *divert, uint64_t return_slot)
{
	size_t found = RP_DIVERT_SLOTS;

	for (size_t i = 0; i < RP_DIVERT_SLOTS; i++) {
		const struct rp_diverted *sent = &divert->slots[i];

		if (sent->tid && sent->return_slot == return_slot)
			return i;
		if (!sent->tid && found == RP_DIVERT_SLOTS)
			found = i;
	}
	return found;
}

static bool can_be_sent(const struct rp_divert *divert,
			const struct rp_busy *busy)
{
	const struct rp_frame *frame = &busy->outermost;
	uint64_t word;

	return busy->how == RP_BUSY_FRAME && busy->thread &&
	       frame->return_slot && frame->return_to &&
	       !rp_target_read(divert->target, frame->return_slot, &word,
			       sizeof(word)) &&
	       word == frame->return_to && !has_shadow_stack(busy->thread->tid);
}

/* Do exceptions take no notice of it, those that are on their way included? */
static bool can_be_passed(const struct rp_divert *divert,
			  const struct rp_busy *busy)
{
	struct stack stack = { .divert = divert };

	if (divert->exceptions->by == RP_EXCEPTIONS_NONE)
		return true;
	if (divert->exceptions->by == RP_EXCEPTIONS_UNKNOWN ||
	    !rp_unwind_is_passive(divert->unwinder, busy->outermost.return_to))
		return false;
	look_at_stack(&stack, busy->thread);
	return !stack.unwinding;
}

/* The words of the slot before that on the stack: it may die in between. */
static int exchange(struct rp_divert *divert, const struct rp_diverted *sent,
		size_t i)
{
	const struct words words = { sent->original, STATE_SENT, 0 };
	const uint32_t pauses = PAUSES;
	uint64_t entry = entry_of(divert, i);
	int rc = rp_target_write(divert->target, divert->words + i * STRIDE,
				 &words, sizeof(words));

	if (!rc)
		rc = rp_target_write(divert->target,
				     divert->counters + i * STRIDE, &pauses,
				     sizeof(pauses));
	if (!rc)
		rc = rp_target_write(divert->target, sent->return_slot, &entry,
				     sizeof(entry));
	return rc;
}

int rp_divert_thread(struct rp_divert *divert, const struct rp_busy *busy)
{
	size_t i = free_slot(divert, busy->outermost.return_slot);

	if (!divert->base || !divert->unwinder || busy->how != RP_BUSY_FRAME)
		return -ENOTSUP;
	if (is_in_code(divert, busy->outermost.return_to))
		return -EALREADY;
	if (!can_be_sent(divert, busy) || !can_be_passed(divert, busy))
		return -ENOTSUP;
	if (i == RP_DIVERT_SLOTS)
		return -EBUSY;

	const struct rp_diverted sent = {
		busy->thread->tid, busy->outermost.return_slot,
		busy->outermost.return_to,
	};
	int rc = exchange(divert, &sent, i);

	if (rc)
		return rc == -ESRCH ? rc : -ENOTSUP;
	divert->used += !divert->slots[i].tid;
	divert->slots[i] = sent;
	return 0;
}

/* Slots up to the last one in use. */
static size_t slots_end(const struct rp_divert *divert)
{
	size_t end = 0, seen = 0;

	for (; seen < divert->used && end < RP_DIVERT_SLOTS; end++)
		seen += divert->slots[end].tid != 0;
	return end;
}

static size_t count(const struct rp_divert *divert, enum state state)
{
	size_t end = slots_end(divert), n = 0;
	struct words *words = calloc(end + 1, sizeof(*words));

	if (words && !rp_target_read(divert->target, divert->words, words,
				     end * sizeof(*words)))
		for (size_t i = 0; i < end; i++)
			n += divert->slots[i].tid && words[i].state == state;
	free(words);
	return n;
}

size_t rp_divert_waiting(const struct rp_divert *divert)
{
	return divert->used ? count(divert, STATE_ARRIVED) : 0;
}

size_t rp_divert_expected(const struct rp_divert *divert)
{
	return divert->used ? count(divert, STATE_SENT) : 0;
}

void rp_divert_renew(struct rp_divert *divert)
{
	size_t end = slots_end(divert);
	struct counter *counters = calloc(end + 1, sizeof(*counters));

	// If it fails they go on: they wait only that long.
	for (size_t i = 0; counters && i < end; i++)
		counters[i].pauses = PAUSES;
	if (counters && end)
		rp_target_write(divert->target, divert->counters, counters,
				end * sizeof(*counters));
	free(counters);
}

/* Taking it back. */

/* How much of the stack is in use in the common code, and where rax is. */
static void leave_common(struct user_regs_struct *regs, uint64_t offset,
			 uint64_t saved_rax)
{
	bool is_pushed = offset >= AT_PUSHED && offset < AT_POPPED;

	if (is_pushed)
		regs->rax = saved_rax;
	regs->rsp += is_pushed ? 16 : 8;
}

/* Registers as they will be behind the waiting place. */
static int leave(const struct rp_divert *divert, struct user_regs_struct *regs)
{
	uint64_t offset = regs->rip - divert->code, stack[2] = { 0, 0 };
	bool is_pushed = offset >= AT_PUSHED && offset < AT_POPPED;
	uint64_t at = regs->rip - ENTRY;

	if (offset < COMMON_SIZE) {
		int rc = rp_target_read(divert->target, regs->rsp, stack,
					sizeof(stack));

		if (rc)
			return rc;
		at = stack[is_pushed] - PUSHED;
		leave_common(regs, offset, stack[0]);
	}
	if (offset >= AT_EXCHANGED && offset < COMMON_SIZE) {
		regs->rip = stack[is_pushed];
		return 0;
	}
	return rp_target_read(divert->target, divert->words +
			      (at - stub_of(divert, 0)), &regs->rip,
			      sizeof(regs->rip));
}

/* What it would do by itself, at once. */
static int send_on(const struct rp_divert *divert, struct rp_thread *thread)
{
	struct user_regs_struct regs = thread->regs;
	int rc = leave(divert, &regs);

	return rc ? rc : rp_thread_set_regs(thread, &regs);
}

/* The same for one that is under a signal handler, which returns elsewhere. */
static int send_on_later(const struct rp_divert *divert,
			 const struct rp_frame *frame)
{
	uint64_t at = frame->saved + offsetof(ucontext_t,
					      uc_mcontext.gregs[REG_RAX]);
	uint64_t v[] = { 0, 0, 0, 0 };	/* rax, rcx, rsp, rip */
	struct user_regs_struct regs;
	int rc = rp_target_read(divert->target, at, v, sizeof(v));

	_Static_assert(REG_RIP == REG_RAX + 3 && REG_RSP == REG_RAX + 2,
		       "layout");
	/* All of it or nothing, even if this process is killed now. */
	if (rc || at / RP_PAGE != (at + sizeof(v) - 1) / RP_PAGE)
		return -EBUSY;
	regs.rax = v[0];
	regs.rsp = v[2];
	regs.rip = v[3];
	if (regs.rip != frame->pc || leave(divert, &regs))
		return -EBUSY;
	v[0] = regs.rax;
	v[2] = regs.rsp;
	v[3] = regs.rip;
	return rp_target_write(divert->target, at, v, sizeof(v));
}

/* In the kernel's signal frame rip, eflags and cs follow each other. */
#define SIGNAL_CS	2u
#define USER_CS		0x33u

static bool is_of_use(const struct rp_divert *divert, const uint64_t *word,
		      size_t left)
{
	if (is_in_code(divert, *word))
		return left > SIGNAL_CS &&
		       (word[SIGNAL_CS] & 0xffff) == USER_CS;
	return rp_exceptions_at(divert->exceptions, *word - 1) &&
	       rp_unwind_is_call_before(divert->unwinder, *word);
}

/* A signal that came in the waiting place, or a return to the unwinder? */
static bool may_be_used(const struct rp_divert *divert, uint64_t start,
			uint64_t end)
{
	uint64_t *words = malloc(end - start);
	size_t n = words ? rp_target_read_some(divert->target, start, words,
					       end - start) / 8 : 0;
	bool found = !words;

	for (size_t i = 0; i < n && !found; i++)
		found = is_of_use(divert, &words[i], n - i);
	free(words);
	return found;
}

/* Red zone, vector state (AMX has most), the frame itself. */
#define SIGNAL_FRAME_MAX	24576u
/* What handlers may have used of a stack of their own. */
#define HANDLER_MAX		(1u << 20)

/*
 * For a stack that cannot be walked. A signal's frame is right below the stack of
 * the waiting place, or on the stack for signals. What an earlier one left looks
 * like it as well.
 */
static bool is_any_used(const struct rp_divert *divert,
			const struct rp_thread *thread,
			const struct rp_diverted *sent)
{
	uint64_t sp = thread->regs.rsp & ~7ull;
	uint64_t end = sent->return_slot + 8;
	uint64_t start = end - SIGNAL_FRAME_MAX;
	bool is_near = sp >= start && sp <= end;

	return may_be_used(divert, is_near ? sp : start, end) ||
	       (!is_near && may_be_used(divert, sp, sp + HANDLER_MAX));
}

/* Nested signals, and what is damaged. */
#define INTERRUPTED_MAX	64

/* Nothing on the stack but the return address itself knows the waiting place. */
static int clear_stack(struct rp_divert *divert, const struct rp_thread *thread,
		       size_t i)
{
	struct stack stack = { .divert = divert, .entry = entry_of(divert, i) };

	for (int n = 0; n < INTERRUPTED_MAX; n++) {
		enum rp_walk end = look_at_stack(&stack, thread);

		if (stack.unwinding)
			return -EBUSY;
		if (!stack.interrupted.saved)
			return end == RP_WALK_LOST &&
			       is_any_used(divert, thread, &divert->slots[i]) ?
			       -EBUSY : 0;
		if (send_on_later(divert, &stack.interrupted))
			return -EBUSY;
		rp_unwind_forget(divert->unwinder);
	}
	return -EBUSY;
}

static int put_back(const struct rp_divert *divert, size_t i)
{
	const struct rp_diverted *sent = &divert->slots[i];
	uint64_t word;

	// A stack that is gone needs nothing.
	if (rp_target_read(divert->target, sent->return_slot, &word,
			   sizeof(word)) || word != entry_of(divert, i))
		return 0;
	return rp_target_write(divert->target, sent->return_slot,
			       &sent->original, sizeof(sent->original));
}

static int settle(struct rp_divert *divert, struct rp_threads *threads,
		  size_t i)
{
	struct rp_diverted *sent = &divert->slots[i];
	const struct rp_thread *thread = rp_threads_find(threads, sent->tid);
	int rc = 0;

	if (thread && thread->state != RP_THREAD_GONE) {
		if (thread->state != RP_THREAD_STOPPED ||
		    clear_stack(divert, thread, i))
			return -EBUSY;
	}
	/* Also of one that has ended: it may have run on another one's stack. */
	rc = put_back(divert, i);
	if (!rc) {
		*sent = (struct rp_diverted){ 0 };
		divert->used--;
	}
	return rc;
}

int rp_divert_undo(struct rp_divert *divert, struct rp_threads *threads)
{
	size_t end = slots_end(divert);
	int rc = 0;

	if (!divert->used)
		return 0;
	rp_unwind_forget(divert->unwinder);
	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *thread = threads->v[i];

		if (thread->state == RP_THREAD_STOPPED && !thread->ours &&
		    is_in_code(divert, thread->regs.rip) &&
		    send_on(divert, thread))
			rc = -EBUSY;
	}
	for (size_t i = 0; i < end; i++)
		if (divert->slots[i].tid && settle(divert, threads, i))
			rc = -EBUSY;
	return rc;
}
