// SPDX-License-Identifier: MIT
// c: static call op: function of another type
// c++: invalid conversion from|cannot initialize a variable of type
/* Nor can it in a batch. */
#include <repoint/batch.h>

static int right(int a) { return a; }
static int wrong(int *a) { return *a; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
	int (*volatile unused)(int *) = wrong;
	struct rp_batch *batch;

	(void)unused;
	if (rp_batch_begin(&batch, NULL) < 0)
		return 1;
#ifdef RIGHT
	rp_batch_static_call_update(batch, op, right);
#else
	rp_batch_static_call_update(batch, op, wrong);
#endif
	return rp_batch_commit(batch);
}
