// SPDX-License-Identifier: MIT
// GCC 8 numbered cold parts, later ones do not; two builds need not agree.
//: gcc
//: needs old work\.cold
//: objcopy-old --redefine-sym work.cold=work.cold.17
//: nothing
#include "../peers.h"

int work(int n)
{
	if (n < 0)
		complain("negative", n);
	return n * 5;
}
