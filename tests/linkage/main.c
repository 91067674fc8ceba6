/* SPDX-License-Identifier: MIT */
/* The program around behave.c, which may be in a shared library. */
int behave(void);
int exported(void);

int main(void)
{
	return behave() || (exported() & 0xffff) != ('a' | 'b' << 8);
}
