#!/bin/bash
# SPDX-License-Identifier: MIT
# expat: a shared library built with libtool, a table of strings, renumbered
# static locals.
. "$(dirname "$0")/real.inc"

build=(make -C expat -j2)

set_up()
{
	cd expat && ./buildconf.sh &&
	CFLAGS=$flags ./configure --without-docbook --without-xmlwf \
		--without-tests --without-examples --disable-static
}

package expat
advance CVE-2024-50602
prepare set_up
original "${build[@]}"
keep expat/lib/.libs/libexpat.so.1
payload stop "${build[@]}"
check 'stopping a parser that has not begun: two functions' \
	replaces stop XML_ErrorString XML_StopParser
check 'no function is new' adds stop

tap_end
