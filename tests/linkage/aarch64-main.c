/* SPDX-License-Identifier: MIT */
/* A program without a C library: calls what is in aarch64.S. */
int short_one(int a);
int with_helper(int a);
int empty(int a);
int second(int a);
int jumped(int a);
void last(void);
extern const char letters[2];
void _start(void);

static int behave(void)
{
	last();
	return short_one(3) != 3 || with_helper(3) != 104 || empty(3) != 4 ||
	       second(3) != 4 || jumped(3) != 5 || letters[1] != 'b';
}

void _start(void)
{
	register long status __asm__("x0") = behave();
	register long exit_call __asm__("x8") = 93;

	__asm__ volatile("svc 0" : : "r" (status), "r" (exit_call));
}
