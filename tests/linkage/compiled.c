/* SPDX-License-Identifier: MIT */
/*
 * Kinds of functions that compilers align, or not. Of one kind at least two,
 * so that the second one stands behind something.
 */
#include <repoint/linkage.h>

#ifdef ALIGN_COLD
# define COLD	__attribute__((cold)) RP_FUNCTION_ALIGNED
#else
# define COLD	__attribute__((cold))
#endif

void plain1(void);
void plain2(void);
void plain3(void);
void cold1(void);
void cold2(void);
void cold3(void);
void start1(void);
void start2(void);
void hot1(void);
void hot2(void);
int parted(int x);
__attribute__((cold, noreturn)) void elsewhere(int x);

void plain1(void) { }
void plain2(void) { }
void plain3(void) { }
COLD void cold1(void) { }
COLD void cold2(void) { }
COLD void cold3(void) { }
__attribute__((hot)) void hot1(void) { }
__attribute__((hot)) void hot2(void) { }
__attribute__((constructor)) void start1(void) { }
__attribute__((constructor)) void start2(void) { }

/* gcc puts what follows the test into parted.cold. */
int parted(int x)
{
	if (x)
		elsewhere(x);
	return x * 3;
}

int main(void)
{
	return 0;
}
