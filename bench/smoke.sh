#!/bin/sh
# SPDX-License-Identifier: MIT
# Instruction counts do not depend on the load: what they must be, is tested.
#
# usage: smoke.sh REPOINT-BENCH

. "$(dirname "$0")/../tests/tap.sh"

"$(dirname "$0")/counts.sh" "$1" >"$tmp/counts" 2>"$tmp/err"
case $? in
0) ;;
77) skip_all 'valgrind is not installed' ;;
*) not_ok 'instructions are counted' "$tmp/err"; tap_end ;;
esac

# difference A B WANT: in each turn
difference()
{
	awk -v a="$1" -v b="$2" -v want="$3" '
	$1 == a { x = $2 }
	$1 == b { y = $2 }
	END {
		print a ": " x ", " b ": " y ", wanted difference " want
		exit !(x && y && x - y == want)
	}' "$tmp/counts"
}

for loop in call:16 hash:1 slots:8; do
	guards=${loop#*:}
	loop=${loop%:*}
	check "a disabled static key is one instruction: $loop" \
		difference "guard_${loop}_key_0" "guard_${loop}_none_0" "$guards"
	check "an enabled, likely static key is one instruction: $loop" \
		difference "guard_${loop}_key_on_0" "guard_${loop}_none_0" \
		"$guards"
done
check "an inline static call has a direct call's instructions" \
	difference loop_inline_0 loop_direct_0 0
check "an out of line static call has one more" \
	difference loop_tramp_0 loop_direct_0 1
check "a bound op has a direct call's instructions" \
	difference op_step_bound_0 op_step_direct_0 0
check "a patchlet is one instruction, as by hand" \
	difference op_row_patchlet_0 op_row_hand_0 0
check "an op bound to a NOP is one instruction" \
	difference op_quiet_nothing_0 op_quiet_hand_0 16
if ! grep -q '^word_loop_direct1_0 ' "$tmp/counts"; then
	skip "an alternative has a direct call's instructions" \
		"no SSE4.2 under valgrind here"
else
	check "an alternative has a direct call's instructions" \
		difference word_loop_alternative_0 word_loop_direct1_0 0
	check "an instruction as an alternative saves call and return" \
		difference word_loop_alternative_0 word_loop_inlined_0 2
fi
tap_end
