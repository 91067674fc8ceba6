# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Threads are sent to the waiting place where exceptions are on their way through
# their frames, and never where that would stop them.
. "$(dirname "$0")/common.inc"

times=${RP_TIMES:-4}

# build NAME CXX CODE LINK
build()
{
	local v
	mkdir -p "$1" && for v in 1 2; do
		$2 $3 -O2 -g -ffunction-sections -fdata-sections -DVERSION=$v \
			-c "$live/thrown.cc" -o "$1/thrown-$v.o" || return 1
	done
	$2 $3 $4 -pthread -Wl,--build-id -o "$1/program" "$1/thrown-1.o" &&
	"$REPOINT" patch diff --binary "$1/program" --name fix -o "$1/fix.rpp" \
		"$1/thrown-1.o" "$1/thrown-2.o"
}

# begin NAME KIND: three threads of it
begin()
{
	start "./$1/program" && mappings "$pid" >"$1/maps" &&
		replies "$pid" "1 wrong 0" "$2" 3
}

diverted()
{
	python3 -c 'import json
print(json.load(open("patch.out"))["processes"][0]["diverted"])'
}

sent() # NAME KIND
{
	local i all=0 v
	begin "$1" "$2" || return 1
	for ((i = 0; i < times; i++)); do
		patch 0 apply --json --timeout 30 "$pid" "$1/fix.rpp" || return 1
		all=$((all + $(diverted)))
		replies "$pid" "2 wrong 0" version || return 1
		patch 0 revert --json --timeout 30 "$pid" fix || return 1
		all=$((all + $(diverted)))
		replies "$pid" "1 wrong 0" version || return 1
	done
	untouched "$pid" && same_mappings "$pid" "$1/maps" || return 1
	echo "# $1, $2: $times times, $all sent" >&3
	[ "$all" -gt "$times" ] || { echo "$all were sent"; return 1; }
	end_process "$pid"
}

# Only chance finds them outside, or not.
not_sent() # NAME KIND
{
	local i
	begin "$1" "$2" || return 1
	for ((i = 0; i < 3; i++)); do
		run_tool apply --json --timeout 1 "$pid" "$1/fix.rpp"
		json "p[0]['diverted'] == 0" && untouched "$pid" || return 1
		ask "$pid" version || return 1
		case $reply in
		"2 wrong 0") run_tool revert --timeout 1 "$pid" fix ;;
		"1 wrong 0") json "p[0]['diagnostic'] == 'RP0806'" || return 1 ;;
		*) echo "$reply"; return 1 ;;
		esac
	done
	untouched "$pid" && end_process "$pid"
}

exec 3>&1
kind() # NAME CXX CODE LINK
{
	local name=$1
	if ! command -v "$2" >/dev/null; then
		skip "$name" "no $2"
		return
	fi
	need build "$@"
	check "$name: through" sent "$name" relayed
	check "$name: not below one that catches" not_sent "$name" caught
	check "$name: not below one that cleans up" not_sent "$name" swept
}

kind gxx g++ -fPIC -pie
kind gxx-static g++ "-fno-pie -fno-pic" "-static -no-pie"
kind clangxx clang++ -fPIC -pie
if command -v g++ >/dev/null; then
	need build hidden g++ -fPIC "-pie -static-libgcc -static-libstdc++"
	need strip hidden/program
	check "not with an unwinder that hides" not_sent hidden relayed
fi
finish
