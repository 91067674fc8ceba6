/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -Os */
/* Frames whose size is known when they run, and aligned ones (DRAP). */
void use(void *, long);
long sum(long, long, long, long, long, long, long, long);

long vla(long n)
{
	long v[n];

	use(v, n);
	return v[n / 2];
}

long aligned(long n)
{
	long v[8] __attribute__((aligned(64)));

	v[0] = n;
	use(v, 8);
	return v[0] + v[7];
}

long both(long n, long a, long b, long c, long d, long e, long f, long g)
{
	long v[n];
	long w[4] __attribute__((aligned(128)));

	use(v, n);
	use(w, 4);
	return sum(v[0], w[0], a, b, c, d, e, f + g);
}

long in_loop(long n)
{
	long r = 0;

	for (long i = 1; i < n; i++) {
		long v[i];

		use(v, i);
		r += v[0];
	}
	return r;
}

long saved(long a, long b, long c)
{
	long v[16] __attribute__((aligned(32)));
	long x = sum(a, b, c, a, b, c, a, b), y;

	use(v, x);
	y = sum(c, b, a, x, v[1], v[2], v[3], v[4]);
	if (y < 0)
		return a;
	use(v, y);
	return v[0] * x + y * a - b * c;
}
