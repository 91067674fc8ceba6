// SPDX-License-Identifier: MIT
// Hidden functions and variables of a library.
//: shared
//: replaced work
//: binds target:hidden_call target:hidden_state
#include "../peers.h"

HIDDEN int hidden_state = 6;

HIDDEN NOINLINE int hidden_call(int n)
{
	return n + hidden_state++;
}

int work(int n)
{
	return hidden_call(n NEW(+ 1)) + hidden_state;
}
