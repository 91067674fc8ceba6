#!/bin/bash
# SPDX-License-Identifier: MIT
# Files and directories that others can change are not used, by whatever way one
# gets there; policies are root's.
#
# usage: files.sh DRIVER
set -u
. "$RP_SOURCE/tests/tap.sh"
driver=$(realpath "$1")
cd "$tmp" || exit 99
umask 022
me=$(id -u)

# opens HOW PATH: the driver prints "fix"
opens()
{
	"$driver" "$1" "$2" >out && [ "$(cat out)" = fix ]
}

# refuses ID PATTERN HOW PATH
refuses()
{
	local id=$1 pattern=$2 got=0
	shift 2
	timeout 100 "$driver" "$@" >out 2>err || got=$?
	cat out err
	[ "$got" -eq 1 ] && [ ! -s out ] && grep -q -e "$pattern.*\[$id\]" err
}

# put FILE [MODE]
put()
{
	mkdir -p "$(dirname "$1")" && echo fix >"$1" && chmod "${2:-644}" "$1"
}

put a/b/fix.rpp
check "a file of one's own" opens open a/b/fix.rpp
check "by an absolute path" opens open "$PWD/a/b/fix.rpp"
check "by a crooked path" opens open ".//a/../a/./b/../b/fix.rpp"
check "a file that is not there" refuses RP0001 'b/none: cannot open' \
	open a/b/none
check "nor the directory" refuses RP0001 'a/none: cannot open' open a/none/x
check "a file as a directory" refuses RP0001 'fix.rpp: .*Not a directory' \
	open a/b/fix.rpp/x
check "no name at all" refuses RP0001 'No such file' open ""

for mode in 664 646 666 602; do
	put "f$mode/x" $mode
	check "a file of mode $mode" refuses RP0821 \
		"f$mode/x: has mode 0$mode: others can write it; chmod go-w" \
		open "f$mode/x"
	check "a file of mode $mode, forced" opens force "f$mode/x"
done
for mode in 775 757 777; do
	put "d$mode/in/x"
	chmod $mode "d$mode"
	check "a directory of mode $mode" refuses RP0821 \
		"d$mode: has mode 0$mode: others can replace" open "d$mode/in/x"
	check "a directory of mode $mode, forced" opens force "d$mode/in/x"
	check "through a directory of mode $mode and back" refuses RP0821 \
		"d$mode: has mode" open "d$mode/../a/b/fix.rpp"
done
put sticky/in/x
chmod 1777 sticky
check "in a sticky directory" opens open sticky/in/x
check "from inside of a directory of mode 777" eval \
	'(cd d777/in && refuses RP0821 "d777: has mode" open x)'

ln -s a/b/fix.rpp link
ln -s "$PWD/a/b" a/absolute
ln -s ../../link a/b/up
ln -s d777/in/x into
ln -s loop2 loop1
ln -s loop1 loop2
check "by a link" opens open link
check "by an absolute link to a directory" opens open a/absolute/fix.rpp
check "by a link to a link" opens open a/b/up
check "a link into a directory of mode 777" refuses RP0821 'd777: has mode' \
	open into
check "links in a circle" refuses RP0001 'Too many levels' open loop1
ln -s / root
check "a link to the root directory" opens open "root/$PWD/a/b/fix.rpp"

mkfifo fifo
check "a FIFO" refuses RP0004 'not a regular file' open fifo
check "a FIFO, forced" refuses RP0004 'not a regular file' force fifo
check "a directory" refuses RP0004 'not a regular file' open a
check "a device" refuses RP0004 'not a regular file' force /dev/null
check "a directory, wanted" "$driver" directory a/b
check "a directory, wanted, with slashes" "$driver" directory a/b//
check "the working directory, wanted" "$driver" directory .
check "the root directory, wanted" "$driver" directory /
check "a file where a directory is wanted" refuses RP0004 'not a directory' \
	directory a/b/fix.rpp
check "a directory of mode 777, wanted" refuses RP0821 'd777: has mode' \
	directory d777

long=$(printf '%300s' '' | tr ' ' x)
check "a name that is too long" refuses RP0001 'File name too long' open "$long"
many=$(printf './%.0s' {1..2000})
check "many names" opens open "a/$many/b/fix.rpp"

check "no policy" eval '[ "$("$driver" policy none)" = "0 0" ]'
check "not even its directory" eval '[ "$("$driver" policy no/ne)" = "0 0" ]'
ln -s nowhere dangling
check "a policy that leads nowhere" refuses RP0823 'dangling: the policy can.*not' \
	policy dangling
check "a policy that is a directory" refuses RP0823 'not a regular' policy a
check "a policy below a file" refuses RP0823 'Not a directory' \
	policy a/b/fix.rpp/x

if [ "$me" -ne 0 ]; then
	put own/policy
	check "a policy of a user" refuses RP0823 'belongs to user' \
		policy own/policy
	check "a file for root alone" refuses RP0821 'belongs to user' \
		root a/b/fix.rpp
	skip "files of other users" "another user's files need root"
	tap_end
fi

nobody=65534
put policies/good && echo 'deny /x' >policies/good
put policies/bad && printf '\ndeny x\n' >policies/bad
put policies/group 664
put policies/big && head -c 1048576 /dev/zero >policies/big
put policies/other && chown $nobody policies/other
put d777/policy && echo 'deny /x' >d777/policy
check "a policy" eval '[ "$("$driver" policy policies/good)" = "0 1" ]'
check "a policy with a mistake" refuses RP0823 'policies/bad:2: deny needs' \
	policy policies/bad
check "a policy that others can write" refuses RP0823 'has mode 0664' \
	policy policies/group
check "a policy in a directory of mode 777" refuses RP0823 'd777: has mode' \
	policy d777/policy
check "a policy without end" refuses RP0823 'too many' policy policies/big
check "a policy of another user" refuses RP0823 'belongs to user 65534' \
	policy policies/other

put other/x && chown $nobody other/x
put odir/in/x && chown $nobody odir
put sticky/theirs && chown $nobody sticky/theirs
ln -s a/b/fix.rpp olink && chown -h $nobody olink
ln -s ../a/b/fix.rpp sticky/olink && chown -h $nobody sticky/olink
ln -s other/x toother
check "a file of another user" refuses RP0821 'other/x: belongs to user 65534' \
	open other/x
check "a file of another user, forced" opens force other/x
check "in a directory of another user" refuses RP0821 'odir: belongs to' \
	open odir/in/x
check "another user's file in a sticky directory" refuses RP0821 \
	'theirs: belongs to' open sticky/theirs
check "another user's link" refuses RP0821 'olink: belongs to' open olink
check "another user's link in a sticky directory" refuses RP0821 \
	'sticky/olink: belongs to' open sticky/olink
check "a link to another user's file" refuses RP0821 'other/x: belongs to' \
	open toother

# As another user, of whom root and nobody else is believed.
as_nobody()
{
	setpriv --reuid=$nobody --regid=$nobody --clear-groups "$@"
}

if ! command -v setpriv >/dev/null || ! as_nobody "$driver" directory / \
	>/dev/null 2>&1; then
	skip "as another user" "no setpriv, or the build is out of others' reach"
else
	chmod 755 .
	id=$(id -u daemon 2>/dev/null || echo 1)
	put mine/x && chown -R $nobody mine
	put third/x && chown "$id" third/x
	check "a user's own file" as_nobody "$driver" open mine/x
	check "root's file, for a user" as_nobody "$driver" open a/b/fix.rpp
	check "a third one's file, for a user" eval \
		'! as_nobody "$driver" open third/x'
	check "a user's own file, where root alone is believed" eval \
		'! as_nobody "$driver" root mine/x'
	cp policies/good mine/policy && chown $nobody mine/policy
	check "a user's own policy" eval '! as_nobody "$driver" policy mine/policy'
	chmod 600 policies/good
	check "a policy that cannot be read" eval \
		'! as_nobody "$driver" policy policies/good'
fi

put r/good && put r/evil && chown $nobody r/evil && put r/name
check "names that change while they are looked up" \
	"$driver" race r/good r/evil r/name
ln -s "$PWD/other/x" r/evil-link
check "links that come and go" "$driver" race r/good r/evil-link r/name
tap_end
