// SPDX-License-Identifier: MIT
/* A constructor of a file that does not know Repoint; it is linked first. */
void early(void);

__attribute__((constructor(101))) static void first(void)
{
	early();
}
