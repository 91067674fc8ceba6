// SPDX-License-Identifier: MIT
// c: ops table ops, member sum: function of another type
// c++: invalid conversion from|cannot initialize a variable of type
/* A function of another type cannot become a member. */
#include <repoint/ops.h>

struct ops {
	int (*sum)(int);
};

static int right(int a) { return a; }
static long wrong(int a) { return a; }

RP_DEFINE_OPS(struct ops, ops, right);

int main(void)
{
	long (*volatile unused)(int) = wrong;

	(void)unused;
#ifdef RIGHT
	rp_op_set(ops, sum, right);
	rp_op_set(ops, sum, NULL);
	rp_op_set(ops, sum, RP_OP_NOP(struct ops, sum));
#else
	rp_op_set(ops, sum, wrong);
#endif
	return 0;
}
