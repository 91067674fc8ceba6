// SPDX-License-Identifier: MIT
/*
 * From a frame to its caller. Reads nothing but tables and the target's memory,
 * writes nothing but the frame: signal handlers may call it.
 */
#include <errno.h>

#include "unwind_table.h"

/* Of struct ucontext: where uc_mcontext.gregs begins, and what it holds. */
#define UCONTEXT_REGS	40

/* What is saved in memory is the stack pointer behind a call: above it there is
 * the return address. */
#define SAVED_PLUS	8

enum { IS_IP = RP_UNWIND_REG_NR, IS_NOTHING };

static const uint8_t ucontext_regs[] = {
	RP_UNWIND_R8, RP_UNWIND_R9, RP_UNWIND_R10, RP_UNWIND_R11,
	RP_UNWIND_R12, RP_UNWIND_R13, RP_UNWIND_R14, RP_UNWIND_R15,
	RP_UNWIND_DI, RP_UNWIND_SI, RP_UNWIND_BP, RP_UNWIND_BX,
	RP_UNWIND_DX, RP_UNWIND_AX, RP_UNWIND_CX, RP_UNWIND_SP,
	IS_IP,
};

/* Of struct user_regs_struct, whose beginning is the kernel's struct pt_regs. */
static const uint8_t user_regs[] = {
	RP_UNWIND_R15, RP_UNWIND_R14, RP_UNWIND_R13, RP_UNWIND_R12,
	RP_UNWIND_BP, RP_UNWIND_BX, RP_UNWIND_R11, RP_UNWIND_R10,
	RP_UNWIND_R9, RP_UNWIND_R8, RP_UNWIND_AX, RP_UNWIND_CX,
	RP_UNWIND_DX, RP_UNWIND_SI, RP_UNWIND_DI,
	/* orig_ax, ip, cs, flags, sp */
	IS_NOTHING, IS_IP, IS_NOTHING, IS_NOTHING, RP_UNWIND_SP,
};

/* Of what IRET takes: ip, cs, flags, sp. */
static const uint8_t iret_regs[] = {
	IS_IP, IS_NOTHING, IS_NOTHING, RP_UNWIND_SP,
};

#define WORDS_MAX	sizeof(user_regs)

/* struct layout - registers in memory, @offset bytes behind an address. */
static const struct layout {
	const uint8_t *map;
	uint8_t nr;
	uint8_t offset;
} layouts[RP__UNWIND_TYPE_NR] = {
	[RP__UNWIND_REGS] = { user_regs, sizeof(user_regs), 0 },
	[RP__UNWIND_REGS_PARTIAL] = { iret_regs, sizeof(iret_regs), 0 },
	[RP__UNWIND_SIGNAL_FRAME] = { ucontext_regs, sizeof(ucontext_regs),
				      UCONTEXT_REGS },
};

/* Where @size bytes at @address are, if they are in the window; else 0. */
static inline uintptr_t window_at(const struct rp_unwind_memory *memory,
				  uint64_t address, size_t size)
{
	uint64_t offset = address - memory->start;
	uint64_t window = memory->end - memory->start;

	if (address < memory->start || memory->end < memory->start ||
	    offset > window || size > window - offset)
		return 0;
	/* Not by pointer: where the window starts may be NULL. */
	return (uintptr_t)memory->bytes + (uintptr_t)offset;
}

static int read_memory(const struct rp_unwind_memory *memory, uint64_t address,
		       void *buffer, size_t size)
{
	uintptr_t at = window_at(memory, address, size);

	if (at) {
		memcpy(buffer, (const void *)at, size);
		return 0;
	}
	if (!memory->read)
		return -EFAULT;
	return memory->read(memory->context, address, buffer, size);
}

/* The same; what almost all steps do is worth a few instructions more. */
static inline int read_word(const struct rp_unwind_memory *memory,
			    uint64_t address, uint64_t *ret)
{
	uintptr_t at = window_at(memory, address, sizeof(*ret));

	if (!at)
		return read_memory(memory, address, ret, sizeof(*ret));
	memcpy(ret, (const void *)at, sizeof(*ret));
	return 0;
}

static bool is_valid(const struct rp_unwind_frame *frame, unsigned int reg)
{
	return frame->valid & RP_UNWIND_BIT(reg);
}

static uint64_t plus(uint64_t value, int32_t offset)
{
	return value + (uint64_t)(int64_t)offset;
}

/* The value of a base that is a register. */
static int get_base(const struct rp_unwind_frame *frame, unsigned int base,
		    uint64_t *ret)
{
	static const uint8_t regs[RP__UNWIND_BASE_NR] = {
		RP_UNWIND_REG_NR, RP_UNWIND_REG_NR,
		RP_UNWIND_DX, RP_UNWIND_DI, RP_UNWIND_BP, RP_UNWIND_SP,
		RP_UNWIND_R10, RP_UNWIND_R13, RP_UNWIND_BP, RP_UNWIND_SP,
		RP_UNWIND_BX, RP_UNWIND_R12, RP_UNWIND_R14, RP_UNWIND_R15,
		RP_UNWIND_AX, RP_UNWIND_CX, RP_UNWIND_SI, RP_UNWIND_R8,
		RP_UNWIND_R9, RP_UNWIND_R11, RP_UNWIND_SP, RP_UNWIND_BP,
	};

	if (base >= RP__UNWIND_BASE_NR || regs[base] == RP_UNWIND_REG_NR)
		return -EINVAL;
	if (!is_valid(frame, regs[base]))
		return -ENODATA;
	*ret = frame->reg[regs[base]];
	return 0;
}

/* The stack pointer before the call; of other types: where registers are. */
static int find_sp(const struct rp__unwind_entry *entry,
		   const struct rp_unwind_memory *memory,
		   const struct rp_unwind_frame *frame, uint64_t *ret)
{
	uint64_t base;
	int rc = get_base(frame, entry->sp_reg, &base);

	if (rc < 0)
		return rc;
	switch (entry->sp_reg) {
	case RP__UNWIND_BASE_BP_INDIRECT:
		return read_word(memory, plus(base, entry->sp_offset), ret);
	case RP__UNWIND_BASE_SP_INDIRECT:
		rc = read_word(memory, base, &base);
		if (rc < 0)
			return rc;
		break;
	case RP__UNWIND_BASE_SP_SAVED:
	case RP__UNWIND_BASE_BP_SAVED:
		rc = read_word(memory, plus(base, entry->sp_offset), &base);
		if (rc < 0)
			return rc;
		*ret = base + SAVED_PLUS;
		return 0;
	}
	*ret = plus(base, entry->sp_offset);
	return 0;
}

/*
 * The caller's bp, if it can be known. Where it cannot the walk goes on, since
 * most frames do not need it: between the last two instructions of functions
 * that realign their stack, GCC's information reads it by itself when it has
 * been restored already.
 */
static int find_bp(const struct rp__unwind_entry *entry,
		   const struct rp_unwind_memory *memory,
		   const struct rp_unwind_frame *frame, uint64_t sp,
		   uint64_t *ret)
{
	uint64_t from = sp;

	switch (entry->bp_reg) {
	case RP__UNWIND_BASE_UNDEFINED:
		*ret = frame->reg[RP_UNWIND_BP];
		return is_valid(frame, RP_UNWIND_BP);
	case RP__UNWIND_BASE_PREV_SP:
		break;
	case RP__UNWIND_BASE_BP:
		if (get_base(frame, RP__UNWIND_BASE_BP, &from) < 0)
			return 0;
		break;
	default:
		return -EINVAL;
	}
	return read_word(memory, plus(from, entry->bp_offset), ret) >= 0;
}

static void set_bp(struct rp_unwind_frame *frame, bool known, uint64_t value)
{
	frame->valid = RP_UNWIND_BIT(RP_UNWIND_SP);
	if (known) {
		frame->valid |= RP_UNWIND_BIT(RP_UNWIND_BP);
		frame->reg[RP_UNWIND_BP] = value;
	}
}

/* A stack never rises by a call. */
static int step_call(const struct rp__unwind_entry *entry,
		     const struct rp_unwind_memory *memory,
		     struct rp_unwind_frame *frame, uint64_t sp)
{
	uint64_t ip, bp;
	int rc, known;

	if (sp <= frame->reg[RP_UNWIND_SP])
		return -EINVAL;
	rc = read_word(memory, sp - sizeof(ip), &ip);
	if (rc < 0)
		return rc;
	known = find_bp(entry, memory, frame, sp, &bp);
	if (known < 0)
		return known;
	frame->ip = ip;
	frame->reg[RP_UNWIND_SP] = sp;
	frame->flags = entry->exact ? RP_UNWIND_EXACT : 0;
	set_bp(frame, known, bp);
	return 1;
}

/* Registers in the order of @map; of an instruction that was interrupted. */
static void take_words(struct rp_unwind_frame *frame, const uint64_t *words,
		       const uint8_t *map, size_t nr)
{
	frame->valid = 0;
	frame->flags = RP_UNWIND_EXACT;
	for (size_t i = 0; i < nr; i++) {
		if (map[i] == IS_IP) {
			frame->ip = words[i];
		} else if (map[i] != IS_NOTHING) {
			frame->reg[map[i]] = words[i];
			frame->valid |= RP_UNWIND_BIT(map[i]);
		}
	}
}

/* An interrupted stack may be anywhere; who goes there and back has an end. */
static int count_turns(struct rp_unwind_frame *next,
		       const struct rp_unwind_frame *frame)
{
	if (next->reg[RP_UNWIND_SP] > frame->reg[RP_UNWIND_SP])
		return 0;
	return next->turns++ < RP_UNWIND_TURNS_MAX ? 0 : -ELOOP;
}

static int step_regs(const struct rp__unwind_entry *entry,
		     const struct rp_unwind_memory *memory,
		     struct rp_unwind_frame *frame, uint64_t at)
{
	const struct layout *layout = &layouts[entry->type];
	struct rp_unwind_frame next = *frame;
	uint64_t words[WORDS_MAX], bp;
	int rc = read_memory(memory, at + layout->offset, words,
			     layout->nr * sizeof(*words));

	if (rc < 0)
		return rc;
	take_words(&next, words, layout->map, layout->nr);
	if (entry->type == RP__UNWIND_REGS_PARTIAL) {
		rc = find_bp(entry, memory, frame, at, &bp);
		if (rc < 0)
			return rc;
		set_bp(&next, rc, bp);
	}
	rc = count_turns(&next, frame);
	if (rc < 0)
		return rc;
	*frame = next;
	return 1;
}

static const struct rp_unwind_module *
find_module(const struct rp_unwind_space *space, uint64_t address)
{
	size_t low = 0, high = space->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rp_unwind_module *module = &space->modules[middle];

		if (address < module->start)
			high = middle;
		else if (address >= module->end)
			low = middle + 1;
		else
			return module;
	}
	return NULL;
}

/* A call may be the last instruction of its function: look at the call. */
static int find_entry(const struct rp_unwind_space *space,
		      const struct rp_unwind_frame *frame,
		      struct rp__unwind_entry *ret)
{
	uint64_t address = frame->ip - !(frame->flags & RP_UNWIND_EXACT);
	const struct rp_unwind_module *module = find_module(space, address);

	if (!module)
		return -ENOENT;
	return rp__unwind_lookup(module->table, address - module->bias, ret);
}

int rp_unwind_step(const struct rp_unwind_space *space,
		   const struct rp_unwind_memory *memory,
		   struct rp_unwind_frame *frame)
{
	struct rp__unwind_entry entry;
	uint64_t sp;
	int rc;

	if (!space || space->sz < sizeof(*space) || !memory ||
	    memory->sz < sizeof(*memory) || !frame ||
	    !is_valid(frame, RP_UNWIND_SP))
		return -EINVAL;
	rc = find_entry(space, frame, &entry);
	if (rc < 0)
		return rc;
	if (entry.type == RP__UNWIND_UNDEFINED)
		return -ENODATA;
	if (entry.type == RP__UNWIND_END_OF_STACK)
		return 0;
	rc = find_sp(&entry, memory, frame, &sp);
	if (rc < 0)
		return rc;
	if (entry.type == RP__UNWIND_CALL)
		return step_call(&entry, memory, frame, sp);
	if (entry.type < RP__UNWIND_TYPE_NR && layouts[entry.type].map)
		return step_regs(&entry, memory, frame, sp);
	return -EINVAL;
}

static void begin(struct rp_unwind_frame *frame, const void *from,
		  const struct layout *layout)
{
	uint64_t words[WORDS_MAX];

	memset(frame, 0, sizeof(*frame));
	memcpy(words, (const uint8_t *)from + layout->offset,
	       layout->nr * sizeof(*words));
	take_words(frame, words, layout->map, layout->nr);
}

void rp_unwind_from_ucontext(struct rp_unwind_frame *frame,
			     const void *ucontext)
{
	begin(frame, ucontext, &layouts[RP__UNWIND_SIGNAL_FRAME]);
}

void rp_unwind_from_user_regs(struct rp_unwind_frame *frame, const void *regs)
{
	begin(frame, regs, &layouts[RP__UNWIND_REGS]);
}
