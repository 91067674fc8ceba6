/* SPDX-License-Identifier: MIT */
/* Calls of trampolines, of every kind; all(3) is 38. */
int rp_tramp__a(int);
int rp_tramp__b(int);
int rp_tramp__local(int);
int all(int x);
int cond(int x);
void *local_address(void);

__asm__(".pushsection .text.rp_tramp,\"ax\",@progbits\n\t"
	".p2align 4\n\t"
	".type rp_tramp__local, @function\n"
	"rp_tramp__local:\n\t"
	"leal 4(%rdi), %eax\n\t"
	"ret\n\t"
	".popsection");

/* A conditional tail call: compilers seldom make one. */
__asm__(".pushsection .text.cond,\"ax\",@progbits\n\t"
	".globl cond\n"
	"cond:\n\t"
	"testl %edi, %edi\n\t"
	"jne rp_tramp__a\n\t"
	"xorl %eax, %eax\n\t"
	"ret\n\t"
	".popsection");

#define NOINLINE __attribute__((noinline))

static NOINLINE int calls(int x)
{
	return rp_tramp__a(x) * 2 + rp_tramp__local(x);
}

static NOINLINE int tail(int x)
{
	return rp_tramp__b(x);
}

static __attribute__((cold, noinline)) int unlikely(int x)
{
	return rp_tramp__a(x) + 1;
}

static __attribute__((section(".init.text"), noinline)) int early(int x)
{
	return rp_tramp__b(x) + 1;
}

int unused(int x);
int unused(int x)
{
	return rp_tramp__a(x) + 7;
}

int all(int x)
{
	return calls(x) + tail(x) + unlikely(x) + early(x) + cond(x) + 3;
}

void *local_address(void)
{
	return (void *)rp_tramp__local;
}
