#!/bin/sh
# SPDX-License-Identifier: MIT
# The one list of what Repoint needs beyond gcc, make and git, and why. Installs
# what a machine lacks with apt-get, and says so; elsewhere says what is needed.
#
# usage: install-deps.sh [--check] PURPOSE    (build, demo, check, bench, fuzz)
#
#   --check  install nothing; say what is missing, exit status 1 if anything is
set -u

# purposes        package          present if           why
list() { cat <<'E2'
all               libc6-dev        header stdio.h       the C library's headers
all               meson            command meson        build system
all               ninja-build      command ninja        runs what Meson plans
build,demo,check  pkg-config       command pkg-config   finds the libraries below
build,demo,check,bench libelf-dev       header libelf.h      reads and writes ELF files
build,demo,check,bench libdw-dev        header elfutils/libdw.h reads debug information
build,demo,check,bench libsodium-dev    header sodium.h      hashes of payloads
build,demo,check,bench libzydis-dev     header Zydis/Zydis.h decodes instructions
build,check       libcmocka-dev    header cmocka.h      harness of the unit tests
check             clang            command clang        second compiler
check             lld              command ld.lld       second linker
check             g++              command g++          the API is tested as C++ too
check             musl-tools       command musl-gcc     second C library
check             gdb              command gdb          plants breakpoints on sites
check             strace           command strace       counts system calls
demo,check,bench  patch            command patch        applies the fixes of `repoint patch build`
check             cmake            command cmake        a build with `repoint cc`
check             autoconf         command autoreconf   builds with `repoint patch build`:
check             automake         command automake     these four, too
check             libtool          command libtoolize   compiles each file twice
check             ccache           command ccache       keeps objects of other builds
check             man-db           command man          checks the manual pages
check             qemu-user        command qemu-x86_64  processors with other features
check,bench       linux-kbuild-6.1 objtool 6.1          the kernel's objtool, to compare with
bench             pkg-config       command pkg-config   finds the libraries above
check,bench       valgrind         command valgrind     counts instructions
bench             g++              command g++          C++ call sites
fuzz              clang            command clang        compiler with libFuzzer
check,fuzz        libclang-rt-dev  clangrt fuzzer       libFuzzer itself
fuzz              pkg-config       command pkg-config   finds the libraries below
fuzz              libelf-dev       header libelf.h      reads and writes ELF files
fuzz              libdw-dev        header elfutils/libdw.h reads debug information
fuzz              libsodium-dev    header sodium.h      hashes of payloads
fuzz              libzydis-dev     header Zydis/Zydis.h decodes instructions
E2
}

say()
{
	echo "install-deps: $*"
}

die()
{
	echo "install-deps.sh: error: $*" >&2
	exit 1
}

usage()
{
	sed -n '/^# usage/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 64
}

# Whether it works, not whether dpkg knows it: a meson from elsewhere is as
# good as the package.
present()
{
	case $1 in
	command) command -v "$2" >/dev/null 2>&1 ;;
	header)  echo "#include <$2>" | ${CC:-cc} -E - >/dev/null 2>&1 ;;
	objtool) [ -x "/usr/lib/linux-kbuild-$2/tools/objtool/objtool" ] ;;
	clangrt) { ls "$(clang -print-runtime-dir)"/*."$2"[-.]*; } >/dev/null 2>&1 ;;
	*)       die "$1 $2: unknown kind of probe" ;;
	esac
}

wanted()
{
	case ",$1," in
	*,all,* | *",$purpose,"*) return 0 ;;
	*) return 1 ;;
	esac
}

# Sets $missing, and a line on each package.
find_missing()
{
	missing=
	while read -r purposes package kind probe why; do
		wanted "$purposes" || continue
		case " $missing " in *" $package "*) continue ;; esac
		present "$kind" "$probe" && continue
		missing="$missing $package"
		say "missing: $package ($why)"
	done <<-E3
	$(list)
	E3
	missing=${missing# }
}

# Both need the same lock as any apt on the machine: wait for it.
apt()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
		>>"$log" 2>&1 </dev/null
}

install_missing()
{
	log=$(mktemp) || die "mktemp failed: is ${TMPDIR:-/tmp} writable?"
	trap 'rm -f "$log"' EXIT

	say "apt-get update"
	apt update || say "apt-get update failed; trying with the old lists"
	say "apt-get install --no-install-recommends $missing"
	# shellcheck disable=SC2086 # a list
	if ! apt install --no-install-recommends $missing; then
		cat "$log" >&2
		die "apt-get could not install: $missing (its output is above)"
	fi
}

check_only=
if [ "${1:-}" = --check ]; then
	check_only=1
	shift
fi
[ $# -eq 1 ] || usage
purpose=$1
case $purpose in
build | demo | check | bench | fuzz) ;;
*) usage ;;
esac

command -v "${CC:-cc}" >/dev/null 2>&1 ||
	die "no C compiler: install gcc, or set CC"

find_missing
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	die "this machine has no apt-get; install by its own means what" \
		"Debian calls: $missing"
fi
if [ -n "$check_only" ] || [ "$(id -u)" -ne 0 ]; then
	die "run: sudo apt-get install --no-install-recommends $missing"
fi

install_missing
find_missing
[ -z "$missing" ] || die "installed, but still not found: $missing"
say "done"
