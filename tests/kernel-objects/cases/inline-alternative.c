/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -Os */
/* Alternatives in C code, faults, and code that is never reached. */
#if LINUX == 601
#define FEATURE(n) ".short " #n "\n\t"
#else
#define FEATURE(n) ".long " #n "\n\t"
#endif
#define SSE2	26
#define POPCNT	4*32+23
#define SMAP	9*32+20
#define ALTERNATIVE(old, new) ALTERNATIVE_IF(old, new, SSE2)
#define ALTERNATIVE_IF(old, new, feature) \
	"661:\n\t" old "\n662:\n\t" \
	".skip -(((665f-664f)-(662b-661b)) > 0) * ((665f-664f)-(662b-661b)), 0x90\n" \
	"663:\n\t" \
	".pushsection .altinstructions, \"a\"\n\t" \
	".long 661b - ., 664f - .\n\t" \
	FEATURE(feature) \
	".byte 663b - 661b, 665f - 664f\n\t" \
	".popsection\n\t" \
	".pushsection .altinstr_replacement, \"ax\"\n" \
	"664:\n\t" new "\n665:\n\t" \
	".popsection"

void act(long);
extern long (*operation)(long);

long barrier(long n)
{
	__asm__ volatile(ALTERNATIVE("lock; addl $0,-4(%%rsp)", "mfence")
			 : : : "memory");
	return n + 1;
}

long flags(void)
{
	long f;

	__asm__ volatile(ALTERNATIVE("pushfq; pop %0", "mov $2, %0")
			 : "=r" (f) : : "memory");
	act(f);
	return f;
}

long counted(long n)
{
	long r;

	__asm__ volatile(ALTERNATIVE_IF("call act", "popcnt %1, %0", POPCNT)
			 : "=a" (r) : "D" (n)
			 : "memory", "rcx", "rdx", "rsi", "r8", "r9", "r10",
			   "r11", "cc");
	return r;
}

long jumps(long n)
{
	__asm__ goto(ALTERNATIVE("jmp %l[slow]", "") : : : : slow);
	act(n);
	return 1;
slow:
	act(n + 1);
	return 2;
}

long nothing(long n)
{
	__asm__ volatile(ALTERNATIVE("", "lfence") : : : "memory");
	act(n);
	__asm__ volatile(ALTERNATIVE_IF("", "stac", SMAP) : : : "memory");
	__asm__ volatile(ALTERNATIVE_IF("", "clac", SMAP) : : : "memory");
	return n;
}

long read_user(long *p)
{
	long v = -14;

	__asm__ volatile("1: mov %1, %0\n"
			 "2:\n\t"
			 ".pushsection __ex_table, \"a\"\n\t"
			 ".balign 4\n\t"
			 ".long 1b - ., 2b - ., 3\n\t"
			 ".popsection"
			 : "+r" (v) : "m" (*p));
	return v;
}

long bug(long n)
{
	if (n < 0) {
		__asm__ volatile("1: ud2\n\t"
				 ".pushsection __bug_table, \"aw\"\n"
				 "2: .long 1b - 2b\n\t"
				 ".popsection");
#if LINUX == 601
		__asm__ volatile("3:\n\t"
				 ".pushsection .discard.unreachable\n\t"
				 ".long 3b - .\n\t"
				 ".popsection");
#endif
		__builtin_unreachable();
	}
	act(n);
	return n;
}

long warning(long n)
{
	if (n == 3) {
		__asm__ volatile("1: ud2\n\t"
				 ".pushsection __bug_table, \"aw\"\n"
				 "2: .long 1b - 2b\n\t"
				 ".popsection\n"
				 "3:\n\t"
				 ".pushsection .discard.reachable\n\t"
#if LINUX == 601
				 ".long 3b - .\n\t"
#else
				 ".long 3b\n\t"
#endif
				 ".popsection");
	}
	act(n);
	return n;
}
