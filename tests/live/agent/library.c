// SPDX-License-Identifier: MIT
/* Thread-local storage that each thread gets when it first uses it. */
static __thread int value = 7;
static __thread char large[10000];

int library_value(int add);
int library_value(int add)
{
	value += add;
	large[add & 1023]++;
	return value;
}
