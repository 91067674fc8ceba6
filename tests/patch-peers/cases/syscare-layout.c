// SPDX-License-Identifier: MIT
// A member in a hole of a struct of which objects live: its size stays.
//: refused 0705 struct session
#include "../peers.h"

struct session {
	char open;
	NEW(char flags, state;)
	int user;
	OLD(char state, old_state;)
	char end[2];
};

struct session sessions[4];

int work(int n)
{
	sessions[n & 3].state ^= 1;
	return trace[0] + sessions[n & 3].user + sessions[1].open;
}
