#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects of the kernel itself: built from the distribution's source package as
# x86_64_defconfig, kept as the compiler made them, given to the kernel's objtool
# and to ours.
#
# usage: kernel.sh VERSION TABLES      RP_TOOL names the tool
#
# Environment:
#   RP_KERNEL_SOURCE  a directory with unpacked sources, linux-source-VERSION
#   RP_REAL=1         the package may be fetched
set -u
RP_SOURCE=${RP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
export REPOINT=$RP_TOOL
. "$RP_SOURCE/tests/tap.sh"
. "$RP_SOURCE/tests/kernel-objects/oracle.inc"
version=$1
export RP_TOOL TABLES=$2

unavailable()
{
	skip_all "$1"
}

# Why so many: code written for each of these is unlike that of the others.
objects="
	arch/x86/entry/{common,entry_64,entry_64_compat,entry,thunk_64,syscall_64}
	arch/x86/kernel/{alternative,process_64,traps,irq,nmi,unwind_orc,time}
	arch/x86/kernel/{paravirt,static_call,ftrace,ftrace_64,dumpstack,signal}
	arch/x86/kernel/{relocate_kernel_64,irq_64,sev_verify_cbit,head_64}
	arch/x86/kernel/cpu/{common,bugs}
	arch/x86/mm/{fault,tlb,extable}
	arch/x86/lib/{retpoline,copy_user_64,copy_user_uncached_64,memcpy_64}
	arch/x86/lib/{memmove_64,memset_64,clear_page_64,getuser,putuser,hweight}
	arch/x86/lib/{csum-copy_64,copy_mc_64,error-inject,usercopy_64,insn-eval}
	arch/x86/crypto/aesni-intel_asm
	kernel/sched/{core,fair,build_policy,build_utility}
	kernel/{fork,exit,signal,softirq,kthread,panic,jump_label,extable}
	kernel/{static_call,static_call_inline,context_tracking,seccomp}
	kernel/{bpf/core,time/timer,rcu/tree,locking/mutex,trace/trace,entry/common}
	mm/{memory,slub,mmap,page_alloc,gup}
	fs/{namei,exec,read_write,dcache,ext4/inode,proc/base}
	net/{core/dev,core/skbuff,core/filter,ipv4/tcp_input,ipv4/ip_output,socket}
	lib/{vsprintf,string,zstd/decompress/zstd_decompress_block}
"
least=50

# Only what an object of these directories needs, and what kconfig reads.
unpack()
{
	local tree=linux-source-$version
	tar -xf "$1" -C "$tmp" --wildcards \
		"$tree/"{Makefile,Kbuild,Kconfig,arch/Kconfig,arch/x86,certs} \
		"$tree/"{block,crypto,fs,include,init,ipc,kernel,lib,mm,net} \
		"$tree/"{rust,samples,scripts,security,tools,usr,virt} \
		"$tree/*/Kconfig*" "$tree/*/Makefile*" &&
	source=$tmp/$tree
}

fetch()
{
	. "$RP_SOURCE/tests/patch-real/debian.inc"
	local dir=$tmp/apt
	apt_lists && (cd "$cache" &&
		apt-get -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$dir/parts" \
		-o Dir::State::lists="$dir/lists" -o APT::Sandbox::User= \
		update -qq &&
		apt-get -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$dir/parts" \
		-o Dir::State::lists="$dir/lists" -o APT::Sandbox::User= \
		download -qq "linux-source-$version") >"$tmp/apt.log" 2>&1 &&
	dpkg-deb -x "$cache"/linux-source-"$version"_*.deb "$tmp/package"
}

find_source()
{
	local packed=usr/src/linux-source-$version.tar.xz
	source=${RP_KERNEL_SOURCE:-/nowhere}/linux-source-$version
	[ ! -d "$source" ] || return 0
	if [ -e "/$packed" ]; then
		unpack "/$packed"
	elif [ "${RP_REAL:-}" = 1 ]; then
		fetch && unpack "$tmp/package/$packed"
	else
		skip_all "no linux-source-$version here, and RP_REAL=1 is not set"
	fi || unavailable "no source packages here"
}

# In place of objtool: keeps a copy of what it is given, with its arguments.
keeper()
{
	cat >"$tmp/keeper" <<-EOF
	#!/bin/sh
	for object; do :; done
	mkdir -p "$tmp/raw/\${object%/*}"
	cp "\$object" "$tmp/raw/\$object"
	echo "\$*" >"$tmp/raw/\$object.args"
	EOF
	chmod +x "$tmp/keeper"
}

kernel_make()
{
	make -C "$source" O="$tmp/build" -j2 "$@" >>"$tmp/make.log" 2>&1
}

# Without IBT, which delays objtool until vmlinux is linked.
build()
{
	local name targets=()
	kernel_make x86_64_defconfig &&
	"$source/scripts/config" --file "$tmp/build/.config" -d X86_KERNEL_IBT &&
	kernel_make olddefconfig && kernel_make prepare || {
		tail -n 20 "$tmp/make.log" | sed 's/^/# /' >&2
		unavailable "linux $version cannot be built here"
	}
	for name in $(eval echo $objects); do
		[ ! -e "$source/$name.c" ] && [ ! -e "$source/$name.S" ] ||
			targets+=("$name.o")
	done
	keeper
	# some are not made in this version, or without objtool
	kernel_make -k objtool="$tmp/keeper" "${targets[@]}"
	[ -d "$tmp/raw" ] || {
		tail -n 20 "$tmp/make.log" | sed 's/^/# /' >&2
		unavailable "linux $version cannot be built here"
	}
}

same()
{
	local object=$1
	[ ! -d "$tmp/results/$object" ] && return
	head -n 30 "$tmp/results/$object/differences"
	return 1
}

[ "$(uname -m)" = x86_64 ] || skip_all "objtool is for x86-64"
for program in make gcc flex bison bc perl; do
	command -v $program >/dev/null || skip_all "no $program"
done
unset CFLAGS LDFLAGS MAKEFLAGS MAKELEVEL ARCH
find_source
build
find_objtool "$version" || RP_OBJTOOL=$tmp/build/tools/objtool/objtool
export RP_OBJTOOL
"$RP_SOURCE/tests/kernel-objects/tree.sh" "$version" "$tmp/raw" "$tmp/results" \
	>"$tmp/tree.log" 2>&1
while read -r object; do
	check "$object" same "$object"
done <"$tmp/results/objects"
enough()
{
	cat "$tmp/tree.log"
	grep '^?' "$tmp/results/summary"
	[ "$tap_count" -ge "$least" ]
}
check "at least $least objects" enough
tap_end
