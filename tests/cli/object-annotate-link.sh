#!/bin/bash
# SPDX-License-Identifier: MIT
# Annotated objects link in every way, and each record is right at run time.
. "$(dirname "$0")/common.inc"
data=$(dirname "$0")/data

# build CC CODE_FLAGS: annotated objects, with readelf content
build()
{
	local cc=$1 s
	shift
	for s in tramp use walk main; do
		"$cc" "$@" -I"$RP_INC" -c "$data/$s.c" -o "$tmp/$s.o" || return
	done
	annotate "$tmp/tramp.o" "$tmp/use.o" && is_clean "$tmp/use.o"
}

# link_run CC OBJECTS LINK_FLAGS...: the program says that there are sites,
# none of them bad
link_run()
{
	local cc=$1 objects=$2 lib
	shift 2
	if [ "$1" = -shared ]; then
		lib=$tmp/libt.so
		"$cc" "$@" -o "$lib" $objects "$tmp/walk.o" || return
		"$cc" -o "$tmp/prog" "$tmp/main.o" "$lib" || return
	else
		"$cc" "$@" -o "$tmp/prog" $objects "$tmp/walk.o" \
			"$tmp/main.o" || return
	fi
	"$tmp/prog" >"$tmp/out" || { cat "$tmp/out"; return 1; }
	cat "$tmp/out"
	grep -Eq '^([6-9]|1[0-9]) sites, 0 bad' "$tmp/out"
}

modes='-fPIE,-pie -fno-pie,-no-pie -fno-pie,-static -fPIE,-static-pie
	-fPIC,-shared'
lds=bfd
command -v ld.lld >/dev/null && lds="bfd lld"
for cc in $(compilers); do
	name=$(basename "$cc")
	for flags in -O0,-g -O2,-fcf-protection \
	    -Os,-ffunction-sections,-fno-asynchronous-unwind-tables \
	    -O2,-fno-plt,-ffunction-sections; do
		for mode in $modes; do
			check "$name ${flags//,/ } ${mode%,*}: annotate" \
				build "$cc" ${flags//,/ } ${mode%,*}
			for ld in $lds; do
				check "$name ${flags//,/ } ${mode#*,} $ld" \
					link_run "$cc" "$tmp/use.o $tmp/tramp.o" \
					${mode#*,} -fuse-ld=$ld
				# Sections to drop are what the flag is about.
				[ "${flags#*-sections}" != "$flags" ] || continue
				check "$name ${flags//,/ } ${mode#*,} $ld gc" \
					link_run "$cc" "$tmp/use.o $tmp/tramp.o" \
					${mode#*,} -fuse-ld=$ld -Wl,--gc-sections
			done
		done
	done
done
tap_end
