#!/bin/bash
# SPDX-License-Identifier: MIT
# Cases that the suites of other live patchers have, as sources of our own: each
# is compiled in both versions, the old one linked in the ordinary way, and the
# payload must be exactly what the head of the case says.
#
# Usage: peers.sh NAME    runs cases/NAME-*
#
# The head has lines `//: KEY VALUE...` for every compiler, and `//: gcc KEY ...`
# or `//: clang KEY ...` for one of them:
#
#   gcc, clang             (alone) the case is about this compiler
#   flags, new-flags, ld   options: of both versions, of the new one, for linking
#                          (@LIB@ is librepoint)
#   shared                 the binary is a library
#   annotated              both versions are compiled with `repoint cc`
#   with FILE...           more files that both versions are made of
#   objcopy-plain, -old, -new    what is done to an object
#   assembler-old COMPILER       which assembles the old one
#   needs old|new PATTERN  a symbol, without which the case shows nothing
#   replaced, added, data, set   exactly these; words are shell patterns
#   binds                  KIND:NAME or KIND:FILE:NAME: exactly these
#   detour N               all detours are at this offset
#   refused ID [TEXT]      no payload; TEXT is in the reason
#   warned ID              as well as a payload
#   fails ID               no payload; this is an error, or a reason
#   tables NAME...         exactly these tables of Repoint are in the payload
#   nothing                no change
set -u

here=$(cd "$(dirname "$0")" && pwd)
RP_SOURCE=${RP_SOURCE:-$(cd "$here/../.." && pwd)}
# shellcheck source=../tap.sh
. "$RP_SOURCE/tests/tap.sh"
REPOINT=${REPOINT:-${RP_TOOL:?RP_TOOL names the program repoint}}
cd "$here" || exit 99
[ "$(uname -m)" = x86_64 ] || skip_all "no payloads for this architecture"

# head FILE: its directives for $family
head_of()
{
	sed -n "s,^//: ,,p" "$1" | awk -v family="$family" '
		$1 == "gcc" || $1 == "clang" {
			if (NF == 1) { print; next }
			if ($1 != family) next
			sub(/^[a-z]+ /, "")
		}
		{ print }'
}

# value KEY: of all its lines
value()
{
	sed -n "s/^$1\( \|\$\)//p" "$dir/head" | tr '\n' ' ' | sed 's/ *$//'
}

given()
{
	grep -q "^$1\( \|\$\)" "$dir/head"
}

compiler_of()
{
	case $family:$1 in
	gcc:*.cc) echo g++ ;;
	clang:*.cc) echo clang++ ;;
	*) echo "$family" ;;
	esac
}

# compile VERSION SOURCE OUT: VERSION is plain, old or new
compile()
{
	local flags cc pic=-fPIE
	! given shared || pic=-fPIC
	flags="-g -O2 -w $pic $(value flags)"
	cc=$(compiler_of "$2")
	[ "$1" = plain ] || flags="$flags -ffunction-sections -fdata-sections"
	[ "$1" != new ] || flags="$flags -DPATCHED $(value new-flags)"
	flags="$flags -I$RP_SOURCE/include"
	! given annotated || cc="$REPOINT cc -- $cc"
	if [ "$1" != new ] && given assembler-old; then
		# shellcheck disable=SC2086
		$cc $flags -S "$2" -o "$3.s" &&
		"$(value assembler-old)" -c "$3.s" -o "$3"
		return
	fi
	# shellcheck disable=SC2086
	$cc $flags -c "$2" -o "$3" || return
	given "objcopy-$1" || return 0
	# shellcheck disable=SC2046
	objcopy $(value "objcopy-$1") "$3"
}

# compile_all CASE: objects of the three versions, and the binary
compile_all()
{
	local source version pids='' pid bad=0
	for source in "$1" $(value with); do
		for version in plain old new; do
			mkdir -p "$dir/$version"
			compile "$version" "cases/$source" \
				"$dir/$version/${source%.*}.o" 2>&1 &
			pids="$pids $!"
		done
	done
	for pid in $pids; do
		wait "$pid" || bad=1
	done
	[ $bad = 0 ] && link "$1"
}

link()
{
	local how="-pie $tmp/start-$family.o"
	! given shared || how=-shared
	# shellcheck disable=SC2086,SC2046
	$(compiler_of "$1") "$dir"/plain/*.o $how -Wl,--build-id \
		$(value ld | sed "s,@LIB@,${RP_LIB:-},") -o "$dir/binary" 2>&1
}

# same WANT GOT: words of WANT are patterns; each takes one of GOT
same()
{
	local want got rest=" $2 " found
	local -a wanted
	read -ra wanted <<<"$1"
	for want in "${wanted[@]}"; do
		found=
		for got in $rest; do
			# shellcheck disable=SC2254
			case $got in
			$want) found=$got; break ;;
			esac
		done
		[ -n "$found" ] || { echo "no $want in: $2"; return 1; }
		rest=${rest/" $found "/ }
	done
	[ -z "${rest// /}" ] || { echo "too much: $rest"; return 1; }
}

kind()
{
	sed -n "s/.*\"kind\": \"$1\", \"name\": \"\([^\"]*\)\".*/\1/p" \
		"$dir/report" | tr '\n' ' '
}

bindings()
{
	sed -n 's/.*"symbol": "[^"]*", "kind": "\([^"]*\)", "name": "\([^"]*\)", "file": "\([^"]*\)".*/\1:\3:\2/p' \
		"$dir/show" | sed 's/::/:/' | tr '\n' ' '
}

tables()
{
	readelf -SW "$1" | grep -o ' rp_[a-z_]*' | sort -u | tr '\n' ' '
}

# What is bound to the target is where the linker put something of that name.
addresses()
{
	readelf -sW "$dir/binary" |
		awk '$2 ~ /^[0-9a-f]+$/ { sub("@.*", "", $8); print $2, $8 }' |
		sed 's/^0*\([0-9a-f]\)/\1/' >"$dir/symbols"
	sed -n 's/.*"kind": "target", "name": "\([^."][^"]*\)".*"value": \([0-9]*\),.*/\2 \1/p' \
		"$dir/show" |
	while read -r value name; do
		printf '%x %s\n' "$value" "$name"
	done | grep -vxF -f "$dir/symbols"
	return $((! $?))
}

# The payload's own symbol table says the same as its records.
sound()
{
	local undefined functions unwound
	undefined=$(readelf -sW "$1" | awk '$7 == "UND" && $8 { print $8 }' |
		sort)
	[ "$undefined" = "$(sed -n 's/.*{ "symbol": "\([^"]*\)", "kind".*/\1/p' \
		"$dir/show" | sort)" ] || {
		echo "undefined: $undefined"
		return 1
	}
	functions=$(readelf -sW "$1" | grep -c ' FUNC .* [0-9][0-9]* [^ ]*$')
	unwound=$(readelf -wf "$1" 2>&1 | grep -c 'FDE')
	[ "$unwound" -ge "$functions" ] || {
		echo "$functions functions, $unwound of them with .eh_frame"
		return 1
	}
}

made()
{
	local key offset
	[ "$status" = 0 ] || { echo "exit status $status"; return 1; }
	"$REPOINT" patch show --json "$dir/out.rpp" >"$dir/show" || return
	for key in replaced added data set; do
		same "$(value "$key")" "$(kind "$key")" || {
			echo "(that is: $key)"
			return 1
		}
	done
	same "$(value binds)" "$(bindings)" || {
		echo "(that is: bindings)"
		return 1
	}
	if given detour; then
		offset=$(sed -n 's/.*"detour": \([0-9]*\),.*/\1/p' "$dir/show" |
			sort -u)
		[ "$offset" = "$(value detour)" ] || {
			echo "detours at $offset"
			return 1
		}
	fi
	same "$(value tables)" "$(tables "$dir/out.rpp")" || {
		echo "(that is: tables)"
		return 1
	}
	addresses && sound "$dir/out.rpp"
}

# found SEVERITY ID TEXT
found()
{
	grep "\"severity\": \"$1\".*\"id\": \"RP$2\"" "$dir/report" |
		grep -q -e "$3"
}

judge()
{
	local id text
	read -r id text < <(value refused)
	if given nothing; then
		[ "$status" = 3 ]
	elif given fails; then
		[ "$status" != 3 ] && [ ! -e "$dir/out.rpp" ] &&
			grep -q "\[RP$(value fails)\]" "$dir/errors"
	elif given refused; then
		[ "$status" = 2 ] && found error "$id" "$text" &&
			[ ! -e "$dir/out.rpp" ]
	else
		made && { ! given warned || found warning "$(value warned)" ''; }
	fi
}

shows()
{
	status=0
	"$REPOINT" patch diff --json --show-first-changed \
		--binary "$dir/binary" --output "$dir/out.rpp" \
		"$dir/old" "$dir/new" >"$dir/report" 2>"$dir/errors" ||
		status=$?
	judge && return
	cat "$dir/report" "$dir/errors"
	[ ! -e "$dir/show" ] || echo "bindings: $(bindings)"
	return 1
}

lacks()
{
	local version pattern
	while read -r version pattern; do
		[ -z "$version" ] ||
		readelf -sW "$dir/$version"/*.o | awk '{ print $8 }' |
			grep -Eq -e "^$pattern" || {
			echo "this compiler makes no $pattern"
			return 0
		}
	done < <(sed -n 's/^needs //p' "$dir/head")
	return 1
}

run_case()
{
	local source=$1 name=${1%.*} missing tool
	dir=$tmp/$family/$name
	mkdir -p "$dir"
	head_of "cases/$source" >"$dir/head"
	[ -s "$dir/head" ] || return		# a further file of another one
	! given gcc || [ $family = gcc ] || return
	! given clang || [ $family = clang ] || return
	for tool in "$(compiler_of "$source")" $(value assembler-old); do
		command -v "$tool" >/dev/null || {
			skip "$name, $family" "no $tool"
			return
		}
	done
	if ! compile_all "$source" >"$dir/log"; then
		not_ok "$name, $family" "$dir/log"
		return
	fi
	missing=$(lacks) && { skip "$name, $family" "$missing"; return; }
	check "$name, $family" shows
}

for family in gcc clang; do
	command -v $family >/dev/null || continue
	$family -g -O2 -fPIE -c start.c -o "$tmp/start-$family.o" || exit 99
	for source in cases/"${1:?}"-*; do
		run_case "${source##*/}"
	done
done

tap_end
