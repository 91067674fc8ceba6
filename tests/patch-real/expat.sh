#!/bin/bash
# SPDX-License-Identifier: MIT
# expat: a shared library built with libtool, a table of strings, renumbered
# static locals.
. "$(dirname "$0")/real.inc"

package expat
advance CVE-2024-50602
original
keep
payload stop
check 'stopping a parser that has not begun: two functions' \
	replaces stop XML_ErrorString XML_StopParser
check 'no function is new' adds stop

tap_end
