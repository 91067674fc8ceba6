/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -Os */
/* Tables of jumps: of switches, and of labels. */
void act(int);
int value(int);

int chosen(int n)
{
	switch (n) {
	case 0: act(3); return 4;
	case 1: act(5); break;
	case 2: return value(9);
	case 3: act(1); act(2); return 8;
	case 4: n = value(n); break;
	case 5: return 77;
	case 6: act(6); break;
	case 7: return value(n) + 3;
	}
	return n * 3;
}

int twice(int n, int m)
{
	switch (n) {
	case 10: act(1); break;
	case 11: act(2); break;
	case 12: m = value(m); break;
	case 13: act(4); return 1;
	case 14: act(5); break;
	case 15: act(6); break;
	}
	switch (m) {
	case 0: return value(1);
	case 1: return value(2) + 1;
	case 2: act(11); break;
	case 3: act(12); break;
	case 4: return value(3) + 2;
	case 5: return value(5) * 3;
	}
	return n;
}

void loop(const unsigned char *p)
{
	for (;; p++) {
		switch (*p) {
		case 'a': act(1); continue;
		case 'b': act(2); break;
		case 'c': act(3); continue;
		case 'd': act(4); break;
		case 'e': act(5); return;
		case 'f': act(6); break;
		case 'g': act(7); continue;
		}
		act(value(*p));
	}
}

/* As the kernel's interpreters have it: the section's name says what it is.
   What clang makes of it, objtool does not understand. */
#ifndef __clang__
#if LINUX == 601
#define LABELS	".rodata..c_jump_table"
#else
#define LABELS	".data.rel.ro.c_jump_table"
#endif

int interpreted(const unsigned char *code, int n)
{
	static const void *const table[]
		__attribute__((section(LABELS ",\"a\",@progbits #"))) = {
		&&add, &&subtract, &&call, &&stop,
	};

	goto *table[*code];
add:
	n += *++code;
	goto *table[*++code];
subtract:
	n -= *++code;
	goto *table[*++code];
call:
	n = value(n);
	goto *table[*++code];
stop:
	return n;
}
#endif
