#!/bin/sh
# SPDX-License-Identifier: MIT
# registers.c told that there is no red zone, where the compiler uses one: has
# to fail, or patchlets.sh shows nothing.
#
# usage: red-zone.sh COMPILER LIBREPOINT_A OUTPUT
set -eu

root=${RP_SOURCE:?}
"$1" -O2 -DRP_NO_RED_ZONE -I"$root/include" -o "$3" \
	"$root/tests/ops/registers.c" "$2" -pthread || exit 0
"$3"
