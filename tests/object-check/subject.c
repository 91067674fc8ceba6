// SPDX-License-Identifier: MIT
/* What is broken by tests: sites of every kind, tables of jumps, frames. */
#include <repoint/alternative.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

extern volatile int seen;
int act(int n);
void act_on(void *p);

static int one(int n)
{
	return n + seen;
}

RP_DEFINE_STATIC_CALL(called, one);
RP_DEFINE_STATIC_CALL(other, one);
RP_DEFINE_STATIC_KEY_FALSE(feature);
RP_DEFINE_STATIC_KEY_TRUE(usual);

int calls(int n)
{
	int r = rp_static_call(called)(n) + 1;

	r *= rp_static_call(other)(r);
	return r - rp_static_call(called)(r + n);
}

int tail(int n)
{
	return rp_static_call(other)(n);
}

int branches(int n)
{
	if (rp_static_branch_unlikely(&feature))
		n = act(n);
	if (rp_static_branch_likely(&usual))
		n += act(n + 3);
	while (n-- && rp_static_branch_unlikely(&feature))
		act(n);
	return n;
}

int alternatives(int n)
{
	unsigned long r = n;

	rp_alternative("lock; addl $0, -8(%%rsp)", "mfence",
		       RP_FEATURE_SSE2);
	act(n);
	rp_alternative_io("bsfq %1, %0", "tzcntq %1, %0", RP_FEATURE_BMI1,
			  RP_OUTPUTS("=r" (r)), RP_INPUTS("r" ((long)n)),
			  RP_CLOBBERS("cc"));
	act(r);
	rp_alternative_io("movl $1, %k0", "xorl %k0, %k0", RP_FEATURE_AVX2,
			  RP_OUTPUTS("=r" (r)), RP_INPUTS("r" (n)),
			  RP_CLOBBERS("cc"));
	return r;
}

int chosen(int n, int m)
{
	switch (n) {
	case 0: act(m); return 5;
	case 1: m = act(m + 1); break;
	case 2: return act(9) + m;
	case 3: act(1); act(m); return 7;
	case 4: m -= act(m); break;
	case 5: return m * 3;
	case 6: act(m); act(3); break;
	case 7: return act(m) * act(n);
	}
	return m;
}

int frames(int a, int b, int c)
{
	int v[32];

	act_on(v);
	for (int i = 0; i < a; i++) {
		if (v[i & 31] > b)
			c += act(v[i & 31]);
		else
			b -= act(i) * c;
	}
	act_on(v);
	return a + b * c + v[b & 31];
}
