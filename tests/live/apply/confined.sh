# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Processes that are filtered, full, limited, stopped, or in a world of their own.
. "$(dirname "$0")/common.inc"

need program confined confined twin load serve
need payload fix confined twin 1 2

cycle()
{
	patch 0 apply "$p" fix.rpp && works "$p" 2 && applied "$p" fix &&
	patch 0 revert "$p" fix && works "$p" 1 && same_mappings "$p" before
}

begin() # COMMAND
{
	need start ./confined
	p=$pid
	need replies "$p" ok load spin 1
	need replies "$p" ok load sleep 1
	need works "$p" 1
	[ -z "${1:-}" ] || ask "$p" "$1" || return 1
	mappings "$p" >before
}

# Its filter would kill it at the first mmap().
begin filter
if [ "$reply" != ok ]; then
	skip "a system call filter" "no seccomp filter can be installed"
elif [ "$(id -u)" = 0 ]; then
	check "a system call filter, by root" cycle
	check "it is still filtered" grep -q "^Seccomp:[[:space:]]*2" "/proc/$p/task/$p/status"
	end_process "$p"
else
	check "a system call filter" refused 1 "(seccomp|filter).*\[RP0825\]" apply "$p" fix.rpp
fi

as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
filtered_user()
{
	local tool_wrap="${as_user[*]}" wrap="${as_user[*]}" with_us=
	chmod 755 "$tmp" && chmod 644 fix.rpp && begin filter &&
	refused 1 "(seccomp|filter).*\[RP0825\]" apply "$p" fix.rpp && works "$p" 1
}
own_user()
{
	local tool_wrap="${as_user[*]}" wrap="${as_user[*]}" with_us=
	begin && patch 0 apply --force "$p" fix.rpp && works "$p" 2 && patch 0 revert "$p" fix &&
	works "$p" 1 && same_mappings "$p" before
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
   chmod 755 "$tmp" && "${as_user[@]}" test -x "$REPOINT"; then
	check "one's own process, without root" own_user
	end_process "$p"
	check "a system call filter, without root" filtered_user
	end_process "$p"
else
	skip "without root" "another user cannot run this tool"
fi

begin full
no_room()
{
	refused 1 "(no room|room for).*2 GiB.*\[RP0808\]" apply "$p" fix.rpp && works "$p" 1 &&
	applied "$p" && same_mappings "$p" before
}
check "no memory near" no_room
end_process "$p"

begin limit
no_memory()
{
	patch 1 apply "$p" fix.rpp && says "RLIMIT_AS.*\[RP0808\]" && works "$p" 1 &&
	applied "$p" && same_mappings "$p" before
}
check "RLIMIT_AS is exhausted" no_memory
end_process "$p"

# Stopped, and stays so.
begin
stopped()
{
	kill -STOP "$p" && await stands "$p" && patch 0 apply "$p" fix.rpp && await stands "$p" &&
	grep -q "^TracerPid:[[:space:]]*0" "/proc/$p/status" && patch 0 list "$p" &&
	kill -CONT "$p" && works "$p" 2 && kill -STOP "$p" && await stands "$p" &&
	patch 0 revert "$p" fix && await stands "$p" || { state_of "$p"; return 1; }
	kill -CONT "$p" && works "$p" 1 && same_mappings "$p" before
}
check "stopped by SIGSTOP" stopped
end_process "$p"

# A world of its own: other numbers of processes, other paths.
in_root()
{
	local root=$tmp/root lib p
	mkdir -p "$root/proc" "$root/app" && cp confined "$root/app/" || return 1
	for lib in $(ldd ./confined | grep -o '/[^ )]*'); do
		mkdir -p "$root$(dirname "$lib")" && cp -L "$lib" "$root$lib" || return 1
	done
	start unshare -pmf --kill-child --mount-proc="$root/proc" chroot "$root" /app/confined &&
	p=$(pgrep -P "$pid" -x confined) && attach_inner "$p" || return 1
	echo "process $p, $(grep NSpid "/proc/$p/status")"
	goes_on "$p" 1 && mappings "$p" >before && replies "$p" ok load spin 1 && cycle
}
attach_inner()
{
	to[$1]=${to[$pid]} from[$1]=${from[$pid]}
}
if unshare -pmf --kill-child --mount-proc true 2>/dev/null; then
	check "in namespaces and a root of its own" in_root
else
	skip "in namespaces and a root of its own" "no namespaces here"
fi
finish
