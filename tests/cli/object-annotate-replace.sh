#!/bin/bash
# SPDX-License-Identifier: MIT
# The file is replaced as a whole: mode, links, no leftovers.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
echo 'int rp_tramp__x(int); int f(int a) { return rp_tramp__x(a); }' >x.c
echo 'int f(int a) { return a; }' >none.c
"$CC" -O2 -c x.c -o plain.o && "$CC" -c none.c -o none.o || exit 99

mode()
{
	cp plain.o m.o && chmod 640 m.o && annotate m.o &&
	[ "$(stat -c %a m.o)" = 640 ] && [ "$(sites m.o)" -eq 1 ]
}

symlink()
{
	mkdir -p d && cp plain.o d/real.o && ln -sf d/real.o link.o &&
	annotate link.o && [ -L link.o ] && [ ! -L d/real.o ] &&
	[ "$(sites d/real.o)" -eq 1 ]
}

hard_link()	# a cache's copy stays what it was
{
	cp plain.o h1.o && ln h1.o h2.o && annotate h1.o &&
	cmp h2.o plain.o && [ "$(sites h1.o)" -eq 1 ]
}

no_sites()
{
	touch -d 2001-01-01 none.o && cp -p none.o none.before &&
	annotate none.o && cmp none.o none.before && ! [ none.o -nt none.before ] &&
	annotate -v none.o | grep -x 'none.o: no static calls: 0 sites'
}

full_disk()	# a limit on the size of files stands in for it
{
	cp plain.o full.o &&
	(ulimit -f 0; trap '' XFSZ; LC_ALL=C annotate full.o
		echo "status $?") 2>&1 |
		cat >err
	cat err
	cmp full.o plain.o && grep -q '^status 1$' err &&
	grep -q 'full.o: error: .*: File too large \[RP0002\]$' err
}

check "mode is kept" mode
check "a symbolic link stays, its target is replaced" symlink
check "another hard link is not changed" hard_link
check "a file without static calls is not touched" no_sites
check "no room for the new file" full_disk
check "no temporary file is left" [ -z "$(find . -name '.repoint*')" ]
tap_end
