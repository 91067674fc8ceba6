// SPDX-License-Identifier: MIT
// c: incompatible type
// c++: (cannot|could not) convert|no matching|no viable conversion
/* A call has the function's parameter types. */
#include <repoint/static_call.h>

struct pair { int a, b; };

static int right(struct pair p) { return p.a + p.b; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
	struct pair p = { 1, -1 };

#ifdef RIGHT
	return rp_static_call(op)(p);
#else
	return rp_static_call(op)(p.a);
#endif
}
