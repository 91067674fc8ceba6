#!/bin/bash
# SPDX-License-Identifier: MIT
# Uses of ops tables are recorded, and each record is right at run time.
. "$(dirname "$0")/common.inc"
data=$(dirname "$0")/data

# Calls and jumps through memory: all that there are go through ops tables.
indirect()
{
	objdump -d "$1" | grep -cE '(call|jmp) .*\*0x[0-9a-f]+\(%rip\)'
}

# build CC FLAGS: annotated objects, with readelf content
build()
{
	local cc=$1 s
	shift
	for s in ops_table ops_use ops_walk main; do
		"$cc" "$@" -I"$RP_INC" -c "$data/$s.c" -o "$tmp/$s.o" || return
	done
	annotate -v "$tmp/ops_table.o" "$tmp/ops_use.o" &&
	is_clean "$tmp/ops_use.o"
}

# record_all: as many records as uses, and some, except at -O0, where compilers
# load the member into a register
record_all()
{
	local n
	n=$(indirect "$tmp/ops_use.o")
	annotate --stats "$tmp/ops_use.o" 2>&1 | tee "$tmp/out"
	case $1 in
	*-O0*) [ "$n" -eq 0 ] ;;
	*) [ "$n" -eq 10 ] ;;
	esac &&
	grep -q "^1 file: 0 changed.*; $n ops sites: " "$tmp/out"
}

# link_run SITES CC LINK_FLAGS...
link_run()
{
	local want=$1 cc=$2 lib
	shift 2
	if [ "${1:-}" = -shared ]; then
		lib=$tmp/libops.so
		"$cc" "$@" -o "$lib" "$tmp"/ops_*.o || return
		"$cc" -o "$tmp/prog" "$tmp/main.o" "$lib" || return
	else
		"$cc" "$@" -o "$tmp/prog" "$tmp"/ops_*.o "$tmp/main.o" ||
			return
	fi
	"$tmp/prog" >"$tmp/out" || { cat "$tmp/out"; return 1; }
	cat "$tmp/out"
	grep -q "^$want sites, 0 bad, all(3) = 48" "$tmp/out"
}

modes='-fPIE,-pie -fno-pie,-no-pie -fno-pie,-static -fPIC,-shared'
align=-Wa,-malign-branch-boundary=16,-malign-branch=call+jmp+indirect
lds=bfd
command -v ld.lld >/dev/null && lds="bfd lld"
for cc in $(compilers); do
	name=$(basename "$cc")
	for flags in -O0 -O1 -O2,-g,-fcf-protection \
	    -Os,-ffunction-sections,-fdata-sections \
	    -O2,-ffunction-sections,-fno-asynchronous-unwind-tables; do
		all=10
		[ "$flags" != -O0 ] || all=0
		for mode in $modes; do
			what="$name ${flags//,/ } ${mode#*,}"
			check "$what: annotate" \
				build "$cc" ${flags//,/ } ${mode%,*}
			check "$what: all of them" record_all "$flags"
			for ld in $lds; do
				check "$what $ld" link_run $all "$cc" \
					${mode#*,} -fuse-ld=$ld
				[ "${flags#*-function-sections}" = "$flags" ] ||
				check "$what $ld gc" link_run $all "$cc" \
					${mode#*,} -fuse-ld=$ld -Wl,--gc-sections
			done
		done
	done
done

# The one site in unused() is dropped with it.
cc=${gcc_cc:-$CC}
check "for --gc-sections" build "$cc" -Os -ffunction-sections -fdata-sections
check "without it all records stay" link_run 10 "$cc"
check "ld -z start-stop-gc" \
	link_run 9 "$cc" -Wl,--gc-sections,-z,start-stop-gc
if command -v ld.lld >/dev/null; then
	check "lld" link_run 9 "$cc" -fuse-ld=lld -Wl,--gc-sections
else
	skip "lld" "no lld"
fi

# The assembler is told to keep indirect calls in blocks, too.
aligned()
{
	annotate --json "$tmp/ops_use.o" | tee "$tmp/json"
	grep -q '"length": 6, "crosses_block": false' "$tmp/json" &&
	! grep -q '"crosses_block": true' "$tmp/json"
}
if [ -n "$gcc_cc" ]; then
	check "gcc, aligned in blocks" build "$gcc_cc" -Os "$align"
	check "all lie in blocks" aligned
	check "they link and run" link_run 10 "$gcc_cc"
fi

# CS prefixes, and assembly without a symbol for its section.
cat >"$tmp/ops_asm.s" <<'EOF'
	.section .text.asm, "ax", @progbits
	.byte	0x2e, 0x2e
	call	*rp_ops__data+24(%rip)
	.byte	0x2e
	jmp	*rp_ops__ro+8(%rip)
EOF
by_hand()
{
	"$CC" -c "$tmp/ops_asm.s" -o "$tmp/ops_asm.o" &&
	annotate -v "$tmp/ops_asm.o" | grep '2 ops sites' &&
	is_clean "$tmp/ops_asm.o"
}
check "assembly with prefixes" by_hand
for ld in $lds; do
	check "$ld" link_run 12 "$CC" -fuse-ld=$ld
done
tap_end
