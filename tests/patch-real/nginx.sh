#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx: a part of a static function, and one immediate.
. "$(dirname "$0")/real.inc"

package nginx
advance CVE-2026-27654
original
keep
payload dav
check 'DAV copies: the part of a static function' \
	replaces dav ngx_http_dav_copy_move_handler.part.0

advance CVE-2026-42945
original
keep
payload rewrite
check 'rewrites: one immediate is the whole fix' \
	replaces rewrite ngx_http_script_regex_end_code

tap_end
