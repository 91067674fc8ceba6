#!/bin/sh
# SPDX-License-Identifier: MIT
# The object that becomes part of payloads: what it needs, what it must not
# have, and that the root is in another one.
#
# usage: object.sh LIBREPOINT_LIVEPATCH_A
set -u

root=${RP_SOURCE:?}
archive=$(realpath "$1")
. "$root/tests/tap.sh"

# symbols OBJECT TYPES: names of the symbols of these types
symbols()
{
	nm "$1" | sed -nE "s/^[0-9a-f ]* [$2] //p" |
		grep -v '^_GLOBAL_OFFSET_TABLE_$' | sort | tr '\n' ' '
}

is()
{
	echo "found: $1"
	echo "wanted: $2"
	[ "$1" = "$2" ]
}

# Sections with contents that are writable, run at start or thread-local
writable()
{
	readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] //' | awk '
		$1 ~ /^\.(data|bss|tdata|tbss|init_array|ctors|fini)/ &&
		$5 !~ /^0+$/ { print $1 }'
}

mkdir "$tmp/archive"
# A thin archive has the paths of its members.
if [ "$(head -c 7 "$archive")" = '!<thin>' ]; then
	ar tO "$archive" | awk '{ print $1 }' | while read -r member; do
		cp "$(dirname "$archive")/$member" "$tmp/archive"
	done
else
	(cd "$tmp/archive" && ar x "$archive")
fi
shadow=$(find "$tmp/archive" -name '*shadow*.o')
rootpage=$(find "$tmp/archive" -name '*root*.o')
check "two objects" is "$(find "$tmp/archive" -type f | wc -l)" 2
check "needs" is "$(symbols "$shadow" U)" "calloc free rp__livepatch_root "
check "has" is "$(symbols "$shadow" TDBRVW)" \
	"rp_shadow_alloc rp_shadow_free rp_shadow_free_all rp_shadow_get rp_shadow_get_or_alloc "
check "no state" is "$(writable "$shadow")" ""
check "root is weak" is "$(symbols "$rootpage" V)" "rp__livepatch_root "
check "root needs nothing" is "$(symbols "$rootpage" U)" ""
check "unwind tables" sh -c "readelf -SW '$shadow' | grep -q ' \\.eh_frame '"
check "functions have sections" sh -c \
	"readelf -SW '$shadow' | grep -q ' \\.text\\.rp_shadow_get '"
tap_end
