#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory that runs out, wherever it does: the tool says so, and nothing else.
. "$(dirname "$0")/common.inc"

cat >"$tmp/fail.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* The call number FAIL, counted from 0, gets nothing. */
static int fails(void)
{
	static long left = -2;

	if (left == -2)
		left = getenv("FAIL") ? atol(getenv("FAIL")) : -1;
	if (left < 0 || left--)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	static void *(*next)(size_t);

	if (!next)
		next = dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : next(size);
}

void *realloc(void *p, size_t size)
{
	static void *(*next)(void *, size_t);

	if (!next)
		next = dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : next(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	return size && n > SIZE_MAX / size ? NULL : realloc(p, n * size);
}

void *calloc(size_t n, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (!next)
		next = dlsym(RTLD_NEXT, "calloc");
	return fails() ? NULL : next(n, size);
}
C
"$CC" -shared -fPIC -fno-builtin -o "$tmp/fail.so" "$tmp/fail.c" -ldl || exit 99
cat >"$tmp/f.c" <<'C'
#include <repoint/static_call.h>
int g(int);
RP_DECLARE_STATIC_CALL(hook, g);
int f(int n)
{
	return rp_static_call(hook)(n) + g(n);
}
C
"$CC" -O2 -fno-asynchronous-unwind-tables -I"$RP_INC" -c "$tmp/f.c" \
	-o "$tmp/f.o" || exit 99

# run N COMMAND...: the call number N fails; its output and status are kept
run()
{
	local n=$1
	shift
	cp "$tmp/f.o" "$tmp/run.o"
	status=0
	FAIL=$n LD_PRELOAD=$tmp/fail.so "$REPOINT" object "$@" "$tmp/run.o" \
		>"$tmp/out" 2>&1 || status=$?
}

# each COMMAND...: until no call fails any more, one after the other
each()
{
	local n=0 unharmed=0 failed=0
	run -1 "$@"
	[ $status = 0 ] && cp "$tmp/run.o" "$tmp/whole.o" || return
	! cmp -s "$tmp/f.o" "$tmp/whole.o" || return
	# What can do without, does. At the end nothing is called any more.
	while [ $unharmed -lt 40 ] && [ $n -lt 2000 ]; do
		run $n "$@"
		n=$((n + 1))
		if [ $status = 0 ]; then
			unharmed=$((unharmed + 1))
			cmp "$tmp/run.o" "$tmp/whole.o" || return
			continue
		fi
		unharmed=0
		failed=$((failed + 1))
		[ $status = 1 ] && grep -q 'out of memory \[RP0003\]$' \
			"$tmp/out" && cmp "$tmp/run.o" "$tmp/f.o" || {
			echo "call $n: status $status"
			cat "$tmp/out"
			return 1
		}
	done
	echo "$failed of $n"
	[ $failed -ge 40 ] && [ $n -lt 2000 ]
}

check "annotate" each annotate
check "orc" each orc -j 1
tap_end
