/* SPDX-License-Identifier: MIT */
/*
 * CASE(name, old, new, built, off, on): what an alternative's bytes are as
 * linked, with the feature absent and with it present. For bytes.S and bytes.c.
 *
 * Bytes are hexadecimal; LABEL+N is 32 bits that count from N bytes behind
 * them, LABEL: is 8 bits. Labels: far and data are in other sections; near,
 * which code calls 77, is behind the site.
 */
#define CASES								\
	/* lengths of old and new */					\
	CASE(equal, "movl $1, %eax", "movl $2, %eax",			\
	     "b8 01 00 00 00", "b8 01 00 00 00", "b8 02 00 00 00")	\
	CASE(shorter, "movl $1, %eax", "xorl %eax, %eax",		\
	     "b8 01 00 00 00", "b8 01 00 00 00", "31 c0 0f 1f 00")	\
	CASE(longer, "xorl %eax, %eax", "movl $2, %eax",		\
	     "31 c0 90 90 90", "31 c0 0f 1f 00", "b8 02 00 00 00")	\
	CASE(empty, "movl $1, %eax", "",				\
	     "b8 01 00 00 00", "b8 01 00 00 00", "0f 1f 44 00 00")	\
	CASE(from_empty, "", "movl $2, %eax",				\
	     "90 90 90 90 90", "0f 1f 44 00 00", "b8 02 00 00 00")	\
	CASE(both_empty, "", "", "", "", "")				\
	/* NOPs that somebody wrote; pause, and what is jumped to, stays */ \
	CASE(nops, "nop; cld; nop; nop", "cld; pause; nop; nop",	\
	     "90 fc 90 90 90", "90 fc 0f 1f 00", "fc f3 90 66 90")	\
	CASE(nops_target, "jmp 1f; nop; nop; 1: nop; nop; cld", "cld",	\
	     "eb 02 90 90 90 90 fc", "eb 02 cc cc 66 90 fc",		\
	     "fc 66 0f 1f 44 00 00")					\
	/* branches within */						\
	CASE(loop, "cld", "1: decl %ecx; jnz 1b",			\
	     "fc 90 90 90", "fc 0f 1f 00", "ff c9 75 fc")		\
	CASE(to_end, "cld", "jz 1f; incl %ecx; 1:",			\
	     "fc 90 90 90", "fc 0f 1f 00", "74 02 ff c1")		\
	CASE(to_end_padded, "cld; cld; cld; cld; cld", "jz 1f; cld; 1:", \
	     "fc fc fc fc fc", "fc fc fc fc fc", "74 01 fc 66 90")	\
	CASE(within_shrunk, "cld",					\
	     ".byte 0xe9; .long 1f - (. + 4); incl %ecx; 1: cld",	\
	     "fc 90 90 90 90 90 90 90", "fc 0f 1f 80 00 00 00 00",	\
	     "eb 05 cc cc cc ff c1 fc")					\
	/* branches that leave */					\
	CASE(jump_far, "cld", "jmp far",				\
	     "fc 90 90 90 90", "fc 0f 1f 40 00", "e9 far+0")		\
	CASE(jump_shrunk, "cld", "jmp 77f",				\
	     "fc 90 90 90 90", "fc 0f 1f 40 00", "eb near: cc cc cc")	\
	CASE(jump_second, "cld", "xorl %eax, %eax; jmp 77f",		\
	     "fc 90 90 90 90 90 90", "fc 66 0f 1f 44 00 00",		\
	     "31 c0 eb near: cc cc cc")					\
	CASE(condition_far, "cld", "jz far",				\
	     "fc 90 90 90 90 90", "fc 0f 1f 44 00 00", "0f 84 far+0")	\
	CASE(condition_near, "cld", "cld; jz 77f",			\
	     "fc 90 90 90 90 90 90", "fc 66 0f 1f 44 00 00",		\
	     "fc 0f 84 near+0")						\
	CASE(jump_bnd, "cld", ".byte 0xf2; jmp far",				\
	     "fc 90 90 90 90 90", "fc 0f 1f 44 00 00", "f2 e9 far+0")	\
	CASE(transaction, "cld", "xbegin far",				\
	     "fc 90 90 90 90 90", "fc 0f 1f 44 00 00", "c7 f8 far+0")	\
	/* calls: one alone is lengthened in front, up to 8 bytes */	\
	CASE(call_5, "cld", "call far",					\
	     "fc 90 90 90 90", "fc 0f 1f 40 00", "e8 far+0")		\
	CASE(call_6, "cld; movl $1, %eax", "call far",			\
	     "fc b8 01 00 00 00", "fc b8 01 00 00 00", "2e e8 far+0")	\
	CASE(call_7, "movw $1, %ax; xorb $1, %cl", "call far",		\
	     "66 b8 01 00 80 f1 01", "66 b8 01 00 80 f1 01",		\
	     "2e 2e e8 far+0")						\
	CASE(call_8, "xorb $1, %cl; movl $1, %eax", "call far",		\
	     "80 f1 01 b8 01 00 00 00", "80 f1 01 b8 01 00 00 00",	\
	     "2e 2e 2e e8 far+0")					\
	CASE(call_9, "cld; xorb $1, %cl; movl $1, %eax", "call far",	\
	     "fc 80 f1 01 b8 01 00 00 00", "fc 80 f1 01 b8 01 00 00 00", \
	     "e8 far+0 0f 1f 40 00")					\
	CASE(call_10, "movl $1, %eax; movl $1, %eax", "call far",	\
	     "b8 01 00 00 00 b8 01 00 00 00",				\
	     "b8 01 00 00 00 b8 01 00 00 00",				\
	     "e8 far+0 0f 1f 44 00 00")					\
	CASE(call_second, "cld", "xorl %eax, %eax; call far",		\
	     "fc 90 90 90 90 90 90", "fc 66 0f 1f 44 00 00",		\
	     "31 c0 e8 far+0")						\
	CASE(call_old, "call far", "cld",				\
	     "e8 far+0", "e8 far+0", "fc 0f 1f 40 00")			\
	/* the lone call of its own end: pushes the address of that */	\
	CASE(call_next, "cld", "call 1f; 1:",				\
	     "fc 90 90 90 90", "fc 0f 1f 40 00", "e8 00 00 00 00")	\
	/* operands: with and without an immediate behind the field */	\
	CASE(lea, "cld", "leaq data(%rip), %rax",			\
	     "fc 90 90 90 90 90 90", "fc 66 0f 1f 44 00 00",		\
	     "48 8d 05 data+0")						\
	CASE(load_second, "cld", "cld; movq data(%rip), %rdi",		\
	     "fc 90 90 90 90 90 90 90", "fc 0f 1f 80 00 00 00 00",	\
	     "fc 48 8b 3d data+0")					\
	CASE(compare_4, "cld", "cmpl $0x12345678, data(%rip)",		\
	     "fc 90 90 90 90 90 90 90 90 90",				\
	     "fc 66 0f 1f 84 00 00 00 00 00",				\
	     "81 3d data+4 78 56 34 12")				\
	CASE(compare_2, "cld", "cmpw $0x1234, data(%rip)",		\
	     "fc 90 90 90 90 90 90 90 90",				\
	     "fc 0f 1f 84 00 00 00 00 00", "66 81 3d data+2 34 12")	\
	CASE(compare_1, "cld", "cmpb $1, data(%rip)",			\
	     "fc 90 90 90 90 90 90", "fc 66 0f 1f 44 00 00",		\
	     "80 3d data+1 01")						\
	CASE(test_4, "cld", "testl $1, data(%rip); cld",		\
	     "fc 90 90 90 90 90 90 90 90 90 90",			\
	     "fc 66 66 0f 1f 84 00 00 00 00 00",			\
	     "f7 05 data+4 01 00 00 00 fc")				\
	CASE(not, "cld", "notl data(%rip)",				\
	     "fc 90 90 90 90 90", "fc 0f 1f 44 00 00", "f7 15 data+0")	\
	CASE(call_memory, "cld", "call *data(%rip)",			\
	     "fc 90 90 90 90 90", "fc 0f 1f 44 00 00", "ff 15 data+0")	\
	CASE(vex, "cld", "vpaddd data(%rip), %ymm2, %ymm1",		\
	     "fc 90 90 90 90 90 90 90", "fc 0f 1f 80 00 00 00 00",	\
	     "c5 ed fe 0d data+0")					\
	CASE(vex_immediate, "cld",					\
	     "vpalignr $3, data(%rip), %xmm2, %xmm1",			\
	     "fc 90 90 90 90 90 90 90 90 90",				\
	     "fc 66 0f 1f 84 00 00 00 00 00",				\
	     "c4 e3 69 0f 0d data+1 03")				\
	CASE(evex, "cld", "vmovdqu64 data(%rip), %zmm1",		\
	     "fc 90 90 90 90 90 90 90 90 90",				\
	     "fc 66 0f 1f 84 00 00 00 00 00",				\
	     "62 f1 fe 48 6f 0d data+0")				\
	CASE(evex_immediate, "cld",					\
	     "vpternlogd $0x96, data(%rip), %zmm2, %zmm1",		\
	     "fc 90 90 90 90 90 90 90 90 90 90",			\
	     "fc 66 66 0f 1f 84 00 00 00 00 00",			\
	     "62 f3 6d 48 25 0d data+1 96")				\
	/* all of it in one */						\
	CASE(mixed, "cld",						\
	     "leaq data(%rip), %rdi; call far; 1: decl %ecx; jnz 1b; jmp 77f", \
	     "fc 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90", \
	     "fc eb 12 cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc", \
	     "48 8d 3d data+0 e8 far+0 ff c9 75 fc eb near: cc cc cc")
