#!/bin/bash
# SPDX-License-Identifier: MIT
# One object, given to the kernel's objtool and to ours.
#
# usage: compare.sh VERSION OBJECT DIR    RP_TOOL and TABLES name the programs
#
# objtool's arguments are those in OBJECT.args, if there is such a file; DIR is
# for results (oracle.inc). Exit status 0: equal, 1: not, 2: cannot be compared.
set -u
: "${RP_TOOL:?}" "${TABLES:?}"
. "$(dirname "$0")/oracle.inc"

arguments=()
if [ -e "$2.args" ]; then
	read -ra arguments <"$2.args"
	unset 'arguments[-1]'	# the object
fi
compare "$1" "$2" "$3" "${arguments[@]}"
