#!/bin/bash
# SPDX-License-Identifier: MIT
# Proof that two commands do everything on a fresh Debian: makes a minimal one
# with debootstrap (gcc, make, git, nothing else), clones this repository into
# it, and runs `make demo` and `make check` there.
#
# usage: check-fresh.sh [--keep] [--worktree] [--dir DIR] [--suite SUITE]
#                       [TARGET...]
#
#   --keep      leave the tree in place
#   --worktree  the working tree as it is, not the last commit
#   --dir DIR   where the tree goes (default: a new directory in $TMPDIR)
#   --suite S   Debian's name (default: bookworm)
#   TARGET      make targets (default: demo check)
#
# Needs root, debootstrap and about 3 GB. It is a chroot, not a container: the
# kernel is this machine's. It runs in namespaces of its own for processes and
# mounts, so that both are gone when it ends, however it ends.
set -u

src=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm
keep=0 worktree=0 dir=
default_mirror=http://deb.debian.org/debian

die()
{
	echo "check-fresh.sh: error: $*" >&2
	exit 1
}

say()
{
	echo "== check-fresh: $*"
}

usage()
{
	sed -n '/^# usage/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 64
}

# "URL RELEASE COMPONENT" for each part of Debian that this machine's apt uses:
# whatever mirror works here works in the new tree.
apt_sources()
{
	command -v apt-get >/dev/null || return 0
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
	awk -v s="$suite" '$2 == s || index($2, s "-") == 1' | sort -u
}

# Proxies and the like; not the hooks, which are about this machine.
apt_settings()
{
	command -v apt-config >/dev/null || return 0
	apt-config dump |
	grep -E '^Acquire::(https?|ftp)::.*"..*";|^Acquire::(Retries|Check-Valid-Until) "..*";'
}

mirror()
{
	local found
	found=$(apt_sources | awk -v s="$suite" '$2 == s { print $1; exit }')
	echo "${found:-$default_mirror}"
}

make_tree()
{
	local url
	url=$(mirror)
	say "debootstrap $suite from $url"
	debootstrap --variant=minbase \
		--include=gcc,libc6-dev,make,git,ca-certificates \
		"$suite" "$root" "$url" >"$dir/debootstrap.log" 2>&1 || {
		tail -n 20 "$dir/debootstrap.log" >&2
		die "debootstrap failed; all of it: $dir/debootstrap.log"
	}
	apt_sources | sed 's/^/deb /' >"$dir/sources"
	[ ! -s "$dir/sources" ] || cp "$dir/sources" "$root/etc/apt/sources.list"
	apt_settings >"$root/etc/apt/apt.conf.d/90host"
	copy_host_network
	# Packages must not start services in a chroot.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
}

# Names, and certificates of this machine's own (a proxy's, say).
copy_host_network()
{
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
		cp /usr/local/share/ca-certificates/*.crt \
			"$root/usr/local/share/ca-certificates/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1
	fi
}

copy_source()
{
	if [ "$worktree" = 1 ]; then
		mkdir -p "$root/root/repoint" &&
		git -C "$src" ls-files -z -co --exclude-standard |
		tar -C "$src" --null --no-recursion -T - -cf - |
		tar -C "$root/root/repoint" --no-same-owner -xf -
	else
		git clone -q --no-hardlinks "$src" "$root/root/repoint"
	fi || die "could not copy $src"
}

# In the new namespaces. Everything that is mounted goes with them.
inside()
{
	local target start status=0
	if ! { mount -t proc proc "$root/proc" &&
	       mount -t sysfs -o ro sysfs "$root/sys" &&
	       mount --rbind /dev "$root/dev" &&
	       mount -t tmpfs tmpfs "$root/dev/shm" &&
	       mount -t tmpfs tmpfs "$root/run"; }; then
		die "cannot mount in $root"
	fi
	for target in "$@"; do
		say "make $target"
		start=$SECONDS
		chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
			TERM="${TERM:-dumb}" PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			${http_proxy:+http_proxy="$http_proxy"} \
			${https_proxy:+https_proxy="$https_proxy"} \
			${RP_CI:+RP_CI="$RP_CI"} ${JOBS:+JOBS="$JOBS"} \
			make -C /root/repoint "$target" || {
			status=1
			say "make $target: FAILED after $((SECONDS - start)) s"
			continue
		}
		say "make $target: ok, $((SECONDS - start)) s"
	done
	exit "$status"
}

cleanup()
{
	[ "$keep" = 0 ] || {
		say "kept: $root"
		return
	}
	# A mount here would be one that survived: better to leave it all.
	if grep -q " $root/" /proc/self/mountinfo; then
		echo "check-fresh.sh: error: mounts are left in $root" >&2
		return
	fi
	rm -rf --one-file-system "$root" "$dir/debootstrap.log" "$dir/sources"
	[ "$made_dir" = 0 ] || rmdir "$dir"
}

if [ "${1:-}" = --inside ]; then
	root=$2
	shift 2
	inside "$@"
fi

while [ $# -gt 0 ]; do
	case $1 in
	--keep) keep=1 ;;
	--worktree) worktree=1 ;;
	--dir) [ $# -gt 1 ] || usage; dir=$2; shift ;;
	--suite) [ $# -gt 1 ] || usage; suite=$2; shift ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- demo check

[ "$(id -u)" -eq 0 ] || die "needs root (chroot, mount)"
command -v debootstrap >/dev/null ||
	die "no debootstrap; run: apt-get install debootstrap"

made_dir=0
if [ -z "$dir" ]; then
	dir=$(mktemp -d) || die "mktemp failed"
	made_dir=1
fi
mkdir -p "$dir" || die "cannot use $dir"
dir=$(cd "$dir" && pwd)
root=$dir/root
[ ! -e "$root" ] || die "$root exists; remove it, or choose another --dir"
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

make_tree
copy_source
unshare --mount --propagation private --pid --fork --kill-child \
	"$0" --inside "$root" "$@"
