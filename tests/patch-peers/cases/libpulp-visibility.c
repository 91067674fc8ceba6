// SPDX-License-Identifier: MIT
// What nobody defines: refused when the payload is made, not when it is loaded.
//: refused 0713 nobody_has_this
#include "../peers.h"

int nobody_has_this(int n);

int work(int n)
{
	return trace[0] + (OLD(n) NEW(nobody_has_this(n)));
}
