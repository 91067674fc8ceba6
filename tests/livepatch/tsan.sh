#!/bin/sh
# SPDX-License-Identifier: MIT
# shadow_threads under ThreadSanitizer.
#
# usage: tsan.sh COMPILER
set -u

root=${RP_SOURCE:?}
cc=$1
. "$root/tests/tap.sh"
command -v "$cc" >/dev/null || skip_all "no $cc"

# A ThreadSanitizer of today's Debian does not know the randomised layout of
# newer kernels; without randomisation it works.
plain=
! command -v setarch >/dev/null || plain="setarch $(uname -m) -R"

build()
{
	"$cc" -std=gnu11 -O1 -g -fsanitize=thread -I"$root/include" "$@" \
		-pthread -o "$tmp/program"
}

run()
{
	# shellcheck disable=SC2086 # a command with its arguments, or nothing
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 $plain timeout 600 \
		"$tmp/program"
}

# It would say if it saw something.
cat >"$tmp/race.c" <<'END'
#include <pthread.h>
static int shared;
static void *run(void *arg) { shared++; return arg; }
int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, NULL);
	shared++;
	return pthread_join(thread, NULL);
}
END
build "$tmp/race.c" >/dev/null 2>&1 || skip_all "$cc has no ThreadSanitizer"
run >"$tmp/race" 2>&1
grep -q 'WARNING: ThreadSanitizer: data race' "$tmp/race" ||
	skip_all "ThreadSanitizer does not run here"

check "compiles" build "$root/livepatch/shadow.c" "$root/livepatch/root.c" \
	"$root/tests/livepatch/shadow_threads.c"
check "no race" run
tap_end
