/* SPDX-License-Identifier: MIT */
/* What call frame information may say, a function for each way to say it. It need
 * not be true of the code: only readers of it are compared. */
#define FUNCTION(name)	.globl name; .type name, @function; name: .cfi_startproc
#define END(name)	.cfi_endproc; .size name, . - name; .byte 0xcc

	.text
	nop		/* of no FDE */

FUNCTION(shape_frame_pointer)
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rbx
	.cfi_offset %rbx, -24
	.cfi_remember_state
	leave
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	.cfi_restore %rbx
	ret
	.cfi_restore_state
	nop
END(shape_frame_pointer)

/* Realigned, as gcc does it: the CFA is kept in the frame. */
FUNCTION(shape_realigned)
	lea	8(%rsp), %r10
	.cfi_def_cfa %r10, 0
	and	$-64, %rsp
	push	-8(%r10)
	push	%rbp
	mov	%rsp, %rbp
	.cfi_escape 0x10, 6, 2, 0x76, 0		/* rbp at rbp + 0 */
	push	%r10
	.cfi_escape 0x0f, 3, 0x76, 0x78, 6	/* CFA: [rbp - 8] */
	push	%rbx
	.cfi_escape 0x10, 3, 2, 0x76, 0x70	/* rbx at rbp - 16 */
	pop	%rbx
	pop	%r10
	.cfi_def_cfa %r10, 0
	pop	%rbp
	.cfi_same_value %rbp
	lea	-8(%r10), %rsp
	.cfi_def_cfa %rsp, 8
	ret
END(shape_realigned)

/* More than 16 bits. */
FUNCTION(shape_large)
	sub	$1000000, %rsp
	.cfi_def_cfa_offset 1000008
	.cfi_offset %rbp, -900000
	add	$1000000, %rsp
	.cfi_def_cfa_offset 8
	.cfi_restore %rbp
	ret
END(shape_large)

FUNCTION(shape_registers)
	nop
	.cfi_def_cfa %rdx, 16
	nop
	.cfi_def_cfa %rdi, 24
	nop
	.cfi_def_cfa %rbx, 8
	nop
	.cfi_def_cfa %r12, 16
	nop
	.cfi_def_cfa %r13, 16
	nop
	.cfi_def_cfa %r14, 16
	nop
	.cfi_def_cfa %r15, 16
	nop
	.cfi_def_cfa %rax, 16
	nop
	.cfi_def_cfa %r11, -16
	nop
	.cfi_def_cfa %r8, 16
	nop
END(shape_registers)

FUNCTION(shape_elsewhere)
	pop	%rdi
	.cfi_def_cfa_offset 0
	.cfi_register %rip, %rdi
	jmp	*%rdi
	.cfi_def_cfa_offset 8
	.cfi_restore %rip
	.cfi_register %rbp, %rax
	nop
	.cfi_undefined %rbp
	nop
	.cfi_val_offset %rbp, -32
	nop
	.cfi_escape 0x16, 6, 2, 0x77, 8		/* rbp is rsp + 8 */
	nop
	.cfi_escape 0x10, 6, 2, 0x77, 8		/* rbp at rsp + 8 */
	nop
	.cfi_escape 0x10, 6, 4, 0x77, 8, 6, 6	/* rbp at [[rsp + 8]] */
	nop
	.cfi_same_value %rbp
	.cfi_offset %rsp, -16
	nop
	.cfi_restore %rsp
	.cfi_offset %rip, -16
	nop
END(shape_elsewhere)

/* The same in other words. */
FUNCTION(shape_forms)
	nop
	.cfi_escape 0x12, 7, 0x7e		/* def_cfa_sf rsp, -2 * -8 */
	nop
	.cfi_escape 0x13, 0x7d			/* def_cfa_offset_sf -3 * -8 */
	nop
	.cfi_escape 0x05, 3, 2			/* offset_extended rbx, 2 */
	nop
	.cfi_escape 0x11, 12, 3			/* offset_extended_sf r12, 3 */
	nop
	.cfi_escape 0x2f, 13, 4			/* GNU_negative_offset_extended */
	nop
	.cfi_escape 0x14, 14, 2			/* val_offset r14, 2 */
	nop
	.cfi_escape 0x15, 15, 0x7e		/* val_offset_sf r15, -2 */
	nop
	.cfi_escape 0x06, 3			/* restore_extended rbx */
	.cfi_escape 0x2e, 16			/* GNU_args_size */
	nop
	.cfi_escape 0x02, 1, 0x0e, 32		/* advance_loc1 */
	nop
	nop
	nop
	.cfi_escape 0x03, 1, 0, 0x0e, 40	/* advance_loc2 */
	nop
	nop
	nop
	.cfi_escape 0x04, 1, 0, 0, 0, 0x0e, 48	/* advance_loc4 */
	nop
	nop
	nop
END(shape_forms)

FUNCTION(shape_expressions)
	nop
	.cfi_escape 0x0f, 2, 0x77, 16		/* rsp + 16 */
	nop
	.cfi_escape 0x0f, 4, 0x77, 16, 0x23, 8	/* rsp + 16 + 8 */
	nop
	.cfi_escape 0x0f, 5, 0x77, 16, 6, 0x23, 8 /* [rsp + 16] + 8 */
	nop
	.cfi_escape 0x0f, 5, 0x77, 0, 6, 0x23, 16 /* [rsp] + 16 */
	nop
	.cfi_escape 0x0f, 5, 0x77, 0, 6, 0x38, 0x22 /* [rsp] + 8 */
	nop
	.cfi_escape 0x0f, 3, 0x77, 0, 6		/* [rsp] */
	nop
	.cfi_escape 0x0f, 5, 0x76, 8, 6, 0x23, 8 /* [rbp + 8] + 8 */
	nop
	.cfi_escape 0x0f, 4, 0x77, 0, 6, 6	/* [[rsp]] */
	nop
	.cfi_escape 0x0f, 5, 0x77, 0, 0x76, 0, 0x22 /* rsp + rbp */
	nop
END(shape_expressions)

/* DWARF has no def_cfa_register after an expression; libgcc takes the offset that
 * was there before, and assembly relies on it. */
FUNCTION(shape_after_expression)
	.cfi_def_cfa_offset 1232
	nop
	.cfi_escape 0x0f, 5, 0x77, 16, 6, 0x23, 8
	.cfi_remember_state
	nop
	.cfi_escape 0x0d, 7			/* def_cfa_register rsp */
	nop
	.cfi_restore_state
	nop
END(shape_after_expression)

/* Nested as deep as one may. */
FUNCTION(shape_remembers)
	.rept 64
	.cfi_remember_state
	nop
	.cfi_adjust_cfa_offset 8
	.endr
	.rept 64
	nop
	.cfi_restore_state
	.endr
	nop
END(shape_remembers)

FUNCTION(shape_outermost)
	.cfi_undefined %rip
	xor	%ebp, %ebp
	nop
END(shape_outermost)

/* What a handler of a signal returns to. */
	.globl	shape_restorer
	.type	shape_restorer, @function
	.byte	0x90
	.cfi_startproc
	.cfi_signal_frame
	nop
shape_restorer:
	.cfi_escape 0x0f, 4, 0x77, 0xa0, 1, 6	/* CFA: [rsp + 160] */
	.cfi_escape 0x10, 8, 2, 0x77, 40
	.cfi_escape 0x10, 9, 2, 0x77, 48
	.cfi_escape 0x10, 10, 2, 0x77, 56
	.cfi_escape 0x10, 11, 3, 0x77, 0xc0, 0
	.cfi_escape 0x10, 12, 3, 0x77, 0xc8, 0
	.cfi_escape 0x10, 13, 3, 0x77, 0xd0, 0
	.cfi_escape 0x10, 14, 3, 0x77, 0xd8, 0
	.cfi_escape 0x10, 15, 3, 0x77, 0xe0, 0
	.cfi_escape 0x10, 5, 3, 0x77, 0xe8, 0
	.cfi_escape 0x10, 4, 3, 0x77, 0xf0, 0
	.cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0
	.cfi_escape 0x10, 3, 3, 0x77, 0x80, 1
	.cfi_escape 0x10, 1, 3, 0x77, 0x88, 1
	.cfi_escape 0x10, 0, 3, 0x77, 0x90, 1
	.cfi_escape 0x10, 2, 3, 0x77, 0x98, 1
	.cfi_escape 0x10, 16, 3, 0x77, 0xa8, 1
	mov	$15, %rax
	syscall
	.cfi_endproc
	.size	shape_restorer, . - shape_restorer

/* The same rules, but they are no signal frame's: nothing can say it. */
FUNCTION(shape_loads)
	nop
	.cfi_escape 0x0f, 4, 0x77, 0xa0, 1, 6
	.cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0
	.cfi_escape 0x10, 16, 3, 0x77, 0xa8, 1
	nop
END(shape_loads)

/* An interrupted caller, frame as of a call. */
FUNCTION(shape_exact)
	.cfi_signal_frame
	nop
	.cfi_def_cfa_offset 16
	nop
END(shape_exact)

/* set_loc: no assembler writes it. */
	.globl	shape_set_loc
	.hidden	shape_set_loc
	.type	shape_set_loc, @function
shape_set_loc:
	nop
	nop
.Lset_loc:
	nop
	nop
.Lset_loc_end:
	.size	shape_set_loc, . - shape_set_loc

	.section .eh_frame, "a", @progbits
.Lcie:
	.long	.Lcie_end - .Lcie_id
.Lcie_id:
	.long	0
	.byte	1
	.asciz	"zR"
	.byte	1, 0x78, 16
	.byte	1, 0x1b
	.byte	0x0c, 7, 8, 0x90, 1
	.balign	8
.Lcie_end:
	.long	.Lfde_end - .Lfde_id
.Lfde_id:
	.long	.Lfde_id - .Lcie
	.long	shape_set_loc - .
	.long	.Lset_loc_end - shape_set_loc
	.byte	0
	.byte	0x01
	.long	.Lset_loc - .
	.byte	0x0e, 16
	.balign	8
.Lfde_end:

	.section .note.GNU-stack, "", @progbits
