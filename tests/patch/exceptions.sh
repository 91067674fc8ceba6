#!/bin/bash
# SPDX-License-Identifier: MIT
# C++ exceptions through payloads, and out of them.
. "$(dirname "$0")/common.inc"
needs_cxx

# Thrown through, caught, and cleaned up in replaced code, inside and outside of
# its cold part; from the payload into the program and the other way round.
put exceptions/case.cc <<'EOT'
#include "case.h"
#include <stdexcept>
#include <string>
struct guard {
	const char *what;
	~guard() { printf("~%s ", what); }
};
struct fault { int n; };
ALONE void thrower(int n)
{
	LONG_ENOUGH;
	if (n == 1)
		throw std::runtime_error("one");
	if (n == 2)
		throw fault{ WAS_IS(2, 22) };
	if (n == 3)
		throw 3L;
}
ALONE void unchanged_middle(int n)
{
	guard g{ "middle" };
	thrower(n);
}
ALONE void changed_middle(int n)
{
	guard g{ WAS_IS("old", "new") };
	thrower(n);
	printf("not thrown ");
}
ALONE int catcher(int n)
{
	guard g{ "catcher" };
	try {
		changed_middle(n);
		unchanged_middle(n);
	} catch (const std::runtime_error &e) {
		printf("%s %s ", WAS_IS("caught", "CAUGHT"), e.what());
		return 1;
	} catch (const fault &f) {
		return f.n;
	}
	return 0;
}
void show(void)
{
	for (int n = 0; n < 4; n++) {
		try {
			printf("%d\n", catcher(n));
		} catch (...) {
			printf("outside\n");
		}
	}
}
EOT
replaced="_Z7catcheri _Z7throweri _Z14changed_middlei"
try exceptions "thrown, caught, cleaned up" <<EOT
before:
not thrown ~old ~middle ~catcher 0
~old caught one ~catcher 1
~old ~catcher 2
~old ~catcher outside
applied:
not thrown ~new ~middle ~catcher 0
~new CAUGHT one ~catcher 1
~new ~catcher 22
~new ~catcher outside
reverted:
not thrown ~old ~middle ~catcher 0
~old caught one ~catcher 1
~old ~catcher 2
~old ~catcher outside
EOT

# A new exception type, of the payload: type information, thrown and caught.
put new-exception/case.cc <<'EOT'
#include "case.h"
#include <exception>
#ifdef FIXED
namespace { struct refused : std::exception {
	const char *what() const noexcept override { return "refused"; }
}; }
#endif
ALONE int work(int n)
{
	LONG_ENOUGH;
#ifdef FIXED
	try {
		if (n > 3)
			throw refused();
	} catch (const std::exception &e) {
		printf("%s ", e.what());
		return -1;
	}
#endif
	return OPAQUE(n);
}
void show(void) { printf("%d\n", work(7)); }
EOT
link="-Wl,--no-as-needed -lstdc++ -lgcc_s" kinds="pie shared"
data=
data_clang=
replaced=_Z4worki added_clang="_ZN12_GLOBAL__N_17refusedD0Ev _ZNK12_GLOBAL__N_17refused4whatEv" added="_ZN12_GLOBAL__N_17refusedD0Ev _ZN12_GLOBAL__N_17refusedD2Ev _ZNK12_GLOBAL__N_17refused4whatEv"
try new-exception "of a new type" <<EOT
before:
7
applied:
refused -1
reverted:
7
EOT

# Code that is not position-independent expects the vtable of a library's class in
# reach, where the linker would have copied it to.
cp -r "$tmp/new-exception" "$tmp/new-exception-fixed"
kinds=nopie link="-Wl,--no-as-needed -lstdc++ -lgcc_s"
refuse new-exception-fixed "of a new type, by direct addresses" RP0721 -fPIC

tap_end
