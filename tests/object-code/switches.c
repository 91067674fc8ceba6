/* SPDX-License-Identifier: MIT */
/* Switches of several sizes, in ways that compilers treat differently. */
int use(int);

int plain(int x)
{
	switch (x) {
	case 0: return use(3);
	case 1: return use(1);
	case 2: return use(4);
	case 3: return use(2) + 1;
	case 4: return use(5) + 2;
	case 6: return use(9) * 3;
	default: return 0;
	}
}

/* Two tables in a loop: their addresses are loaded in front of it. */
int loop(const unsigned char *p)
{
	int sum = 0;

	for (;; p++) {
		switch (*p) {
		case 10: return sum;
		case 11: sum += use(1); break;
		case 12: sum -= use(2); break;
		case 13: sum *= use(3); break;
		case 14: sum ^= use(4); break;
		case 15: sum += use(5) * 5; break;
		case 17: sum |= use(6); break;
		}
		switch (p[1]) {
		case 20: sum += use(7); break;
		case 21: sum -= use(8); break;
		case 22: sum *= use(9); break;
		case 23: sum ^= use(10); break;
		case 24: sum |= use(11); break;
		case 26: sum += use(12); break;
		}
	}
}

/* A tail call through a table of functions is none of them. */
extern int (*const functions[])(int);

int through_pointers(int x)
{
	if (x == 77)
		return functions[use(x)](x);
	switch (x) {
	case 1: return use(13);
	case 2: return use(14) + 7;
	case 3: return use(15) * 3;
	case 4: return use(16) - 2;
	case 5: return use(17) / 3;
	}
	return x;
}
