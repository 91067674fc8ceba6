/* SPDX-License-Identifier: MIT */
/* Instructions that a hypervisor carries out: ud2 and a name before them. */
#include "kernel.h"
	.text

func of_xen
	push	%rbx
	.byte	0x0f, 0x0b
	.ascii	"xen"
	cpuid
	pop	%rbx
	ret
end of_xen

func of_kvm
	.byte	0x0f, 0x0b
	.ascii	"kvm"
	push	%rbp
	mov	%rsp, %rbp
	pop	%rbp
	ret
end of_kvm

func of_nobody
	ud2
end of_nobody
