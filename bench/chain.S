/* SPDX-License-Identifier: MIT */
/*
 * Many call sites, one in each 64 bytes, run one after the other.
 *
 * uint64_t CHAIN(uint64_t x, uint64_t turns):
 *	do { x = f0(x); x = f1(x); ... } while (--turns); return x;
 *
 * in: x %rdi, turns %rsi    out: %rax    clobbered: as by a function call
 *
 * Assembled once for each kind of call (-DKIND_...) and size: -DBLOCKS=a for
 * 4096 sites, -DBLOCKS=abcd for 16384. The name of a site is four letters from a
 * to p, of which BLOCKS has the first.
 */

#if defined(KIND_one)
# define CALL		call step
#elif defined(KIND_one_inline)
# define CALL		call rp_tramp__chain_one
#elif defined(KIND_one_op)
# define CALL		call *rp_ops__op_bound + 8(%rip)
#elif defined(KIND_shared_pointer)
# define CALL		call *chain_pointer(%rip)
#elif defined(KIND_pointers)
# define CALL		call *chain_pointers + 8 * index(%rip)
#elif defined(KIND_many)
# define CALL		call t_\a\b\c\d
#elif defined(KIND_tramps) || defined(KIND_many_inline)
# define CALL		call rp_tramp__k_\a\b\c\d
#else
# error "which kind?"
#endif

	/* Pages of its own: chains.c replaces them. */
	.section .text.chain, "ax", @progbits
	.p2align 12
	.globl CHAIN
	.hidden CHAIN
	.type CHAIN, @function
CHAIN:
	.cfi_startproc
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	mov %rsi, %rbx
	mov %rdi, %rax
	.p2align 6
1:
	.set index, 0
	.irpc a, BLOCKS
	.irpc b, abcdefghijklmnop
	.irpc c, abcdefghijklmnop
	.irpc d, abcdefghijklmnop
	mov %rax, %rdi
	CALL
	.p2align 6
	.set index, index + 1
	.endr
	.endr
	.endr
	.endr
	dec %rbx
	jnz 1b
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size CHAIN, . - CHAIN
	.p2align 12
	.section .note.GNU-stack, "", @progbits
