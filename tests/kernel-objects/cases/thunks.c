/* SPDX-License-Identifier: MIT */
/* levels: -O1 -O2 -Os */
/* flags: -mindirect-branch=thunk-extern -mindirect-branch-register -mfunction-return=thunk-extern */
/* objtool: --retpoline --rethunk */
/* check: retpoline */
/* The same through thunks: nothing is wrong. */
struct ops { int (*open)(int), (*close)(int); };
void act(int);

int through_pointer(int (*f)(int), int n)
{
	return f(n) + 1;
}

int through_table(const struct ops *ops, int n)
{
	ops->open(n);
	return ops->close(n + 1) * 2;
}

int jumps(const struct ops *ops, int n)
{
	return ops->open(n);
}

void direct(int n)
{
	act(n);
	act(n + 1);
}
