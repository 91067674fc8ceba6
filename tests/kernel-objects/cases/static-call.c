/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -Os */
/* Calls of trampolines: calls, tail calls, conditional ones; own keys. */
struct key { void *func; unsigned long sites; };

int __SCT__first(int);
void __SCT__second(void);
int __SCT__own(int);
extern struct key __SCK__first, __SCK__second;
struct key __SCK__own = { __SCT__own, 1 };
static void *addressed[] __attribute__((used)) = {
	&__SCK__first, &__SCK__second,
};

int called(int n)
{
	return __SCT__first(n) + 1;
}

int tail(int n)
{
	return __SCT__first(n + 1);
}

void maybe(int n)
{
	if (n)
		__SCT__second();
}

int several(int n)
{
	__SCT__second();
	n = __SCT__own(n);
	if (n > 7)
		__SCT__second();
	n += __SCT__first(n);
	return __SCT__own(n);
}

int __attribute__((section(".init.text"))) elsewhere(int n)
{
	return __SCT__own(n) * 2;
}

int __attribute__((cold)) unlikely(int n)
{
	__SCT__second();
	return __SCT__first(n) - 1;
}
