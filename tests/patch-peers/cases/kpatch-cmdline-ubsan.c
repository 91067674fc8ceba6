// SPDX-License-Identifier: MIT
// UBSan's tables hold lines and columns.
//: flags -fsanitize=undefined
//: ld -fsanitize=undefined
//: replaced changed
//: gcc binds target:.data*Lubsan_data* import:__ubsan_handle_shift_out_of_bounds
//: clang binds target:.data*unnamed* target:__ubsan_handle_shift_out_of_bounds
#include "../peers.h"

NOINLINE int changed(int n)
{
	NEW(
	if (n < 0)
		return 0;
	)
	return n << 3;
}

NOINLINE int stays(int n)
{
	return trace[n] * 5;
}

int work(int n)
{
	return changed(n) + stays(n);
}
