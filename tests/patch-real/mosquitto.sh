#!/bin/bash
# SPDX-License-Identifier: MIT
# mosquitto: one constant.
. "$(dirname "$0")/real.inc"

package mosquitto
advance CVE-2023-0809
original
keep
payload first
check 'the first packet: one function' replaces first packet__read

tap_end
