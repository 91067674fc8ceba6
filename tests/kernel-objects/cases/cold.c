/* SPDX-License-Identifier: MIT */
/* levels: -O2 -O3 -Os */
/* Functions in two parts. */
void use(void *);
int report(const char *, int) __attribute__((cold));
void stop(void) __attribute__((cold));

int parted(int *p, int n)
{
	int v[20];

	if (__builtin_expect(!p, 0)) {
		report("none", n);
		report("really", n);
		return -22;
	}
	use(v);
	for (int i = 0; i < n; i++) {
		if (__builtin_expect(p[i] < 0, 0)) {
			n = report("negative", p[i]);
			use(&n);
		}
		v[i % 20] += p[i];
	}
	return v[n % 20];
}

static int __attribute__((noinline)) inner(int n, int m)
{
	if (n < m) {
		stop();
		report("less", n);
	}
	use(&n);
	return n + m;
}

int outer(int n)
{
	long frame[9];

	use(frame);
	if (inner(n, 5) > 3) {
		report("more", n);
		return inner(n, frame[1]);
	}
	return inner(n + 1, n);
}

int __attribute__((cold)) all_of_it(int n)
{
	report("a", n);
	return n ? report("b", n) : inner(n, n);
}
