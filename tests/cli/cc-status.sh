#!/bin/bash
# SPDX-License-Identifier: MIT
# Exit statuses and signals of the compiler come through.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
echo 'int f(void) { return 0; }' >m.c

fake()	# fake NAME BODY: a compiler
{
	printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1"
}
fake gcc 'exit 42'
fake g++ 'kill -KILL $$'
fake clang 'trap "echo got INT >seen; exit 7" INT; echo $$ >pid
for i in $(seq 100); do sleep 0.1; done'
fake clang++ 'trap "echo got TERM >seen; exit 8" TERM; echo $$ >pid
for i in $(seq 100); do sleep 0.1; done'
echo nonsense >unrunnable && chmod -x unrunnable

not_found()
{
	expect_status 127 "$REPOINT" cc no-such-compiler -c m.c 2>err && cat err &&
	grep -q '^no-such-compiler: error: no such compiler.*\[RP0201\]' err &&
	expect_status 127 "$REPOINT" cc no-such-compiler --version 2>err
}

# signalled NAME SIGNAL WHOM STATUS: WHOM is "group", as for Ctrl-C, or "tool"
signalled()
{
	local pid status=0
	rm -f pid seen
	# In a process group of its own, like a job of a shell.
	setsid bash -c 'trap - INT; exec "$@"' - env --default-signal=INT \
		"$REPOINT" cc "./$1" -c m.c &
	pid=$!
	for _ in $(seq 600); do
		[ -s pid ] && break
		sleep 0.1
	done
	sleep 0.2
	if [ "$3" = group ]; then
		kill -s "$2" -- -"$pid"
	else
		kill -s "$2" "$pid"
	fi
	wait "$pid" || status=$?
	echo "status $status, $(cat seen)"
	[ "$status" -eq "$4" ] && grep -qx "got $2" seen
}

check "exit status" expect_status 42 "$REPOINT" cc ./gcc -c m.c
check "exit status, nothing to annotate" expect_status 42 \
	"$REPOINT" cc ./gcc --version
check "killed" expect_status 137 "$REPOINT" cc ./g++ -c m.c
check "not found" not_found
check "not executable" expect_status 126 "$REPOINT" cc ./unrunnable -c m.c
check "Ctrl-C is the compiler's to handle" signalled clang INT group 7
check "SIGTERM is passed on" signalled clang++ TERM tool 8
tap_end
