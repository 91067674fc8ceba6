#!/bin/bash
# SPDX-License-Identifier: MIT
# libxml2: libtool, and two names for each function. (That the one which is
# replaced never leaves the stack is found when the payload is applied.)
. "$(dirname "$0")/real.inc"

package libxml2
advance CVE-2025-6170
original
keep
payload shell
# Either name is right.
# shellcheck disable=SC2034 # for real.inc
rename='s/__internal_alias$//'
check 'the shell: one function, though it has two names' \
	replaces shell xmlShell

tap_end
