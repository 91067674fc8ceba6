#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx: a part of a static function, and one immediate.
. "$(dirname "$0")/real.inc"

build=(make -j2 -f objs/Makefile binary)

# Debian's flags are not ours: one -O, and warnings of later compilers are none.
set_up()
{
	./configure --conf-path=nginx.conf --with-cc-opt="$flags" \
		--with-threads --with-file-aio --with-http_ssl_module \
		--with-http_v2_module --with-http_dav_module \
		--with-stream --with-stream_ssl_module &&
	sed -i 's/ -O -W / -W /; s/^\(CFLAGS = .*\) -Werror/\1/' objs/Makefile
}

package nginx
advance CVE-2026-27654
prepare set_up
original "${build[@]}"
keep objs/nginx
payload dav "${build[@]}"
check 'DAV copies: the part of a static function' \
	replaces dav ngx_http_dav_copy_move_handler.part.0

advance CVE-2026-42945
original "${build[@]}"
keep objs/nginx
payload rewrite "${build[@]}"
check 'rewrites: one immediate is the whole fix' \
	replaces rewrite ngx_http_script_regex_end_code

tap_end
