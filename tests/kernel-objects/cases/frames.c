/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -O3 -Os */
/* Prologues and epilogues: saved registers, stack arguments, big frames. */
struct big { long v[40]; };

long sink(long, long, long, long, long, long, long, long, long);
void use(void *);
struct big made(struct big, int);
extern volatile long seen;

long leaf(long a, long b)
{
	return a * b + seen;
}

long six(long a, long b, long c, long d, long e, long f)
{
	long x = sink(a, b, c, d, e, f, a + 1, b + 2, c + 3);

	seen = x;
	return sink(f, e, d, c, b, a, x, x + 1, x + 2) + a * b - c * d + e * f;
}

long early(long a, long *p)
{
	if (!a)
		return -1;
	for (long i = 0; i < a; i++) {
		if (p[i] == 7)
			return i;
		use(&p[i]);
	}
	return seen;
}

long large(long n)
{
	char text[5000];
	struct big b = { { n } };

	use(text);
	b = made(b, n);
	use(&b);
	return text[n] + b.v[3];
}

long several(long n)
{
	long r = 0;

	switch (n & 3) {
	case 0:
		use(&r);
		return r;
	case 1:
		return leaf(n, n);
	case 2:
		r = six(1, 2, 3, 4, 5, n);
	}
	return r + early(n, &r);
}

void tail(long n)
{
	if (n > 4)
		use((void *)n);
}

long nested(long n)
{
	long a = sink(n, 1, 2, 3, 4, 5, 6, 7, 8);
	long b = sink(a, 1, 2, 3, 4, 5, 6, 7, 8);
	long c = sink(b, a, 2, 3, 4, 5, 6, 7, 8);
	long d = sink(c, b, a, 3, 4, 5, 6, 7, 8);

	return n > 2 ? sink(a, b, c, d, a ^ b, c ^ d, a, b, c) : a - b + c - d;
}
