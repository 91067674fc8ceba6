// SPDX-License-Identifier: MIT
// New external symbols: functions and data of libraries, and of the program.
//: replaced work
//: ld -Wl,--no-as-needed -lm
//: flags -fno-builtin -fPIC
//: binds import:cbrt import:environ import:strlen target:plain_call target:trace
#include "../peers.h"

#include <math.h>
#include <string.h>

extern char **environ;

int work(int n)
{
	NEW(if (environ)
		n += cbrt(n) + strlen(environ[0]) + plain_call(n);)
	return n + trace[0];
}
