#!/bin/bash
# SPDX-License-Identifier: MIT
# C++: virtual functions, templates, statics with guards, strings.
. "$(dirname "$0")/common.inc"
needs_cxx

put virtual/case.cc <<'EOT'
#include "case.h"
struct shape {
	virtual ~shape() = default;
	virtual int area(int n) { LONG_ENOUGH; return n; }
	virtual int sides(int n) { LONG_ENOUGH; return n + 1; }
};
struct square : shape {
	int area(int n) override { LONG_ENOUGH; return n * WAS_IS(2, 20); }
	int sides(int n) override { LONG_ENOUGH; return n + 4; }
};
static shape *volatile one = new square;
static shape *volatile two = new shape;
void show(void)
{
	printf("%d %d %d %d\n", one->area(5), one->sides(0), two->area(5), two->sides(0));
}
EOT
replaced=_ZN6square4areaEi
try virtual "a virtual function" <<EOT
before:
10 4 5 1
applied:
100 4 5 1
reverted:
10 4 5 1
EOT

put vtable/case.cc <<'EOT'
#include "case.h"
struct shape {
	virtual ~shape() = default;
#ifdef FIXED
	virtual int more(int n) { LONG_ENOUGH; return n * 3; }
#endif
	virtual int area(int n) { LONG_ENOUGH; return n; }
};
static shape *volatile one = new shape;
void show(void) { printf("%d\n", one->area(5)); }
EOT
refuse vtable "a changed vtable" RP0718 "_ZTV5shape"

# Templates and inline functions in two objects: one copy runs.
put comdat/shared.h <<'EOT'
#include "case.h"
template <typename T> __attribute__((noinline)) T scaled(T t)
{
	LONG_ENOUGH;
	return t * WAS_IS(2, 20);
}
__attribute__((noinline)) inline int counted(int n)
{
	static int calls;
	LONG_ENOUGH;
	return n * WAS_IS(1, 10) + ++calls;
}
EOT
put comdat/one.cc <<'EOT'
#include "shared.h"
int one(int n) { return OPAQUE(scaled(n)) + OPAQUE(counted(n)); }
EOT
put comdat/two.cc <<'EOT'
#include "shared.h"
int two(int n) { return OPAQUE(scaled(n)) + OPAQUE(counted(n)); }
EOT
put comdat/show.cc <<'EOT'
#include "case.h"
int one(int n), two(int n);
void show(void) { int a = one(1); printf("%d %d\n", a, two(1)); }
EOT
replaced="_Z6scaledIiET_S0_ _Z7countedi"
try comdat "comdat functions and their statics" <<EOT
before:
4 5
applied:
33 34
reverted:
8 9
EOT

# Guards: what has been constructed is not constructed again; what was not, is,
# by the payload; a new one is the payload's own.
put guard/case.cc <<'EOT'
#include "case.h"
struct counter {
	int n;
	explicit counter(const char *name) : n(100) { printf("made %s ", name); }
};
ALONE int early(int by)
{
	static counter c("early");
	return c.n += by * WAS_IS(1, 10);
}
ALONE int late(int by)
{
	static counter c("late");
	return c.n += by * WAS_IS(2, 20);
}
ALONE int with_new(int by)
{
	LONG_ENOUGH;
#ifdef FIXED
	static counter c("new");
	by += c.n++;
#endif
	return OPAQUE(by);
}
void show(void)
{
	static int calls;
	int a = early(1), b = calls++ ? late(1) : 0, c = with_new(1);

	printf("%d %d %d\n", a, b, c);
}
EOT
replaced="_Z5earlyi _Z4latei _Z8with_newi"
data="_ZGVZ8with_newiE1c _ZZ8with_newiE1c"
try guard "statics with constructors" <<EOT
before:
made early 101 0 1
applied:
made late made new 111 120 101
reverted:
112 122 1
EOT

put strings/case.cc <<'EOT'
#include "case.h"
#include <map>
#include <string>
#include <vector>
static std::map<std::string, int> counts{ { "seed", 1 } };
ALONE std::string joined(const std::vector<std::string> &v)
{
	std::string s;
	for (const auto &e : v)
		s += e + WAS_IS(",", " and ");
	return s;
}
ALONE int count(const std::string &s)
{
	LONG_ENOUGH;
	return counts[s + WAS_IS("", "!")]++;
}
void show(void)
{
	int a = count("seed");
	printf("%s %d %d\n", joined({ "a", "a string longer than what fits inside" }).c_str(),
	       a, (int)counts.size());
}
EOT
kinds="pie shared"
is_made()
{
	diff_case
	[ $status -eq 0 ] || { cat "$dir/messages" "$dir/report"; return 1; }
	listed "$dir/report" >"$dir/got"
	for name in _Z6joined _Z5count; do
		grep -q "replaced $name" "$dir/got" || { cat "$dir/got"; return 1; }
	done
	! grep show "$dir/got"
}
try strings "std::string and containers" <<EOT
before:
a,a string longer than what fits inside, 1 1
applied:
a and a string longer than what fits inside and  0 2
reverted:
a,a string longer than what fits inside, 2 2
EOT

tap_end
