/* SPDX-License-Identifier: MIT */
/* objtool: --sls */
/* check: retpoline */
/* Returns and indirect jumps that the processor may run past. */
#include "kernel.h"
	.text

func stopped
	ret
	int3
end stopped

func bare
	ret
end bare

func jump_stopped
	jmp	*%rax
	int3
end jump_stopped

func jump_bare
	jmp	*%rax
end jump_bare
