/* SPDX-License-Identifier: MIT */
/* levels: -O0 -O1 -O2 -Os */
/* Calls that do not return: said by the object, known by name, and by loops. */
void panic(const char *, ...) __attribute__((noreturn));
void act(int);

static void __attribute__((noinline, noreturn)) gives_up(int n)
{
	act(n);
	panic("%d", n);
}

static void __attribute__((noinline, noreturn)) for_ever(void)
{
	for (;;)
		act(1);
}

static void __attribute__((noinline, noreturn)) passes_on(int n)
{
	act(2);
	gives_up(n);
}

static void __attribute__((noinline, noreturn)) trap(void)
{
	__builtin_trap();
}

int checked(int *p)
{
	if (!p)
		panic("no pointer");
	act(*p);
	return *p;
}

int chain(int n)
{
	if (n == 1)
		gives_up(n);
	if (n == 2)
		for_ever();
	if (n == 3)
		passes_on(n);
	if (n == 4)
		trap();
	act(n);
	return n;
}

void __attribute__((noreturn)) ends(int n)
{
	while (n--)
		act(n);
	for_ever();
}
