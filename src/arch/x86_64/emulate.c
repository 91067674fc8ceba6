// SPDX-License-Identifier: MIT
/*
 * Do in a SIGTRAP handler what an instruction of a site does.
 *
 * A call pushes its return address below the interrupted stack pointer: the
 * kernel's signal frame starts below the red zone (psABI 3.2.2), and code that
 * calls has no live red zone there. With a shadow stack (Linux 6.6) the pushed
 * address would fault at its RET, so calls and returns are then made by real
 * instructions out of line.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../arch.h"
#include "../../inject.h"

#define FLAG_CF		0x001
#define FLAG_PF		0x004
#define FLAG_ZF		0x040
#define FLAG_SF		0x080
#define FLAG_OF		0x800
#define FLAG_AF		0x010

#define TRAP_NUMBER_INT3	3

#ifndef ARCH_SHSTK_STATUS
# define ARCH_SHSTK_STATUS	0x5005
#endif

/* in: as at a function's entry; out: returned. `ret` for those who may not
 * be returned by hand. */
__asm__(
	".pushsection .text\n\t"
	".type rp__stub_ret, @function\n"
	"rp__stub_ret:\n\t"
	"ret\n\t"
	".size rp__stub_ret, . - rp__stub_ret\n\t"
	".popsection\n");
extern const char rp__stub_ret[] __attribute__((visibility("hidden")));

/* Conditions in pairs, the odd one of each being the negation (SDM vol. 1
 * appendix B.1). */
static bool condition_holds(unsigned int condition, greg_t flags)
{
	bool cf = flags & FLAG_CF, zf = flags & FLAG_ZF, sf = flags & FLAG_SF;
	bool of = flags & FLAG_OF, pf = flags & FLAG_PF;
	const bool table[8] = {
		of,			/* o */
		cf,			/* b */
		zf,			/* e */
		cf || zf,		/* be */
		sf,			/* s */
		pf,			/* p */
		sf != of,		/* l */
		zf || sf != of,		/* le */
	};

	return table[condition >> 1] != (condition & 1);
}

static void do_call(greg_t *regs, uintptr_t target, uintptr_t back,
		    uintptr_t stub)
{
	if (stub) {
		regs[REG_RIP] = (greg_t)stub;
		return;
	}
	regs[REG_RSP] -= 8;
	*(uint64_t *)regs[REG_RSP] = back;
	regs[REG_RIP] = (greg_t)target;
}

static void do_ret0(greg_t *regs, uintptr_t next)
{
	regs[REG_RAX] = 0;
	regs[REG_EFL] &= ~(FLAG_CF | FLAG_SF | FLAG_OF | FLAG_AF);
	regs[REG_EFL] |= FLAG_ZF | FLAG_PF;
	regs[REG_RIP] = (greg_t)next;
}

bool rp__arch_emulate(void *context, const uint8_t *bytes, size_t len,
		      uintptr_t addr, uintptr_t stub)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct rp__insn insn;
	uintptr_t next;

	if (rp__insn_decode(bytes, len, addr, &insn) < 0)
		return false;
	next = addr + insn.len;
	switch (insn.type) {
	case RP__INSN_NOP:
		regs[REG_RIP] = (greg_t)next;
		return true;
	case RP__INSN_JMP:
		regs[REG_RIP] = (greg_t)insn.target;
		return true;
	case RP__INSN_JCC:
		regs[REG_RIP] = (greg_t)
			(condition_holds(insn.condition, regs[REG_EFL]) ?
			 insn.target : next);
		return true;
	case RP__INSN_RET:
		regs[REG_RIP] = (greg_t)rp__stub_ret;
		return true;
	case RP__INSN_RET0:
		do_ret0(regs, next);
		return true;
	case RP__INSN_CALL:
		do_call(regs, insn.target, next, stub);
		return true;
	case RP__INSN_CALL_MEM:
		do_call(regs, *(uintptr_t *)insn.target, next, stub);
		return true;
	case RP__INSN_JMP_MEM:
		regs[REG_RIP] = *(greg_t *)insn.target;
		return true;
	default:
		return false;
	}
}

uintptr_t rp__arch_trap_address(const void *siginfo, const void *context)
{
	const siginfo_t *info = siginfo;
	const greg_t *regs =
		((const ucontext_t *)context)->uc_mcontext.gregs;

	/* Sent by a process: the trap number is left from an earlier fault. */
	if (info->si_code <= 0 || regs[REG_TRAPNO] != TRAP_NUMBER_INT3)
		return 0;
	return (uintptr_t)regs[REG_RIP] - 1;
}

void rp__arch_trap_retry(void *context, uintptr_t addr)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)addr;
}

bool rp__arch_trap_is_foreign(uintptr_t addr)
{
	const volatile uint8_t *last = (const volatile uint8_t *)addr;

	/* cc in place, or the two-byte form cd 03, which we never write. */
	return last[0] == RP__INT3 || (last[0] == 0x03 && last[-1] == 0xcd);
}

void rp__arch_call_stub(struct rp__call_stub *stub, uintptr_t target,
			uintptr_t back)
{
	static const uint8_t code[16] = {
		0xff, 0x15, 0x0a, 0x00, 0x00, 0x00, /* call *10(%rip): target */
		0xff, 0x25, 0x0c, 0x00, 0x00, 0x00, /* jmp *12(%rip): back */
		0xcc, 0xcc, 0xcc, 0xcc,		    /* int3 */
	};

	memcpy(stub->code, code, sizeof(code));
	stub->target = target;
	stub->back = back;
}

bool rp__arch_shadow_stack(void)
{
	unsigned long features = 0;

	if (RP__CALL_STUBS_FORCED)
		return true;
	return syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &features) == 0 &&
	       (features & 1);
}

void rp__arch_store(void *addr, uint64_t value, unsigned int width)
{
	switch (width) {
	case 1:
		__asm__ volatile("movb %1, %0" : "=m" (*(uint8_t *)addr)
				 : "q" ((uint8_t)value) : "memory");
		break;
	case 2:
		__asm__ volatile("movw %1, %0" : "=m" (*(uint16_t *)addr)
				 : "r" ((uint16_t)value) : "memory");
		break;
	case 4:
		__asm__ volatile("movl %1, %0" : "=m" (*(uint32_t *)addr)
				 : "r" ((uint32_t)value) : "memory");
		break;
	default:
		__asm__ volatile("movq %1, %0" : "=m" (*(uint64_t *)addr)
				 : "r" (value) : "memory");
		break;
	}
}

void rp__arch_copy(void *to, const void *from, size_t len)
{
	__asm__ volatile("rep movsb"
			 : "+D" (to), "+S" (from), "+c" (len) : : "memory");
}

void rp__arch_serialize(void)
{
	unsigned int a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d)
			 : : "memory");
}
