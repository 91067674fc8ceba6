# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Again and again under load, without growth: memory, mappings, threads, files.
. "$(dirname "$0")/common.inc"

times=${RP_TIMES:-200}
long && times=10000

need program plain twin plain load serve
need payload fix plain twin 1 2
need payload fix3 plain twin 1 3
need start ./plain
p=$pid
for kind in "spin 1" "sleep 2" "futex 1" "epoll 1"; do
	need replies "$p" ok load $kind
done
exec 3>&1

figures()
{
	echo "$(wc -l <"/proc/$p/maps") $(ls "/proc/$p/task" | wc -l)" \
		"$(ls "/proc/$p/fd" | wc -l)" \
		"$(awk '/^(VmSize|VmRSS|VmPTE):/ { printf "%d ", $2 }' "/proc/$p/status")"
}

round()
{
	patch 0 apply -q "$p" fix.rpp && patch 0 replace -q "$p" fix3.rpp &&
	patch 0 revert -q "$p" fix3
}

rounds()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		patch 0 apply -q "$p" fix.rpp && patch 0 revert -q "$p" fix ||
			{ echo "round $i"; return 1; }
		if [ $((i % 10)) = 0 ]; then round && works "$p" 1; fi ||
			{ echo "round $i"; return 1; }
	done
}
check "warming up" rounds 10
mappings "$p" >before
before=$(figures)
check "$times times" rounds "$times"
after=$(figures)
echo "# mappings, threads, files, VmSize, VmRSS, VmPTE: $before; after it: $after"
check "it works" works "$p" 1
check "the same mappings" same_mappings "$p" before

# All but resident memory exactly; that may be that of a page which was read.
no_growth()
{
	echo "before: $before"
	echo "after:  $after"
	local b a
	read -r -a b <<<"$before"
	read -r -a a <<<"$after"
	[ "${b[*]:0:3}" = "${a[*]:0:3}" ] && [ "${a[3]}" -le "${b[3]}" ] &&
		[ "${a[4]}" -le $((b[4] + 400)) ]
}
check "no growth" no_growth
finish
