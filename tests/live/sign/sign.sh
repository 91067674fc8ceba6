#!/bin/bash
# SPDX-License-Identifier: MIT
# `repoint patch keygen`, `sign`, `verify`, and what a policy requires.
#
# usage: sign.sh CRAFT DRIVER       CRAFT writes payloads to start from
set -u
. "$RP_SOURCE/tests/tap.sh"
craft=$(realpath "$1")
driver=$(realpath "$2")
cd "$tmp" || exit 99
umask 022

# has FILE PATTERN...
has()
{
	local file=$1 pattern
	shift
	for pattern; do
		grep -qE -- "$pattern" "$file" ||
			{ echo "no $pattern in:"; cat "$file"; return 1; }
	done
}

patch()
{
	"$RP_TOOL" patch "$@" >out 2>err
}

# fails STATUS PATTERN ARGUMENT...
fails()
{
	local status=$1 pattern=$2 got=0
	shift 2
	patch "$@" || got=$?
	[ "$got" -eq "$status" ] || { echo "exit status $got"; return 1; }
	has err "$pattern"
}

mode()
{
	stat -c %a "$1"
}

id_of()
{
	sed -n 's/^# Public key \([0-9a-f]*\) .*/\1/p' "$1.pub"
}

# A payload of its own, so that tests do not depend on each other.
fresh()
{
	rm -rf x && mkdir x && cp seed.rpp x/fix.rpp
}

# signed KEY...: a fresh payload with their signatures
signed()
{
	local key
	fresh
	for key; do
		patch sign --add --key "$key.key" x/fix.rpp || return 1
	done
}

check "payloads to start from" "$craft" "$tmp"
mv sample.rpp seed.rpp

pair()
{
	patch keygen alice && has out "^alice.key, alice.pub: key $(id_of alice)\$" &&
	[ "$(mode alice.key)" = 600 ] && [ "$(mode alice.pub)" = 644 ] &&
	! grep -qF "$(sed -n 's/^repoint-secret-key-1 //p' alice.key)" out
}
check "keygen" pair
unmasked() { (umask 0; patch keygen open) && [ "$(mode open.key)" = 600 ] &&
	[ "$(mode open.pub)" = 644 ]; }
check "keygen, whatever the umask" unmasked
patch keygen bob

# keeps FILE COMMAND...: the file is as before, and no other one is new
keeps()
{
	local file=$1
	shift
	cp "$file" before && touch listed && ls -A >listed
	"$@" && cmp "$file" before && ls -A | diff listed -
}
check "keygen does not overwrite" keeps alice.key \
	fails 1 'alice.key: is there already' keygen alice
half()
{
	touch half.pub
	fails 1 'half.pub: is there already' keygen half && [ ! -e half.key ] &&
	[ ! -s half.pub ]
}
check "keygen makes both or none" half
link() { ln -s target dangling.key; fails 1 'is there already' keygen dangling &&
	[ ! -e target ] && [ ! -e dangling.pub ]; }
check "keygen does not follow links" link
check "keygen where there is no directory" fails 1 'No such file' keygen no/ne
full()
{
	# By way of a pipe: the limit is for messages, too.
	(ulimit -f 0; trap '' XFSZ; "$RP_TOOL" patch keygen full) 2>&1 | cat >err
	[ "${PIPESTATUS[0]}" -eq 1 ] && has err 'File too large' && ! ls full* 2>/dev/null
}
check "keygen leaves nothing after a failure" full

check "sign" signed alice
leaves() { cmp seed.rpp x/fix.rpp && [ "$(mode x/fix.rpp.sig)" = 644 ] &&
	[ "$(ls -A x | wc -l)" -eq 2 ]; }
check "sign leaves the payload alone" leaves
check "verify" patch verify --keys alice.pub x/fix.rpp
check "verify says by whom" \
	has out "^x/fix.rpp: good signature by key $(id_of alice) \(alice.pub\)\$"
check "another key" fails 1 "signed by $(id_of alice), which none.*RP0822" \
	verify --keys bob.pub x/fix.rpp
mkdir keys both && cp alice.pub keys && cp alice.pub bob.pub both
check "a directory of keys" patch verify --keys both x/fix.rpp
check "it must be signed for each" fails 1 'none of the keys of bob.pub' \
	verify --keys keys --keys bob.pub x/fix.rpp
mkdir none
check "a directory without keys" fails 1 'none: there is no public key' \
	verify --keys none x/fix.rpp
mkdir broken && cp alice.pub broken && echo x >broken/b.pub
check "a directory with something else" fails 1 'broken/b.pub:1: ' \
	verify --keys broken x/fix.rpp
mkdir hidden && cp alice.pub hidden/.alice.pub && cp alice.pub hidden/alice.old
check "keys by other names" fails 1 'there is no public key' \
	verify --keys hidden x/fix.rpp
check "keys that are not there" fails 1 'no.pub: cannot open' \
	verify --keys no.pub x/fix.rpp
check "a secret key to verify by" fails 1 'this is a secret key' \
	verify --keys alice.key x/fix.rpp
chmod 777 keys
check "keys that others can exchange" fails 1 'keys: has mode 0777.*RP0821' \
	verify --keys keys x/fix.rpp
chmod 755 keys
chmod 666 keys/alice.pub
check "a key that others can write" fails 1 'alice.pub: has mode 0666.*RP0821' \
	verify --keys keys x/fix.rpp
chmod 644 keys/alice.pub

rm x/fix.rpp.sig
check "no signature" fails 1 'there is no signature.*RP0822' \
	verify --keys alice.pub x/fix.rpp
no_json() { fails 1 RP0822 verify --json --keys alice.pub x/fix.rpp &&
	has out '"verified": false$' '"signatures": \[\]'; }
check "no signature, as JSON" no_json
mkfifo x/fix.rpp.sig
check "a FIFO as signature" timeout 100 bash -c '! "$@"' - \
	"$RP_TOOL" patch verify --keys alice.pub x/fix.rpp

# flip FILE OFFSET: its last bit
flip()
{
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\0$(printf %o $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

flipped_payload()
{
	local at size
	size=$(stat -c %s seed.rpp)
	for at in 0 $((size / 3)) $((size / 2)) $((size - 1)); do
		signed alice && flip x/fix.rpp "$at" &&
		fails 1 'signature in the name of key .* is bad' \
			verify --keys alice.pub x/fix.rpp || return 1
	done
}
check "one bit of the payload" flipped_payload
longer() { signed alice && echo >>x/fix.rpp &&
	fails 1 'is bad' verify --keys alice.pub x/fix.rpp; }
check "a payload with one byte more" longer
replaced() { signed alice && cp empty.rpp x/fix.rpp &&
	fails 1 'is bad' verify --keys alice.pub x/fix.rpp; }
check "another payload" replaced
other_signature()
{
	signed alice && sed -i "s,[A-Za-z0-9+/]\{20\}==\$,AAAAAAAAAAAAAAAAAAAA==," \
		x/fix.rpp.sig && fails 1 'is bad' verify --keys alice.pub x/fix.rpp
}
check "a changed signature" other_signature
cut()
{
	local size
	signed alice || return 1
	for size in 0 10 50 100; do
		signed alice && truncate -s $size x/fix.rpp.sig &&
		fails 1 'fix.rpp.sig:[0-9]+: .*RP0822' \
			verify --keys alice.pub x/fix.rpp || return 1
	done
}
check "a signature cut short" cut
renamed()
{
	signed bob && sed -i "s/$(id_of bob)/$(id_of alice)/" x/fix.rpp.sig &&
	fails 1 "in the name of key $(id_of alice) .* is bad" \
		verify --keys alice.pub x/fix.rpp
}
check "a signature in somebody's name" renamed
large() { signed alice && head -c 70000 /dev/zero | tr '\0' '#' >>x/fix.rpp.sig &&
	fails 1 'too many' verify --keys alice.pub x/fix.rpp; }
check "a signature without end" large

two()
{
	signed alice bob && [ "$(grep -c ^repoint-signature-1 x/fix.rpp.sig)" -eq 2 ] &&
	patch verify --keys alice.pub --keys bob.pub x/fix.rpp &&
	patch verify --json --keys both --keys bob.pub x/fix.rpp &&
	has out '"verified": true$' "\"key\": \"$(id_of alice)\", \"state\": \"good\"" \
		'"state": "unknown"'
}
check "two signatures" two
if command -v python3 >/dev/null; then
	check "the JSON is one" python3 -m json.tool out
else
	skip "the JSON is one" "no python3"
fi
again() { signed alice bob && patch sign --add --key alice.key x/fix.rpp &&
	[ "$(grep -c ^repoint-signature-1 x/fix.rpp.sig)" -eq 2 ]; }
check "signed again by the same key" again
instead() { signed alice && patch sign --key bob.key x/fix.rpp &&
	fails 1 RP0822 verify --keys alice.pub x/fix.rpp &&
	patch verify --keys bob.pub x/fix.rpp; }
check "a new signature instead" instead
one_good() { signed alice bob && sed -i "/$(id_of alice)/s/ ..../ AAAA/2" \
	x/fix.rpp.sig && patch verify --keys both x/fix.rpp &&
	has out "bad signature by key $(id_of alice)" \
		"good signature by key $(id_of bob)"; }
check "one bad signature, one good one" one_good
elsewhere() { signed alice && mv x/fix.rpp.sig s &&
	patch verify --signature s --keys alice.pub x/fix.rpp &&
	patch sign --key alice.key -o t x/fix.rpp && cmp s t &&
	[ ! -e x/fix.rpp.sig ]; }
check "signatures elsewhere" elsewhere

fresh
check "the output is the payload" fails 1 'holds no signatures' \
	sign --key alice.key -o x/fix.rpp x/fix.rpp
check "it is still there" cmp seed.rpp x/fix.rpp
check "what is no payload" fails 1 'alice.pub: error: .*RP0' \
	sign --key alice.key alice.pub
truncate -s 1000 x/fix.rpp
check "a damaged payload" fails 1 'RP0[14]' sign --key alice.key x/fix.rpp
fresh
chmod 664 x/fix.rpp
check "a payload that others can write" fails 1 'has mode 0664.*--force.*RP0821' \
	sign --key alice.key x/fix.rpp
check "no signature of it" [ ! -e x/fix.rpp.sig ]
check "a payload that others can write, forced" \
	patch sign --force --key alice.key x/fix.rpp
for mode in 640 604 660 620; do
	chmod $mode bob.key
	check "a secret key of mode $mode" fails 1 \
		"bob.key: error: has mode 0$mode.*RP0821" \
		sign --key bob.key --force x/fix.rpp
done
chmod 600 bob.key
chmod 600 alice.pub
check "a public key to sign with" fails 1 'this is a public key' \
	sign --key alice.pub --force x/fix.rpp
chmod 644 alice.pub

check "sign without a key" fails 64 'no key given' sign x/fix.rpp
check "sign without a file" fails 64 'no file given' sign --key alice.key
check "sign with two files" fails 64 'more than one file' \
	sign --key alice.key a.rpp b.rpp
check "an unknown option" fails 64 'did you mean --output' \
	sign --key alice.key --outptu a x/fix.rpp
check "verify without a file" fails 64 'no file given' verify
check "keygen without a name" fails 64 'no name given' keygen
check "keygen with an empty name" fails 64 'name is empty' keygen ""
for command in keygen sign verify; do
	check "help $command" eval 'patch $command --help && has out "^Usage:" &&
		[ ! -s err ]'
done

if [ "$(id -u)" -ne 0 ]; then
	skip "what a policy requires" "another user's files need root"
	tap_end
fi

# requires KEYS...: the policy
requires()
{
	printf "require-signature $tmp/%s\n" "$@" >policy
}

# refused PATTERN
refused()
{
	"$driver" apply policy x/fix.rpp >out 2>err && return 1
	has err "$1"
}

requires keys
signed alice
check "signed as the policy requires" "$driver" apply policy x/fix.rpp
signed bob
check "signed by another key" refused \
	'none of the keys of .*/keys is.*\(required by policy:1\).*RP0822'
requires both keys
check "one of two required signatures" refused 'required by policy:2'
signed alice bob
check "two required signatures" "$driver" apply policy x/fix.rpp
fresh
check "no signature where one is required" refused \
	'there is no signature.*required by policy:1'
signed alice
chown 65534 keys/alice.pub
requires keys
check "a required key that is another user's" refused 'belongs to user 65534'
chown 0 keys/alice.pub
requires gone
check "required keys that are not there" refused 'gone: cannot open'

# Root's policy is for all, but a user's own keys are not what it means.
as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
if command -v setpriv >/dev/null && chmod 755 . &&
    as_nobody "$driver" directory / >/dev/null 2>&1; then
	requires keys
	check "root's keys, for a user" as_nobody "$driver" apply policy x/fix.rpp
	chown 65534 keys/alice.pub
	own() { as_nobody "$driver" apply policy x/fix.rpp 2>err && return 1
		has err 'belongs to user 65534 and not to root,.*RP0821'; }
	check "a user's keys, where root's are required" own
	chown 0 keys/alice.pub
else
	skip "as another user" "no setpriv, or the build is out of others' reach"
fi

chown 65534 x/fix.rpp
check "a payload of another user" fails 1 'belongs to user 65534.*RP0821' \
	sign --key alice.key x/fix.rpp
chown 65534 bob.key
check "a secret key of another user" fails 1 'belongs to user 65534.*RP0821' \
	sign --key bob.key --force x/fix.rpp
tap_end
