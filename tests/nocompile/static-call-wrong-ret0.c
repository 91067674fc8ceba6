// SPDX-License-Identifier: MIT
// c: static call op: function of another type
// c++: invalid conversion from|cannot initialize a variable of type
/* RET0 has the type of the function that it is made for. */
#include <repoint/static_call.h>

static int right(int a) { return a; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
#ifdef RIGHT
	return rp_static_call_update(op, RP_STATIC_CALL_RET0(right));
#else
	return rp_static_call_update(op, RP_STATIC_CALL_RET0(int(char *)));
#endif
}
