/* SPDX-License-Identifier: MIT */
/* Another file of the target, with a function of the same name. */
static int several_here(void) { return 6; }
int (*volatile other_keep)(void) = several_here;
