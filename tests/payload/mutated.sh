#!/bin/bash
# SPDX-License-Identifier: MIT
# Payloads changed at random: whatever is accepted can be placed.
#
# usage: mutated.sh CRAFT DRIVER        the driver is built from fuzz/
set -u
. "$RP_SOURCE/tests/tap.sh"

mkdir "$tmp/seeds"
check "payloads to start from" "$1" "$tmp/seeds"
check "the payloads as they are" "$2" "$tmp"/seeds/*.rpp
check "20000 mutations of them" "$2" -n 20000 -s 1 "$tmp"/seeds/*.rpp
tap_end
