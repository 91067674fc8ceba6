/* SPDX-License-Identifier: MIT */
/* What assembly and compilers do in ordinary programs. code.sh knows what it is. */
	.text

	.macro function name
	.p2align 4
	.globl	\name
	.type	\name, @function
\name:
	.endm
	.macro end name
	.size	\name, .-\name
	.endm

function returns
	call	never@PLT
	ret
end returns

/* Never returns, because what it calls does not, on either way. */
function never
	test	%edi, %edi
	je	1f
	call	abort@PLT
1:	jmp	stops
end never

	.type	stops, @function
stops:	call	stops_too
	ret
	.size	stops, .-stops
	.type	stops_too, @function
stops_too:
	call	stops
	ret
	.size	stops_too, .-stops_too

function may_return
	test	%edi, %edi
	je	1f
	call	abort@PLT
1:	ret
end may_return

function calls_it
	call	may_return
	call	*exit@GOTPCREL(%rip)
end calls_it

function tails
.Lself:	test	%edi, %edi
	je	outside
	js	returns@PLT
	jnp	.Lself
	jmp	*outside@GOTPCREL(%rip)
end tails

function pushes
	call	1f
1:	pop	%rax
	ret
end pushes

/* A computed goto: addresses in data. */
function computed
	lea	labels(%rip), %rax
	jmp	*(%rax,%rdi)
1:	nop
	ret
2:	ret
end computed
	.section .data.rel.ro, "aw"
	.p2align 3
	.quad	0
labels:	.quad	1b, 2b
	.text

/* Labels that are loaded one by one. */
function threaded
	lea	1f(%rip), %rax
	jmp	*%rax
1:	ret
end threaded

/* A table among the code, as musl has them. */
function in_text
	lea	3f(%rip), %rax
	movslq	(%rax,%rdi,4), %rcx
	add	%rax, %rcx
	jmp	*%rcx
1:	nop
	ret
2:	ret
	.p2align 2
3:	.long	1b-3b, 2b-3b
end in_text

function cold_one
	jmp	.Lcold
4:	ret
end cold_one
	.section .text.unlikely, "ax"
	.type	cold_one.cold, @function
cold_one.cold:
.Lcold:
	nop
	jmp	4b
	.size	cold_one.cold, .-cold_one.cold
	.text

function prefixed
	je	1f
	lock
1:	cmpxchg	%edx, (%rdi)
	ret
end prefixed

function table_object
	ret
	.type	bytes, @object
bytes:	.byte	6, 6, 6
	.size	bytes, 3
end table_object

function wrong
	jmp	1f + 1
1:	mov	$1, %eax
	.byte	6
	ret
end wrong

/* A branch of Knights Corner, which no program for x86-64 has. */
function no_branch
	.byte	0xc5, 0x64, 0x85, 0, 0, 0, 0
	ret
end no_branch

	/* It is in the bytes of the first function's call, and says nothing. */
	.reloc	0, R_X86_64_NONE, wrong

	/* What Clang leaves behind calls that do not return. */
	.section .text.left_over, "ax"
	.type	left_over, @function
left_over:
	call	abort
	jmp	1f
	.size	left_over, .-left_over
1:
	.text

	.globl	untyped
untyped:
	nop
	ret
	.section .note.GNU-stack, "", @progbits
