#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached: a static callback.
. "$(dirname "$0")/real.inc"

package memcached
advance CVE-2026-47783
original
keep
payload sasl
check 'passwords: one static function' \
	replaces sasl sasl_server_userdb_checkpass

tap_end
