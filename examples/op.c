// SPDX-License-Identifier: MIT
/* The example of docs/ops.md. */
#include <repoint/ops.h>
#include <stdio.h>

struct wire {
	unsigned int (*load)(unsigned int);
	void (*trace)(unsigned int);
};

static unsigned int as_is(unsigned int x) { return x; }
static unsigned int swapped(unsigned int x) { return __builtin_bswap32(x); }
static void print(unsigned int x) { printf("%#x\n", x); }

__asm__(RP_PATCHLET(load_as_is, RP_CLOBBER_RAX)
	"movl %edi, %eax\n"
	RP_PATCHLET_END(load_as_is));
RP_OP_PATCHLET(as_is, load_as_is);

RP_DEFINE_OPS(struct wire, wire, .load = swapped, .trace = print);

static __attribute__((noinline)) void receive(unsigned int x)
{
	x = rp_op(wire, load)(x);
	rp_op(wire, trace)(x);
}

int main(int argc, char **argv)
{
	unsigned int x = 0x11223343 + (unsigned int)argc;

	(void)argv;
	receive(x);				/* call *wire+0(%rip) */
	rp_ops_bind(&wire);
	receive(x);				/* call swapped */
	rp_op_set(wire, load, as_is);
	rp_ops_rebind(&wire);
	receive(x);				/* mov %edi,%eax */
	rp_op_set(wire, trace, RP_OP_NOP(struct wire, trace));
	rp_ops_rebind(&wire);
	receive(x);				/* ret */
	return 0;
}
