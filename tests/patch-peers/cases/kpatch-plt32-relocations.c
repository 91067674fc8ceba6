// SPDX-License-Identifier: MIT
// A call by R_X86_64_PC32 is the call by R_X86_64_PLT32 of later assemblers.
//: ld -no-pie
//: flags -fno-pie
//: nothing
#include "../peers.h"

int work(int n)
{
	int out;

	__asm__ volatile(OLD(".byte 0xe8; .long plain_call - . - 4")
			 NEW("call plain_call")
			 : "=a"(out), "+D"(n)
			 :
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			   "memory", "cc");
	return out + n;
}
