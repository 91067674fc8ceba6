#!/bin/sh
# SPDX-License-Identifier: MIT
# rp_cpu_has() and the flags of /proc/cpuinfo agree, for names that both have.
#
# usage: cpuinfo.sh LIST
set -u

. "${RP_SOURCE:?}/tests/tap.sh"
list=$1

# Flags that kernels do not show: most have none, some came after Linux 6.12.
# Those of AMD's leaf 0x80000021 are ours to merge.
hidden='always x86-64 x86-64-v2 x86-64-v3 x86-64-v4 avx10.1 avx10.2 avx10
	avx10_512 osxsave sgx shstk rtm_always_abort hybrid_cpu sha512 sm3 sm4
	rao_int cmpccxadd fzrm fsrs fsrc amx_fp16 hreset avx_ifma lam movrs
	avx_vnni_int8 avx_ne_convert amx_complex avx_vnni_int16 prefetchi
	user_msr apx_f ptwrite aeskle kl widekl amx_fp8 amx_transpose amx_tf32
	amx_avx512 amx_movrs uintr pconfig prefetchwt1 avx512_bmm monitor
	waitpkg cldemote tsxldtrk serialize movdiri movdir64b enqcmd ibt
	avx_vnni avx512_fp16 amx_bf16 amx_tile amx_int8 avx512_bf16
	avx512_vp2intersect fsrm ring3mwait intel_pt xsaveerptr rdpru wbnoinvd
	umip'

if ! grep -q '^flags' /proc/cpuinfo; then
	skip_all "no flags in /proc/cpuinfo"
fi
grep -m 1 '^flags' /proc/cpuinfo | cut -d : -f 2 | tr ' ' '\n' |
	grep . | sort >"$tmp/flags"
"$list" >"$tmp/list" || exit 99
awk '$2 { print $1 }' "$tmp/list" | sort >"$tmp/present"
cut -d ' ' -f 1 "$tmp/list" | sort >"$tmp/known"

# Kernels show what they use; we, what programs may.
shown_are_present()
{
	comm -12 "$tmp/flags" "$tmp/known" >"$tmp/shown"
	[ "$(wc -l <"$tmp/shown")" -gt 20 ] || return 1
	comm -23 "$tmp/shown" "$tmp/present" >"$tmp/missing"
	cat "$tmp/missing"
	! [ -s "$tmp/missing" ]
}

present_are_shown()
{
	echo "$hidden" | tr -s ' \t\n' '\n' | sort >"$tmp/hidden"
	comm -23 "$tmp/present" "$tmp/flags" | comm -23 - "$tmp/hidden" \
		>"$tmp/extra"
	cat "$tmp/extra"
	! [ -s "$tmp/extra" ]
}

check "what is shown is present" shown_are_present
check "what is present is shown" present_are_shown
tap_end
