#!/bin/bash
# SPDX-License-Identifier: MIT
# Landing pads of C++ against the compilers' assembly, of objects and of what
# they are linked to; in the encodings that compilers use, and in others.
#
# usage: pads.sh ROWS ENTRIES PADS MUTATED
set -u
. "$RP_SOURCE/tests/tap.sh"
pads=$3
src=$RP_SOURCE/tests/object-frames

cat >"$tmp/unit.cc" <<'EOF'
extern "C" void use(void *);
struct Guard { int x; Guard(int y) : x(y) { use(this); } ~Guard() { use(this); } };
template <class T> T twice(T x) { Guard g(1); use(&x); return x + x; }
__attribute__((noinline)) int thrower(int n)
{
	Guard g(n);
	if (n > 5)
		throw n;
	use(&g);
	return n;
}
int catcher(int n)
{
	try {
		Guard g(n);
		return thrower(n) + thrower(n + 1);
	} catch (int i) {
		return i;
	} catch (...) {
		use(&n);
		throw;
	}
}
int silent(int n) noexcept { return thrower(n) + catcher(n); }
__attribute__((cold)) void rare(int n) { Guard g(n); thrower(n); }
int nested(int n)
{
	struct alignas(64) { char c[128]; } wide;
	use(&wide);
	try {
		try { thrower(n); } catch (long) { Guard g(2); rare(n); }
	} catch (int i) {
		Guard g(i);
		if (__builtin_expect(n == 77, 0)) { rare(n); throw; }
		return twice(1) + twice(2.0) + wide.c[n];
	}
	return silent(n);
}
Guard global(1);
int main() { return nested(1); }
EOF

# Of one assembly file: in all forms, before and after linking.
check_form()
{
	form=$1
	shift
	awk -v mode="$form" -f "$src/call-sites.awk" "$tmp/unit.s" >"$tmp/$form.s" &&
	"$1" -c "$tmp/$form.s" -o "$tmp/$form.o" &&
	"$pads" "$tmp/$form.o" <"$tmp/list" &&
	ld -e main --defsym __dso_handle=main --eh-frame-hdr \
		--unresolved-symbols=ignore-all "$tmp/$form.o" -o "$tmp/$form" &&
	"$pads" "$tmp/$form" <"$tmp/list"
}

check_list()
{
	"$@" -S "$tmp/unit.cc" -o "$tmp/unit.s" &&
	awk -v mode=list -f "$src/call-sites.awk" "$tmp/unit.s" >"$tmp/list" &&
	[ "$(wc -l <"$tmp/list")" -ge 5 ]
}

found=0
for cxx in g++ clang++; do
	command -v $cxx >/dev/null || continue
	for flags in '-O0' '-O1 -fPIC' '-O2' '-O2 -ffunction-sections -fPIC' '-O3' \
		'-Os' '-O2 -mcmodel=large'; do
		# shellcheck disable=SC2086
		set -- $cxx -fno-pie -fno-pic $flags
		check "$cxx $flags: the compiler's list" check_list "$@"
		check "$cxx $flags" check_form plain "$@"
	done
	found=1
	# Addresses in numbers of code that is not moved.
	check_list $cxx -O2 -fno-pie -fno-pic
	for form in fixed start absolute; do
		check "$cxx, call sites $form" check_form $form $cxx
	done
done
[ $found = 1 ] || skip_all "no C++ compiler"
tap_end
