/* SPDX-License-Identifier: MIT */
/* levels: -O1 -O2 -Os */
/* Static branches: a NOP or a jump, with entries of __jump_table. */
struct key { int enabled; long entries; };

void act(int);
struct key feature, other;

static inline __attribute__((always_inline)) int nop_branch(struct key *key)
{
	__asm__ goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"
		     ".pushsection __jump_table, \"aw\"\n\t"
		     ".balign 8\n\t"
		     ".long 1b - ., %l[yes] - .\n\t"
		     ".quad %c0 - .\n\t"
		     ".popsection"
		     : : "i" (key) : : yes);
	return 0;
yes:
	return 1;
}

static inline __attribute__((always_inline)) int jmp_branch(struct key *key)
{
	__asm__ goto("1: jmp %l[yes]\n\t"
		     ".pushsection __jump_table, \"aw\"\n\t"
		     ".balign 8\n\t"
		     ".long 1b - ., %l[yes] - .\n\t"
		     ".quad %c0 - .\n\t"
		     ".popsection"
		     : : "i" (key) : : yes);
	return 0;
yes:
	return 1;
}

int guarded(int n)
{
	if (nop_branch(&feature))
		act(n);
	return n;
}

int with_frame(int n)
{
	int v[30];

	act(n);
	if (nop_branch(&feature)) {
		act((long)v);
		return v[n];
	}
	if (jmp_branch(&other)) {
		act(3);
		v[2] = n;
	}
	act(v[2]);
	return v[n + 1];
}

int looped(int n)
{
	while (n--) {
		if (jmp_branch(&feature))
			act(n);
		if (nop_branch(&other))
			return 4;
	}
	return 9;
}
