/* SPDX-License-Identifier: MIT */
/* Programs that cannot be followed: each has one row, of 4 bytes, before its
 * fault, and 4 bytes behind it. */
#define FUNCTION(name)	.balign 16, 0xcc; .globl name; \
	.type name, @function; name: .cfi_startproc; .zero 4, 0x90
#define END(name)	.zero 4, 0x90; .cfi_endproc; .size name, . - name

	.text
FUNCTION(fault_unknown)
	.cfi_escape 0x3f
END(fault_unknown)

FUNCTION(fault_restore)
	.cfi_escape 0x0e, 16, 0x0b
END(fault_restore)

FUNCTION(fault_beyond)
	.cfi_def_cfa_offset 16
	.cfi_escape 0x04, 0xff, 0xff, 0xff, 0x7f
END(fault_beyond)

FUNCTION(fault_expression)
	.cfi_escape 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1
END(fault_expression)

FUNCTION(fault_offset)
	.cfi_escape 0x0e, 0x80, 0x80, 0x80, 0x80, 0x80, 1
END(fault_offset)

FUNCTION(fault_deep)
	.rept 65
	.cfi_escape 0x0a
	.endr
END(fault_deep)

/* An expression has no offset to be changed. */
FUNCTION(fault_change)
	.cfi_escape 0x0f, 2, 0x76, 0x10, 0x0e, 16
END(fault_change)

FUNCTION(fault_none)
	.cfi_def_cfa_offset 16
END(fault_none)

	.section .note.GNU-stack, "", @progbits
