#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached: a static callback.
. "$(dirname "$0")/real.inc"

build=(make -j2 memcached)

set_up()
{
	autoreconf -fi
	CFLAGS=$flags ./configure --enable-sasl --enable-sasl-pwdb \
		--disable-docs
}

package memcached
advance CVE-2026-47783
prepare set_up
original "${build[@]}"
keep memcached
payload sasl "${build[@]}"
check 'passwords: one static function' \
	replaces sasl sasl_server_userdb_checkpass

tap_end
