# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Processes and payloads that do not go together: each is refused with its reason,
# and the process is as before.
. "$(dirname "$0")/common.inc"

need program plain twin plain load serve
need payload fix plain twin 1 2
need start ./plain
p=$pid
need replies "$p" ok load spin 1
mappings "$p" >before

is_as_before()
{
	works "$p" 1 && same_mappings "$p" before && applied "$p"
}

# A number that no process has: one that is free since a moment comes last again.
free_pid()
{
	sh -c 'echo $$'
}
for verb in apply check replace; do
	check "$verb: no such process" refused 1 "no process.*\[RP0801\]" \
		"$verb" "$(free_pid)" fix.rpp
done
check "revert: no such process" refused 1 "\[RP0801\]" revert "$(free_pid)" fix
check "list: no such process" refused 1 "\[RP0801\]" list "$(free_pid)"

# The child ends once its parent is sleep(1), which waits for no child. A shell does.
mkfifo end
bash -c 'read -r _ <end & echo $! >zombie; exec sleep 300' &
pids+=($!)
need await grep -q -x sleep "/proc/${pids[-1]}/comm"
echo >end
need await state_is "$(cat zombie)" Z
check "a zombie" refused 1 "(zombie|has ended).*\[RP0801\]" apply "$(cat zombie)" fix.rpp
check "list: a zombie" patch 1 list "$(cat zombie)"

if [ -z "$(readlink /proc/2/exe)" ] && grep -q kthreadd /proc/2/comm 2>/dev/null; then
	check "a kernel thread" refused 1 "kernel.*\[RP0801\]" apply 2 fix.rpp
else
	skip "a kernel thread" "no kernel thread is visible"
fi

tid=$(ls "/proc/$p/task" | sort -n | tail -n 1)
check "the number of a thread" refused 1 "$tid.*thread.*$p.*\[RP0801\]" apply "$tid" fix.rpp
check "itself" eval 'patch 1 apply "$$" fix.rpp || patch 2 apply "$$" fix.rpp'

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	as_nobody()
	{
		local tool_wrap="setpriv --reuid 65534 --regid 65534 --clear-groups"
		refused 1 "$1" "${@:2}"
	}
	if ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$REPOINT"; then
		skip "another user's process" "another user cannot run this tool"
	else
		check "another user's process" as_nobody "root.*\[RP0802\]|\[RP0802\]" \
			apply "$p" fix.rpp
		check "list: another user's process" as_nobody "\[RP0802\]" list "$p"
		check "revert: another user's process" as_nobody "\[RP0802\]" revert "$p" fix
	fi
else
	skip "another user's process" "another user cannot be had without root"
fi
check "as before" is_as_before

# Somebody else traces it.
under()
{
	local tracer children status=0
	"$@" </dev/null >tracer.log 2>&1 &
	tracer=$!
	pids+=("$tracer")
	await traced "$p" && refused 2 "$1.*\[RP0803\]" apply "$p" fix.rpp &&
		refused 2 "$1.*\[RP0803\]" revert "$p" fix || status=1
	[ $status = 0 ] && patch 0 list "$p" || status=1
	children=$(cat "/proc/$tracer/task/"*/children)
	# shellcheck disable=SC2086 # none, or several
	kill "$tracer" $children
	wait "$tracer"
	await untraced "$p" && return $status
}
if command -v strace >/dev/null; then
	check "under strace" under strace -f -e trace=none -o /dev/null -p "$p"
else
	skip "under strace" "no strace"
fi
if command -v gdb >/dev/null; then
	check "under gdb" under gdb -q -batch -nx -p "$p" -ex "shell exec sleep 300"
else
	skip "under gdb" "no gdb"
fi
check "as before tracers" is_as_before

# Other builds, other programs.
other_build()
{
	local code="-fPIE -fno-omit-frame-pointer"
	mkdir -p again && program again/plain twin plain load serve &&
		start ./again/plain
}
check "set-up: another build" other_build
check "another build of the program" \
	refused 2 "another build of plain.*build-ids differ.*\[RP0805\]" apply "$pid" fix.rpp
sleep 100 &
pids+=($!)
sleeper=$!
check "another program" refused 2 "has not loaded plain.*\[RP0805\]" apply "$sleeper" fix.rpp
check "it sleeps on" untouched "$sleeper"

truncated()
{
	local size n
	size=$(stat -c %s fix.rpp)
	for n in 0 1 3 16 63 64 100 500 $((size / 2)) $((size - 200)) $((size - 64)) \
		$((size - 1)); do
		head -c "$n" fix.rpp >cut.rpp
		patch 1 apply "$p" cut.rpp && says "cut.rpp.*error: .*\[RP[0-9]+\]" ||
			{ echo "of $n bytes"; return 1; }
	done
}
check "truncated payloads" truncated
damaged()
{
	local i size
	size=$(stat -c %s fix.rpp)
	for i in {1..40}; do
		cp fix.rpp bad.rpp
		printf '\377' | dd of=bad.rpp bs=1 seek=$((i * size / 41)) conv=notrunc 2>/dev/null
		cmp -s fix.rpp bad.rpp && continue
		patch 1 check "$p" bad.rpp && says "\[RP[0-9]+\]" ||
			{ echo "byte $((i * size / 41))"; return 1; }
	done
}
check "damaged payloads" damaged
check "no such payload" refused 1 "none.rpp" apply "$p" none.rpp
check "a directory for a payload" refused 1 "error" apply "$p" .
check "a program for a payload" refused 1 "error" apply "$p" plain
check "an object for a payload" refused 1 "error" apply "$p" plain-twin-2.o
machine()
{
	cp fix.rpp arm.rpp
	printf '\267' | dd of=arm.rpp bs=1 seek=18 conv=notrunc 2>/dev/null
	patch 1 apply "$p" arm.rpp && says "\[RP[0-9]+\]"
}
check "a payload for another architecture" machine
writable()
{
	cp fix.rpp open.rpp && chmod 666 open.rpp &&
	patch 1 check "$p" open.rpp && says "open.rpp" && patch 0 check --force "$p" open.rpp
}
check "a payload that others may write to" writable

cat >bits32.c <<'EOT'
void _start(void)
{
	for (;;) {
		int ret;
		__asm__ volatile("int $0x80" : "=a"(ret) : "0"(29));
	}
}
EOT
# It is that program, and waits; or that cannot be run here.
bits32_is_there()
{
	gone "$1" || { [ "/proc/$1/exe" -ef bits32 ] && state_is "$1" S; }
}
if gcc -m32 -O1 -static -nostdlib -fno-pie -no-pie -o bits32 bits32.c 2>/dev/null &&
   { ./bits32 & } && pids+=($!) && await bits32_is_there "${pids[-1]}" &&
   ! gone "${pids[-1]}"; then
	check "a 32-bit process" refused 1 "is not a 64-bit x86-64 program.*\[RP0804\]" apply "${pids[-1]}" fix.rpp
	check "list: a 32-bit process" patch 1 list "${pids[-1]}"
else
	skip "a 32-bit process" "no 32-bit programs here"
fi
check "as before all of it" is_as_before
check "and it can be patched" eval 'patch 0 apply "$p" fix.rpp && works "$p" 2 &&
	patch 0 revert "$p" fix && is_as_before'
finish
