/* SPDX-License-Identifier: MIT */
/* A function's symbol without a size: there is no function. */
#include "kernel.h"
	.text

func sized
	ret
end sized

func unsized
	push	%rbx
	ret

func sized_behind
	ret
end sized_behind
