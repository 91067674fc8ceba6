/* SPDX-License-Identifier: MIT */
/*
 * Stores that are one instruction each, aligned or not. C has no such thing
 * for an address that is not aligned; without the asm a compiler may split
 * them, and the test would test the compiler.
 */
#ifndef LITMUS_X86_64_H
#define LITMUS_X86_64_H

#ifndef __x86_64__
# error "repoint litmus: add a file like this one for the architecture"
#endif

#include <stdint.h>

static inline void one_store_1(void *at, uint8_t value)
{
	__asm__ volatile("movb %1, %0"
			 : "=m" (*(uint8_t *)at) : "q" (value) : "memory");
}

static inline void one_store_4(void *at, uint32_t value)
{
	__asm__ volatile("movl %1, %0"
			 : "=m" (*(uint8_t (*)[4])at) : "r" (value)
			 : "memory");
}

static inline void one_store_8(void *at, uint64_t value)
{
	__asm__ volatile("movq %1, %0"
			 : "=m" (*(uint8_t (*)[8])at) : "r" (value)
			 : "memory");
}

static inline void relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif /* LITMUS_X86_64_H */
