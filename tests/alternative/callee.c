// SPDX-License-Identifier: MIT
/* Functions that may be called through a PLT: of an object without Repoint. */
#ifdef __cplusplus
# define CALLEE_C	extern "C"
#else
# define CALLEE_C	extern
#endif

CALLEE_C long other_old(long a, long b);
CALLEE_C long other_new(long a, long b);

long other_old(long a, long b)
{
	return a + b;
}

long other_new(long a, long b)
{
	return a - b;
}
